"""The rows of a history from a backup, each looked at as whoever reads it later does, as any hand may have made them.

One at a time, and none takes more memory than one that this program has written.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar, get_args

import msgspec

from exporter import audit, records
from exporter.backup_format import BadArchive
from exporter.chunks import LAST_LINE, Chunk, Damaged, unpack
from exporter.etag import etag_of
from exporter.events import Run, from_json, to_json
from exporter.file_paths import MAX_PATH
from exporter.published import MAX_REASONS
from exporter.settings import FORMER_NAME_PATTERN
from exporter.ulid import PATTERN
from exporter.versions import Op, inflated

T = TypeVar("T")
MAX_VALUE = 8 << 20
"""Bytes of a row: more than any has that this program writes."""
_MAX_RECORD = 6 * MAX_REASONS + 2000
"""Bytes of a run's record as JSON, in which a character takes six."""
_MAX_FACT = 100
"""Characters of a name or a value."""


def check_rows(connection: sqlite3.Connection) -> None:
    """Raises BadArchive, and sqlite3.Error where one has more than MAX_VALUE, or texts that are none."""
    _check("runs", records.every(connection), _check_run)
    chunks = connection.execute("SELECT first_line, lines, segments, data FROM output_chunks")
    _check("output_chunks", (Chunk(*row) for row in chunks), unpack)
    for table in ("output_chunks", "output_garbage"):
        _check(table, connection.execute(f"SELECT DISTINCT run_id FROM {table}"), lambda row: _check_id(*row))  # noqa: S608
    versions = connection.execute("SELECT path, number, op, mode, size, etag, data FROM file_versions")
    _check("file_versions", versions, _check_version)
    _check("cleared", connection.execute("SELECT script_name, last_run FROM cleared"), _check_cleared)
    _check("facts", connection.execute("SELECT name, value FROM facts"), _check_fact)
    _check("audit", connection.execute(f"SELECT {', '.join(audit.COLUMNS)} FROM audit"), audit.check)  # noqa: S608
    # What is of no run is swept away, as that of deleted ones is.
    connection.execute(
        "INSERT OR IGNORE INTO output_garbage SELECT DISTINCT run_id FROM output_chunks"
        " WHERE run_id NOT IN (SELECT run_id FROM runs)"
    )


def _check(table: str, rows: Iterable[T], check: Callable[[T], object]) -> None:
    for row in rows:
        try:
            check(row)
        except (Damaged, msgspec.MsgspecError, ValueError, OverflowError) as error:
            why = f"{table} has a row that there cannot be: {error}"
            raise BadArchive(f"The history in the archive is damaged: {why}.") from error


def _check_run(run: Run) -> None:
    _check_id(run.run_id)
    _check_name(run.script_name)
    if run.metrics_rejected and len(run.metrics_rejected) > MAX_REASONS:
        raise Damaged("it has a text that is too long")
    if run.status in ("completed", "failed") and None in (run.started_at, run.ended_at, run.duration):
        raise Damaged("it has ended, though not at any time")
    from_json(to_json(run), Run)


def _check_id(run_id: str) -> None:
    if not re.fullmatch(PATTERN, run_id):
        raise Damaged("its id is none")


def _check_name(script_name: str) -> None:
    if not re.fullmatch(FORMER_NAME_PATTERN, script_name):
        raise Damaged("no script has its name")


def _check_cleared(row: tuple[str, str]) -> None:
    script_name, record = row
    if len(record) > _MAX_RECORD:
        raise Damaged("its record is too long")
    _check_name(script_name)
    _check_run(from_json(record.encode(), Run))


def _check_fact(row: tuple[str, str]) -> None:
    if any(len(text) > _MAX_FACT for text in row):
        raise Damaged("it has a text that is too long")


def _check_version(row: tuple[str, int, str, int | None, int | None, str | None, bytes | None]) -> None:
    path, number, op, mode, size, etag, data = row
    if len(path.encode()) > MAX_PATH:
        raise Damaged("its path is too long")
    content = None if data is None else inflated(data)
    told = (None, None) if content is None else (len(content), etag_of(content))
    if not (1 <= number <= LAST_LINE and op in get_args(Op) and (mode is None or 0 <= mode <= 0o777)):
        raise Damaged("its number, its op or its mode is none")
    if (size, etag) != told:
        raise Damaged("it has another content than it says")
