"""A run's output while its two files exist: they are written by the run itself, and only looked at from here.

The sizes of both files are noted a few times a second (`Recording.mark`).  Each such mark dates the bytes since the
one before, which gives lines their times and the two streams their order; the lines themselves are counted only when
somebody looks, or when a part is dropped.  Nothing leaves here before secrets in it are masked (`Recording.hide`):
lines end where no secret is, so that each can be masked by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from exporter.archive import Archive, LineReader, Page, line_limit
from exporter.chunks import CUT_OFF, DROPPED, NO_ROOM, STDERR, STDOUT, STREAM_NAMES, UNCOUNTED, Chunk, Segment, pack
from exporter.events import Instant, ProgressState, Stream
from exporter.marks import Known, Mark, MarkFile, SegmentTable
from exporter.masking import Masking
from exporter.progress import PROGRESS_BYTES, progress_in
from exporter.stream_file import StreamFile, ending

__all__ = ["Archive", "Chunk", "Page", "Recording"]

log = logging.getLogger(__name__)

TRIM_BYTES = 1 << 20
"""How much must be over `max_output` before it is worth dropping while the run is on."""
SCANTY_BYTES = 64 << 10
"""What is kept of a run's output, and must be over that, while the disk is almost full."""
COUNTED_PIECES = 8192
"""How much may be dropped at once, in pieces as long as a line may be, and still be read, to count its lines."""
UNFINISHED_BYTES = 4096
"""What is told at most of a line that has no end yet: its last bytes."""


