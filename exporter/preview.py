"""What a schedule means, told before anything runs by it."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct, field, structs

from exporter.cron import ScheduleError
from exporter.events import Instant
from exporter.meaning import SHORTEST_INTERVAL
from exporter.sentences import Language
from exporter.settings import Duration, ScriptSettings
from exporter.triggers import IntervalTiming, Timing, local_time, timing, zone

STARTS = 5
_SCHEDULES = ("cron", "every", "at")
_MINUTE = timedelta(minutes=1)


class PreviewQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `cron`, `every` and `at`, as a script has it in the configuration."""

    cron: str | None = None
    every: Duration | None = None
    at: Instant | None = None
    timezone: str | None = None
    """IANA name or `local`; unset: that of the service."""
    after: Instant | None = field(name="from", default=None)
    """Unset: now."""


class Preview(Struct, frozen=True, kw_only=True):
    description: str
    next: list[str]
    """The first starts after the time asked for, RFC 3339 with the offset that their time zone has then."""


class PreviewError(Exception):
    """The schedule has faults: what is wrong, by key; what is about no key is under the empty one."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


def preview(query: PreviewQuery, default_timezone: str, language: Language = "en") -> Preview:
    """Raises PreviewError.  Takes milliseconds where starts are years apart."""
    after = query.after if query.after is not None else Instant.now()
    when = _timing(query, default_timezone)
    if isinstance(when, IntervalTiming):
        when = when.anchored(after)
    starts: list[str] = []
    start = when.next(after)
    while start is not None and len(starts) < STARTS:
        starts.append(_rfc3339(start, when.timezone))
        start = when.next(start)
    return Preview(description=when.describe(language), next=starts)


def _timing(query: PreviewQuery, default_timezone: str) -> Timing:
    faults = {}
    try:
        zone(default_timezone if query.timezone is None else query.timezone)
    except ScheduleError as error:
        faults["timezone"] = str(error)
    given = [key for key in _SCHEDULES if getattr(query, key) is not None]
    if not given:
        faults[""] = "expected one of cron, every and at"
    for key in given[1:]:
        faults[key] = f"expected one of cron, every and at; here is {given[0]} too"
    if query.every is not None and query.every < SHORTEST_INTERVAL:
        faults["every"] = f"expected {SHORTEST_INTERVAL} or longer, not {query.every}"
    if not faults:
        schedule = structs.asdict(query)
        del schedule["after"]
        try:
            return timing(ScriptSettings(name="preview", command="", **schedule), default_timezone)
        except ScheduleError as error:
            faults[given[0]] = str(error)
    raise PreviewError(faults)


def _rfc3339(at: Instant, timezone: str) -> str:
    """Local time, to the millisecond where it has any; in UTC where the offset is none of RFC 3339, as before 1900."""
    moment = local_time(at, timezone)
    if (moment.utcoffset() or timedelta()) % _MINUTE:
        moment = local_time(at, "UTC")
    return moment.isoformat(timespec="milliseconds" if at % 1000 else "seconds")
