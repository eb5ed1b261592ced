from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import tzlocal
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.cron import ScheduleError
from exporter.events import Instant
from exporter.settings import Duration, ScriptSettings
from exporter.triggers import (
    IntervalTiming,
    RebootTiming,
    SlotTrigger,
    Timing,
    first_start,
    timing,
    zone,
)
from tests.effort import TIMES

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
END_OF_CALENDAR = Instant.parse("9999-12-31T23:59:59Z")


def cron(expression: str, timezone: str = "UTC") -> Timing:
    return timing(ScriptSettings(name="job", command="true", cron=expression), timezone)


def every(duration: str) -> IntervalTiming:
    when = timing(ScriptSettings(name="job", command="true", every=Duration.parse(duration)), "UTC")
    assert isinstance(when, IntervalTiming)
    return when


def at(instant: str, timezone: str = "UTC") -> Timing:
    return timing(ScriptSettings(name="job", command="true", at=Instant.parse(instant)), timezone)


def by_hand() -> Timing:
    return timing(ScriptSettings(name="job", command="true"), "UTC")


def starts(when: Timing, after: str, count: int) -> list[str]:
    """The next starts, as the zone's clock shows them."""
    found, last = [], Instant.parse(after)
    for _ in range(count):
        start = when.next(last)
        if start is None:
            break
        found.append(datetime.fromtimestamp(start / 1000, ZoneInfo(when.timezone)).isoformat())
        last = start
    return found


def days(expression: str, after: str, count: int) -> list[str]:
    return [start[:10] for start in starts(cron(expression), after, count)]


# --- Fields ----------------------------------------------------------------------------------------


def test_a_start_comes_strictly_after_the_time_asked_for() -> None:
    noon = cron("0 12 * * *")
    assert starts(noon, "2026-06-01T11:59:59.999Z", 1) == ["2026-06-01T12:00:00+00:00"]
    assert starts(noon, "2026-06-01T12:00:00Z", 1) == ["2026-06-02T12:00:00+00:00"]
    assert starts(noon, "2026-06-01T12:00:00.001Z", 1) == ["2026-06-02T12:00:00+00:00"]


def test_a_sixth_field_in_front_is_seconds() -> None:
    assert starts(cron("*/20 30 2 * * *"), "2026-06-01T00:00:00Z", 4) == [
        "2026-06-01T02:30:00+00:00",
        "2026-06-01T02:30:20+00:00",
        "2026-06-01T02:30:40+00:00",
        "2026-06-02T02:30:00+00:00",
    ]


def test_any_white_space_may_stand_between_and_around_fields() -> None:
    assert starts(cron(" \t15  3\t\t* * *  "), "2026-06-01T00:00:00Z", 1) == ["2026-06-01T03:15:00+00:00"]


def test_where_both_day_fields_are_restricted_either_matches() -> None:
    assert days("0 0 13 * 5", "2026-02-01T00:00:00Z", 5) == [
        "2026-02-06", "2026-02-13", "2026-02-20", "2026-02-27", "2026-03-06",
    ]  # fmt: skip
    assert days("0 0 1,15 * SUN", "2026-06-01T00:00:00Z", 3) == ["2026-06-07", "2026-06-14", "2026-06-15"]


@pytest.mark.parametrize("expression", ["0 0 */2 * 5", "0 0 */2,31 * 5"])
def test_where_a_day_field_begins_with_a_star_both_must_match(expression: str) -> None:
    assert days(expression, "2026-01-31T00:00:00Z", 3) == ["2026-02-13", "2026-02-27", "2026-03-13"]


def test_a_day_of_week_that_begins_with_a_star_must_match_too() -> None:
    assert days("0 0 13 * */5", "2026-01-01T00:00:00Z", 2) == ["2026-02-13", "2026-03-13"]


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "sun", "Sun", "*/7", "7,7"])
def test_sunday_is_0_and_7(sunday: str) -> None:
    assert days(f"0 0 * * {sunday}", "2026-06-01T00:00:00Z", 2) == ["2026-06-07", "2026-06-14"]


