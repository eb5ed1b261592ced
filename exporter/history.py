"""The history: SQLite in WAL mode, one writer thread with group commit, readers beside it.

Writing: the methods of `History` that write may be called on the event loop's thread only.  They hand their
rows to the writer thread, which commits whatever has gathered as one transaction (`synchronous=FULL`: what is
committed survives a power cut), and answer with a future.  Where the database can't be written - a full disk -
the future is resolved with False so that no script waits for its monitor, and the rows stay in memory and are
tried again until they are stored.

Reading happens on threads of its own, each with a connection of its own, never on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from exporter.archive import LineReader
from exporter.data_dir import Reserve
from exporter.events import Instant, Run
from exporter.output import Archive, Chunk
from exporter.settings import Retention

log = logging.getLogger(__name__)
T = TypeVar("T")

SCHEMA_VERSION = 1
RETRY_SECONDS = 1.0
RESERVE_BYTES = 1 << 20
"""Room for some hundred records after the disk is full."""
_COLUMNS = Run.__struct_fields__
_UPSERT = (
    f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    f" ON CONFLICT (run_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM runs"  # noqa: S608

_RETAIN = """
    DELETE FROM runs WHERE script_name = :script AND status != 'running' AND (begun_at < :oldest OR
        (begun_at, run_id) < (SELECT begun_at, run_id FROM runs AS kept WHERE script_name = :script
            AND (kept.status = 'skipped') = (runs.status = 'skipped')
            ORDER BY begun_at DESC, run_id DESC LIMIT 1 OFFSET coalesce(:runs, 1 << 62) - 1))
        AND run_id NOT IN (SELECT run_id FROM (SELECT run_id FROM runs WHERE script_name = :script
            AND status = 'completed' ORDER BY begun_at DESC, run_id DESC LIMIT 1))
        AND run_id NOT IN (SELECT run_id FROM (SELECT run_id FROM runs WHERE script_name = :script
            AND status = 'failed' ORDER BY begun_at DESC, run_id DESC LIMIT 1))
"""
_RETAIN_BYTES = """
    DELETE FROM runs WHERE status != 'running' AND run_id IN (
        SELECT run_id FROM (
            SELECT run_id, row_number() OVER newest AS number, sum(size) OVER newest AS total FROM (
                SELECT run_id, begun_at, (SELECT coalesce(sum(length(data)), 0) FROM output_chunks
                    WHERE output_chunks.run_id = runs.run_id) AS size
                FROM runs WHERE script_name = :script)
            WINDOW newest AS (ORDER BY begun_at DESC, run_id DESC))
        WHERE total > :bytes AND number > 1)
"""
"""The latest run's output is kept, whatever its size."""

Rows = Callable[[sqlite3.Connection], None]


class HistoryError(Exception):
    """The database can't be opened; the message says why."""


class TimetableEntry(Struct, frozen=True):
    schedule: str
    """The schedule that `last_slot` belongs to, as text to compare."""
    last_slot: Instant
    """Up to here no slot will ever be started again."""


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
    """Text that occurs in the run's output, whatever the case."""
    limit: int = 50
    before: str | None = None
    """Cursor: `next` of the page before."""


class RunPage(Struct, frozen=True):
    runs: list[Run]
    next: str | None
    """Cursor of the following page; None on the last."""


class Past(NamedTuple):
    """What is known of scripts that ran, by name."""

    last_ended: dict[str, tuple[Run, Instant | None]]
    """The latest run that ended, and when the latest completed one did."""
    last_planned: dict[str, Instant]
    """Of those that the timetable does not know, the latest planned start that is recorded, happened or not."""


class CursorError(ValueError):
    """The cursor was not made by this service."""


class _Job(NamedTuple):
    rows: Rows
    retried: bool
    stored: asyncio.Future[bool]


