"""What a recording knows of a run's output beside the output itself, in memory and in the run's file `marks`.

The file begins with what is known of all output up to a point (`Known`); marks noted since then follow.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from exporter.chunks import DROPPED, Segment

_LENGTH = struct.Struct("<Q")
_COLUMNS = 5
_MARK_SIZE = 8 * _COLUMNS


class Mark(NamedTuple):
    """The sizes of both streams at one time."""

    offset_ms: int
    sizes: tuple[int, int]
    """Everything ever written to stdout and stderr."""
    bases: tuple[int, int]
    """What of that was written before the script emptied the file: it is no longer in it."""


class SegmentTable:
    """Segments in the order of their lines; 48 bytes each, for there may be hundreds of thousands."""

    def __init__(self, rows: bytes = b"") -> None:
        self.lines = 0
        """How many lines there are."""
        self._first = array("q")
        self._rows = array("q", rows)
        for lines in self._rows[::_COLUMNS]:
            self._first.append(self.lines)
            self.lines += lines

    def __len__(self) -> int:
        return len(self._first)

    def __getitem__(self, index: int) -> Segment:
        return Segment(self._first[index], *self._rows[_COLUMNS * index : _COLUMNS * (index + 1)])

    def __iter__(self) -> Iterator[Segment]:
        return map(self.__getitem__, range(len(self)))

    def find(self, line: int) -> Segment | None:
        """The segment that holds a line."""
        return self[bisect_right(self._first, line) - 1] if 0 <= line < self.lines else None

    def append(self, lines: int, offset_ms: int, kind: int, start: int, size: int) -> None:
        """Dropped stretches that follow each other become one; its `start` means nothing."""
        last = _COLUMNS * (len(self) - 1)
        if kind & DROPPED and last >= 0 and self._rows[last + 2] & DROPPED:
            self._rows[last] += lines
            self._rows[last + 2] |= kind
            self._rows[last + 4] += size
        else:
            self._first.append(self.lines)
            self._rows.extend((lines, offset_ms, kind, start, size))
        self.lines += lines

    def rows(self) -> bytes:
        return self._rows.tobytes()


class StreamState(Struct, array_like=True):
    indexed: int = 0
    """Up to here the stream's lines are in the table."""
    base: int = 0
    """Position of the file's first byte: 0 unless the script has emptied the file."""
    dropped: tuple[int, int] = (0, 0)
    """From where to where."""


class Known(Struct, array_like=True):
    """The state of a recording."""

    max_output: int
    """A run keeps the limit that it began with."""
    streams: tuple[StreamState, StreamState]
    rows: bytes = b""
    """Of the table of segments."""


class MarkFile:
    """The run's file `marks`.  Its methods may be called from any thread.

    Where the disk is full, memory has everything still, and a later write makes up for it; only a restart of the
    service before that would see older sizes.
    """

    def __init__(self, path: Path, max_output: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting = array("q")
        self._end: int | None = None
        """Size of the file; None where it has to be written anew."""
        content = path.read_bytes() if path.exists() else b""
        try:
            begin = _LENGTH.size + _LENGTH.unpack_from(content)[0]
            self.known = msgspec.msgpack.decode(content[_LENGTH.size : begin], type=Known)
        except (struct.error, msgspec.DecodeError):  # a new file, or one that was never written whole
            self.known = Known(max_output, (StreamState(), StreamState()))
            """The state as of the opening."""
        else:
            self._end = len(content) - (len(content) - begin) % _MARK_SIZE
            self._waiting.frombytes(content[begin : self._end])
        self._encoded = msgspec.msgpack.encode(self.known)
        self._latest = self._waiting[-_COLUMNS:]

    def last(self) -> Mark | None:
        """The latest mark; None before the first."""
        return _mark(self._latest) if self._latest else None

    def add(self, mark: Mark) -> None:
        row = array("q", (mark.offset_ms, *mark.sizes, *mark.bases))
        with self._lock:
            self._latest = row
            self._waiting += row
            with contextlib.suppress(OSError):
                if self._end is None:
                    self._write_all()
                else:
                    _write_at(self._path, self._end, row.tobytes())
                    self._end += _MARK_SIZE

    def take(self) -> Iterator[Mark]:
        """The marks that were not taken yet."""
        with self._lock:
            taken, self._waiting = self._waiting, array("q")
        return (_mark(taken[start : start + _COLUMNS]) for start in range(0, len(taken), _COLUMNS))

    def save(self, known: Known) -> bool:
        """Write a state which has all marks that were taken in it; False where the disk does not take it."""
        with self._lock:
            self._encoded = msgspec.msgpack.encode(known)
            try:
                self._write_all()
            except OSError:
                self._end = None
        return self._end is not None

    def _write_all(self) -> None:
        marks = self._waiting or self._latest  # taking the latest one again changes nothing, and tells the sizes
        content = _LENGTH.pack(len(self._encoded)) + self._encoded + marks.tobytes()
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        _write_at(fresh, 0, content)
        fresh.replace(self._path)
        self._end = len(content)


def _write_at(path: Path, position: int, content: bytes) -> None:
    # Opened each time: a descriptor less for every run, and what was written in part is written over.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.seek(position)
        file.write(content)


def _mark(row: array[int]) -> Mark:
    return Mark(row[0], (row[1], row[2]), (row[3], row[4]))
