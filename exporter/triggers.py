"""When scripts start: cron, interval, one-shot and manual timings, and the trigger that gives them to APScheduler."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Literal, Protocol
from zoneinfo import ZoneInfo

import tzlocal
from apscheduler.triggers.base import BaseTrigger
from msgspec import Struct, structs

from exporter import sentences
from exporter.cron import REBOOT, CronTiming, ScheduleError
from exporter.events import Instant
from exporter.sentences import Language
from exporter.settings import Duration, ScriptSettings

FIRST_START_WITHIN = Duration(30_000)
"""A new script with an interval waits no longer than this for its first start."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_INSTANT = 253_402_300_799_999  # the end of the year 9999, and of Python's calendar

Kind = Literal["cron", "every", "at", "manual"]


class Timing(Protocol):
    """When one script starts.  Immutable."""

    @property
    def kind(self) -> Kind: ...

    @property
    def value(self) -> str | None:
        """The schedule in its configuration form; None for a script started by hand only."""

    @property
    def timezone(self) -> str:
        """IANA name."""

    def next(self, after: Instant) -> Instant | None:
        """The first planned start strictly after `after`; None where there is none."""

    def describe(self, language: Language = "en") -> str:
        """One sentence, without a full stop."""

    def longest_gap(self) -> Duration | None:
        """The longest time between two planned starts; None where there are no two."""


_cron = lru_cache(maxsize=4096)(CronTiming)  # ten thousand scripts have a few hundred schedules


class _Unplanned(Struct, frozen=True):
    timezone: str

    def next(self, after: Instant) -> Instant | None:
        return None

    def longest_gap(self) -> Duration | None:
        return None


class RebootTiming(_Unplanned, frozen=True):
    """`@reboot`: one start when the machine has started, which no timetable can know."""

    kind: ClassVar[Literal["cron"]] = "cron"
    value: ClassVar[str] = REBOOT

    def describe(self, language: Language = "en") -> str:
        return sentences.REBOOT[language]


class ManualTiming(_Unplanned, frozen=True):
    kind: ClassVar[Literal["manual"]] = "manual"
    value: ClassVar[None] = None

    def describe(self, language: Language = "en") -> str:
        return sentences.BY_HAND[language]


class IntervalTiming(Struct, frozen=True):
    """Real time, counted from `anchor`, the last planned start."""

    kind: ClassVar[Literal["every"]] = "every"
    every: Duration
    timezone: str
    anchor: Instant = Instant(0)

    def anchored(self, anchor: Instant) -> IntervalTiming:
        return structs.replace(self, anchor=anchor)

    @property
    def value(self) -> str:
        return str(self.every)

    def next(self, after: Instant) -> Instant | None:
        start = self.anchor + max(1, (after - self.anchor) // self.every + 1) * self.every
        return Instant(start) if start <= _LAST_INSTANT else None

    def describe(self, language: Language = "en") -> str:
        return sentences.every(self.every, language)

    def longest_gap(self) -> Duration | None:
        return self.every


class OnceTiming(Struct, frozen=True):
    kind: ClassVar[Literal["at"]] = "at"
    at: Instant
    timezone: str

    @property
    def value(self) -> str:
        return local_time(self.at, self.timezone).isoformat()

    def next(self, after: Instant) -> Instant | None:
        return self.at if self.at > after else None

    def describe(self, language: Language = "en") -> str:
        return sentences.once(local_time(self.at, self.timezone).isoformat(" "), language)

    def longest_gap(self) -> Duration | None:
        return None


def timing(script: ScriptSettings, default_timezone: str) -> Timing:
    """When a script starts.  `default_timezone` is the service's.  Raises ScheduleError."""
    where = zone(script.timezone or default_timezone)
    if script.cron is not None:
        return RebootTiming(where.key) if script.cron.strip() == REBOOT else _cron(script.cron, where)
    if script.every is not None:
        if script.every <= 0:
            raise ScheduleError("every must be longer than 0s")
        return IntervalTiming(script.every, where.key)
    if script.at is not None:
        return OnceTiming(script.at, where.key)
    return ManualTiming(where.key)


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name, or the machine's for `local`.  Raises ScheduleError."""
    try:
        return tzlocal.get_localzone() if name == "local" else ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        if name == "local":
            raise ScheduleError("the machine's time zone has no name: write one, such as Europe/Berlin") from None
        raise ScheduleError(
            f'"{name}" is not a known time zone: write an IANA name such as Europe/Berlin, or local'
        ) from None


def local_time(at: Instant, timezone: str) -> datetime:
    """What a wall clock shows there; UTC where that is beyond the calendar's first or last day."""
    moment = _moment(at)
    try:
        return moment.astimezone(zone(timezone))
    except OverflowError:
        return moment


def first_start(name: str, every: Duration, now: Instant) -> Instant:
    """When a script that never ran starts first: soon, but not all new scripts at once, and the same on every try."""
    digest = hashlib.sha256(name.encode()).digest()
    return Instant(now + 1 + int.from_bytes(digest[:8], "big") % min(every, FIRST_START_WITHIN))


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A timing as APScheduler asks for it."""

    __slots__ = ("_timing",)

    def __init__(self, when: Timing) -> None:
        self._timing = when

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first start after both times.

        Slots between the two came due together; passing over them here spares APScheduler, which would coalesce
        them anyway, from listing every second of a night that the machine slept through.
        """
        after = now if previous_fire_time is None else max(previous_fire_time, now)
        start = self._timing.next(Instant((after - _EPOCH) // _MILLISECOND))
        return None if start is None else _moment(start)


def _moment(at: Instant) -> datetime:
    return _EPOCH + at * _MILLISECOND
