"""A database from a backup, before it becomes the history."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from exporter import audit
from exporter.backup_format import BadArchive
from exporter.history import SCHEMA_VERSION, build, prepare
from exporter.records import COLUMNS
from exporter.restored_rows import MAX_VALUE, check_rows

log = logging.getLogger(__name__)

_COLUMNS = ", ".join(COLUMNS)
_CARRY_OVER = (
    "INSERT INTO under_way SELECT run_id FROM before.runs WHERE status = 'running'",
    "CREATE TEMP TABLE carried AS SELECT run_id FROM under_way"
    " UNION SELECT run_id FROM before.runs WHERE run_id IN (SELECT run_id FROM main.runs WHERE status = 'running')"
    " UNION SELECT run_id FROM before.runs WHERE coalesce(ended_at, scheduled_at) >= (SELECT asked_at FROM asked)",
    "INSERT OR IGNORE INTO main.output_chunks (run_id, first_line, lines, segments, data)"
    " SELECT run_id, first_line, lines, segments, data FROM before.output_chunks"
    " WHERE run_id IN (SELECT run_id FROM carried)",
    f"INSERT OR REPLACE INTO main.runs ({_COLUMNS}) SELECT {_COLUMNS} FROM before.runs"  # noqa: S608
    " WHERE run_id IN (SELECT run_id FROM carried)",
    "INSERT OR REPLACE INTO main.published SELECT * FROM before.published",
    "INSERT OR REPLACE INTO main.facts SELECT name, value FROM before.facts WHERE name = 'boot'",
)
_AUDIT = ", ".join(audit.COLUMNS)
_CARRY_AUDIT_OVER = (
    # Nobody gets rid of an entry by a restore, nor puts one among those that are there.
    f"CREATE TEMP TABLE trail AS SELECT {_AUDIT} FROM before.audit UNION ALL SELECT {_AUDIT} FROM main.audit"  # noqa: S608
    " WHERE NOT EXISTS (SELECT 1 FROM (SELECT id, at FROM before.audit ORDER BY id LIMIT 1) AS oldest"
    " WHERE main.audit.id >= oldest.id OR main.audit.at > oldest.at)",
    "DELETE FROM main.audit",
    f"INSERT INTO main.audit ({_AUDIT}) SELECT {_AUDIT} FROM trail",  # noqa: S608
)
_STATISTICS = {
    ("table", name, name, f"CREATE TABLE {name}({columns})")
    for name, columns in (("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"))
}
"""Tables that SQLite makes where somebody asks for them (https://sqlite.org/fileformat2.html, 2.6)."""
_TIMES = {
    "runs": ("scheduled_at", "started_at", "ended_at", "duration"),
    "audit": ("at",),
    "cleared": ("last_success",),
    "file_versions": ("saved_at",),
}
_LAST = 253_402_300_799_999
"""Milliseconds at the end of the year 9999."""
_CLOSE = (
    "UPDATE runs SET status = 'skipped', reason = 'missed'"
    " WHERE status = 'running' AND started_at IS NULL AND run_id NOT IN (SELECT run_id FROM under_way)",
    "UPDATE runs SET status = 'failed', reason = 'lost', exit_code = -1, ended_at = started_at, duration = 0"
    " WHERE status = 'running' AND run_id NOT IN (SELECT run_id FROM under_way)",
)


def check(path: Path) -> int:
    """Make sure that the database is a sound history, and make it one of its own; how many runs it has.

    What it says of timetables is forgotten: starts that were planned since are not missed ones, and those under way
    must not happen again.  So are metrics that scripts published: what is shown now stays.  Raises BadArchive.
    """
    try:
        with closing(_connect(path)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
            _check_schema(connection)
            (fault,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if fault != "ok":
                raise BadArchive(f"The history in the archive is damaged: {fault}.")
            prepare(connection)
            _check_times(connection)
            check_rows(connection)
            connection.execute("DELETE FROM timetable")
            connection.execute("DELETE FROM published")
            # From here on it grows apart from the one that it was copied from.
            connection.execute("UPDATE facts SET value = lower(hex(randomblob(16))) WHERE name = 'identity'")
            (runs,) = connection.execute("SELECT count(*) FROM runs WHERE status != 'skipped'").fetchone()
    except sqlite3.Error as error:
        raise BadArchive(f"The history in the archive is damaged: {error}.") from error
    return int(runs)


def _connect(path: Path) -> sqlite3.Connection:
    """A database that nobody else has open, so no file of it need be mapped: to write there on a full disk kills."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA main.locking_mode = EXCLUSIVE")
    return connection


def _check_schema(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 1 <= version <= SCHEMA_VERSION:
        raise BadArchive(
            f"The history in the archive is of another version of Cronscope: it has schema {version},"
            f" and this one reads up to {SCHEMA_VERSION}."
        )
    if connection.execute("PRAGMA encoding").fetchone() != ("UTF-8",):  # of others nothing can be carried over
        raise BadArchive("The history in the archive has texts in another encoding than Cronscope makes.")
    with closing(sqlite3.connect(":memory:")) as own:
        build(own, 0, version)
        if _schema(connection) != _schema(own):
            raise BadArchive("The history in the archive has other tables than this version of Cronscope makes.")


def _check_times(connection: sqlite3.Connection) -> None:
    for table, columns in _TIMES.items():
        told = " OR ".join(f"{column} NOT BETWEEN 0 AND {_LAST}" for column in columns)
        if connection.execute(f"SELECT 1 FROM {table} WHERE {told} LIMIT 1").fetchone():  # noqa: S608
            raise BadArchive(f"The history in the archive is damaged: {table} has a time that there cannot be.")


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str, str]]:
    return {*connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")} - _STATISTICS


def carry_over(before: Path, path: Path, asked_at: int) -> None:
    """Take over from the history that there was its audit trail, and the runs under way, also those at `asked_at`.

    That is when the restore was asked for, in milliseconds.  Of the trail in the archive is left what is older.  A
    second time changes nothing.  Runs under way when the backup was made are what the earlier history says of them, or
    else lost.  Raises sqlite3.Error where that cannot be done now; of an earlier history that is damaged is taken what
    there is.
    """
    with closing(_connect(path)) as connection:
        connection.execute("CREATE TEMP TABLE under_way (run_id TEXT PRIMARY KEY)")
        connection.execute("CREATE TEMP TABLE asked AS SELECT ? AS asked_at", (asked_at,))
        try:
            connection.execute("ATTACH ? AS before", (str(before),))
            _execute(connection, _CARRY_OVER)
        except sqlite3.Error as error:  # it is damaged perhaps, which may be why there is a restore
            _raise_if_passing(error)
            log.error("runs under way are not carried over into the restored history: %s", error)
        try:
            _execute(connection, _CARRY_AUDIT_OVER)
        except sqlite3.Error as error:
            _raise_if_passing(error)
            log.error("the audit trail is not carried over into the restored history: %s", error)
        _execute(connection, _CLOSE)


def _raise_if_passing(error: sqlite3.Error) -> None:
    """Raise what has nothing to do with what is in the database: the disk is full, or another program reads it."""
    name = getattr(error, "sqlite_errorname", "")
    if re.match("SQLITE_(FULL|BUSY|LOCKED|NOMEM|IOERR_(WRITE|SHMSIZE|FSYNC|TRUNCATE))", name):
        raise error


def _execute(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    """All of them, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
