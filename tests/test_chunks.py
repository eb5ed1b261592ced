"""Stored output that a hostile hand, or a bad disk, has had: it is read to an end, and takes little memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
import zlib
from contextlib import closing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.archive import searchable
from exporter.chunks import DROPPED, MAX_DATA, Chunk, Damaged, Segment, pack, unpack
from exporter.history import prepare
from exporter.records import archive
from exporter.versions import UnknownVersion, stored

DATA = b"one\ntwo\nthree\n"
[SOUND] = pack([(Segment(0, 3, 7, 1, 0, len(DATA)), DATA)], 1000)


def layout(*rows: tuple[int, int, int, int], max_output: int = 1000) -> bytes:
    return msgspec.msgpack.encode((max_output, rows))


def altered(**fields: object) -> Chunk:
    return msgspec.structs.replace(SOUND, **fields)


def history(*chunks: Chunk) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    prepare(connection)
    rows = [("a", each.first_line, each.lines, each.segments, each.data) for each in chunks]
    connection.executemany(
        "INSERT OR IGNORE INTO output_chunks (run_id, first_line, lines, segments, data) VALUES (?, ?, ?, ?, ?)", rows
    )
    return connection


@pytest.mark.parametrize(
    "chunk",
    [
        altered(data=b""), altered(data=SOUND.data[:-1]), altered(data=zlib.compress(DATA + b"x")),
        altered(data=zlib.compress(bytes(MAX_DATA + 1)), segments=layout((3, 0, 1, MAX_DATA + 1))),
        altered(segments=b""), altered(segments=b"\xff"), altered(segments=layout()), altered(segments=bytes(5 << 20)),
        altered(segments=layout((3, 7, 1, 13))), altered(segments=layout((2, 7, 1, 14))), altered(lines=4),
        altered(segments=layout((4, 7, 1, 14), (-1, 7, 1, 0))), altered(segments=layout((3, 7, 1, 15), (0, 7, 1, -1))),
        altered(segments=layout((3, -1, 1, 14))), altered(segments=layout((3, 7, 0, 14))),
        altered(segments=layout((3, 7, 64, 14))), altered(segments=layout((3, 7, 1, 14), max_output=-1)),
        altered(lines=0, segments=layout((0, 7, 1, 14))), altered(first_line=-1), altered(first_line=1 << 53),
        altered(lines=1 << 40, segments=layout((1 << 40, 7, 1, 14))),
    ],
)  # fmt: skip
def test_what_is_no_piece_of_output_is_told_as_lost_and_what_follows_as_it_is(chunk: Chunk) -> None:
    with pytest.raises(Damaged):
        unpack(chunk)
    assert searchable(chunk) == ""
    if chunk.first_line == 0 and chunk.lines == 3:
        with closing(history(chunk, altered(first_line=3))) as connection:
            lines = archive(connection, "a")
            page = lines.page(0, 10)
            assert page.lines == [(0, "stdout", "[cronscope: 0 B, 3 lines dropped here: they cannot be read]")]
            assert [text for _, _, text in lines.page(page.next, 10).lines] == ["one", "two", "three"]
            assert lines.raw()[0].endswith(DATA)


def test_a_piece_that_unpacks_to_far_too_much_takes_little_memory() -> None:
    bomb = zlib.compress(bytes(300 << 20))
    tracemalloc.start()
    with pytest.raises(Damaged):
        unpack(altered(data=bomb))
    with closing(history()) as connection:
        connection.execute("INSERT INTO file_versions VALUES ('a', 1, 0, 'written', NULL, 1, '\"a\"', ?)", (bomb,))
        with pytest.raises(UnknownVersion, match="damaged"):
            stored(connection, "a", 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * MAX_DATA


NUMBERS = st.one_of(st.integers(-3, 20), st.integers(-(1 << 63), (1 << 63) - 1))
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(-1, 70), NUMBERS), max_size=4)
CHUNKS = st.builds(
    lambda first, lines, rows, data: Chunk(first, lines, layout(*rows), zlib.compress(data)),
    NUMBERS, NUMBERS, ROWS, st.binary(max_size=40),
)  # fmt: skip


SEGMENTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1, 2, 5, 6]), st.binary(max_size=9)), max_size=4)


@st.composite
def odd(draw: st.DrawFn) -> Chunk:
    """One that fits together, though not with the lines that are in it."""
    rows, data, lines = [], b"", 0
    for count, kind, piece in draw(SEGMENTS):
        rows.append((count, 0, kind, len(piece)))
        data += b"" if kind & DROPPED else piece
        lines += count
    return Chunk(draw(st.integers(0, 30)), lines, layout(*rows), zlib.compress(data))


@given(
    st.lists(
        st.one_of(odd(), CHUNKS, st.builds(lambda first: altered(first_line=first), st.integers(0, 20))), max_size=4
    )
)
def test_whatever_is_stored_is_read_to_its_end(chunks: list[Chunk]) -> None:
    with closing(history(*chunks)) as connection:
        for q in (None, "o"):
            lines, number, page_ = archive(connection, "a"), 0, None
            for _ in range(50):
                page_ = lines.page(number, 2, q=q)
                assert page_.end or page_.next > number
                number = page_.next
                if page_.end:
                    break
            assert page_ is not None
            assert page_.end
        lines.raw()
        lines.contains("o")
        lines.count()
