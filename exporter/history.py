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
import errno
import logging
import queue
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from exporter import records, search_index
from exporter.archive import Archive
from exporter.chunks import Chunk
from exporter.data_dir import RESERVE, Reserve, private
from exporter.events import Instant, PastRun, Run
from exporter.records import CursorError, Past, RunPage, RunQuery, TimetableEntry
from exporter.sweeper import Sweeper

__all__ = ["CursorError", "History", "HistoryError", "Past", "RunPage", "RunQuery", "TimetableEntry", "read_only"]

log = logging.getLogger(__name__)
T = TypeVar("T")

_SCHEMA = ("schema.sql", "schema_2.sql", "schema_3.sql")
"""What brings a database from each version to the next."""
SCHEMA_VERSION = len(_SCHEMA)
RETRY_SECONDS = 1.0
RESERVE_BYTES = 1 << 20
"""Room for some hundred records after the disk is full."""
_OPENING_BYTES = 64 << 10
"""Room that must be there to open the database, more than it takes: a process that writes into a mapped file for which
there is none is killed (mmap(2), SIGBUS)."""
_UPSERT = (
    f"INSERT INTO runs ({', '.join(records.COLUMNS)}) VALUES ({', '.join('?' * len(records.COLUMNS))})"  # noqa: S608
    f" ON CONFLICT (run_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in records.COLUMNS[1:])}"
)
_PUBLISH = (
    "INSERT INTO published VALUES (?, ?, ?) ON CONFLICT (script_name) DO UPDATE"
    " SET ended_at = excluded.ended_at, families = excluded.families WHERE excluded.ended_at >= ended_at"
)

Rows = Callable[[sqlite3.Connection], object]