class History:
    def __init__(self, path: Path, *, write_failed: Callable[[str, bool], None]) -> None:
        """Open or create the database.

        `write_failed` hears, on the loop's thread, of every failed commit: why, and whether the one before was stored.
        """
        self.path = path
        self._loop = asyncio.get_running_loop()
        self._write_failed = write_failed
        try:
            connection = _connect(path)
            _prepare(connection)
        except sqlite3.Error as error:
            raise HistoryError(f"cannot open the history {path}: {error}") from error
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="history-reader")
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.failure: str | None = None
        """Why the last commit failed, or may soon; None while all is well."""
        self._writer = threading.Thread(target=self._write_all, args=(connection,), name="history-writer", daemon=True)
        self._writer.start()

    async def close(self) -> None:
        """Store what waits, as far as the disk takes it."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        for connection in self._reading:
            connection.interrupt()
        await asyncio.to_thread(self._readers.shutdown, cancel_futures=True)

    # --- writing ---

    def record(self, *runs: Run, worked_off: TimetableEntry | None = None) -> asyncio.Future[bool]:
        """Store records of one script's runs, new or changed, and how far its timetable is worked off, as one.

        The future is True once all of it is durable, False where it could not be stored yet.
        """

        def rows(connection: sqlite3.Connection) -> None:
            connection.executemany(_UPSERT, map(msgspec.structs.astuple, runs))
            if worked_off is not None:
                _set_slot(connection, runs[0].script_name, worked_off)

        return self._submit(rows)

    def set_slots(self, slots: Iterable[tuple[str, TimetableEntry]]) -> asyncio.Future[bool]:
        """Store how far timetables are worked off, where there is no run to store with it."""
        slots = list(slots)

        def rows(connection: sqlite3.Connection) -> None:
            for script_name, slot in slots:
                _set_slot(connection, script_name, slot)

        return self._submit(rows)

    def forget_slots(self, script_names: Iterable[str]) -> asyncio.Future[bool]:
        """Scripts are gone: one of the same name is a new one."""
        names = [(name,) for name in script_names]

        def rows(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM timetable WHERE script_name = ?", names)

        return self._submit(rows)

    def set_fact(self, name: str, value: str) -> asyncio.Future[bool]:
        return self._submit(
            lambda connection: _execute(connection, "INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)
        )

    def keep_output(self, run_id: str, chunk: Chunk) -> asyncio.Future[bool]:
        """Store a piece of a finished run's output.

        Unlike records it is not tried again by itself: the run's folder still has it, and memory is not for it.
        """
        values = (run_id, *msgspec.structs.astuple(chunk))
        insert = "INSERT OR REPLACE INTO output_chunks VALUES (?, ?, ?, ?, ?)"
        return self._submit(lambda connection: _execute(connection, insert, *values), retried=False)

    def retain(self, script_name: str, retention: Retention, now: Instant) -> asyncio.Future[bool]:
        """Drop a script's oldest records, with their output, beyond what `retention` keeps."""
        oldest = None if retention.days is None else max(0, now - round(retention.days * 86_400_000))
        # What one script has stored can't be more than the whole: spares counting it.
        size = retention.bytes if retention.bytes is not None and self.size_bytes() > retention.bytes else None

        def rows(connection: sqlite3.Connection) -> None:
            connection.execute(_RETAIN, {"script": script_name, "runs": retention.runs, "oldest": oldest})
            if size is not None:
                connection.execute(_RETAIN_BYTES, {"script": script_name, "bytes": int(size)})

        return self._submit(rows)

    def _submit(self, rows: Rows, *, retried: bool = True) -> asyncio.Future[bool]:
        job = _Job(rows, retried, self._loop.create_future())
        self._jobs.put(job)
        return job.stored

    def _write_all(self, connection: sqlite3.Connection) -> None:
        """The writer thread: one transaction for all that has gathered; what fails stays first in line."""
        waiting: list[Rows] = []
        closing = False
        reserve = Reserve(self.path.with_name("reserve"), RESERVE_BYTES)
        reserve.take()
        while not closing:
            jobs, closing = self._gather(timeout=RETRY_SECONDS if waiting or not reserve.held else None)
            writes = waiting + [job.rows for job in jobs]
            refused = failure = _commit(connection, writes)
            if refused is not None and reserve.release():
                refused = _commit(connection, writes)
            waiting = waiting + [job.rows for job in jobs if job.retried] if refused else []
            if refused is None and not reserve.take():
                failure = failure or "the disk is full; what is stored now takes the last of a reserve"
            self._loop.call_soon_threadsafe(self._settle, jobs, refused is None, failure)
        connection.close()
        if waiting:
            log.error("%d changes could not be stored in %s", len(waiting), self.path)

    def _gather(self, *, timeout: float | None) -> tuple[list[_Job], bool]:
        """All jobs that wait, at least one unless `timeout` seconds pass; and whether to close."""
        jobs: list[_Job] = []
        try:
            job = self._jobs.get(timeout=timeout)
            while job is not None:
                jobs.append(job)
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, False
        return jobs, True

    def _settle(self, jobs: list[_Job], stored: bool, failure: str | None) -> None:
        first, self.failure = self.failure is None, failure
        if failure is not None and (first or not stored):
            self._write_failed(failure, first)
        for job in jobs:
            if not job.stored.done():
                job.stored.set_result(stored)

    # --- reading ---

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run `query` on a reader's thread, with that thread's connection."""
        return await self._loop.run_in_executor(self._readers, lambda: query(self._reader()))

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._reading.append(connection)
        return connection

    async def run(self, run_id: str) -> Run | None:
        return await self.read(lambda connection: _one(connection, "WHERE run_id = ?", run_id))

    async def runs(self, query: RunQuery, elsewhere: Mapping[str, LineReader] | None = None) -> RunPage:
        """A page of records, latest begun first.  `elsewhere`: output that is not stored yet, by run id.

        Raises CursorError.
        """
        where, values = _conditions(query)
        return await self.read(lambda connection: _page(connection, query, where, values, elsewhere or {}))

    async def executing(self) -> list[Run]:
        """Records that still say `running`: what the last life of the service left."""
        return await self.read(lambda connection: _many(connection, "WHERE status = 'running' ORDER BY run_id"))

    async def past(self, unplanned: Collection[str]) -> Past:
        """`unplanned`: scripts that the timetable does not know."""
        return await self.read(lambda connection: Past(_last_ended(connection), _last_planned(connection, unplanned)))

    async def timetable(self) -> dict[str, TimetableEntry]:
        rows = await self.read(lambda c: c.execute("SELECT script_name, schedule, last_slot FROM timetable").fetchall())
        return {name: TimetableEntry(schedule, Instant(slot)) for name, schedule, slot in rows}

    async def recorded_slots(self) -> dict[str, set[Instant]]:
        """Planned starts that are recorded although the timetable is not worked off up to them, by script."""
        statement = (
            "SELECT runs.script_name, scheduled_at FROM timetable JOIN runs ON runs.script_name = timetable.script_name"
            " AND begun_at > last_slot WHERE scheduled_at > last_slot AND trigger IN ('schedule', 'missed')"
        )
        slots: dict[str, set[Instant]] = {}
        for name, slot in await self.read(lambda c: c.execute(statement).fetchall()):
            slots.setdefault(name, set()).add(Instant(slot))
        return slots

    async def fact(self, name: str) -> str | None:
        row = await self.read(lambda c: c.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone())
        return row[0] if row else None

    async def archived(self, run_id: str, look: Callable[[Archive], T]) -> T:
        """Look at a finished run's stored output, on a reader's thread."""
        return await self.read(lambda connection: look(_archive(connection, run_id)))

    def size_bytes(self) -> int:
        """What the database takes on disk, write-ahead log included."""
        parts = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"a newer version wrote it (schema {version}, this one knows {SCHEMA_VERSION})")
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if version == 0:
        schema = files("exporter").joinpath("schema.sql").read_text()
        connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _commit(connection: sqlite3.Connection, writes: list[Rows]) -> str | None:
    """All of `writes` as one transaction; the reason where that failed, and then nothing is changed."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for rows in writes:
            rows(connection)
        connection.execute("COMMIT")
    except Exception as error:  # whatever it is, this thread must live: every start waits for it
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        # Disk full or failing, file locked or not writable:
        if isinstance(error, sqlite3.OperationalError | OSError):
            return str(error)
        return _commit_singly(connection, writes, error)
    return None


