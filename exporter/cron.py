"""Cron expressions: what crontab(5) means by them, and what a clock change does to a start.

cronsim reads expressions and searches the wall clock; clock changes are dealt with here, as by Debian's cron
(cron(8), "Special considerations", and `find_jobs` in its cron.c).  A schedule is *fixed* where neither its minute
nor its hour begins with `*`, whatever its seconds are:

- Fixed, and the clock skips the start's time: it starts at the first instant after the change.  Starts that fall
  together there are one.  Debian gives up on changes of three hours and more; here they are treated alike.
- Fixed, and its time comes twice: it starts the first time only.
- Not fixed: it starts whenever the wall clock shows one of its times, be that never or twice on such a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from cronsim.cronsim import Field

from exporter import sentences
from exporter.events import Instant
from exporter.sentences import Language
from exporter.settings import Duration

_SECOND = timedelta(seconds=1)
_DAY = 86_400  # seconds
_REFERENCE = datetime(2000, 1, 1)
_MAX_EXPRESSION = 1000
"""Characters; a list of every second, minute and hour has 401."""
_MAX_SKIPPED = 50
"""Clock changes in a row that may swallow a schedule's next time until it counts as one that never comes."""

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
REBOOT = "@reboot"
"""No expression: what it plans depends on the machine (`exporter.triggers.RebootTiming`)."""
_FIELDS = (
    ("second", range(60), ""),
    ("minute", range(60), ""),
    ("hour", range(24), ""),
    ("day of month", range(1, 32), ""),
    ("month", range(1, 13), " or JAN-DEC"),
    ("day of week", range(8), " or SUN-SAT (0 and 7 are Sunday)"),
)


class ScheduleError(ValueError):
    """A schedule that can't be followed; the message says what is wrong and what would be right."""


