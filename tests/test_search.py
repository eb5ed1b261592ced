from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from exporter import search, search_index
from exporter.archive import LineReader
from exporter.chunks import STDERR, STDOUT, Segment, pack
from exporter.history import CursorError, History, RunQuery
from exporter.search import Search
from tests.service import Service, until
from tests.test_history import run, with_history

Test = Callable[[History, Search], Awaitable[None]]


def with_search(path: Path, test: Test) -> None:
    async def main(history: History) -> None:
        search = Search(history.path)
        try:
            await test(history, search)
        finally:
            await search.close()

    with_history(path, main)


async def store(history: History, number: int, *texts: bytes, **fields: object) -> None:
    """A run with a segment of output for each text, streams taking turns."""
    await history.record(run(number, **fields))
    lines = 0
    segments = []
    for index, text in enumerate(texts):
        count = max(1, text.count(b"\n"))
        segments.append((Segment(lines, count, index, STDERR if index % 2 else STDOUT, 0, len(text)), text))
        lines += count
    for chunk in pack(segments, 10 << 20):
        assert await history.keep_output(run(number).run_id, chunk)


async def found(search: Search, q: str, live: search.Live = {}, **filters: object) -> list[int]:  # noqa: B006
    page = await search.page(RunQuery(q=q, **filters), live)  # type: ignore[arg-type]
    assert page.next is None
    return [int(record.run_id) for record in page.runs]


def indexed(history: History) -> int:
    """Up to which piece the index has the history."""
    path = history.path.with_name(search_index.FILE)
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            upto: int = connection.execute("SELECT coalesce(max(upto), 0) FROM generations").fetchone()[0]
        except sqlite3.DatabaseError:  # being made
            return 0
    return upto


async def all_indexed(history: History) -> None:
    last = await history.read(lambda c: c.execute("SELECT max(id) FROM output_chunks").fetchone()[0])
    await asyncio.to_thread(until, lambda: indexed(history), lambda upto: upto == last)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "POLL_SECONDS", 0.01)


TEXTS = [
    b"Backup of /home done: 17 files\n",
    "Größe: 5 GB, ΣΊΣΥΦΟΣ, 日本語のログ\n".encode(),
    b'say "hello" (or AND NOT) * ^ : -x\n',
    b"before\0after \xff\xfe bytes\r\n",
    b"no newline at the end",
    b"",
    b"\x1b[31mfai\x1b[0mled\n\x1b]0;caption\x07xyz 10%\rxyz 20%\rxyz 30%\r\x1b[m\n",
]
QUERIES = {
    "backup OF": [0], "files\n": [], "/home": [0], "größe": [1], "GRÖSSE": [1], "grösse": [1], "σίσυφος": [1],
    "日本": [1], "本語の": [1], '"hello"': [2], "and not": [2], "* ^ :": [2], "-x": [2], "before\0AFTER": [3],
    "after \ufffd\ufffd bytes": [3], "bytes\r": [], "a": [6, 4, 3, 2, 0], "e": [6, 4, 3, 2, 1, 0], "end": [4],
    "zq": [], "語": [1], "\0": [3], "nothing of the kind": [],
    "failed": [6], "31m": [], "caption": [], "z 30%": [6], "10%": [], "17 files" * 100: [],
}  # fmt: skip


@pytest.mark.parametrize("index", ["ready", "behind", "impossible"])
def test_text_is_found_in_any_case_wherever_a_line_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str
) -> None:
    async def test(history: History, search: Search) -> None:
        for number, text in enumerate(TEXTS):
            await store(history, number, *([text] if text else []))
        if index == "ready":
            await all_indexed(history)
        for q, numbers in QUERIES.items():
            assert await found(search, q) == numbers, q

    if index == "behind":
        monkeypatch.setattr(search_index, "POLL_SECONDS", 1000)
    if index == "impossible":
        monkeypatch.setattr(search_index, "available", lambda: False)
    with_search(tmp_path, test)


