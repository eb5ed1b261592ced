"""Searching the outputs of runs, stored ones and those of runs under way.

On a thread of its own, so that a long search keeps nobody from reading anything else.  Candidates come from
`exporter.search_index` and are looked into.  A page ends early where that takes long, as it may where there is no
index, or for one or two characters that almost every output has.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import structs

from exporter import records, search_index
from exporter.archive import Archive, LineReader, searchable
from exporter.chunks import Chunk
from exporter.records import NEWEST_FIRST, RunPage, RunQuery, conditions, cursor

log = logging.getLogger(__name__)

PAGE_SECONDS = 1.0
"""A page that took this long so far ends, with what was found until then."""
_KEYS = 1000
"""Runs that are listed at a time where all have to be looked into."""

Live = Mapping[str, LineReader]
"""Output that is not, or not wholly, in the history yet, by run id."""
Key = tuple[int, str]
"""Of a run in a listing: when it began, and its id."""


class Search:
    def __init__(self, history: Path) -> None:
        """`history` is the database, which has been made by now."""
        self._history = history
        self._indexer = search_index.Indexer(history) if search_index.available() else None
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="search")
        self._connection: sqlite3.Connection | None = None
        self._opened = asyncio.Event()
        self._opened.set()

    async def pause(self) -> None:
        """Let go of the database, and let searches wait, until `resume`."""
        self._opened.clear()
        await asyncio.get_running_loop().run_in_executor(self._searcher, self._let_go)
        if self._indexer is not None:
            await asyncio.to_thread(self._indexer.close)

    def resume(self) -> None:
        """Go on, with what is the database now."""
        if self._indexer is not None:
            self._indexer = search_index.Indexer(self._history)
        self._opened.set()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.interrupt()
        await asyncio.to_thread(self._searcher.shutdown, cancel_futures=True)
        if self._indexer is not None:
            await asyncio.to_thread(self._indexer.close)

    async def page(self, query: RunQuery, live: Live) -> RunPage:
        """Runs whose output contains `query.q`, latest begun first.  Raises CursorError."""
        conditions(query)  # so that a cursor at fault is told without waiting for other searches
        await self._opened.wait()
        return await asyncio.get_running_loop().run_in_executor(self._searcher, self._page, query, live)

    def _page(self, query: RunQuery, live: Live) -> RunPage:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._history, isolation_level=None, check_same_thread=False, timeout=1, uri=True
            )
        looking = _Looking(self._connection, query, live, self._candidates(self._connection, query.q or ""))
        return looking.page(time.monotonic() + PAGE_SECONDS)

    def _candidates(self, connection: sqlite3.Connection, q: str) -> dict[str, list[int]] | None:
        index = self._history.with_name(search_index.FILE)
        if self._indexer is None or not index.exists():
            return None
        try:  # attached for one look, as it may be made anew
            connection.execute("ATTACH ? AS search", (f"{index.as_uri()}?mode=rw",))
            return search_index.candidates(connection, q)
        except sqlite3.Error as error:
            log.warning("a search does without its index: %s", error)
            return None
        finally:
            if len(connection.execute("PRAGMA database_list").fetchall()) > 1:
                connection.execute("DETACH search")


class _Looking:
    """One page's search."""

    def __init__(
        self, connection: sqlite3.Connection, query: RunQuery, live: Live, pieces: dict[str, list[int]] | None
    ) -> None:
        self._connection = connection
        self._query = query
        self._live = live
        self._pieces = pieces
        self._q = query.q or ""

    def page(self, deadline: float) -> RunPage:
        found: list[Key] = []
        limit = self._query.limit
        last: Key | None = None
        for key in self._keys():
            if last is not None and time.monotonic() > deadline:
                return self._answer(found, last)
            last = key
            if self._contains(key[1]):
                found.append(key)
            if len(found) > limit:
                return self._answer(found[:limit], found[limit - 1])
        return self._answer(found, None)

    def _answer(self, found: list[Key], last: Key | None) -> RunPage:
        runs = (records.one(self._connection, "WHERE run_id = ?", run_id) for _, run_id in found)
        return RunPage([run for run in runs if run is not None], last and cursor(*last))

    def _keys(self) -> Iterator[Key]:
        """Of the runs to look into, in the order of the listing."""
        if self._pieces is None:
            yield from self._all_keys()
            return
        where, values = conditions(self._query)
        run_ids = json.dumps([*self._pieces, *self._live])
        yield from self._connection.execute(
            "SELECT DISTINCT begun_at, run_id FROM json_each(?) AS candidate CROSS JOIN runs"  # noqa: S608
            f" ON run_id = candidate.value WHERE {where} {NEWEST_FIRST}",
            (run_ids, *values),
        ).fetchall()

    def _all_keys(self) -> Iterator[Key]:
        query = self._query
        while True:
            where, values = conditions(query)
            keys: list[Key] = self._connection.execute(
                f"SELECT begun_at, run_id FROM runs WHERE {where} {NEWEST_FIRST} LIMIT {_KEYS}",  # noqa: S608
                values,
            ).fetchall()
            yield from keys
            if len(keys) < _KEYS:
                return
            query = structs.replace(query, before=cursor(*keys[-1]))

    def _contains(self, run_id: str) -> bool:
        if (lines := self._live.get(run_id)) is not None:
            try:
                return lines.contains(self._q)
            except ValueError:  # closed meanwhile: its output is in the history now
                return any(map(self._matches, self._chunks("run_id = ?", run_id)))
        if self._pieces is None:
            return any(map(self._matches, self._chunks("run_id = ?", run_id)))
        return any(self._matches(chunk) for id_ in self._pieces[run_id] for chunk in self._chunks("id = ?", id_))

    def _chunks(self, where: str, value: object) -> Iterator[Chunk]:
        statement = f"SELECT first_line, lines, segments, data FROM output_chunks WHERE {where} ORDER BY first_line"  # noqa: S608
        for row in self._connection.execute(statement, (value,)):
            yield Chunk(*row)

    def _matches(self, chunk: Chunk) -> bool:
        return self._q.casefold() in searchable(chunk) and Archive.of(chunk).contains(self._q)
