"""The records of runs, and their stored output, as the tables of the history have them: how they are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, structs

from exporter.archive import Archive
from exporter.chunks import LAST_LINE, Chunk
from exporter.events import Instant, PastRun, Run, from_json

COLUMNS = Run.__struct_fields__
"""Of the table `runs`."""
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM runs"  # noqa: S608
_ENDED = (
    "SELECT * FROM (SELECT rowid AS id, ended_at, run_id FROM runs WHERE script_name = ?1 AND status = '{}'"
    " ORDER BY ended_at DESC, run_id DESC LIMIT ?2)"
)
_RECENT = (
    "SELECT run_id, status, reason, started_at, duration FROM"  # noqa: S608
    f" ({_ENDED.format('completed')} UNION ALL {_ENDED.format('failed')} ORDER BY ended_at DESC, run_id DESC LIMIT ?2)"
    " CROSS JOIN runs USING (run_id) WHERE runs.rowid = id ORDER BY runs.ended_at, run_id"
)
"""By two ways along an index, so that starts which did not happen cost nothing, however many there are."""
NEWEST_FIRST = "ORDER BY begun_at DESC, run_id DESC"


class RunQuery(Struct, frozen=True, kw_only=True):
    """Filters of a listing, all of which must hold; None: any."""

    script: str | None = None
    status: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    since: Instant | None = None
    """Begun at or after."""
    until: Instant | None = None
    """Begun before."""
    q: str | None = None
    """Text that occurs in a line of the run's output, whatever the case."""
    begun: bool = False
    """Only runs, and none of the starts that did not happen or still wait."""
    limit: int = 50
    before: str | None = None
    """Cursor: `next` of the page before."""


class RunPage(Struct, frozen=True):
    runs: list[Run]
    next: str | None
    """Cursor of the following page; null on the last.  A search may end a page early: only null is the end."""


class TimetableEntry(Struct, frozen=True):
    schedule: str
    """The schedule that `last_slot` belongs to, as text to compare."""
    last_slot: Instant
    """Up to here no slot will ever be started again."""


class Past(NamedTuple):
    """What is known of scripts that ran, by name."""

    last_ended: dict[str, tuple[Run, Instant | None]]
    """The latest run that ended, and when the latest completed one did."""
    last_planned: dict[str, Instant]
    """Of those that the timetable does not know, the latest planned start that is recorded, happened or not."""


class CursorError(ValueError):
    """The cursor was not made by this service."""


def cursor(begun_at: int, run_id: str) -> str:
    """Of the page that follows this run."""
    return f"{begun_at}.{run_id}"


def conditions(query: RunQuery) -> tuple[str, list[object]]:
    """The query's filters, `q` excepted, as an SQL expression and the values in it.  Raises CursorError."""
    pairs: list[tuple[str, object]] = [
        ("script_name = ?", query.script), ("status = ?", query.status), ("reason = ?", query.reason),
        ("exit_code = ?", query.exit_code), ("begun_at >= ?", query.since), ("begun_at < ?", query.until),
    ]  # fmt: skip
    where = [condition for condition, value in pairs if value is not None]
    values = [value for _, value in pairs if value is not None]
    if query.begun:
        where.append("status != 'skipped' AND (started_at IS NOT NULL OR status != 'running')")
    if query.before is not None:
        begun_at, dot, run_id = query.before.partition(".")
        if not (dot and begun_at.isdecimal() and len(begun_at) < 16):
            raise CursorError(f"{query.before!r} is not a cursor: pass `next` of the page before")
        where.append("(begun_at, run_id) < (?, ?)")
        values += [int(begun_at), run_id]
    return " AND ".join(where) or "TRUE", values


def page(connection: sqlite3.Connection, query: RunQuery) -> RunPage:
    """A page of records, latest begun first; its search for `q` takes as long as it takes.  Raises CursorError."""
    where, values = conditions(query)
    found = []
    for row in connection.execute(f"{_SELECT} WHERE {where} {NEWEST_FIRST}", values):
        run = _to_run(row)
        if query.q is None or archive(connection, run.run_id).contains(query.q):
            found.append(run)
        if len(found) > query.limit:
            last = found[query.limit - 1]
            return RunPage(found[: query.limit], cursor(last.begun_at, last.run_id))
    return RunPage(found, None)


def every(connection: sqlite3.Connection) -> Iterator[Run]:
    """All records, one at a time."""
    return map(_to_run, connection.execute(_SELECT))


def many(connection: sqlite3.Connection, tail: str, *values: object) -> list[Run]:
    """The records that the rest of a SELECT from `runs` tells of."""
    return [_to_run(row) for row in connection.execute(f"{_SELECT} {tail}", values)]


