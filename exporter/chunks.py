"""How a finished run's output is packed into the history, and unpacked: with doubt, as it may come from a backup.

Segments follow each other: whole lines of one stream that were seen at the same time, or a stretch of dropped ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from exporter.events import Stream

STDOUT, STDERR, DROPPED, CUT_OFF, NO_ROOM, UNCOUNTED, DAMAGED = 1, 2, 4, 8, 16, 32, 64
"""Bits of a segment's kind: whose lines they are; that they were dropped; that the script itself emptied the file, or
that the disk was almost full; that nobody has looked how many lines there are, so that a stretch counts as one; and,
stored nowhere, that a chunk is damaged."""

CHUNK_BYTES = 256 << 10
STREAM_NAMES: dict[int, Stream] = {STDOUT: "stdout", STDERR: "stderr"}
MAX_DATA = 4 << 20
"""Most bytes of a chunk's data, unpacked: CHUNK_BYTES and one more segment, which a line and a long secret may make
longer than usual."""
MAX_LAYOUT = 4 << 20
"""Most bytes of what a chunk says of its segments, of which each has a byte of data at least."""
LAST_LINE = 1 << 53
"""Number that no line reaches: clients have it as a number of JSON."""


class Segment(NamedTuple):
    first: int
    """Number of its first line."""
    lines: int
    offset_ms: int
    """When it was seen, from the run's start."""
    kind: int
    start: int
    """Where its bytes are: in the stream, or in the chunk's data."""
    size: int
    """Bytes, line ends included."""

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def next(self) -> int:
        """Number of the line after it."""
        return self.first + self.lines

    @property
    def stream(self) -> Stream:
        return "stdout" if self.kind & STDOUT else "stderr"


class Chunk(Struct, frozen=True):
    """A piece of a finished run's output, of whole segments."""

    first_line: int
    lines: int
    """Dropped ones included: chunks follow each other without gaps."""
    segments: bytes
    data: bytes
    """Compressed by zlib."""


class Damaged(Exception):
    """A chunk is none that this program makes."""


class _Layout(Struct, array_like=True):
    """What `Chunk.segments` holds, as MessagePack."""

    max_output: int
    segments: list[tuple[int, int, int, int]]
    """Lines, offset_ms, kind, size."""


def pack(segments: Iterable[tuple[Segment, bytes]], max_output: int) -> Iterator[Chunk]:
    """Chunks of about CHUNK_BYTES, before compression, from all segments of a run."""
    gathered: list[tuple[Segment, bytes]] = []
    size = 0
    for segment, data in segments:
        gathered.append((segment, data))
        size += len(data)
        if size >= CHUNK_BYTES:
            yield _packed(gathered, max_output)
            gathered, size = [], 0
    if gathered:
        yield _packed(gathered, max_output)


def _packed(gathered: list[tuple[Segment, bytes]], max_output: int) -> Chunk:
    first = gathered[0][0].first
    rows = [(segment.lines, segment.offset_ms, segment.kind, segment.size) for segment, _ in gathered]
    data = zlib.compress(b"".join(data for _, data in gathered))
    return Chunk(first, gathered[-1][0].next - first, msgspec.msgpack.encode(_Layout(max_output, rows)), data)


class Unpacked(NamedTuple):
    max_output: int
    segments: list[Segment]
    data: bytes


def unpack(chunk: Chunk) -> Unpacked:
    """Takes no more memory than what `pack` makes.  Raises Damaged where a chunk is no such one."""
    try:
        layout = _layout(chunk)
        inflating = zlib.decompressobj()
        data = inflating.decompress(chunk.data, MAX_DATA)
    except (msgspec.DecodeError, zlib.error) as error:
        raise Damaged(str(error)) from error
    segments: list[Segment] = []
    first, start = chunk.first_line, 0
    for lines, offset_ms, kind, size in layout.segments:
        segments.append(Segment(first, lines, offset_ms, kind, start, size))
        first += lines
        start += 0 if kind & DROPPED else size
    if not inflating.eof or start != len(data) or first != chunk.first_line + chunk.lines or not segments:
        raise Damaged("what it says of its segments is not what it has")
    return Unpacked(layout.max_output, segments, data)


def whole(chunk: Chunk) -> Unpacked:
    """The same; of a damaged chunk, that its lines are no longer there."""
    try:
        return unpack(chunk)
    except Damaged:
        lost = Segment(chunk.first_line, max(1, chunk.lines), 0, STDOUT | DROPPED | DAMAGED, 0, 0)
        return Unpacked(0, [lost], b"")


def _layout(chunk: Chunk) -> _Layout:
    if len(chunk.segments) > MAX_LAYOUT:
        raise Damaged("it says too much of its segments")
    layout = msgspec.msgpack.decode(chunk.segments, type=_Layout)
    if not (0 <= chunk.first_line < chunk.first_line + chunk.lines <= LAST_LINE and 0 <= layout.max_output < 1 << 63):
        raise Damaged("it has lines that there cannot be")
    for lines, offset_ms, kind, size in layout.segments:
        most = LAST_LINE if kind & DROPPED else MAX_DATA
        if not (0 <= lines <= most and 0 <= offset_ms <= LAST_LINE and 0 <= size <= LAST_LINE and 0 < kind < DAMAGED):
            raise Damaged("it has a segment that there cannot be")
    return layout