def test_the_other_filters_hold_too_and_pages_lose_and_double_nothing(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        for number in range(10):
            fields = {"script_name": "other"} if number % 3 == 0 else {}
            await store(history, number, b"even\n" if number % 2 == 0 else b"odd\n", **fields)
        await all_indexed(history)
        assert await found(search, "even", script="job") == [8, 4, 2]
        assert await found(search, "ev", script="job") == [8, 4, 2]
        for q in ("even", "ev"):
            first = await search.page(RunQuery(q=q, limit=3), {})
            second = await search.page(RunQuery(q=q, limit=2, before=first.next), {})
            numbers = [int(record.run_id) for record in first.runs + second.runs]
            assert (numbers, second.next) == ([8, 6, 4, 2, 0], None)

    with_search(tmp_path, test)


def test_a_line_deep_in_a_long_output_is_found_in_its_piece(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        noise = b"%06d nothing to see here, move along\n" % 7
        await store(history, 1, *[noise * 10_000] * 5, b"needle\n", noise * 10_000)
        await store(history, 2, noise * 10)
        await all_indexed(history)
        assert await found(search, "NEEDLE") == [1]
        for q in ("needle", "dl", "E\n"):
            pieces = search._candidates(sqlite3.connect(history.path, uri=True), q)
            assert pieces is not None
            assert [len(numbers) for numbers in pieces.values()] == [1], q

    with_search(tmp_path, test)


def test_text_of_lines_that_are_only_next_to_each_other_is_not_found(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        await store(history, 1, b"one\n", b"two\n", b"three", b"four\n")
        await all_indexed(history)
        assert await found(search, "onetwo") == []
        assert await found(search, "threefour") == []

    with_search(tmp_path, test)


def test_a_search_that_takes_long_ends_early_and_says_where_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE_SECONDS", 0.0)
    monkeypatch.setattr(search_index, "available", lambda: False)

    async def test(history: History, search: Search) -> None:
        for number in range(5):
            await store(history, number, b"x\n" if number % 2 else b"y\n")
        numbers: list[int] = []
        before, pages = None, 0
        while pages == 0 or before is not None:
            page = await search.page(RunQuery(q="x", before=before), {})
            numbers += [int(record.run_id) for record in page.runs]
            before, pages = page.next, pages + 1
        assert (numbers, pages) == ([3, 1], 5)

    with_search(tmp_path, test)


def test_a_cursor_nobody_handed_out_is_refused_here_too(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        with pytest.raises(CursorError, match="is not a cursor"):
            await search.page(RunQuery(q="x", before="y"), {})

    with_search(tmp_path, test)


class Lines(LineReader):
    """Output of a run under way, or of one whose recording has been closed."""

    max_output = 1 << 20
    ended = False

    def __init__(self, text: bytes | None) -> None:
        self._text = text

    def count(self) -> int:
        return 1

    def segment(self, line: int) -> tuple[Segment, bytes] | None:
        if self._text is None:
            raise ValueError("the recording is closed")
        return (Segment(0, 1, 0, STDOUT, 0, len(self._text)), self._text) if line == 0 else None


def test_what_is_not_in_the_history_yet_is_searched_where_it_is(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        await store(history, 1, b"stored\n")
        await store(history, 2, status="running")
        await store(history, 3, b"stored just now\n")
        live = {run(2).run_id: Lines(b"under way\n"), run(3).run_id: Lines(None)}
        for q, numbers in {"under": [2], "un": [2], "stored": [3, 1], "st": [3, 1]}.items():
            assert await found(search, q, live) == numbers

    with_search(tmp_path, test)


# --- the index itself ---


def test_a_deleted_run_is_found_no_more_and_an_index_of_mostly_deleted_ones_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "_WORTH_PURGING", 8)

    def generations() -> list[tuple[int, int]]:
        with closing(sqlite3.connect(tmp_path / search_index.FILE)) as connection:
            return connection.execute("SELECT number, pieces FROM generations").fetchall()

    async def test(history: History, search: Search) -> None:
        for number in range(7):
            await store(history, number, b"job number %d\n" % number)
        await all_indexed(history)
        await history.write(
            lambda connection: connection.execute("DELETE FROM runs WHERE run_id < ?", (run(5).run_id,))
        )
        assert await found(search, "number") == [6, 5]
        for number in range(7, 9):
            await store(history, number, b"job number %d\n" % number)
        await asyncio.to_thread(until, generations, lambda rows: rows == [(2, 4)])
        assert await found(search, "number") == [8, 7, 6, 5]

    with_search(tmp_path, test)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("UPDATE made_from SET identity = 'other'"),
        lambda path: sqlite3.connect(path, isolation_level=None).execute(  # before the texts were as they are seen
            "UPDATE made_from SET identity = replace(identity, ' as seen', '')"
        ),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("UPDATE generations SET upto = 1000"),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("DELETE FROM generations"),
    ],
)
def test_an_index_that_does_not_fit_the_history_is_made_anew(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    async def first(history: History, search: Search) -> None:
        await store(history, 1, b"needle\n")
        await all_indexed(history)

    async def second(history: History, search: Search) -> None:
        await asyncio.to_thread(until, lambda: indexed(history), lambda upto: upto == 1)
        assert await found(search, "needle") == [1]

    with_search(tmp_path, first)
    spoil(tmp_path / search_index.FILE)
    with_search(tmp_path, second)


def test_a_piece_that_can_not_be_read_holds_up_no_other(tmp_path: Path) -> None:
    async def test(history: History, search: Search) -> None:
        await store(history, 1, b"spoiled\n")
        await history.write(lambda connection: connection.execute("UPDATE output_chunks SET data = x'00'"))
        await store(history, 2, b"needle\n")
        await all_indexed(history)
        assert await found(search, "needle") == [2]

    with_search(tmp_path, test)


# --- through the service ---


def test_runs_are_found_by_what_they_said_also_while_they_say_it(start_service: Callable[..., Service]) -> None:
    service = start_service(
        json.dumps({"scripts": [{"name": "job", "command": "echo 'Größe 42'; read x < gate; echo done >&2"}]})
    )
    os.mkfifo(service.folder / "gate")
    run_id = service.run("job")
    query = "/api/v1/runs?q=gr%C3%B6sse"
    until(lambda: service.get(query)["runs"], bool)
    assert service.get("/api/v1/runs?q=done")["runs"] == []
    (service.folder / "gate").write_text("go\n")
    service.ended(run_id)
    assert [run["run_id"] for run in service.get("/api/v1/runs?q=DONE&script=job")["runs"]] == [run_id]
    until(lambda: os.listdir(service.folder / "data/runs"), lambda left: not left)
    assert [run["run_id"] for run in service.get(query)["runs"]] == [run_id]
    assert service.get("/api/v1/runs?q=42x")["runs"] == []
