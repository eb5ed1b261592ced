"""Runs that are long past, put into a service's history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any, NamedTuple

from tests.service import Service


class PastRun(NamedTuple):
    script: str
    start: int
    """Unix ms."""
    status: str = "completed"
    reason: str | None = None
    duration: int = 1000
    """Milliseconds."""


def remember(service: Service, runs: Iterable[PastRun]) -> None:
    """Add runs, of which the page does not hear by itself."""
    with closing(sqlite3.connect(service.folder / "data/history.db")) as history, history:
        history.executemany(
            "INSERT INTO runs (run_id, script_name, trigger, attempt, status, reason, scheduled_at, started_at,"
            " ended_at, duration, stdout_bytes, stderr_bytes, dropped_bytes)"
            " VALUES (?, ?, 'schedule', 1, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
            [_row(number, run) for number, run in enumerate(runs)],
        )


def _row(number: int, run: PastRun) -> tuple[Any, ...]:
    began = run.status != "skipped"
    times = (run.start, run.start + run.duration, run.duration) if began else (None, None, None)
    return (f"{number:026}", run.script, run.status, run.reason, run.start, *times)
