"""What a scrape gets: the text of all metrics, of which only what has changed is rendered again.

Each script's lines are kept, family by family, until something about it changes; so are all scripts' lines joined,
and compressed.  Scrapes at the same time share one text.  The event loop is never held up for long: rendering pauses
between scripts, and what is done with the whole text happens on a worker thread.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from exporter import encoding
from exporter.published import Publications
from exporter.script_series import Block, ScriptCollector, ScriptSeries, script_families

SLICE_SECONDS = 0.002
"""How long rendering may hold the event loop at a time."""
GZIP_LEVEL = 1
_Form = tuple[bool, bool]
"""Whether it is OpenMetrics, and whether it is compressed."""
_GZIP_FORMAT = zlib.MAX_WBITS + 16  # RFC 1952 around the deflated data


class _Compressor(Protocol):
    def copy(self) -> _Compressor: ...
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Kept(NamedTuple):
    """The beginning of an exposition: all that is told of scripts."""

    version: int
    beginning: bytes
    compressor: _Compressor | None
    """In the state after `beginning` where that is compressed, to go on from a copy."""

    def complete(self, rest: bytes) -> bytes:
        if self.compressor is None:
            return self.beginning + rest
        compressor = self.compressor.copy()
        return self.beginning + compressor.compress(rest) + compressor.flush()


class _Pace:
    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def keep(self) -> None:
        """Let the event loop do other work when it is time for that."""
        if time.perf_counter() - self._since > SLICE_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


class Exposition:
    def __init__(self, registry: CollectorRegistry, scripts: ScriptCollector, publications: Publications) -> None:
        self._registry = registry
        self._scripts = scripts
        self._publications = publications
        self._own_labels: list[str] = []
        self._kept: dict[_Form, _Kept] = {}
        self._turns: defaultdict[_Form, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: dict[_Form, asyncio.Task[bytes]] = {}
        """What is not begun yet, so that it will tell of all that happens till then."""

    async def render(self, *, openmetrics: bool, compress: bool) -> bytes:
        """All that has happened by now, in one of the two formats, compressed as gzip if asked for."""
        form = openmetrics, compress
        if form not in self._waiting:
            self._waiting[form] = asyncio.get_running_loop().create_task(self._in_turn(form))
        return await asyncio.shield(self._waiting[form])

    async def _in_turn(self, form: _Form) -> bytes:
        async with self._turns[form]:
            del self._waiting[form]
            return await self._render(*form)

    async def _render(self, openmetrics: bool, compress: bool) -> bytes:
        pace = _Pace()
        version = self._scripts.version
        kept = self._kept.get((openmetrics, compress))
        if kept is None or kept.version != version:
            await self._render_scripts(pace)
            pieces = self._pieces(openmetrics)
            kept = await asyncio.to_thread(_keep, version, pieces, compress)
            self._kept[openmetrics, compress] = kept
        rest = []
        for family in self._registry.collect():
            rest.append(encoding.header(family, openmetrics=openmetrics))
            rest.append(encoding.lines(family.samples, openmetrics=openmetrics))
            await pace.keep()
        if openmetrics:
            rest.append(encoding.END)
        return await asyncio.to_thread(kept.complete, b"".join(rest))

    async def _render_scripts(self, pace: _Pace) -> None:
        scripts, own_labels = self._scripts.scripts, self._scripts.own_labels()
        if own_labels != self._own_labels:  # which every script has
            self._own_labels = own_labels
            for series in scripts.values():
                series.stale = True
        for name, series in tuple(scripts.items()):
            if series.stale:
                series.block = _block(name, series, self._own_labels)
                series.stale = False
                await pace.keep()

    def _pieces(self, openmetrics: bool) -> list[Iterable[bytes]]:
        """The lines of each family under its header, for all scripts that there are now."""
        blocks = [series.block for series in self._scripts.scripts.values() if series.block is not None]
        columns = zip(*(block.openmetrics if openmetrics else block.text for block in blocks), strict=True)
        headers = (encoding.header(family, openmetrics=openmetrics) for family in script_families({}, ()))
        own = (chain((header,), lines) for header, lines in zip_longest(headers, columns, fillvalue=()))
        return [*own, *self._publications.pieces(openmetrics)]


def _block(name: str, series: ScriptSeries, own_labels: Sequence[str]) -> Block:
    families = list(script_families({name: series}, own_labels))
    text = tuple(encoding.lines(family.samples, openmetrics=False) for family in families)
    with_exemplars = (
        encoding.lines(family.samples, openmetrics=True) if family.type == "histogram" else same
        for family, same in zip(families, text, strict=True)
    )
    return Block(text, tuple(with_exemplars))


def _keep(version: int, pieces: Iterable[Iterable[bytes]], compress: bool) -> _Kept:
    beginning = b"".join(chain.from_iterable(pieces))
    if not compress:
        return _Kept(version, beginning, None)
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_FORMAT)
    return _Kept(version, compressor.compress(beginning), compressor)