class HistoryError(Exception):
    """The database can't be opened, or not be written now; the message says why."""


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
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._swept = False
        self.failure: str | None = None
        """Why the last commit failed, or may soon; None while all is well."""
        self._reserve = Reserve(path.with_name(RESERVE), RESERVE_BYTES)
        self._opened = asyncio.Event()
        self._open()
        self._opened.set()

    def _open(self) -> None:
        self._reserve.release()  # opening takes room too; the writer takes it again
        try:
            _check_room(self.path)
            connection = _connect(private(self.path))
            prepare(connection)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"cannot open the history {self.path}: {error}") from error
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="history-reader")
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._writer = threading.Thread(target=self._write_all, args=(connection,), name="history-writer", daemon=True)
        self._writer.start()

    async def close(self, *, swept: bool = False) -> None:
        """Store what waits, as far as the disk takes it; `swept`: give back all the space that is free now, too."""
        self._swept = swept
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        for connection in self._reading:
            connection.interrupt()
        await asyncio.to_thread(self._end_reading, cancel=True)

    async def exchange(self, swap: Callable[[], None]) -> None:
        """Have `swap`, on a worker thread, put another database in the place of this one, which nothing has open then.

        Who wants to read waits meanwhile; what is to be written later than now goes into the other one.  What `swap`
        raises is raised, and then it must have left the old one in its place.
        """
        self._opened.clear()
        await asyncio.to_thread(self._end_reading)
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        try:
            await asyncio.to_thread(swap)
        finally:
            await asyncio.to_thread(self._open)
            self._opened.set()

    # --- writing ---

    def record(
        self, *runs: Run, worked_off: TimetableEntry | None = None, published: bytes | None = None
    ) -> asyncio.Future[bool]:
        """Store records of one script's runs, new or changed, and how far its timetable is worked off, as one.

        With them goes `published`: the metrics that the one run left when it ended.  The future is True once all of it
        is durable, False where it could not be stored yet.
        """

        def rows(connection: sqlite3.Connection) -> None:
            connection.executemany(_UPSERT, map(records.to_row, runs))
            if worked_off is not None:
                _set_slot(connection, runs[0].script_name, worked_off)
            if published is not None:
                _execute(connection, _PUBLISH, runs[0].script_name, runs[0].ended_at, published)

        return self._submit(rows)

    def set_slots(self, slots: Iterable[tuple[str, TimetableEntry]]) -> asyncio.Future[bool]:
        """Store how far timetables are worked off, where there is no run to store with it."""
        slots = list(slots)

        def rows(connection: sqlite3.Connection) -> None:
            for script_name, slot in slots:
                _set_slot(connection, script_name, slot)

        return self._submit(rows)

    def forget(self, script_names: Iterable[str]) -> asyncio.Future[bool]:
        """Scripts are gone: one of the same name is a new one, with a past as far as that is recorded."""
        return self._delete_of(script_names, "timetable", "published", "cleared")

    def forget_published(self, script_names: Iterable[str]) -> asyncio.Future[bool]:
        """Metrics of these scripts' own are too old to be shown again."""
        return self._delete_of(script_names, "published")

    def _delete_of(self, script_names: Iterable[str], *tables: str) -> asyncio.Future[bool]:
        names = [(name,) for name in script_names]

        def rows(connection: sqlite3.Connection) -> None:
            for table in tables:
                connection.executemany(f"DELETE FROM {table} WHERE script_name = ?", names)  # noqa: S608

        return self._submit(rows)

    def set_fact(self, name: str, value: str) -> asyncio.Future[bool]:
        return self._submit(
            lambda connection: _execute(connection, "INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)
        )

    def keep_output(self, run_id: str, chunk: Chunk) -> asyncio.Future[bool]:
        """Store a piece of a finished run's output.

        Unlike records it is not tried again by itself: the run's folder still has it, and memory is not for it.
        """
        insert = (
            "INSERT OR REPLACE INTO output_chunks (run_id, first_line, lines, segments, data) SELECT ?1, ?2, ?3, ?4, ?5"
            " WHERE EXISTS (SELECT 1 FROM runs WHERE run_id = ?1)"  # else it was deleted meanwhile
        )
        values = (run_id, *msgspec.structs.astuple(chunk))
        return self._submit(lambda connection: _execute(connection, insert, *values), retried=False)

    def write(self, rows: Rows, *, retried: bool = True) -> asyncio.Future[bool]:
        """Have the writer thread call `rows` within a transaction, twice where the first one fails.

        The future is True once all of it is durable, False where it could not be stored: yet, or if not `retried`,
        at all.
        """
        return self._submit(rows, retried=retried)

    def _submit(self, rows: Rows, *, retried: bool = True) -> asyncio.Future[bool]:
        job = _Job(rows, retried, self._loop.create_future())
        self._jobs.put(job)
        return job.stored

    def _write_all(self, connection: sqlite3.Connection) -> None:
        """The writer thread: one transaction for all that has gathered; what fails stays first in line."""
        waiting: list[Rows] = []
        closing = False
        reserve = self._reserve
        reserve.take()
        sweeper = Sweeper(connection)
        while not closing:
            timeout = RETRY_SECONDS if waiting or not reserve.held or sweeper.put_off else None
            jobs, closing = self._gather(timeout=0 if sweeper.busy else timeout)
            if not jobs and not closing and (sweeper.busy or (sweeper.put_off and not waiting and reserve.held)):
                sweeper.sweep()
                continue
            writes = waiting + [job.rows for job in jobs]
            refused = failure = _commit(connection, writes)
            sweeper.busy = True
            if refused is not None and reserve.release():
                refused = _commit(connection, writes)
            waiting = waiting + [job.rows for job in jobs if job.retried] if refused else []
            if refused is None and not reserve.take():
                failure = failure or "the disk is full; what is stored now takes the last of a reserve"
            self._loop.call_soon_threadsafe(self._settle, jobs, refused is None, failure)
        while self._swept and sweeper.busy:
            sweeper.sweep()
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
        await self._opened.wait()
        return await self._loop.run_in_executor(self._readers, lambda: query(self._reader()))

    def _end_reading(self, *, cancel: bool = False) -> None:
        """Wait for who reads, without `cancel` also for who is to read, and have nothing open any more."""
        self._readers.shutdown(cancel_futures=cancel)
        for connection in self._reading:
            connection.close()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path)
            connection.execute("PRAGMA query_only = ON")
            self._reading.append(connection)
        return connection

    async def run(self, run_id: str) -> Run | None:
        return await self.read(lambda connection: records.one(connection, "WHERE run_id = ?", run_id))

    async def runs(self, query: RunQuery) -> RunPage:
        """A page of records, latest begun first.  Raises CursorError."""
        return await self.read(lambda connection: records.page(connection, query))

    async def recent(self, script_names: Iterable[str], limit: int) -> dict[str, list[PastRun]]:
        """Each script's latest runs that ended, the last of them last."""
        return await self.read(lambda c: {name: records.recent(c, name, limit) for name in script_names})

    async def first_failures(self, script_names: Iterable[str]) -> dict[str, Instant | None]:
        """End of the earliest of each script's failed runs."""
        return await self.read(lambda c: {name: records.first_failure(c, name) for name in script_names})

    async def executing(self) -> list[Run]:
        """Records that still say `running`: what the last life of the service left."""
        return await self.read(records.executing)

    async def past(self, unplanned: Collection[str]) -> Past:
        """`unplanned`: scripts that the timetable does not know."""
        return await self.read(lambda connection: records.past(connection, unplanned))

    async def timetable(self) -> dict[str, TimetableEntry]:
        return await self.read(records.timetable)

    async def published(self) -> list[tuple[str, Instant, bytes]]:
        """What scripts have published, with the end of the run that did; whoever came first comes first."""
        statement = "SELECT script_name, ended_at, families FROM published ORDER BY ended_at"
        rows = await self.read(lambda c: c.execute(statement).fetchall())
        return [(name, Instant(at), families) for name, at, families in rows]

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
        return await self.read(lambda connection: look(records.archive(connection, run_id)))

    def size_bytes(self) -> int:
        """What the database and the search index take on disk, write-ahead logs included."""
        names = (self.path.name, search_index.FILE)
        parts = [self.path.with_name(name + suffix) for name in names for suffix in ("", "-wal")]
        return sum(part.stat().st_size for part in parts if part.exists())