def _commit_singly(connection: sqlite3.Connection, writes: list[Rows], error: Exception) -> str | None:
    """One of `writes` will never be taken: it must not hold up the others."""
    if len(writes) == 1:
        log.error("a change was refused by the history", exc_info=error)
        return None
    failures = [_commit(connection, [rows]) for rows in writes]
    return next((failure for failure in failures if failure is not None), None)


def _execute(connection: sqlite3.Connection, statement: str, *values: object) -> None:
    connection.execute(statement, values)


def _set_slot(connection: sqlite3.Connection, script_name: str, slot: TimetableEntry) -> None:
    # Under one schedule last_slot never goes back, unless a clock that was far ahead had set it.
    statement = (
        "INSERT INTO timetable VALUES (?1, ?2, ?3) ON CONFLICT (script_name) DO UPDATE SET last_slot = CASE schedule"
        " WHEN excluded.schedule THEN max(iif(last_slot > ?4, 0, last_slot), excluded.last_slot)"
        " ELSE excluded.last_slot END,"
        " schedule = excluded.schedule"
    )
    _execute(connection, statement, script_name, slot.schedule, int(slot.last_slot), Instant.now() + 3 * 3_600_000)


def _to_run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("scheduled_at", "started_at", "ended_at"):
        if values[name] is not None:
            values[name] = Instant(values[name])
    return Run(**values)


