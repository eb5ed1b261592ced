from __future__ import annotations

from datetime import datetime

import pytest

from exporter.events import Instant, Run
from relay.cli.format import age, duration, moment, result, size

NOON = Instant(round(datetime(2026, 6, 1, 12).timestamp() * 1000))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"), (999, "999ms"), (1000, "1s"), (3440, "3.4s"), (9949, "9.9s"), (9950, "10s"), (59_600, "1m"),
        (184_000, "3m 4s"), (7_500_000, "2h 5m"), (3_605_000, "1h"), (273_600_000, "3d 4h"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_two_units_at_most(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "just now"), (-999, "just now"), (-12_999, "12s ago"), (-200_000, "3m ago"), (-172_800_000, "2d ago"),
        (1, "in 1s"), (8000, "in 8s"), (184_000, "in 3m 4s"),
    ],
)  # fmt: skip
def test_the_age_is_told_in_its_largest_unit_and_what_comes_more_exactly(milliseconds: int, text: str) -> None:
    assert age(Instant(NOON + milliseconds), NOON) == text


def test_the_date_is_told_where_it_is_not_that_of_today() -> None:
    assert moment(Instant(NOON - 60_000), NOON) == "11:59:00 (1m ago)"
    assert moment(Instant(NOON - 86_400_000), NOON) == "2026-05-31 12:00:00 (1d ago)"


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (3277, "3.2 KiB"), (5 << 40, "5.0 TiB")])
def test_a_size_is_told_in_its_largest_unit(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("status", "reason", "exit_code", "text"),
    [
        ("completed", None, 0, "completed"), ("running", None, None, "waits"),
        ("failed", "exit_code", 3, "failed: exit code 3"), ("failed", "signal", 137, "failed: signal 9"),
        ("failed", "timeout", 143, "timed out"), ("failed", "spawn", -1, "could not start"),
        ("failed", "cancelled", 143, "stopped"), ("failed", "lost", -1, "lost track of"),
        ("skipped", "queue_full", None, "skipped: queue full"),
    ],
)  # fmt: skip
def test_every_result_has_its_words(status: str, reason: str | None, exit_code: int | None, text: str) -> None:
    run = Run(
        run_id="01", script_name="one", trigger="manual", status=status, reason=reason, exit_code=exit_code,  # type: ignore[arg-type]
        scheduled_at=NOON,
    )  # fmt: skip
    assert result(run).text == text
