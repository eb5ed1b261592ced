"""One of a run's two output files, which the run itself writes to: its size, its bytes, and holes made in it."""

from __future__ import annotations

import ctypes
import errno
import os
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exporter.chunks import LAST_LINE
from exporter.marks import StreamState

_PUNCH_HOLE = 0x02 | 0x01
"""FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, fallocate(2)."""
_FARTHEST = LAST_LINE // 2 - 1
"""Position beyond which nothing is seen, as a file may be emptied and extended to 8 EiB again and again: what is said
of both streams together is still a number of JSON."""
_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes that no character begins with in UTF-8."""
_libc = ctypes.CDLL(None, use_errno=True)
_fallocate = getattr(_libc, "fallocate64", None) or getattr(_libc, "fallocate", None)


class StreamFile:
    """One of the two files.  Positions are counted over everything ever written."""

    def __init__(self, path: Path, kind: int, state: StreamState) -> None:
        self.kind = kind
        self._path = path
        self._descriptor: int | None = None
        with suppress(BlockingIOError):
            self._descriptor = _opened(path, os.O_CREAT)
        self.state = state
        """As far as lines were counted."""
        self.size = 0
        """As of the last mark, and so is `base`."""
        self.base = state.base
        self.looked_at = state.indexed
        """There is no line end between `state.indexed` and here."""

    def release(self) -> None:
        """Hold no descriptor any more: from now on the file is opened whenever it is looked at."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _take(descriptor)
            os.close(descriptor)

    @property
    def readable(self) -> bool:
        """Whether nobody holds a lease on the file, which the system ends soon after this was asked."""
        try:
            with self._open():
                return True
        except BlockingIOError:
            return False

    @contextmanager
    def _open(self) -> Iterator[int]:
        if self._descriptor is not None:
            yield self._descriptor
            return
        descriptor = _opened(self._path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, start: int, end: int) -> bytes:
        """Exactly these bytes; zeros where the script has emptied the file meanwhile."""
        data = self._pread(start - self.state.base, end - start) if start >= self.state.base else b""
        return data.ljust(end - start, b"\0")

    def note_size(self) -> bool:
        """Whether the size has changed."""
        before = self.size, self.base
        length = os.stat(self._path if self._descriptor is None else self._descriptor).st_size
        if self.base + length < self.size:
            self.base = self.size
        self.size = min(self.base + length, _FARTHEST)
        return before != (self.size, self.base)

    def tail(self, size: int) -> bytes:
        """Whole lines among the last bytes as of the last mark."""
        start = max(self.base, self.size - size - 1)
        data = self._pread(start - self.base, self.size - start)
        return data[data.find(b"\n") + 1 :] if start > self.base else data

    def unfinished(self) -> bytes:
        """The last line, as far as it was looked at, if it has no end yet."""
        return self.read(self.state.indexed, self.looked_at)

    def punch(self) -> None:
        """Give what is dropped back to the disk; the file keeps its size.  Raises OSError."""
        start, end = (max(0, position - self.state.base) for position in self.state.dropped)
        if end > start:
            with self._open() as descriptor:
                _punch_hole(descriptor, start, end - start)

    def _pread(self, offset: int, size: int) -> bytes:
        with self._open() as descriptor:
            return os.pread(descriptor, size, offset)

    def kept(self) -> int:
        return self.size - self.dropped()

    def dropped(self) -> int:
        start, end = self.state.dropped
        return end - start


def ending(line: bytes, size: int) -> str:
    """Text of a line that has no end yet: of a long one the last bytes."""
    if len(line) <= size:
        cut, data = "", line
    else:
        cut, data = "…", line[-size:].lstrip(_CONTINUATION)
    return cut + getincrementaldecoder("utf-8")("replace").decode(data)  # less a character still being written


def _opened(path: Path, flags: int = 0) -> int:
    """Raises BlockingIOError where somebody holds a lease on the file, fcntl(2), which is asked for but not waited for.

    The system ends a lease that it was asked for within /proc/sys/fs/lease-break-time.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o600)
    except BlockingIOError:
        _take(path)
        raise


def _take(file: int | Path) -> None:
    """Let no other user have a new lease on a file that is not held open: only its owner may."""
    with suppress(OSError):  # who is not root has no scripts of other users either
        os.chown(file, os.geteuid(), -1)


def _punch_hole(descriptor: int, start: int, length: int) -> None:
    if _fallocate is None:  # macOS
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    if _fallocate(descriptor, _PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