@pytest.mark.parametrize("weekend", ["6-7", "0,6", "sat,sun", "SAT-SUN", "Sat-7", "6,7"])
def test_a_range_of_days_may_end_on_sunday(weekend: str) -> None:
    assert days(f"0 0 * * {weekend}", "2026-06-01T00:00:00Z", 3) == ["2026-06-06", "2026-06-07", "2026-06-13"]


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ("0 0 * JAN,jul Mon", "0 0 * 1,7 1"),
        ("0 0 * * mon-FRI", "0 0 * * 1-5"),
        ("0 0 * * SUN-Tue", "0 0 * * 0-2"),
        ("0 0 1 apr-Jun *", "0 0 1 4-6 *"),
        ("0 0 1 Feb-DEC/5,Jan *", "0 0 1 2-12/5,1 *"),
        ("0 0 * * MON,wed-fri", "0 0 * * 1,3-5"),
    ],
)
def test_months_and_days_have_names_in_any_case_in_lists_and_ranges(names: str, numbers: str) -> None:
    assert days(names, "2026-01-01T00:00:00Z", 20) == days(numbers, "2026-01-01T00:00:00Z", 20)


def test_every_name_stands_for_its_number() -> None:
    for number, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]):
        assert days(f"0 0 2 {name} *", "2026-01-01T00:00:00Z", 1) == [f"2026-{number + 1:02d}-02"]
    for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]):
        assert days(f"0 0 * * {name}", "2026-06-06T12:00:00Z", 1) == [f"2026-06-{number + 7:02d}"]


def test_a_range_of_one_with_a_step_is_one_value() -> None:
    assert starts(cron("30-30/5 * * * *"), "2026-06-01T00:00:00Z", 2) == [
        "2026-06-01T00:30:00+00:00",
        "2026-06-01T01:30:00+00:00",
    ]


