"""A run's output as numbered lines, and how it is paged.

Output comes in segments: whole lines of one stream that were seen at the same time, or a stretch of lines that were
dropped.  Lines of both streams are numbered together, from 0, in the order in which they were seen; a number never
changes.  A line ends with a newline, or at `line_limit(max_output)` bytes, or at the last carriage return before that
which was not seen earlier; what follows counts as another line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator

from msgspec import Struct

from exporter.chunks import (
    CUT_OFF,
    DAMAGED,
    DROPPED,
    NO_ROOM,
    STDERR,
    STDOUT,
    STREAM_NAMES,
    UNCOUNTED,
    Chunk,
    Segment,
    whole,
)
from exporter.events import Stream
from exporter.seen import seen, seen_lines, split
from exporter.settings import Size

PAGE_BYTES = 1 << 20
"""A page ends when it has this much, whatever its limit."""
SEARCH_BYTES = 4 << 20
"""How much a page with a filter looks through."""
_BITS = {name: bit for bit, name in STREAM_NAMES.items()}


def line_limit(max_output: int) -> int:
    """Bytes after which a line without newline is ended.

    Small enough against `max_output` that its kept parts, each at least a quarter of it, can be cut between lines.
    """
    return min(64 << 10, max(256, max_output // 8))


class Page(Struct, frozen=True):
    first: int
    """Number of the first line looked at; without a filter that of `lines[0]`."""
    lines: list[tuple[int, Stream, str]]
    """Milliseconds since the run's start, stream, text without its line end.

    Without a filter the numbers are consecutive, except that a marker for dropped lines, which ends the page, has the
    number of the first of them.
    """
    next: int
    """Number of the line to go on with."""
    end: bool = False
    """The run has ended, and there is no line `next`."""
    numbers: list[int] | None = None
    """Of every one of `lines`, where there is a filter."""
    dropped_from: int | None = None
    """Where the page was to begin inside of a dropped stretch, which it passes over: number of the first line of it."""


class LineReader(ABC):
    """Reading of numbered lines, live and archived alike.  Slow: for worker threads."""

    max_output: int
    ended: bool

    @abstractmethod
    def count(self) -> int:
        """How many lines there are now, dropped ones included."""

    @abstractmethod
    def segment(self, line: int) -> tuple[Segment, bytes] | None:
        """The segment that holds the line, and its bytes (none where it was dropped); None past the last line."""

    def unfinished(self, line: int) -> list[tuple[Stream, str]]:
        """What is written, if all lines before number `line` are all that there are, of the one that follows.

        Of each stream that has such a line, and in the end none has.
        """
        return []

    def page(self, first: int, limit: int, *, stream: Stream | None = None, q: str | None = None) -> Page:
        """Lines from number `first` on, at most `limit`, of one `stream` and containing `q` (in any case) if given.

        Of a line it counts what is to be seen of it (`exporter.seen`).

        With a filter only a bounded part is looked through: a page without lines is not the end, `end` is.
        """
        if stream is None and not q:
            return self._consecutive(first, limit)
        return self._matching(first, limit, STDOUT | STDERR if stream is None else _BITS[stream], (q or "").casefold())

    def _consecutive(self, first: int, limit: int) -> Page:
        lines: list[tuple[int, Stream, str]] = []
        number, looked, dropped_from = first, 0, None
        while len(lines) < limit and looked < PAGE_BYTES and (found := self.segment(number)) is not None:
            segment, data = found
            if segment.kind & DROPPED:
                inside, number = number > segment.first and not lines, segment.next
                if not inside:
                    lines.append((segment.offset_ms, segment.stream, self.marker(segment)))
                    break
                first, dropped_from = number, segment.first
            else:
                texts = split(data)[number - segment.first :]
                left = limit - len(lines)
                lines += [(segment.offset_ms, segment.stream, text) for text in texts[:left]]
                number = segment.next if len(texts) <= left else number + left
                looked += len(data)
        return Page(first, lines, number, self._is_end(number), dropped_from=dropped_from)

    def _matching(self, first: int, limit: int, streams: int, needle: str) -> Page:
        lines: list[tuple[int, Stream, str]] = []
        numbers: list[int] = []
        number, looked = first, 0
        while len(lines) < limit and looked < SEARCH_BYTES and (found := self.segment(number)) is not None:
            segment, data = found
            if segment.kind & DROPPED and number == segment.first and segment.kind & streams and not needle:
                lines.append((segment.offset_ms, segment.stream, self.marker(segment)))
                numbers.append(number)
            elif segment.kind & streams and (not needle or needle in seen_lines(data).casefold()):
                texts = enumerate(split(data)[number - segment.first :], number)
                matching = [each for each in texts if not needle or needle in seen(each[1]).casefold()]
                matching = matching[: limit - len(lines)]
                lines += [(segment.offset_ms, segment.stream, text) for _, text in matching]
                numbers += [each for each, _ in matching]
                if len(lines) == limit:
                    number = numbers[-1] + 1
                    break
            number = segment.next
            looked += len(data)
        return Page(first, lines, number, self._is_end(number), numbers)

    def _is_end(self, number: int) -> bool:
        return self.ended and self.segment(number) is None

    def contains(self, q: str) -> bool:
        """Whether any line contains the text, in any case."""
        number, page = 0, self.page(0, 1, q=q)
        while not page.lines and page.next > number:  # of a run under way the end is where it stands now
            number, page = page.next, self.page(page.next, 1, q=q)
        return bool(page.lines)

    def raw(self, first: int = 0, size: int = 1 << 62, stream: Stream | None = None) -> tuple[bytes, int]:
        """The output as it was written from line `first` on, with a marker line for what was dropped.

        That of one `stream`, or both merged.  Ends once it has `size` bytes, but never right before a marker.  Answers
        the number of the line to go on with, too.
        """
        streams = STDOUT | STDERR if stream is None else _BITS[stream]
        data, number = bytearray(), first
        while (found := self.segment(number)) is not None:
            segment, piece = found
            if segment.kind & streams:
                if segment.kind & DROPPED:
                    fresh = not data or data.endswith(b"\n")
                    piece = (b"" if fresh else b"\n") + self.marker(segment).encode() + b"\n"
                elif len(data) >= size:
                    break
                data += piece
            number = segment.next
        return bytes(data), number

    def segments(self) -> Iterator[tuple[Segment, bytes]]:
        """All segments with their bytes, as far as they are there now."""
        number = 0
        while (found := self.segment(number)) is not None:
            yield found
            number = found[0].next

    def marker(self, segment: Segment) -> str:
        """The line that stands for dropped ones."""
        lines = "1 line" if segment.lines == 1 else f"{segment.lines} lines"
        if segment.kind & UNCOUNTED:
            lines = f"at least {lines}"
        why = f"over max_output {Size(self.max_output)}"
        if segment.kind & CUT_OFF:
            why = "the script emptied the file"
        elif segment.kind & NO_ROOM:
            why = "the disk was almost full"
        elif segment.kind & DAMAGED:
            why = "they cannot be read"
        return f"[cronscope: {_size(segment.size)}, {lines} dropped here: {why}]"


class Archive(LineReader):
    """A finished run's output in the history."""

    ended = True

    def __init__(self, fetch: Callable[[int], Chunk | None], count: Callable[[], int]) -> None:
        """`fetch` answers the chunk that holds a line, or the first one after it; None past the end."""
        self._fetch = fetch
        self._count = count
        self._segments: list[Segment] = []
        self._data = b""

    def count(self) -> int:
        return self._count()

    def segment(self, line: int) -> tuple[Segment, bytes] | None:
        if not (self._segments and self._segments[0].first <= line < self._segments[-1].next):
            chunk = self._fetch(line)
            if chunk is None:
                return None
            self.max_output, self._segments, self._data = whole(chunk)
        segment = self._segments[max(0, bisect_right(self._segments, line, key=lambda each: each.first) - 1)]
        return segment, b"" if segment.kind & DROPPED else self._data[segment.start : segment.end]

    @classmethod
    def of(cls, chunk: Chunk) -> Archive:
        """The output as far as one chunk has it."""
        end = chunk.first_line + chunk.lines
        return cls(lambda line: chunk if line < end else None, lambda: end)


def searchable(chunk: Chunk) -> str:
    """All text of a chunk in one case: what `LineReader.contains` finds in a line of it is found in here, too."""
    return "".join(seen_lines(data) for _, data in Archive.of(chunk).segments()).casefold()


def _size(size: int) -> str:
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} B"
