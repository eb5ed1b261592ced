"""Reading a run's output, wherever it is: in files while the run is on, in the history afterwards."""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TypeVar

from msgspec import UNSET

from exporter.archive import LineReader, Page
from exporter.events import Output, OutputPage, Run, Stream
from exporter.history import History
from exporter.live import LiveRuns

T = TypeVar("T")

PIECE_BYTES = 256 << 10
"""How much of a download is read at a time."""


class UnknownRun(LookupError):
    """No run has this id, or it is no longer in the history; the message says so."""


Unfinished = list[tuple[Stream, str]]


def _page(
    lines: LineReader, first: int, limit: int, stream: Stream | None, q: str | None
) -> tuple[Page, int, Unfinished]:
    """A page, how many lines there are, and what follows on the last one if the page comes to it."""
    page = lines.page(first, limit, stream=stream, q=q)
    unfinished = [] if q else [each for each in lines.unfinished(page.next) if stream in (None, each[0])]
    return page, lines.count(), unfinished


def output_page(run: Run, page: Page, total: int, unfinished: Unfinished | None = None) -> OutputPage:
    """A page of a run's output of `total` lines, as it is told."""
    return OutputPage(
        run_id=run.run_id, script_name=run.script_name, first=page.first, lines=page.lines, end=page.end,
        next=None if page.end else page.next, total=total, numbers=page.numbers, dropped_from=page.dropped_from,
        partial=unfinished or UNSET,
    )  # fmt: skip


class Outputs:
    """Belongs to the event loop's thread; the reading itself happens on worker threads."""

    def __init__(self, live: LiveRuns, history: History) -> None:
        self._live = live
        self._history = history

    async def run(self, run_id: str) -> Run:
        """A run's record.  Raises UnknownRun."""
        live = self._live.get(run_id)
        run = live.run if live is not None else await self._history.run(run_id)
        if run is None:
            raise UnknownRun(f"no run has the id {run_id}")
        return run

    async def page(
        self, run_id: str, first: int = 0, limit: int = 1000, stream: Stream | None = None, q: str | None = None
    ) -> OutputPage:
        """Lines from number `first` on, of one stream and containing `q` if given.  Raises UnknownRun."""
        run = await self.run(run_id)
        live = self._live.get(run_id)
        waits = run.waits if live is None else live.recording is None and not live.ended
        if waits:  # its process is still to be started
            return output_page(run, Page(first, [], first), 0)
        look = partial(_page, first=first, limit=limit, stream=stream, q=q)
        return output_page(run, *await self._look(run_id, look))

    async def lines(self, run_id: str, first: int = 0, limit: int = 1000) -> Output:
        """The same without a filter, as the stream sends it."""
        page = await self.page(run_id, first, limit)
        return Output(
            run_id=run_id, script_name=page.script_name, first=page.first, lines=page.lines, end=page.end,
            partial=page.partial,
        )  # fmt: skip

    async def raw(self, run_id: str) -> AsyncGenerator[bytes, None]:
        """The whole output as it was written, in pieces.  Raises UnknownRun."""
        await self.run(run_id)
        async for piece in self._pieces(run_id):
            yield piece

    async def text(self, run_id: str, stream: Stream) -> AsyncGenerator[str, None]:
        """The whole output of one stream as text, in pieces; none where there is no such run any more."""
        decoder = getincrementaldecoder("utf-8")("replace")
        async for piece in self._pieces(run_id, stream):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)

    async def _pieces(self, run_id: str, stream: Stream | None = None) -> AsyncGenerator[bytes, None]:
        line = 0
        while True:
            look = partial(LineReader.raw, first=line, size=PIECE_BYTES, stream=stream)
            piece, line = await self._look(run_id, look)
            if not piece:
                return
            yield piece

    async def _look(self, run_id: str, look: Callable[[LineReader], T]) -> T:
        live = self._live.get(run_id)
        if live is not None and live.recording is not None:
            try:
                return await asyncio.to_thread(look, live.recording)
            except ValueError:  # the recording was closed meanwhile: its output is in the history now
                pass
        return await self._history.archived(run_id, look)

    def follow(self, run_id: str, grown: Callable[[], None]) -> Callable[[], None]:
        """Call `grown()` whenever the run's output was added to or the run ended; returns what ends this."""
        return self._live.follow(run_id, grown)