def _many(connection: sqlite3.Connection, tail: str, *values: object) -> list[Run]:
    return [_to_run(row) for row in connection.execute(f"{_SELECT} {tail}", values)]


def _one(connection: sqlite3.Connection, tail: str, *values: object) -> Run | None:
    return next(iter(_many(connection, f"{tail} LIMIT 1", *values)), None)


def _conditions(query: RunQuery) -> tuple[list[str], list[object]]:
    pairs: list[tuple[str, object]] = [
        ("script_name = ?", query.script), ("status = ?", query.status), ("reason = ?", query.reason),
        ("exit_code = ?", query.exit_code), ("begun_at >= ?", query.since), ("begun_at < ?", query.until),
    ]  # fmt: skip
    where = [condition for condition, value in pairs if value is not None]
    values = [value for _, value in pairs if value is not None]
    if query.before is not None:
        begun_at, dot, run_id = query.before.partition(".")
        if not (dot and begun_at.isdecimal() and len(begun_at) < 16):
            raise CursorError(f"{query.before!r} is not a cursor: pass `next` of the page before")
        where.append("(begun_at, run_id) < (?, ?)")
        values += [int(begun_at), run_id]
    return where, values


def _page(
    connection: sqlite3.Connection, query: RunQuery, where: list[str], values: list[object],
    elsewhere: Mapping[str, LineReader],
) -> RunPage:  # fmt: skip
    tail = (f"WHERE {' AND '.join(where)} " if where else "") + "ORDER BY begun_at DESC, run_id DESC"
    found = []
    for row in connection.execute(f"{_SELECT} {tail}", values):
        run = _to_run(row)
        if query.q is None or _contains(connection, run.run_id, query.q, elsewhere.get(run.run_id)):
            found.append(run)
        if len(found) > query.limit:
            last = found[query.limit - 1]
            return RunPage(found[: query.limit], f"{int(last.started_at or last.scheduled_at)}.{last.run_id}")
    return RunPage(found, None)


def _contains(connection: sqlite3.Connection, run_id: str, q: str, live: LineReader | None) -> bool:
    if live is not None:
        with contextlib.suppress(ValueError):  # it was closed meanwhile: its output is stored now
            return live.contains(q)
    return _archive(connection, run_id).contains(q)


def _last_ended(connection: sqlite3.Connection) -> dict[str, tuple[Run, Instant | None]]:
    result = {}
    names = [name for (name,) in connection.execute("SELECT DISTINCT script_name FROM runs")]
    for name in names:
        latest = "WHERE script_name = ? AND status {} ORDER BY ended_at DESC, run_id DESC"
        run = _one(connection, latest.format("IN ('completed', 'failed')"), name)
        success = _one(connection, latest.format("= 'completed'"), name)
        if run is not None:
            result[name] = (run, success.ended_at if success else None)
    return result


def _last_planned(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, Instant]:
    statement = "SELECT max(scheduled_at) FROM runs WHERE script_name = ? AND trigger IN ('schedule', 'missed')"
    found = ((name, connection.execute(statement, (name,)).fetchone()[0]) for name in names)
    return {name: Instant(slot) for name, slot in found if slot is not None}


def _archive(connection: sqlite3.Connection, run_id: str) -> Archive:
    def fetch(line: int) -> Chunk | None:
        """The piece that holds `line`, or else the first one after it."""
        row = connection.execute(
            "SELECT first_line, lines, segments, data FROM output_chunks WHERE run_id = ?1 AND first_line >= coalesce("
            "(SELECT max(first_line) FROM output_chunks WHERE run_id = ?1 AND first_line <= ?2"
            " AND first_line + lines > ?2), ?2) ORDER BY first_line LIMIT 1",
            (run_id, line),
        ).fetchone()
        return Chunk(*row) if row else None

    return Archive(fetch)