class CronTiming:
    """A cron expression of five fields, of six with seconds first, or one of the nicknames of crontab(5).

    `L`, `LW` and `#` are understood as cronsim does.  Raises ScheduleError.
    """

    kind: Final = "cron"

    def __init__(self, value: str, where: ZoneInfo) -> None:
        self.value = value
        self.timezone = where.key
        self._zone = where
        self._search = _parse(value)
        _, minute, hour, *days = self._search.parts
        self.fixed: Final = not minute.startswith("*") and not hour.startswith("*")
        self._longest_gap: Duration | None = None
        if days != ["*", "*", "*"] and self._next(int(_REFERENCE.replace(tzinfo=UTC).timestamp())) is None:
            raise ScheduleError(f'"{value}" never comes: no date fits all of its fields')

    def next(self, after: Instant) -> Instant | None:
        try:
            second = _next(self, after // 1000)
        except (OverflowError, ValueError):  # out of the calendar's years, 1 to 9999
            return None
        return None if second is None else Instant(second * 1000)

    def describe(self, language: Language = "en") -> str:
        return sentences.cron(self._search.parts, self.timezone, language)

    def longest_gap(self) -> Duration:
        """Looks at four years of dates, and at this year's clock changes."""
        if self._longest_gap is None:
            changes = _clock_changes(self._zone, datetime.now(self._zone).year)
            # The gaps of a fixed schedule grow only where the clock goes back.
            gaps = [self._gap_around(change) for change in changes if not self.fixed or self._wall(change)[1]]
            self._longest_gap = Duration(max(_longest_on_wall(self._search), *gaps, 0) * 1000)
        return self._longest_gap

    # Below, times are whole seconds since the epoch; a `wall` is a naive datetime, what a clock in the zone shows.

    def _next(self, after: int) -> int | None:
        return self._next_fixed(after) if self.fixed else self._next_wild(after + 1)

    def _next_fixed(self, after: int) -> int | None:
        """The first start after `after`, which never falls into the second pass of a repeated time."""
        wall, second_pass = self._wall(after)
        if second_pass:
            wall, _ = self._wall(_change(self._zone, *self._instants(wall)) - 1)
        found = self._match(wall)
        return None if found is None else self._first_showing(found)

    def _next_wild(self, since: int) -> int | None:
        """The first start at or after `since`."""
        for _ in range(_MAX_SKIPPED):
            wall, second_pass = self._wall(since)
            found = self._match(wall - _SECOND)
            if found is None:
                return None
            early, late = self._instants(wall)
            if early < late and not second_pass:  # now or in the second pass, which `found` knows nothing of
                change = _change(self._zone, early, late)
                start = since + (found - wall) // _SECOND
                if start < change:
                    return start
                since = change
            else:
                early, late = self._instants(found)
                if early <= late:
                    return early if early >= since else late
                since = _change(self._zone, late, early)
        return None

    def _gap_around(self, change: int) -> int:
        """Seconds from the last start before a clock change to the first one after it; 0 where one is lacking."""
        after = self._next(change - 1)
        wall, _ = self._wall(change - 1)
        found = self._match(wall + _SECOND, backwards=True)
        return 0 if found is None or after is None else after - self._first_showing(found)

    def _match(self, wall: datetime, *, backwards: bool = False) -> datetime | None:
        """The nearest time later (or earlier) than `wall` that fits the expression, clock changes aside."""
        search = copy(self._search)
        search.dt = wall
        search.tick_direction = -1 if backwards else 1
        try:
            return next(search)
        except StopIteration:  # nothing within 50 years
            return None

    def _wall(self, instant: int) -> tuple[datetime, bool]:
        """What the wall clock shows at an instant, and whether it shows it for the second time."""
        local = datetime.fromtimestamp(instant, self._zone)
        return local.replace(tzinfo=None, fold=0), bool(local.fold)

    def _first_showing(self, wall: datetime) -> int:
        """When the wall clock first shows a time, or skips it."""
        early, late = self._instants(wall)
        return early if early <= late else _change(self._zone, late, early)

    def _instants(self, wall: datetime) -> tuple[int, int]:
        """When the wall clock shows a time, by the offset before and the offset after a clock change nearby.

        Equal away from changes; the first before the second where the time comes twice, after it where it is skipped.
        """
        local = wall.replace(tzinfo=self._zone)
        return int(local.timestamp()), int(local.replace(fold=1).timestamp())


@lru_cache(maxsize=4096)  # many scripts share a schedule, and come due together
def _next(timing: CronTiming, after: int) -> int | None:
    return timing._next(after)


# --- Reading expressions ---------------------------------------------------------------------------


def _parse(value: str) -> CronSim:
    """Raises ScheduleError."""
    if len(value) > _MAX_EXPRESSION:
        raise ScheduleError(f"longer than {_MAX_EXPRESSION} characters")
    text = _NICKNAMES.get(value.strip(), value)
    fields = text.split()
    if text.lstrip().startswith("@"):
        raise ScheduleError(f'"{value}" is not one of {", ".join((*_NICKNAMES, REBOOT))}')
    if len(fields) not in (5, 6):
        raise ScheduleError(
            f"{len(fields)} fields: write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, "
            f"or one of {', '.join((*_NICKNAMES, REBOOT))}"
        )
    try:
        return CronSim(_for_cronsim(text), _REFERENCE)
    except CronSimError:
        for field, term in _terms(fields):
            _check(field, term)
        raise ScheduleError(f'"{value}" never comes: no date fits all of its fields') from None


def _for_cronsim(text: str) -> str:
    """Put right what cronsim takes otherwise than crontab(5): a range's end SUN, and steps in a range of one."""
    return re.sub(r"\b(\d+)-\1/\d+\b", r"\1", re.sub(r"(?<!SUN)-SUN\b", "-7", text.upper()))


def _terms(fields: list[str]) -> Iterator[tuple[Field, str]]:
    for field, text in zip(list(Field)[-len(fields) :], fields, strict=True):
        for term in text.split(","):
            yield field, term


def _check(field: Field, term: str) -> None:
    """Raises ScheduleError for one part of a field's list."""
    try:
        field.parse(_for_cronsim(term))
    except CronSimError:
        name, allowed, names = _FIELDS[field]
        lowest, highest = allowed[0], allowed[-1]
        base, _, step = term.partition("/")
        bounds = base.split("-")
        outside = [bound for bound in bounds if bound.isdecimal() and int(bound) not in allowed]
        if outside:
            fault = f'"{outside[0]}" is not in {lowest}-{highest}{names}'
        elif step.isdecimal() and int(step) == 0:
            fault = f'"{term}" has a step of 0: write 1 or more'
        elif len(bounds) == 2 and all(_is_value(field, bound) for bound in bounds):
            fault = f'"{term}" runs backwards: write {bounds[0]}-{highest},{lowest}-{bounds[1]} to go round'
        else:
            fault = f'"{term}" is not understood: accepted are {lowest}-{highest}{names}'
            fault += ", lists (1,3), ranges (1-3), steps (*/2) and *"
        raise ScheduleError(f"{name}: {fault}") from None


def _is_value(field: Field, text: str) -> bool:
    try:
        return field.int(text.upper()) >= 0
    except CronSimError:
        return False


# --- Calendar and clock ----------------------------------------------------------------------------


def _offset(where: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, where).utcoffset()


def _change(where: ZoneInfo, before: int, after: int) -> int:
    """The clock change between two instants: the first that has no longer the offset of `before`."""
    offset = _offset(where, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(where, middle) == offset:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=256)
def _clock_changes(where: ZoneInfo, year: int) -> tuple[int, ...]:
    first = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    days = range(first, first + 367 * _DAY, _DAY)
    return tuple(_change(where, a, b) for a, b in pairwise(days) if _offset(where, a) != _offset(where, b))


def _longest_on_wall(search: CronSim) -> int:
    """The longest gap between two times that fit an expression, in seconds."""
    first = last = longest = 0
    for values, unit in ((search.seconds, 1), (search.minutes, 60), (search.hours, 3600)):
        ordered = sorted(values)
        steps = [later - earlier for earlier, later in pairwise(ordered)]
        longest = max([longest, *(step * unit - (last - first) for step in steps)])
        first, last = ordered[0] * unit + first, ordered[-1] * unit + last
    return max(longest, _most_days_apart(*search.parts[3:]) * _DAY - (last - first))


@lru_cache(maxsize=1024)
def _most_days_apart(day: str, month: str, weekday: str) -> int:
    """The longest way between two dates that fit, in days, over four years; of rarer dates that of the next two."""
    search = CronSim(f"0 0 {day} {month} {weekday}", _REFERENCE)
    four_years = map(date.fromordinal, range(_REFERENCE.toordinal(), _REFERENCE.toordinal() + 1461))
    dates = [on.toordinal() for on in four_years if on.month in search.months and search.match_day(on)]
    if len(dates) < 2:
        dates = [next(search).toordinal(), next(search).toordinal()]
    return max(later - earlier for earlier, later in pairwise(dates))
