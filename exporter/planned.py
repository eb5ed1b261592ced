"""The starts that are to come, as far ahead as somebody wants to know them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from exporter.events import Instant, PlannedScript, Script
from exporter.settings import Duration, ScriptSettings
from exporter.triggers import IntervalTiming, Timing, timing


def starts(first: Instant | None, when: Timing) -> Iterator[Instant]:
    """All starts of a script from its next one on; of one with jitter only the first has it."""
    at = first
    while at is not None:
        yield at
        at = when.next(at)


def starts_of(script: Script) -> Iterator[Instant]:
    """The same, by what the API tells of a script; of a disabled one there is a retry at most."""
    schedule, first = script.schedule, script.next_run_at
    if first is None or not script.enabled:
        return iter([] if first is None else [first])
    planned: dict[str, Any] = {}
    if schedule.value is not None:
        read = {"every": Duration.parse, "at": Instant.parse}.get(schedule.kind, str)
        planned[schedule.kind] = read(schedule.value)
    when = timing(ScriptSettings(name=script.name, command="", **planned), schedule.timezone)
    if isinstance(when, IntervalTiming):
        when = when.anchored(first)
    return starts(first, when)


def planned_script(
    name: str, first: Instant | None, retry: bool, when: Timing, until: Instant, limit: int
) -> PlannedScript:
    """At most `limit` starts up to and including `until`; `retry`: the first is one.

    Takes tens of microseconds a start of a cron expression.
    """
    found = list(islice(takewhile(lambda at: at <= until, starts(first, when)), limit + 1))
    return PlannedScript(name=name, starts=found[:limit], retry=retry and bool(found), more=len(found) > limit)
