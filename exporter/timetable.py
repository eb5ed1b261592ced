"""When slots come due: APScheduler with one job a script, and one-off jobs for delayed starts.

A *slot* is one planned start of one script.  The timetable says only that a slot has come; whether a run is
started then is for `exporter.scheduler` to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from exporter.events import Instant
from exporter.triggers import SlotTrigger, Timing


class _LoopExecutor(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """Calls a job's function in the next step of the event loop, when APScheduler has put its books in order."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        asyncio.get_running_loop().call_soon(self._call, job)

    def _call(self, job: Any) -> None:
        self._run_job_success(job.id, [])
        job.func(*job.args)


class Timetable:
    """Belongs to the event loop's thread."""

    def __init__(self) -> None:
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1_000_000}
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": _LoopExecutor()}, job_defaults=defaults)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Nothing comes due any more."""
        self._scheduler.shutdown(wait=False)

    def wakeup(self) -> None:
        """Look again what is due: the clock was set, or the machine was asleep."""
        self._scheduler.wakeup()

    def plan(self, name: str, timing: Timing, after: Instant, due: Callable[[str], None]) -> None:
        """Call `due(name)` whenever a slot of `timing` later than `after` comes; replaces the script's plan."""
        first = timing.next(after)
        if first is None:
            self._remove(name)
            return
        self._scheduler.add_job(
            due, SlotTrigger(timing), args=(name,), id=name, next_run_time=_moment(first), replace_existing=True
        )

    def once(self, key: str, at: Instant, call: Callable[[], None]) -> None:
        """Call `call()` at a time; replaces what was planned under the same key."""
        self._scheduler.add_job(
            call, DateTrigger(_moment(at)), id=f"once {key}", next_run_time=_moment(at), replace_existing=True
        )

    def cancel_once(self, key: str) -> None:
        self._remove(f"once {key}")

    def cancel(self, name: str) -> None:
        """End the script's plan."""
        self._remove(name)

    def next_slot(self, name: str) -> Instant | None:
        """The next time at which `due` will be called for a script."""
        return self._next(name)

    def next_once(self, key: str) -> Instant | None:
        return self._next(f"once {key}")

    def _next(self, job_id: str) -> Instant | None:
        job = self._scheduler.get_job(job_id)
        return None if job is None else Instant(round(job.next_run_time.timestamp() * 1000))

    def _remove(self, job_id: str) -> None:
        try:
            self._scheduler.remove_job(job_id)
        except JobLookupError:
            return  # nothing was planned


def _moment(at: Instant) -> datetime:
    return datetime.fromtimestamp(at.seconds(), UTC)