def read_only(path: Path) -> sqlite3.Connection:
    """For who only looks, with a service or without; empty where there is no history yet.  Raises sqlite3.Error."""
    if not path.exists():
        connection = sqlite3.connect(":memory:", isolation_level=None)
        prepare(connection)
        return connection
    _check_room(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=1)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA_VERSION:
        raise sqlite3.DatabaseError(
            "an older version wrote it, and the next start of the service will bring it up to date"
        )
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"a newer version wrote it (schema {version}, this one knows {SCHEMA_VERSION})")
    return connection


def _check_room(path: Path) -> None:
    """Raises sqlite3.OperationalError where there is no room for the file that is mapped as the database is opened."""
    if path.with_name(f"{path.name}-shm").exists():
        return
    try:  # what the system tells of free room is more than there is
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(bytes(_OPENING_BYTES))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise sqlite3.OperationalError("the disk is full, and to open it takes some 64 KiB") from error


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a database to the schema of this version.  Raises sqlite3.Error."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"a newer version wrote it (schema {version}, this one knows {SCHEMA_VERSION})")
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    build(connection, version, SCHEMA_VERSION)


def build(connection: sqlite3.Connection, since: int, version: int) -> None:
    """Bring a database from one version of the schema, 0 being none, to another.  Raises sqlite3.Error."""
    for number, name in enumerate(_SCHEMA[since:version], since + 1):
        schema = files("exporter").joinpath(name).read_text()
        connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {number}; COMMIT;")


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