def one(connection: sqlite3.Connection, tail: str, *values: object) -> Run | None:
    """The first of them."""
    return next(iter(many(connection, f"{tail} LIMIT 1", *values)), None)


def recent(connection: sqlite3.Connection, script_name: str, limit: int) -> list[PastRun]:
    """A script's latest runs that ended, the last of them last."""
    return [
        PastRun(run_id=run_id, status=status, reason=reason, started_at=Instant(started_at), duration=duration)
        for run_id, status, reason, started_at, duration in connection.execute(_RECENT, (script_name, limit))
    ]


def first_failure(connection: sqlite3.Connection, script_name: str) -> Instant | None:
    """End of the earliest of a script's failed runs."""
    statement = "SELECT min(ended_at) FROM runs WHERE script_name = ? AND status = 'failed'"
    (ended_at,) = connection.execute(statement, (script_name,)).fetchone()
    return None if ended_at is None else Instant(ended_at)


def executing(connection: sqlite3.Connection) -> list[Run]:
    """Those that say `running`."""
    return many(connection, "WHERE status = 'running' ORDER BY run_id")


def timetable(connection: sqlite3.Connection) -> dict[str, TimetableEntry]:
    """How far each script's timetable is worked off, by name."""
    rows = connection.execute("SELECT script_name, schedule, last_slot FROM timetable")
    return {name: TimetableEntry(schedule, Instant(slot)) for name, schedule, slot in rows}


def past(connection: sqlite3.Connection, unplanned: Collection[str]) -> Past:
    """`unplanned`: scripts that the timetable does not know."""
    statement = "SELECT DISTINCT script_name FROM runs UNION SELECT script_name FROM cleared"
    names = [name for (name,) in connection.execute(statement)]
    found = ((name, last_ended(connection, name)) for name in names)
    return Past({name: last for name, last in found if last is not None}, _last_planned(connection, unplanned))


def last_ended(connection: sqlite3.Connection, script_name: str) -> tuple[Run, Instant | None] | None:
    """A script's latest run that ended, and when the latest completed one did; also where their records are deleted."""
    latest = "WHERE script_name = ? AND status {} ORDER BY ended_at DESC, run_id DESC"
    run = one(connection, latest.format("IN ('completed', 'failed')"), script_name)
    success = one(connection, latest.format("= 'completed'"), script_name)
    successes = [] if success is None else [success.ended_at]
    statement = "SELECT last_run, last_success FROM cleared WHERE script_name = ?"
    for record, at in connection.execute(statement, (script_name,)):
        cleared = from_json(record.encode(), Run)
        run = cleared if run is None or cleared.ended_after(run) else run
        successes.append(at if at is None else Instant(at))
    return None if run is None else (run, max((at for at in successes if at is not None), default=None))


def archive(connection: sqlite3.Connection, run_id: str) -> Archive:
    """A run's stored output; empty where there is none."""

    def fetch(line: int) -> Chunk | None:
        """The piece that holds `line`, or else the first one after it."""
        if line > LAST_LINE:
            return None
        row = connection.execute(
            "SELECT first_line, lines, segments, data FROM output_chunks WHERE run_id = ?1 AND first_line >= coalesce("
            "(SELECT max(first_line) FROM output_chunks WHERE run_id = ?1 AND first_line <= ?2"
            " AND first_line + lines > ?2), ?2) ORDER BY first_line LIMIT 1",
            (run_id, line),
        ).fetchone()
        return Chunk(*row) if row else None

    def count() -> int:
        statement = "SELECT coalesce(max(first_line + lines), 0) FROM output_chunks WHERE run_id = ?"
        return int(connection.execute(statement, (run_id,)).fetchone()[0])

    return Archive(fetch, count)


def to_row(run: Run) -> tuple[Any, ...]:
    """The values of COLUMNS."""
    return tuple(None if value is UNSET else value for value in structs.astuple(run))


def _to_run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(COLUMNS, row, strict=True))
    if values["metrics_rejected"] is None:
        del values["metrics_rejected"]
    for name in ("scheduled_at", "started_at", "ended_at"):
        if values[name] is not None:
            values[name] = Instant(values[name])
    return Run(**values)


def _last_planned(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, Instant]:
    statement = "SELECT max(scheduled_at) FROM runs WHERE script_name = ? AND trigger IN ('schedule', 'missed')"
    found = ((name, connection.execute(statement, (name,)).fetchone()[0]) for name in names)
    return {name: Instant(slot) for name, slot in found if slot is not None}