@pytest.mark.parametrize(
    ("nickname", "fields"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_a_nickname_stands_for_its_fields(nickname: str, fields: str) -> None:
    after = "2026-03-28T12:00:00Z"
    assert starts(cron(nickname, BERLIN), after, 30) == starts(cron(fields, BERLIN), after, 30)
    assert cron(nickname).value == nickname


def test_reboot_has_no_planned_start() -> None:
    when = cron("@reboot")
    assert isinstance(when, RebootTiming)
    assert when.kind == "cron"
    assert when.next(Instant(0)) is None


def test_last_days_and_nth_weekdays_are_understood() -> None:
    assert days("0 0 L * *", "2028-02-01T00:00:00Z", 2) == ["2028-02-29", "2028-03-31"]
    assert days("0 0 LW * *", "2026-05-01T00:00:00Z", 2) == ["2026-05-29", "2026-06-30"]
    assert days("0 0 * * 1#2", "2026-06-01T00:00:00Z", 2) == ["2026-06-08", "2026-07-13"]
    assert days("0 0 * * 5L", "2026-06-01T00:00:00Z", 2) == ["2026-06-26", "2026-07-31"]


def test_rare_dates_are_found() -> None:
    assert days("0 0 29 2 *", "2096-03-01T00:00:00Z", 1) == ["2104-02-29"]
    assert days("0 0 29 2 */7", "2088-03-01T00:00:00Z", 1) == ["2128-02-29"]


# --- Clock changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", ["", "0 "])
@pytest.mark.parametrize(
    ("timezone", "expression", "after", "expected"),
    [
        (BERLIN, "30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        (NEW_YORK, "30 2 * * *", "2026-03-07T12:00:00Z", ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]),
        (LORD_HOWE, "15 2 * * *", "2026-10-03T12:00:00Z", ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"]),
    ],
)
def test_a_start_in_the_skipped_time_comes_right_after_the_change(
    timezone: str, seconds: str, expression: str, after: str, expected: list[str]
) -> None:
    assert starts(cron(seconds + expression, timezone), after, 2) == expected


@pytest.mark.parametrize("seconds", ["", "0 "])
@pytest.mark.parametrize(
    ("timezone", "expression", "after", "expected"),
    [
        (BERLIN, "30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        (NEW_YORK, "30 1 * * *", "2026-10-31T12:00:00Z", ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]),
        (LORD_HOWE, "45 1 * * *", "2026-04-04T12:00:00Z", ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"]),
    ],
)
def test_a_start_in_the_repeated_time_comes_the_first_time_only(
    timezone: str, seconds: str, expression: str, after: str, expected: list[str]
) -> None:
    assert starts(cron(seconds + expression, timezone), after, 2) == expected


@pytest.mark.parametrize(
    ("timezone", "expression", "after", "expected"),
    [
        (BERLIN, "30 2 * * *", "2026-10-25T02:05:00+01:00", "2026-10-26T02:30:00+01:00"),
        (BERLIN, "0-59 2 * * *", "2026-10-25T02:00:00+01:00", "2026-10-26T02:00:00+01:00"),
        (BERLIN, "* 0-59 2,3 * * *", "2026-10-25T02:59:30+01:00", "2026-10-25T03:00:00+01:00"),
        (NEW_YORK, "30 1,2 * * *", "2026-11-01T01:00:00-05:00", "2026-11-01T02:30:00-05:00"),
        (LORD_HOWE, "45 1 * * *", "2026-04-05T01:30:00+10:30", "2026-04-06T01:45:00+10:30"),
    ],
)
def test_asked_in_the_second_pass_of_the_repeated_time_a_fixed_start_does_not_come_again(
    timezone: str, expression: str, after: str, expected: str
) -> None:
    assert starts(cron(expression, timezone), after, 1) == [expected]


@pytest.mark.parametrize(
    "expression", ["0,30 2 * * *", "15,45 2 * * *", "0-59 2,3 * * *", "* 30 2 * * *", "5 2-3 * * *", "0 2,3 * * *"]
)
def test_starts_that_fall_together_after_the_skipped_time_are_one(expression: str) -> None:
    first, second = starts(cron(expression, BERLIN), "2026-03-29T01:59:59+01:00", 2)
    assert first == "2026-03-29T03:00:00+02:00"
    assert second > first


@pytest.mark.parametrize(
    ("timezone", "expression", "after", "expected"),
    [
        (BERLIN, "0 * * * *", "2026-03-29T01:30:00+01:00", ["03:00:00+02:00", "04:00:00+02:00"]),
        (BERLIN, "*/30 2 * * *", "2026-03-28T12:00:00Z", ["02:00:00+02:00", "02:30:00+02:00"]),
        (BERLIN, "0 */2 * * *", "2026-03-29T00:00:00+01:00", ["04:00:00+02:00", "06:00:00+02:00"]),
        (BERLIN, "0 */3 * * *", "2026-03-29T00:00:00+01:00", ["03:00:00+02:00", "06:00:00+02:00"]),
        (BERLIN, "*/10 * * * * *", "2026-03-29T01:59:45+01:00", ["01:59:50+01:00", "03:00:00+02:00"]),
        (NEW_YORK, "30 * * * *", "2026-03-08T01:00:00-05:00", ["01:30:00-05:00", "03:30:00-04:00"]),
        (LORD_HOWE, "0 * * * *", "2026-10-04T00:30:00+10:30", ["01:00:00+10:30", "03:00:00+11:00"]),
        (LORD_HOWE, "0 */3 * * *", "2026-10-04T00:15:00+10:30", ["03:00:00+11:00", "06:00:00+11:00"]),
        (LORD_HOWE, "20,35 * * * *", "2026-10-04T01:25:00+10:30", ["01:35:00+10:30", "02:35:00+11:00"]),
        (LORD_HOWE, "*/30 * * * *", "2026-10-04T01:29:00+10:30", ["01:30:00+10:30", "02:30:00+11:00"]),
    ],
)
def test_in_spring_wildcard_schedules_follow_real_time(
    timezone: str, expression: str, after: str, expected: list[str]
) -> None:
    assert [start[11:] for start in starts(cron(expression, timezone), after, 2)] == expected


@pytest.mark.parametrize(
    ("timezone", "expression", "after", "expected"),
    [
        (BERLIN, "0 * * * *", "2026-10-25T01:00:00+02:00", ["02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"]),
        (BERLIN, "*/30 2 * * *", "2026-10-25T02:00:00+02:00", ["02:30:00+02:00", "02:00:00+01:00", "02:30:00+01:00"]),
        (BERLIN, "45 */2 25 * *", "2026-10-25T02:40:00+02:00", ["02:45:00+02:00", "02:45:00+01:00", "04:45:00+01:00"]),
        (BERLIN, "*/30 59 * * * *", "2026-10-25T02:58+02:00", ["02:59:00+02:00", "02:59:30+02:00", "02:59:00+01:00"]),
        (NEW_YORK, "30 * * * *", "2026-11-01T01:00:00-04:00", ["01:30:00-04:00", "01:30:00-05:00", "02:30:00-05:00"]),
        (LORD_HOWE, "0 * * * *", "2026-04-05T00:30:00+11:00", ["01:00:00+11:00", "02:00:00+10:30", "03:00:00+10:30"]),
        (LORD_HOWE, "45 * * * *", "2026-04-05T01:00:00+11:00", ["01:45:00+11:00", "01:45:00+10:30", "02:45:00+10:30"]),
    ],
)
def test_in_autumn_wildcard_schedules_follow_real_time(
    timezone: str, expression: str, after: str, expected: list[str]
) -> None:
    assert [start[11:] for start in starts(cron(expression, timezone), after, 3)] == expected


def test_the_second_pass_counts_even_where_the_next_date_has_the_offset_of_the_first() -> None:
    when = cron("*/30 2 25 4,10 *", BERLIN)
    assert starts(when, "2026-10-25T02:45:00+02:00", 1) == ["2026-10-25T02:00:00+01:00"]


def test_a_day_that_a_zone_left_out_is_made_up_for() -> None:
    assert starts(cron("30 2 * * *", "Pacific/Apia"), "2011-12-29T12:00:00-10:00", 2) == [
        "2011-12-31T00:00:00+14:00",
        "2011-12-31T02:30:00+14:00",
    ]


# Debian's cron, minute by minute: the loop of its cron.c, with what it does by the kind of wake-up.

EDGES = [
    (BERLIN, "2026-03-29T01:00:00Z"),
    (BERLIN, "2026-10-25T01:00:00Z"),
    (NEW_YORK, "2026-03-08T07:00:00Z"),
    (NEW_YORK, "2026-11-01T06:00:00Z"),
    (LORD_HOWE, "2026-10-03T15:30:00Z"),
    (LORD_HOWE, "2026-04-04T15:00:00Z"),
]
HOURS_AROUND = 4


@lru_cache
def clock_around(edge: tuple[str, str]) -> list[tuple[int, int]]:
    """Every minute around an edge: since the epoch, and as the wall clock shows it."""
    timezone, change = edge
    middle = Instant.parse(change) // 60_000
    minutes = range(middle - HOURS_AROUND * 60, middle + HOURS_AROUND * 60)
    offsets = [datetime.fromtimestamp(minute * 60, ZoneInfo(timezone)).utcoffset() or timedelta() for minute in minutes]
    return [(minute, minute + offset // timedelta(minutes=1)) for minute, offset in zip(minutes, offsets, strict=True)]


def allowed(text: str, lowest: int, highest: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        base, _, step = part.partition("/")
        first, _, last = (f"{lowest}-{highest}" if base == "*" else base).partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def debian(expression: str, edge: tuple[str, str]) -> list[int]:
    """The minutes in which Debian's cron would start a job."""
    minute_text, hour_text, day_text, month_text, weekday_text = expression.split()
    wild = minute_text[0] == "*" or hour_text[0] == "*"
    minutes, hours = allowed(minute_text, 0, 59), allowed(hour_text, 0, 23)
    months, in_month = allowed(month_text, 1, 12), allowed(day_text, 1, 31)
    weekdays = {day % 7 for day in allowed(weekday_text, 0, 7)}
    both = day_text[0] == "*" or weekday_text[0] == "*"

    @lru_cache
    def day_fits(day: int) -> bool:
        on = date(1970, 1, 1) + timedelta(days=day)
        fits = on.day in in_month, on.isoweekday() % 7 in weekdays
        return on.month in months and (all(fits) if both else any(fits))

    def job_found(virtual: int) -> bool:
        day, minute = divmod(virtual, 24 * 60)
        return minute % 60 in minutes and minute // 60 in hours and day_fits(day)

    found = []
    virtual = clock_around(edge)[0][1] - 1
    for real, clock in clock_around(edge):
        behind = clock - virtual
        if 0 < behind <= 5:
            started = any(job_found(minute) for minute in range(virtual + 1, clock + 1))
            virtual = clock
        elif behind > 5:
            minutes_to_look_at = [clock] if wild else range(virtual + 1, clock + 1)
            started = any(job_found(minute) for minute in minutes_to_look_at)
            virtual = clock
        else:
            started = wild and job_found(clock)
        if started:
            found.append(real)
    return found


def field(lowest: int, highest: int, likely: int) -> st.SearchStrategy[str]:
    """A cron field; `likely` is the highest value to start from."""
    value = st.integers(lowest, likely)
    step = st.integers(1, highest + 1)
    extent = st.tuples(value, st.integers(0, highest)).map(lambda pair: f"{pair[0]}-{min(sum(pair), highest)}")
    part = st.one_of(value.map(str), extent, st.tuples(extent, step).map(lambda pair: f"{pair[0]}/{pair[1]}"))
    return st.one_of(st.just("*"), step.map("*/{}".format), part, st.lists(part, min_size=2, max_size=3).map(",".join))


NEAR_EDGES = st.tuples(
    field(0, 59, 59),
    field(0, 23, 4),
    st.one_of(st.just("*"), field(1, 31, 31)),
    st.sampled_from(["*", "*/2", "3-11"]),
    st.one_of(st.just("*"), field(0, 7, 7)),
).map(" ".join)


@settings(max_examples=400, derandomize=True, database=None)
@given(NEAR_EDGES, st.sampled_from(EDGES), st.integers(-3600, 3600), st.booleans())
def test_around_a_clock_change_starts_are_those_of_debians_cron(
    expression: str, edge: tuple[str, str], seconds: int, with_seconds: bool
) -> None:
    when = cron(f"0 {expression}" if with_seconds else expression, edge[0])
    expected = [Instant(minute * 60_000) for minute in debian(expression, edge)]
    begin, end = clock_around(edge)[0][0] * 60_000, clock_around(edge)[-1][0] * 60_000

    found, last = [], when.next(Instant(begin - 1))
    while last is not None and last <= end:
        found.append(last)
        last = when.next(last)
    assert found == expected

    after = Instant(Instant.parse(edge[1]) + seconds * 1000)
    later = [start for start in expected if start > after]
    if later:
        assert when.next(after) == later[0]


ODDS = "* */5 0 7 59 31 L LW 1#2 5L SUN jan 1-5 MON-fri fri-sun */0 61 x 5-1 1,2 */31 1#5 L/2 3-3/2 30 29 2 @daily ²"


@pytest.mark.fuzz
@settings(max_examples=300 * TIMES, derandomize=TIMES == 1, database=None)
@given(st.lists(st.sampled_from(ODDS.split()), min_size=1, max_size=7).map(" ".join))
def test_any_text_is_refused_with_a_reason_or_followed(text: str) -> None:
    try:
        when = cron(text, BERLIN)
    except ScheduleError:
        return
    assert when.describe().endswith(" (Europe/Berlin)")
    assert when.describe("zh-Hant").endswith("（Europe/Berlin）")
    chain = [Instant.parse("2026-01-01T00:00:00Z")]
    for _ in range(5):
        start = when.next(chain[-1])
        assert start is not None
        chain.append(start)
    assert all(earlier < later for earlier, later in pairwise(chain))
    longest = when.longest_gap()
    assert longest is not None
    assert longest > 0


# --- Faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("61 * * * *", 'minute: "61" is not in 0-59'),
        ("* 24 * * *", 'hour: "24" is not in 0-23'),
        ("* * 0 * *", 'day of month: "0" is not in 1-31'),
        ("* * * 1,13 *", 'month: "13" is not in 1-12 or JAN-DEC'),
        ("* * * * 5-8", 'day of week: "8" is not in 0-7 or SUN-SAT (0 and 7 are Sunday)'),
        ("60 * * * * *", 'second: "60" is not in 0-59'),
        ("* 22-2 * * *", 'hour: "22-2" runs backwards: write 22-23,0-2 to go round'),
        ("* * * * Fri-Mon", 'day of week: "Fri-Mon" runs backwards: write Fri-7,0-Mon to go round'),
        ("*/0 * * * *", 'minute: "*/0" has a step of 0: write 1 or more'),
        (
            "* * * * 1,funday",
            'day of week: "funday" is not understood: accepted are 0-7 or SUN-SAT (0 and 7 are Sunday), '
            "lists (1,3), ranges (1-3), steps (*/2) and *",
        ),
        ("1,,2 * * * *", 'minute: "" is not understood'),
        ("? * * * *", 'minute: "?" is not understood'),
        ("* * * *", "4 fields: write 5 (minute, hour, day of month, month, day of week), 6 with seconds first, or one"),
        ("* * * * * * 2027", "7 fields: write 5"),
        ("", "0 fields: write 5"),
        ("@never", '"@never" is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @reboot'),
        ("9" * 5000 + " * * * *", "longer than 1000 characters"),
    ],
)
def test_a_bad_expression_is_refused_by_naming_the_field_and_what_is_accepted(expression: str, message: str) -> None:
    with pytest.raises(ScheduleError) as refusal:
        cron(expression)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 30 2 *",
        "0 0 31 4 *",
        "0 0 0 31 2,4,6,9,11 *",
        "0 0 */31 * 1#2",  # the first, and the second Monday
        "*/30 2 * 3 0L",  # as a wildcard schedule: always in the skipped hour
    ],
)
def test_what_never_comes_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match="never comes"):
        cron(expression, BERLIN)


@pytest.mark.parametrize("name", ["Europe/Berlim", "UTC/x", "", "../passwd", "/etc/localtime", "America", "\0"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="write an IANA name such as Europe/Berlin, or local"):
        zone(name)


def test_local_is_the_time_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone", lambda: ZoneInfo("Asia/Tokyo"))
    when = cron("0 9 * * *", "local")
    assert when.timezone == "Asia/Tokyo"
    assert starts(when, "2026-06-01T00:00:00Z", 1) == ["2026-06-02T09:00:00+09:00"]


def test_a_script_has_its_own_time_zone_or_else_that_of_the_service() -> None:
    script = ScriptSettings(name="job", command="true", cron="0 9 * * *", timezone=NEW_YORK)
    assert timing(script, BERLIN).timezone == NEW_YORK
    assert cron("0 9 * * *", BERLIN).timezone == BERLIN


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ScheduleError, match="every must be longer than 0s"):
        every("0s")


# --- Intervals, one-shots, by hand -----------------------------------------------------------------


def test_an_interval_counts_on_from_its_anchor() -> None:
    anchor = Instant.parse("2026-06-01T12:00:10Z")
    when = every("30s").anchored(anchor)
    assert when.next(anchor) == anchor + 30_000
    assert when.next(Instant(anchor + 29_999)) == anchor + 30_000
    assert when.next(Instant(anchor + 30_000)) == anchor + 60_000
    assert when.next(Instant(anchor + 3_600_001)) == anchor + 3_630_000


def test_an_interval_starts_nothing_before_its_first_round() -> None:
    anchor = Instant.parse("2026-06-01T12:00:00Z")
    assert every("30s").anchored(anchor).next(Instant(anchor - 3_600_000)) == anchor + 30_000


def test_an_interval_does_not_care_for_clock_changes() -> None:
    script = ScriptSettings(name="job", command="true", every=Duration.parse("1h"), timezone=BERLIN)
    assert starts(timing(script, "UTC"), "2026-03-28T23:30:00Z", 4) == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T04:00:00+02:00",
        "2026-03-29T05:00:00+02:00",
    ]


@pytest.mark.parametrize(("interval", "within"), [("500ms", 500), ("10s", 10_000), ("1h", 30_000)])
def test_the_first_start_of_an_interval_comes_within_it_and_within_30_seconds(interval: str, within: int) -> None:
    now = Instant.parse("2026-06-01T12:00:00Z")
    delays = [first_start(f"job{number}", Duration.parse(interval), now) - now for number in range(1000)]
    assert 0 < min(delays) < within * 0.1
    assert within * 0.9 < max(delays) <= within


def test_the_first_start_of_a_name_is_the_same_in_every_process() -> None:
    assert first_start("backup", Duration.parse("5m"), Instant(0)) == 681


def test_a_one_shot_comes_once() -> None:
    when = at("2027-01-01T00:00:00+01:00")
    midnight = Instant.parse("2026-12-31T23:00:00Z")
    assert when.next(Instant(0)) == midnight
    assert when.next(Instant(midnight - 1)) == midnight
    assert when.next(midnight) is None


def test_a_script_without_a_schedule_has_no_planned_start() -> None:
    assert by_hand().next(Instant(0)) is None


@pytest.mark.parametrize("when", [cron("0 0 * * *", BERLIN), cron("* * * * *"), every("1h")])
def test_nothing_is_planned_beyond_the_calendar(when: Timing) -> None:
    assert when.next(END_OF_CALENDAR) is None


# --- What it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "kind", "value"),
    [
        (cron("15 3 * * *", BERLIN), "cron", "15 3 * * *"),
        (cron("0 0 * * fri-sun"), "cron", "0 0 * * fri-sun"),
        (cron("@hourly"), "cron", "@hourly"),
        (cron("@reboot"), "cron", "@reboot"),
        (every("3600"), "every", "1h"),
        (every("2d500ms"), "every", "2d500ms"),
        (at("2026-12-31T23:00:00Z", BERLIN), "at", "2027-01-01T00:00:00+01:00"),
        (at("9999-12-31T23:59:59Z", BERLIN), "at", "9999-12-31T23:59:59+00:00"),
        (by_hand(), "manual", None),
    ],
)
def test_a_timing_knows_how_it_was_written(when: Timing, kind: str, value: str | None) -> None:
    assert (when.kind, when.value) == (kind, value)


# --- The longest gap -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "gap"),
    [
        (cron("*/5 * * * *", BERLIN), "5m"),
        (cron("*/7 * * * *"), "7m"),
        (cron("*/10 * * * * *"), "10s"),
        (cron("15 3 * * *"), "1d"),
        (cron("15 3 * * *", BERLIN), "25h"),
        (cron("0 30 2 * * *", NEW_YORK), "25h"),
        (cron("15 3 * * *", LORD_HOWE), "24h30m"),
        (cron("0 * * * *", BERLIN), "1h"),
        (cron("0 * * * *", LORD_HOWE), "1h30m"),
        (cron("0 */2 * * *", BERLIN), "3h"),
        (cron("0 9-17 * * 1-5"), "64h"),
        (cron("0 9-17 * * 1-5", BERLIN), "65h"),
        (cron("0 8,12,18 * * *"), "14h"),
        (cron("@weekly"), "7d"),
        (cron("@monthly"), "31d"),
        (cron("@yearly"), "366d"),
        (cron("0 0 29 2 *"), "1461d"),
        (every("30s"), "30s"),
    ],
)
def test_the_longest_gap_counts_clock_changes_and_leap_years(when: Timing, gap: str) -> None:
    assert when.longest_gap() == Duration.parse(gap)
    assert when.longest_gap() == Duration.parse(gap)


@pytest.mark.parametrize("when", [at("2027-01-01T00:00:00Z"), by_hand(), cron("@reboot")])
def test_where_no_two_starts_are_planned_there_is_no_longest_gap(when: Timing) -> None:
    assert when.longest_gap() is None


# --- APScheduler -----------------------------------------------------------------------------------


def test_the_trigger_gives_the_slot_after_the_one_before_as_often_as_asked() -> None:
    trigger = SlotTrigger(cron("30 2 * * *", BERLIN))
    slot = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert [trigger.get_next_fire_time(None, slot - timedelta(minutes=1)) for _ in range(2)] == [slot, slot]
    following = slot + timedelta(hours=23, minutes=30)
    assert [trigger.get_next_fire_time(slot, slot - timedelta(minutes=1)) for _ in range(2)] == [following, following]


def test_the_trigger_counts_from_now_where_slots_passed_unseen() -> None:
    trigger = SlotTrigger(cron("* * * * * *"))
    slot = datetime(2026, 6, 1, tzinfo=UTC)
    now = slot + timedelta(hours=8, milliseconds=1)
    assert trigger.get_next_fire_time(slot, now) == slot + timedelta(hours=8, seconds=1)


def test_the_trigger_ends_with_its_timing() -> None:
    assert SlotTrigger(at("2026-01-01T00:00:00Z")).get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is None
