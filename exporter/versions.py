"""Versions of edited files: rows of the history's table `file_versions`.

A file's latest version is what the file holds as far as anybody has looked; the functions here that take a connection
are for the history's own threads.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Literal, NamedTuple

from msgspec import Struct

from exporter.chunks import Damaged
from exporter.etag import etag_of
from exporter.events import Instant

Op = Literal["written", "restored", "found", "deleted"]
"""What happened: `written` and `restored` through the service, `found` on disk after somebody else had changed it."""

MAX_LISTED = 10_000
MAX_BYTES = 1 << 20
"""Largest file of which the content is read, written or kept."""


class FileVersion(Struct, frozen=True, kw_only=True):
    number: int
    """Counted from 1 for each path."""
    saved_at: Instant
    op: Op
    size: int | None
    """Bytes; null for a deletion."""
    etag: str | None
    """That of the file with this content; null for a deletion."""


class Content(NamedTuple):
    """What a file holds."""

    data: bytes
    etag: str


class UnknownVersion(LookupError):
    """The file has no such version, or that one has no content; the message says which."""


def content_of(data: bytes) -> Content:
    return Content(data, etag_of(data))


def latest_etag(connection: sqlite3.Connection, path: str) -> str | None:
    """None where nothing is known of the path, or that the file is gone."""
    return _latest(connection, path)[1]


def note(
    connection: sqlite3.Connection,
    path: str,
    at: Instant,
    content: Content | None,
    mode: int | None,
    op: Op | None = None,
) -> int:
    """The file holds `content`, or is not there: a new version unless this is known.  Answers the latest number.

    `mode` has the file's permissions, as far as there is or was one; `op` None: nobody told but the disk.
    """
    number, etag = _latest(connection, path)
    if etag == (content and content.etag):
        return number
    held: tuple[object, ...] = (None, None, None)
    if content is not None:
        # Quickly, for whatever else is to be stored waits for it.
        held = (len(content.data), content.etag, zlib.compress(content.data, 1))
    row = (path, number + 1, int(at), op or ("found" if content else "deleted"), mode, *held)
    connection.execute("INSERT INTO file_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return number + 1


def forget(connection: sqlite3.Connection, path: str, number: int) -> None:
    """What was to become a version did not."""
    connection.execute("DELETE FROM file_versions WHERE path = ? AND number = ?", (path, number))


def listing(connection: sqlite3.Connection, path: str) -> list[FileVersion]:
    """Newest first, as many as `MAX_LISTED`."""
    rows = connection.execute(
        "SELECT number, saved_at, op, size, etag FROM file_versions WHERE path = ? ORDER BY number DESC LIMIT ?",
        (path, MAX_LISTED),
    )
    return [
        FileVersion(number=number, saved_at=Instant(saved_at), op=op, size=size, etag=etag)
        for number, saved_at, op, size, etag in rows
    ]


def stored(connection: sqlite3.Connection, path: str, number: int) -> Content:
    """What the file held in a version.  Raises UnknownVersion."""
    row = connection.execute(
        "SELECT data, etag FROM file_versions WHERE path = ? AND number = ?", (path, number)
    ).fetchone()
    if row is None:
        raise UnknownVersion(f"{path} has no version {number}")
    data, etag = row
    if data is None:
        raise UnknownVersion(f"version {number} of {path} is its deletion: take the one before")
    try:
        return Content(inflated(data), etag)
    except Damaged:
        raise UnknownVersion(f"version {number} of {path} is damaged: there is nothing of it any more") from None


def inflated(data: bytes) -> bytes:
    """A stored content.  Raises Damaged where it is none, or longer than any that there can be."""
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise Damaged(str(error)) from error
    if len(content) > MAX_BYTES or not inflating.eof:
        raise Damaged("it is too long, or not whole")
    return content


def last_mode(connection: sqlite3.Connection, path: str) -> int | None:
    """The permissions that the file had when it was last seen."""
    row = connection.execute(
        "SELECT mode FROM file_versions WHERE path = ? AND mode IS NOT NULL ORDER BY number DESC LIMIT 1", (path,)
    ).fetchone()
    return row[0] if row else None


def _latest(connection: sqlite3.Connection, path: str) -> tuple[int, str | None]:
    latest = "SELECT number, etag FROM file_versions WHERE path = ? ORDER BY number DESC LIMIT 1"
    return connection.execute(latest, (path,)).fetchone() or (0, None)