class Recording(LineReader):
    """One run's output, from its start until it is in the history.

    `mark`, `progress` and the sizes take microseconds.  Everything else may read a lot: it is for worker threads, any
    number of them at once, beside the event loop's thread that marks.
    """

    def __init__(self, folder: Path, started_at: Instant, max_output: int) -> None:
        """Open the output of a run new or taken up again.  Raises OSError."""
        self._folder = folder
        self._started_at = started_at
        self._marks = MarkFile(folder / "marks", max_output)
        known = self._marks.known
        self.max_output = known.max_output
        self.ended = False
        self._table = SegmentTable(known.rows)
        self._streams = (
            StreamFile(folder / "stdout", STDOUT, known.streams[0]),
            StreamFile(folder / "stderr", STDERR, known.streams[1]),
        )
        self._offset_ms = 0
        if (last := self._marks.last()) is not None:
            self._offset_ms = last.offset_ms
            for stream, size, base in zip(self._streams, last.sizes, last.bases, strict=True):
                stream.size, stream.base = size, base
        self._secrets = folder / "secrets"
        self._masking = Masking.load(self._secrets)
        self._looking = threading.Lock()  # the table and the states of the streams
        self._noting = threading.Lock()  # sizes and bases of the streams; held for microseconds, taken after the other
        self._holes = True
        self._closed = False
        self._limit = self.max_output
        self._progress: ProgressState | None = None
        self._progress_at = 0

    def hide(self, values: Iterable[str]) -> None:
        """Tell `***` in place of these values, also in the next life of the service: called before anybody reads."""
        self._masking = Masking.of(values)
        if self._masking is not None:
            with suppress(OSError):  # the disk is full: it is the next life that does not know them
                self._masking.save(self._secrets)

    @property
    def hides(self) -> bool:
        return self._masking is not None

    def told(self, text: str) -> str:
        """What is to be said of the run elsewhere."""
        if self._masking is None:
            return text
        return self._masking.told(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")

    @property
    def stdout_bytes(self) -> int:
        """Everything ever written, as of the last mark."""
        return self._streams[0].size

    @property
    def stderr_bytes(self) -> int:
        return self._streams[1].size

    @property
    def marked_at(self) -> Instant:
        """Time of the last mark; the run's start before the first."""
        return Instant(self._started_at + self._offset_ms)

    @property
    def dropped_bytes(self) -> int:
        """Exact once finished."""
        return sum(stream.dropped() for stream in self._streams)

    @property
    def readable(self) -> bool:
        """Whether no process that the run left holds a lease on its files; while one does, no more lines are there.

        The system ends that soon after this was asked.
        """
        stdout, stderr = (stream.readable for stream in self._streams)  # both are asked for at once
        return stdout and stderr

    @property
    def trim_due(self) -> bool:
        """So much is over the limit that `trim` should be called, on a worker thread."""
        worth = TRIM_BYTES if self._limit == self.max_output else SCANTY_BYTES
        return sum(max(0, stream.kept() - self._budget(stream)) for stream in self._streams) >= worth

    def limit(self, size: int | None) -> None:
        """Keep no more than `size` bytes from now on, as the disk is almost full; None: `max_output` again.

        What was dropped till then does not come back.
        """
        self._limit = self.max_output if size is None else min(size, self.max_output)

    def mark(self, now: Instant) -> bool:
        """Note the sizes; whether anything was added since the last mark.  Nothing is once it is finished."""
        with self._noting:
            changed = [not self.ended and stream.note_size() for stream in self._streams]
            if not any(changed):
                return False
            self._offset_ms = max(self._offset_ms, now - self._started_at)  # clocks are set back at times
            stdout, stderr = self._streams
            self._marks.add(Mark(self._offset_ms, (stdout.size, stderr.size), (stdout.base, stderr.base)))
            return True

    def progress(self) -> ProgressState | None:
        """What the last line `::progress PERCENT [TEXT]` says that was near the end of stdout at a mark."""
        stdout = self._streams[0]
        if stdout.size != self._progress_at and stdout.readable:
            self._progress_at = stdout.size
            self._progress = progress_in(self._masked(stdout.tail(PROGRESS_BYTES))) or self._progress
        return self._progress

    def trim(self) -> None:
        """Drop the middle of what is over the limit, giving it back to the disk."""
        with self._looking:
            if not self._closed and self.readable:
                self._index()
                self._drop_middle()

    def finish(self, now: Instant) -> None:
        """The run has ended: note the last output, and drop exactly what is over `max_output`."""
        self.mark(now)
        self._finish()

    def _finish(self) -> None:
        with self._looking, self._noting:  # whoever counts lines would take what is marked since for one without an end
            self.ended = True
        self.trim()

    def chunks(self) -> Iterator[Chunk]:
        """The output for the history, as of the last mark; the run has ended."""
        self._finish()
        yield from pack(self.segments(), self.max_output)

    def count(self) -> int:
        with self._looking:
            if self._closed:
                raise ValueError("the recording is closed")
            if self.readable:
                self._index()
            return self._table.lines

    def segment(self, line: int) -> tuple[Segment, bytes] | None:
        """See `LineReader`.  While the run is on, a last line without newline is not there yet.

        Raises ValueError once the recording is closed.
        """
        with self._looking:
            if self._closed:
                raise ValueError("the recording is closed")
            if not self.readable:
                return None
            if line >= self._table.lines:
                self._index()
            segment = self._table.find(line)
            if segment is None:
                return None
            if segment.kind & DROPPED:
                return segment, b""
            data = self._masked(self._stream(segment).read(segment.start, segment.end))
            return segment._replace(size=len(data)), data

    def unfinished(self, line: int) -> list[tuple[Stream, str]]:
        """See `LineReader`."""
        with self._looking:
            if self._closed:
                raise ValueError("the recording is closed")
            if not self.readable:
                return []
            self._index()
            if self._table.lines != line:
                return []
            found = [(STREAM_NAMES[stream.kind], self._unfinished(stream)) for stream in self._streams]
            return [(name, text) for name, text in found if text]

    def _is_end(self, number: int) -> bool:
        return self.readable and super()._is_end(number)

    def _unfinished(self, stream: StreamFile) -> str:
        """Of a long line the last bytes, and nothing that may become a secret."""
        data = stream.unfinished()
        if self._masking is not None:
            data = self._masked(data[: self._masking.boundary(data)])
        return ending(data, UNFINISHED_BYTES)

    def _masked(self, data: bytes) -> bytes:
        return data if self._masking is None else self._masking.told(data)

    def release(self) -> None:
        """The run has ended, but it may take long until its output is in the history: hold no descriptors till then."""
        with self._looking, self._noting:
            for stream in self._streams:
                stream.release()

    def close(self) -> None:
        self.release()
        with self._looking:
            self._closed = True

    # --- the index of lines, under the lock `_looking` ---

    def _stream(self, segment: Segment) -> StreamFile:
        return self._streams[0 if segment.kind & STDOUT else 1]

    def _index(self) -> None:
        """Count the lines up to the last mark."""
        passed_over = False
        for mark in self._marks.take():
            for stream, size, base in zip(self._streams, mark.sizes, mark.bases, strict=True):
                if base != stream.state.base:
                    self._forget(stream, base, mark.offset_ms)
                if base == stream.base:  # else the file has been emptied since
                    passed_over |= self._pass_over(stream, size, mark.offset_ms)
                    self._count(stream, size, mark.offset_ms)
        if self.ended:
            for stream in self._streams:
                if (rest := stream.size - stream.state.indexed) > 0:
                    self._table.append(1, self._offset_ms, stream.kind, stream.state.indexed, rest)
                    stream.state.indexed = stream.size
        if passed_over:
            self._give_back(self._streams)

    @property
    def _piece(self) -> int:
        """How long a line without end may be."""
        limit = line_limit(self.max_output)
        if self._masking is not None:  # so that there is a place to end it beside a secret
            limit = max(limit, 2 * self._masking.longest)
        return limit

    def _count(self, stream: StreamFile, size: int, offset_ms: int) -> None:
        """A line belongs to the mark that first saw its end."""
        state, limit = stream.state, self._piece
        while state.indexed < size:
            end = min(state.indexed + limit, size)
            fresh = stream.read(stream.looked_at, end)
            if newlines := fresh.count(b"\n"):
                end = stream.looked_at + fresh.rfind(b"\n") + 1
            elif end - state.indexed < limit:
                stream.looked_at = end
                return
            elif returns := fresh.rfind(b"\r") + 1:  # what a progress bar says next is a whole again
                end = stream.looked_at + returns
            elif self._masking is not None:  # but where it is nothing but one secret in another
                end = state.indexed + (self._masking.boundary(stream.read(state.indexed, end)) or limit)
            self._table.append(newlines or 1, offset_ms, stream.kind, state.indexed, end - state.indexed)
            state.indexed = stream.looked_at = end

    def _pass_over(self, stream: StreamFile, size: int, offset_ms: int) -> bool:
        """Drop, unread, what is sure to be dropped where that is very much; whether it was.

        A file grows by terabytes in no time (truncate(2), holes), and reading them would take hours.
        """
        state, (head, tail) = stream.state, self._edges(stream)
        if size <= head or tail - max(head, state.indexed) <= COUNTED_PIECES * self._piece:
            return False
        self._count(stream, max(head, stream.looked_at), offset_ms)
        self._drop(stream, head, state.indexed, self._why)
        start, end = state.indexed, self._beginning(stream, tail)
        self._table.append(1, offset_ms, stream.kind | DROPPED | UNCOUNTED | self._why, start, end - start)
        state.dropped = (state.dropped[0] if stream.dropped() else start, end)
        state.indexed = stream.looked_at = end
        return True

    def _beginning(self, stream: StreamFile, position: int) -> int:
        """Where a line begins, there or soon after it; in one without end a place where no secret is."""
        ahead = stream.read(position - 1, min(position + self._piece, stream.size))
        if (newline := ahead.find(b"\n")) >= 0:
            return position + newline
        if self._masking is None:
            return position
        before = position - self._masking.longest
        around = stream.read(before, min(position + self._piece, stream.size))
        return max(position, before + self._masking.boundary(around))

    def _forget(self, stream: StreamFile, base: int, offset_ms: int) -> None:
        """The script itself has emptied the file (`echo … > /dev/stderr` does): what it held is gone."""
        state = stream.state
        self._drop(stream, 0, state.indexed, CUT_OFF)
        if base > state.indexed:  # never looked at: nobody knows how many lines
            lost = DROPPED | CUT_OFF | UNCOUNTED
            self._table.append(1, offset_ms, stream.kind | lost, state.indexed, base - state.indexed)
        stream.looked_at = base
        state.indexed = state.base = base
        state.dropped = (0, base)
        self._save()

    # --- dropping, under the same lock ---

    def _budget(self, stream: StreamFile) -> int:
        """What a stream may keep: half of the limit, and what the other one leaves of its own half."""
        stdout, stderr = self._streams
        other = stderr if stream is stdout else stdout
        return max(self._limit // 2, self._limit - other.size)

    @property
    def _why(self) -> int:
        return 0 if self._limit == self.max_output else NO_ROOM

    def _edges(self, stream: StreamFile) -> tuple[int, int]:
        """From where to where a stream is dropped, if it is over its budget."""
        budget, state = self._budget(stream), stream.state
        # What is dropped is one stretch: where it began early, while less was kept, nothing before it comes back.
        head = min(budget // 2, state.dropped[1]) if stream.dropped() else budget // 2
        return head, stream.size - (budget - budget // 2)

    def _drop_middle(self) -> None:
        over = [stream for stream in self._streams if stream.kept() > self._budget(stream)]
        for stream in over:
            self._drop(stream, *self._edges(stream), self._why)
        if over:
            self._give_back(over)

    def _give_back(self, streams: Iterable[StreamFile]) -> None:
        # Saved first: after a crash in between nobody must count lines in a hole.
        saved = self._save()
        for stream in streams:
            self._punch(stream)
        if not saved:  # the disk was full
            self._save()

    def _punch(self, stream: StreamFile) -> None:
        # Where the file system has no holes, the place is given back when the run ends.  Cutting the file meanwhile
        # would lose, uncounted, what is written between reading its tail and cutting it.
        if self._holes:
            try:
                stream.punch()
            except OSError as error:
                self._holes = False
                log.warning("%s: dropped output takes disk space until the run ends: %s", self._folder, error)

    def _save(self) -> bool:
        stdout, stderr = self._streams
        return self._marks.save(Known(self.max_output, (stdout.state, stderr.state), self._table.rows()))

    def _drop(self, stream: StreamFile, head: int, tail: int, why: int = 0) -> None:
        """Turn what a stream has between two positions into dropped lines; what is kept is whole lines."""
        table = SegmentTable()
        for segment in self._table:
            if segment.kind != stream.kind or segment.end <= head or segment.start >= tail:
                table.append(*segment[1:])
            else:
                self._split(table, stream, segment, head, tail, why)
        self._table = table

    def _split(self, table: SegmentTable, stream: StreamFile, segment: Segment, head: int, tail: int, why: int) -> None:
        _, lines, offset_ms, kind, start, size = segment
        data, begin, end = b"", 0, size
        if head > start or tail < segment.end:
            data = stream.read(start, segment.end)
            begin = data.rfind(b"\n", 0, max(0, head - start)) + 1
            end = (data.find(b"\n", max(begin, tail - start) - 1) + 1 if tail < segment.end else 0) or size
        before, after = data.count(b"\n", 0, begin), data.count(b"\n", end)
        if before:
            table.append(before, offset_ms, kind, start, begin)
        if end > begin:
            table.append(lines - before - after, offset_ms, kind | DROPPED | why, start + begin, end - begin)
            dropped_from, dropped_to = stream.state.dropped if stream.dropped() else (start + begin, 0)
            stream.state.dropped = min(dropped_from, start + begin), max(dropped_to, start + end)
        if after:
            table.append(after, offset_ms, kind, start + end, size - end)
