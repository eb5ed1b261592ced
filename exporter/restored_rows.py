"""The rows of a history from a backup, each looked at as whoever reads it later does, as any hand may have made them.

One at a time, and none takes more memory than one that this program has written.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar, get_args

import msgspec

from exporter import records
from exporter.backup_format import BadArchive
from exporter.chunks import LAST_LINE, Chunk, Damaged, unpack
from exporter.etag import etag_of
from exporter.events import Run, from_json, to_json
from exporter.ulid import PATTERN
from exporter.versions import Op, inflated

T = TypeVar("T")
MAX_VALUE = 8 << 20
"""Bytes of a row: more than any has that this program writes."""
_TEXTS = ("audit", "facts", "output_garbage")
"""Tables of which it is enough that they hold text."""


def check_rows(connection: sqlite3.Connection) -> None:
    """Raises BadArchive, and sqlite3.Error where one has more than MAX_VALUE, or texts that are none."""
    _check("runs", records.every(connection), _check_run)
    chunks = connection.execute("SELECT first_line, lines, segments, data FROM output_chunks")
    _check("output_chunks", (Chunk(*row) for row in chunks), unpack)
    versions = connection.execute("SELECT number, op, mode, size, etag, data FROM file_versions")
    _check("file_versions", versions, _check_version)
    cleared = connection.execute("SELECT last_run FROM cleared")
    _check("cleared", cleared, lambda row: from_json(row[0].encode(), Run))
    for table in _TEXTS:
        for _ in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608
            pass
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
    if not re.fullmatch(PATTERN, run.run_id):
        raise Damaged("its id is none")
    from_json(to_json(run), Run)


def _check_version(row: tuple[int, str, int | None, int | None, str | None, bytes | None]) -> None:
    number, op, mode, size, etag, data = row
    content = None if data is None else inflated(data)
    told = (None, None) if content is None else (len(content), etag_of(content))
    if not (1 <= number <= LAST_LINE and op in get_args(Op) and (mode is None or 0 <= mode <= 0o777)):
        raise Damaged("its number, its op or its mode is none")
    if (size, etag) != told:
        raise Damaged("it has another content than it says")
