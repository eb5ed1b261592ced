"""A run's output: live from its files, and archived, is the same."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.archive import LineReader, line_limit
from exporter.events import Instant, ProgressState, Stream
from exporter.marks import Mark
from exporter.output import UNFINISHED_BYTES, Archive, Chunk, Page, Recording
from tests.service import DEADLINE

START = Instant(1_000_000)
MIB = 1 << 20
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
Line = tuple[int, Stream, str]
_pieces = st.sampled_from([b"a", b"\n", b"\r\n", "é".encode(), b"bc d\n", b"x" * 130, b"\xff", b"longer line\n" * 9])


class Script:
    """Writes to a run's two files as a script does, and holds the recording of them."""

    def __init__(self, folder: Path, max_output: int = 10 * MIB) -> None:
        self.folder = folder
        self.max_output = max_output
        self.now = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.files = {name: os.open(folder / name, flags) for name in ("stdout", "stderr")}
        self.recording = Recording(folder, START, max_output)

    def write(self, text: str | bytes, stream: Stream = "stdout") -> None:
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            data = data[os.write(self.files[stream], data) :]

    def mark(self, after_ms: int = 100) -> bool:
        self.now += after_ms
        return self.recording.mark(Instant(START + self.now))

    def say(self, text: str | bytes, stream: Stream = "stdout") -> None:
        self.write(text, stream)
        self.mark()

    def finish(self) -> None:
        self.now += 100
        self.recording.finish(Instant(START + self.now))

    def restart_service(self) -> None:
        self.recording.close()
        self.recording = Recording(self.folder, START, self.max_output)

    def archive(self) -> Archive:
        return archive_of(list(self.recording.chunks()))

    def close(self) -> None:
        self.recording.close()
        for descriptor in self.files.values():
            os.close(descriptor)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    made = Script(tmp_path)
    yield made
    made.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Script]:
    """A script of whose output 1000 bytes are kept."""
    made = Script(tmp_path, max_output=1000)
    yield made
    made.close()


def archive_of(chunks: list[Chunk]) -> Archive:
    def fetch(line: int) -> Chunk | None:
        return next((chunk for chunk in chunks if line < chunk.first_line + chunk.lines), None)

    return Archive(fetch, lambda: chunks[-1].first_line + chunks[-1].lines if chunks else 0)


def texts(page: Page) -> list[str]:
    return [text for _, _, text in page.lines]


def everything(reader: LineReader) -> dict[int, Line]:
    """All lines by their numbers, read page after page."""
    found: dict[int, Line] = {}
    first = 0
    while (page := reader.page(first, 7)).lines:
        found.update(enumerate(page.lines, page.first))
        assert page.next > first
        first = page.next
    return found


def numbers(first: int, last: int) -> str:
    """Lines of ten bytes each."""
    return "".join(f"line {number:04}\n" for number in range(first, last + 1))


# --- lines, their numbers and their times ---


def test_lines_are_dated_by_the_mark_that_first_saw_their_end(script: Script) -> None:
    script.say("one\ntw")
    script.say("o\n")
    assert script.recording.page(0, 10).lines == [(100, "stdout", "one"), (200, "stdout", "two")]


def test_streams_are_merged_in_the_order_of_marks(script: Script) -> None:
    script.say("first\n", "stderr")
    script.write("third\n", "stderr")
    script.say("second\n")
    page = script.recording.page(0, 10)
    assert [line[1:] for line in page.lines] == [("stderr", "first"), ("stdout", "second"), ("stderr", "third")]


def test_an_unfinished_line_shows_only_once_the_run_has_ended(script: Script) -> None:
    script.say("whole\npart")
    assert script.recording.page(0, 10) == Page(0, [(100, "stdout", "whole")], 1, end=False)
    script.finish()
    assert script.recording.page(1, 10) == Page(1, [(100, "stdout", "part")], 2, end=True)


def test_an_unfinished_line_of_stderr_follows_that_of_stdout(script: Script) -> None:
    script.write("err", "stderr")
    script.say("out")
    script.finish()
    assert texts(script.recording.page(0, 10)) == ["out", "err"]


def test_the_unfinished_line_of_each_stream_is_told_apart_from_the_lines(script: Script) -> None:
    script.write("Err? ", "stderr")
    script.say("one\nContinue? ")
    assert script.recording.unfinished(1) == [("stdout", "Continue? "), ("stderr", "Err? ")]
    script.say("yes\n")
    assert script.recording.unfinished(1) == []  # there is a line that the reader has not got yet
    assert script.recording.count() == 2
    assert script.recording.unfinished(2) == [("stderr", "Err? ")]
    script.finish()
    assert script.recording.unfinished(3) == []
    assert script.archive().unfinished(3) == []


def test_of_an_unfinished_line_that_is_long_the_end_is_told(script: Script) -> None:
    script.say("é" * 10_000 + "\r" + "99 %")
    [(_, text)] = script.recording.unfinished(0)
    assert text.endswith("é\r99 %")
    assert text.startswith("…é")
    assert len(text.encode()) <= UNFINISHED_BYTES + 3


def test_an_unfinished_line_ends_with_a_whole_character(script: Script) -> None:
    script.say("…".encode()[:2])
    assert script.recording.unfinished(0) == []
    script.say("…".encode()[2:])
    assert script.recording.unfinished(0) == [("stdout", "…")]


def test_what_is_written_after_the_last_mark_is_not_there_yet(script: Script) -> None:
    script.say("old\n")
    script.write("new\n")
    assert texts(script.recording.page(0, 10)) == ["old"]


def test_a_mark_tells_whether_anything_was_added(script: Script) -> None:
    assert not script.mark()
    script.write("x")
    assert script.mark()
    assert not script.mark()
    assert script.recording.stdout_bytes == 1


def test_while_the_disk_is_almost_full_little_is_kept_and_what_is_dropped_does_not_come_back(tmp_path: Path) -> None:
    script = Script(tmp_path, max_output=4000)
    script.say(numbers(0, 199).encode())
    script.recording.limit(1000)
    script.recording.trim()
    marker = "[cronscope: 1000 B, 100 lines dropped here: the disk was almost full]"
    assert script.recording.raw()[0].decode() == numbers(0, 49) + marker + "\n" + numbers(150, 199)
    script.recording.limit(None)
    script.say(numbers(200, 999).encode())
    script.recording.trim()
    script.finish()
    text = script.recording.raw()[0].decode()
    assert text.startswith(numbers(0, 49) + "[cronscope: ")
    assert text.endswith("]\n" + numbers(800, 999))
    assert len(text.replace("\0", "")) == len(text)
    assert script.recording.dropped_bytes == 10_000 - 500 - 2000
    script.close()


def test_output_emptied_by_the_script_and_then_too_long_has_no_hole_in_what_is_kept(tmp_path: Path) -> None:
    script = Script(tmp_path, max_output=4000)
    script.say(numbers(0, 49).encode())
    script.recording.page(0, 1)
    os.ftruncate(script.files["stdout"], 0)
    os.lseek(script.files["stdout"], 0, os.SEEK_SET)
    script.mark()
    script.say(numbers(50, 999).encode())
    script.finish()
    text = script.recording.raw()[0]
    assert b"\0" not in text
    assert text.endswith(numbers(800, 999).encode())
    script.close()


def test_a_recording_that_waits_holds_no_descriptor_and_can_be_read_as_before(script: Script) -> None:
    held = len(os.listdir("/proc/self/fd"))
    script.say(numbers(0, 99).encode())
    script.finish()
    before = script.recording.raw()
    script.recording.release()
    assert len(os.listdir("/proc/self/fd")) == held - 2
    assert script.recording.raw() == before == script.archive().raw()


@pytest.mark.skipif(sys.platform != "linux", reason="there are leases on Linux only")
def test_a_lease_on_output_holds_nobody_up_and_loses_nothing(script: Script) -> None:
    script.say("seen by the last life of the service\n")
    script.write("written meanwhile\n")
    script.recording.close()
    while script.files:
        os.close(script.files.popitem()[1])
    leases = [open(script.folder / name, "r+") for name in STREAMS]  # noqa: SIM115  # closed when they are given up
    for file in leases:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    script.recording = Recording(script.folder, START, script.max_output)
    script.finish()
    assert script.recording.stdout_bytes == 55
    assert (script.recording.readable, script.recording.page(0, 10)) == (False, Page(0, [], 0))
    assert script.recording.unfinished(0) == []
    assert script.recording.progress() is None
    for file in leases:
        file.close()
    assert script.recording.readable
    assert script.recording.raw()[0] == b"seen by the last life of the service\nwritten meanwhile\n"
    assert script.recording.raw() == script.archive().raw()


def test_output_after_the_end_is_not_the_runs(script: Script) -> None:
    script.say("mine\n")
    script.finish()
    script.write("of a process left behind\n")
    assert not script.mark()
    assert everything(script.archive()) == {0: (100, "stdout", "mine")}


def test_times_never_go_back_with_the_clock(script: Script) -> None:
    script.say("before\n")
    script.write("after\n")
    script.mark(after_ms=-5000)
    assert [line[0] for line in script.recording.page(0, 10).lines] == [100, 100]


def test_pages_follow_each_other(script: Script) -> None:
    script.say(numbers(0, 99))
    page = script.recording.page(30, 20)
    assert (page.first, page.next, texts(page)[0], len(page.lines)) == (30, 50, "line 0030", 20)
    assert script.recording.page(100, 10) == Page(100, [], 100, end=False)


def test_a_page_ends_when_it_is_large(script: Script) -> None:
    script.say("x" * 9999 + "\n" * 1 + ("y" * 9999 + "\n") * 999)
    page = script.recording.page(0, 1000)
    assert MIB <= sum(map(len, texts(page))) < 2 * MIB
    assert page.next == len(page.lines)


def test_line_ends_and_bytes_that_are_no_utf8_do_no_harm(script: Script) -> None:
    script.say(b"dos\r\n50%\r100%\n\xff\xe4\n\n")
    assert texts(script.recording.page(0, 10)) == ["dos", "50%\r100%", "��", ""]


def test_a_line_without_end_is_continued_as_another_one(script: Script) -> None:
    limit = line_limit(10 * MIB)
    script.say("a" * limit + "b" * 10 + "\nnext\n")
    assert texts(script.recording.page(0, 10)) == ["a" * limit, "b" * 10, "next"]


def test_a_progress_bar_that_goes_on_and_on_is_continued_where_it_begins_anew(script: Script) -> None:
    bar = "\r" + "#" * 49
    for _ in range(3):
        script.say(bar * 500)
    script.say("\n")
    first, second = texts(script.recording.page(0, 10))
    assert first == bar * 1310 + "\r"
    assert second == (bar * 190).removeprefix("\r")


def test_a_long_line_growing_byte_by_byte_is_one_line(script: Script) -> None:
    for _ in range(300):
        script.say(".")
        assert script.recording.page(0, 1).lines == []
    script.say("\n")
    assert texts(script.recording.page(0, 10)) == ["." * 300]


# --- filters ---


def test_a_page_of_one_stream_has_only_its_lines(script: Script) -> None:
    script.say("out\n")
    script.say("err\n", "stderr")
    page = script.recording.page(0, 10, stream="stderr")
    assert (page.first, texts(page), page.next, page.numbers) == (0, ["err"], 2, [1])


def test_text_is_found_in_any_case_and_next_says_where_to_go_on(script: Script) -> None:
    script.say("Fehler A\nok\nfehler b\nSTRASSE\n")
    page = script.recording.page(0, 1, q="FEHLER")
    assert (texts(page), page.next, page.numbers) == (["Fehler A"], 1, [0])
    page = script.recording.page(page.next, 10, q="FEHLER")
    assert (texts(page), page.numbers) == (["fehler b"], [2])
    assert texts(script.recording.page(0, 10, q="straße")) == ["STRASSE"]


def test_what_is_searched_is_the_text_as_it_is_seen(script: Script) -> None:
    script.say("plain\n\x1b[31mer\x1b[0mror\n10%\r20%\n")
    for reader in (script.recording, script.archive()):
        assert reader.page(0, 10, q="error").numbers == [1]
        assert texts(reader.page(0, 10, q="20%")) == ["10%\r20%"]
        assert [reader.page(0, 10, q=q).lines for q in ("31m", "10%")] == [[], []]


def test_a_search_looks_through_a_bounded_part_at_a_time(script: Script) -> None:
    script.say(("x" * 99 + "\n") * 100_000 + "needle\n")
    page = script.recording.page(0, 10, q="needle")
    assert page.lines == []
    assert 0 < page.next < 100_000
    script.finish()
    assert script.archive().contains("NEEDLE")
    assert not script.archive().contains("thread")


# --- max_output ---


def test_the_middle_is_dropped_counted_and_marked(small: Script) -> None:
    small.say(numbers(0, 999))
    small.finish()
    recording = small.recording
    assert (recording.stdout_bytes, recording.dropped_bytes) == (10_000, 9_000)
    marker = "[cronscope: 8.8 KiB, 900 lines dropped here: over max_output 1000]"
    head = recording.page(0, 1000)
    assert texts(head)[-2:] == ["line 0049", marker]
    assert (len(head.lines), head.next) == (51, 950)
    assert texts(recording.page(950, 1)) == ["line 0950"]
    assert recording.raw()[0].decode() == numbers(0, 49) + marker + "\n" + numbers(950, 999)


def test_lines_asked_for_inside_the_gap_are_answered_from_after_it(small: Script) -> None:
    small.say(numbers(0, 999))
    small.finish()
    page = small.recording.page(51, 3)
    assert (page.first, texts(page)[0], page.next, page.dropped_from) == (950, "line 0950", 953, 50)
    page = small.recording.page(50, 3)
    assert (page.next, page.dropped_from) == (950, None)
    assert small.recording.count() == small.archive().count() == 1000


def test_the_smaller_stream_keeps_all_and_the_larger_one_gets_the_rest(small: Script) -> None:
    small.say("e" * 99 + "\n", "stderr")
    small.say(numbers(0, 999))
    small.finish()
    assert 10_100 - small.recording.dropped_bytes == 1000
    assert texts(small.recording.page(0, 9999, stream="stderr")) == ["e" * 99]
    assert "line 0044" in texts(small.recording.page(0, 9999))
    assert "line 0045" not in texts(small.recording.page(0, 9999))


def test_kept_parts_are_cut_between_lines(small: Script) -> None:
    small.say("a" * 149 + "\n")
    for letter in "bcdefghijklmnop":
        small.say(letter * 149 + "\n")
    small.finish()
    kept = [text[0] for text in texts(small.recording.page(0, 99)) if "dropped" not in text]
    kept += [text[0] for text in texts(small.recording.page(13, 99))]
    assert kept == ["a", "b", "c", "n", "o", "p"]
    assert small.recording.dropped_bytes == 10 * 150


def test_an_endless_line_is_kept_in_part_too(small: Script) -> None:
    small.say("x" * 100_000)
    small.finish()
    kept = small.recording.stdout_bytes - small.recording.dropped_bytes
    assert 400 <= kept <= 1000


def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path) -> None:
    script = Script(tmp_path, max_output=0)
    script.say("text\n")
    script.finish()
    assert texts(script.archive().page(0, 10)) == ["[cronscope: 5 B, 1 line dropped here: over max_output 0]"]
    script.close()


def test_dropping_is_due_only_when_it_is_worth_it(small: Script) -> None:
    due = []
    for size in (MIB, 1000):
        small.say("x" * size)
        due.append(small.recording.trim_due)
    small.recording.trim()
    due.append(small.recording.trim_due)
    assert due == [False, True, False]


def test_what_is_dropped_is_given_back_to_the_disk_while_the_run_is_on(tmp_path: Path) -> None:
    script = Script(tmp_path, max_output=MIB)
    line = b"x" * 1023 + b"\n"
    for _ in range(20):
        script.say(line * 1024)
        script.recording.trim()
        assert (tmp_path / "stdout").stat().st_blocks * 512 < 2.2 * MIB
    assert (tmp_path / "stdout").stat().st_size == 20 * MIB
    assert script.recording.dropped_bytes == 19 * MIB
    script.close()


def test_without_holes_in_the_file_system_the_same_is_dropped(
    small: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("exporter.stream_file._fallocate", None)
    small.say(numbers(0, 999))
    small.finish()
    assert small.recording.dropped_bytes == 9000
    assert texts(small.archive().page(999, 1)) == ["line 0999"]
    assert "takes disk space until the run ends" in caplog.text


def test_stderr_between_dropped_lines_keeps_its_place_and_number(small: Script) -> None:
    small.say(numbers(0, 499))
    small.say("warning\n", "stderr")
    small.say(numbers(500, 999))
    small.finish()
    assert everything(small.recording)[500] == (200, "stderr", "warning")
    assert everything(small.archive()) == everything(small.recording)


def test_output_that_the_script_emptied_itself_is_marked(script: Script) -> None:
    """`echo text > /dev/stderr` truncates the file: open(2) with O_TRUNC."""
    script.say("one\ntwo\n", "stderr")
    assert texts(script.recording.page(0, 10)) == ["one", "two"]
    os.truncate(script.folder / "stderr", 0)
    script.say("three\n", "stderr")
    script.finish()
    assert script.recording.dropped_bytes == 8
    assert script.recording.stderr_bytes == 14
    assert texts(script.recording.page(0, 9)) == ["[cronscope: 8 B, 2 lines dropped here: the script emptied the file]"]
    assert texts(script.recording.page(2, 9)) == ["three"]
    assert everything(script.archive()) == everything(script.recording)


def test_output_emptied_before_anybody_looked_counts_as_a_line_over_a_restart_too(script: Script) -> None:
    script.say("one\ntwo\n", "stderr")
    os.truncate(script.folder / "stderr", 0)
    script.say("three\n", "stderr")
    script.restart_service()
    assert texts(script.recording.page(0, 9)) == [
        "[cronscope: 8 B, at least 1 line dropped here: the script emptied the file]"
    ]
    assert texts(script.recording.page(1, 9)) == ["three"]


# --- very much at once ---

TIB = 1 << 40


class Reads:
    """How much is read of files, and where."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        pread = os.pread

        def counted(descriptor: int, size: int, offset: int) -> bytes:
            data = pread(descriptor, size, offset)
            self.bytes += len(data)
            return data

        monkeypatch.setattr(os, "pread", counted)


def test_terabytes_that_a_script_has_never_written_are_dropped_unread(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    script.say("first\n")
    os.truncate(script.folder / "stdout", 4 * TIB)
    script.say("hello\n")
    script.finish()
    lines = texts(script.recording.page(0, 1)), texts(script.archive().page(script.recording.count() - 1, 9))
    assert (lines[0], lines[1][0][-5:]) == (["first"], "hello")
    assert script.recording.stdout_bytes == 4 * TIB + 6
    assert 9.8 * MIB < script.recording.stdout_bytes - script.recording.dropped_bytes <= 10 * MIB
    assert "[cronscope: 4.0 TiB, at least " in script.recording.raw()[0].decode()
    assert reads.bytes < 60 * MIB
    assert (script.folder / "stdout").stat().st_blocks * 512 < 11 * MIB


def test_a_file_that_is_extended_and_emptied_in_turn_is_counted_and_costs_nothing(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)
    for _ in range(3):
        os.truncate(script.folder / "stdout", TIB)
        script.mark()
        script.recording.trim()
        os.truncate(script.folder / "stdout", 0)
        script.say("again\n")
        assert texts(script.recording.page(script.recording.count() - 1, 1)) == ["again"]
    os.pwrite(script.files["stdout"], b"over\n", 0)  # which appends: pwrite(2), BUGS
    script.finish()
    assert script.recording.dropped_bytes == 3 * TIB
    assert script.archive().raw()[0].decode().endswith("emptied the file]\nagain\nover\n")
    assert reads.bytes < 100 * MIB


def test_what_a_script_writes_over_is_told_as_it_is_now(script: Script) -> None:
    script.say(numbers(0, 9))
    assert script.recording.count() == 10
    with open(script.folder / "stdout", "r+b") as file:
        file.seek(20)
        file.write(b"over\nwritten")
    script.say("end\n")
    script.finish()
    assert script.archive().raw()[0] == (script.folder / "stdout").read_bytes()


def test_positions_end_where_numbers_do(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.stream_file._FARTHEST", 1000)
    for _ in range(3):
        script.say("x" * 599 + "\n")
        script.recording.count()
        os.truncate(script.folder / "stdout", 0)
        script.mark()
    script.finish()
    assert script.recording.stdout_bytes == script.recording.dropped_bytes == 1000


def test_what_is_passed_over_is_not_begun_with_the_rest_of_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.output.COUNTED_PIECES", 1)
    for before in range(9482, 9496):  # the tail begins at 9492
        folder = tmp_path / str(before)
        folder.mkdir()
        script = Script(folder, max_output=1000)
        secretive(script, "hunter22")
        script.say("x" * before + "hunter22" + "x" * (9984 - before))
        script.finish()
        assert {*script.archive().raw()[0].decode().rpartition("]")[2]} - {"*"} == {"\n", "x"}
        script.close()


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(["mark", "trim", "look", "restart"]), st.lists(_pieces).map(b"".join))))
def test_whatever_is_passed_over_beginning_end_and_sizes_stay_true(actions: list[tuple[str, bytes]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("exporter.output.COUNTED_PIECES", 1)
        script = Script(Path(folder), max_output=1000)
        for action, data in actions:
            script.say(data)
            if action == "trim":
                script.recording.trim()
            elif action == "look":
                everything(script.recording)
            elif action == "restart":
                script.restart_service()
        script.finish()
        written, told = b"".join(data for _, data in actions), script.archive().raw()[0]
        assert told == script.recording.raw()[0]
        assert everything(script.archive()) == everything(script.recording)
        if len(written) <= 1000:
            assert told == written
        else:
            head, rest = told.split(b"[cronscope: ")
            tail = rest.partition(b"]\n")[2]
            head = head if written.startswith(head) else head.removesuffix(b"\n")
            assert written.startswith(head)
            assert written.endswith(tail)
            assert script.recording.dropped_bytes == len(written) - len(head) - len(tail)
        script.close()


# --- progress ---


def test_progress_is_the_last_whole_line_that_says_so(script: Script) -> None:
    assert script.recording.progress() is None
    script.say("::progress 10\n::progress 40.5 copying files \nother\n::progress 99")
    assert script.recording.progress() == ProgressState(percent=40.5, text="copying files")
    script.say(" last\r\n")
    assert script.recording.progress() == ProgressState(percent=99.0, text="last")


@pytest.mark.parametrize(("said", "percent"), [("150", 100.0), ("-3", 0.0), ("7%", 7.0)])
def test_progress_is_a_percentage(script: Script, said: str, percent: float) -> None:
    script.say(f"::progress {said}\n")
    assert script.recording.progress() == ProgressState(percent=percent, text="")


@pytest.mark.parametrize("line", ["::progress", "::progress soon", " ::progress 4", "::progress nan", "::progress4"])
def test_other_lines_are_no_progress(script: Script, line: str) -> None:
    script.say(line + "\n")
    assert script.recording.progress() is None


def test_progress_is_looked_for_near_the_end_only_and_stays_until_the_next(script: Script) -> None:
    script.say("::progress 10\n" + "x" * 5000 + "\n")
    assert script.recording.progress() is None
    script.say("::progress 20\n")
    script.recording.progress()
    script.say("x" * 5000 + "::progress 30\n")
    assert script.recording.progress() == ProgressState(percent=20.0, text="")


# --- secrets ---


def secretive(script: Script, *values: str) -> Recording:
    script.recording.hide(values)
    return script.recording


def test_a_secret_is_told_nowhere_however_it_is_written_and_read(script: Script) -> None:
    recording = secretive(script, "hunter22", "密碼密碼密碼")
    for letter in "is hunter22,":
        script.say(letter)
        assert all("hunter22".startswith(text[3:]) or "***" in text for _, text in recording.unfinished(0))
    script.say(" or 密碼密碼密碼\nhunter22\n::progress 5 of hunter22\n")
    script.say("at the end hunter22", "stderr")
    assert recording.progress() == ProgressState(percent=5, text="of ***")
    assert recording.page(0, 10, q="hunter22").lines == []
    assert recording.unfinished(3) == [("stderr", "at the end ***")]
    script.finish()
    told = ["is ***, or ***", "***", "::progress 5 of ***", "at the end ***"]
    for reader in (recording, script.archive()):
        assert texts(reader.page(0, 10)) == told
        assert reader.raw()[0].decode().splitlines() == told
        assert texts(reader.page(0, 10, q="***")) == told
        assert texts(reader.page(1, 10, stream="stderr")) == told[3:]
    assert recording.stdout_bytes == len("is hunter22, or 密碼密碼密碼\nhunter22\n::progress 5 of hunter22\n".encode())


def test_of_an_unfinished_line_only_what_may_become_a_secret_waits(script: Script) -> None:
    recording = secretive(script, "hunter22")
    told = []
    for piece in ("Go? hu", "n", "dred", "… hunter2", "2 h", "\n"):
        script.say(piece)
        told += recording.unfinished(0)
    assert [text for _, text in told] == ["Go? ", "Go? ", "Go? hundred", "Go? hundred… ", "Go? hundred… *** "]
    assert texts(recording.page(0, 10)) == ["Go? hundred… *** h"]


def test_a_long_line_is_not_cut_in_a_secret(script: Script) -> None:
    recording = secretive(script, "hunter22", "a" * 40)
    limit = line_limit(script.max_output)
    for before in (*range(limit - 9, limit + 1), limit - 41, limit - 20):
        script.say("x" * before + "hunter22" + "a" * 40 + "x" * 100 + "\n")
    script.finish()
    for reader in (recording, script.archive()):
        whole = "".join(texts(reader.page(0, 100)))
        assert whole.count("***") == 2 * 12
        assert set(whole) == {"x", "*"}


def test_a_line_of_secrets_alone_that_is_longer_than_a_line_may_be_is_masked(small: Script) -> None:
    secretive(small, "0" * 200, "0000")
    small.say("0" * 3000)
    assert small.recording.unfinished(small.recording.count()) == []
    small.finish()
    assert {*small.archive().raw()[0].decode().replace("\n", "")} == {"*", *small.recording.page(0, 9).lines[1][2]}


def test_secrets_of_a_run_are_kept_from_its_output_over_a_restart_and_the_limit_holds(small: Script) -> None:
    secretive(small, "line 0002", "line 0297")
    small.say(numbers(0, 149))
    small.restart_service()
    small.say(numbers(150, 299))
    small.finish()
    text = small.archive().raw()[0].decode()
    assert text.startswith("line 0000\nline 0001\n***\nline 0003\n")
    assert text.endswith("line 0296\n***\nline 0298\nline 0299\n")
    assert (small.folder / "secrets").stat().st_mode & 0o777 == 0o600


# --- restarts, threads, size ---


def test_numbers_and_times_survive_a_restart_of_the_service(small: Script) -> None:
    small.say(numbers(0, 299))
    small.say("warning\n", "stderr")
    small.recording.trim()
    small.say(numbers(300, 309) + "unfin")
    before = everything(small.recording)
    small.restart_service()
    assert everything(small.recording) == before
    small.say("ished\n")
    small.finish()
    assert everything(small.recording)[311] == (400, "stdout", "unfinished")


def test_an_unfinished_line_keeps_its_time_over_a_restart(small: Script) -> None:
    small.say(numbers(0, 299) + "unfinished")
    small.recording.trim()
    small.restart_service()
    small.finish()
    assert everything(small.recording)[300] == (100, "stdout", "unfinished")


def test_a_finished_recording_can_be_opened_and_finished_again(small: Script) -> None:
    small.say(numbers(0, 299) + "end")
    small.finish()
    before, dropped = everything(small.recording), small.recording.dropped_bytes
    small.restart_service()
    small.finish()
    assert everything(small.archive()) == before
    assert (small.recording.dropped_bytes, small.recording.stdout_bytes) == (dropped, 3003)


def test_a_full_disk_costs_nothing_but_memory(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("exporter.marks._write_at", full)
        script.say("one\n")
        script.say("two\n")
    script.say("three\n")
    script.restart_service()
    assert [line[0] for line in script.recording.page(0, 9).lines] == [100, 200, 300]


def test_a_closed_recording_says_so(tmp_path: Path) -> None:
    script = Script(tmp_path)
    script.close()
    with pytest.raises(ValueError, match="closed"):
        script.recording.page(0, 1)


def test_a_million_lines_cost_little_memory(script: Script) -> None:
    data = numbers(0, 9999).encode()
    tracemalloc.start()
    for _ in range(100):
        script.say(data)
    assert texts(script.recording.page(999_999, 1)) == ["line 9999"]
    assert tracemalloc.get_traced_memory()[1] < MIB
    tracemalloc.stop()


class Watched:
    """A lock that tells when somebody has to wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.wanted = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.wanted.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_run_that_ends_while_its_lines_are_counted_keeps_them_all(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.say("one\n")
    script.write("two\nthree\n")
    ending = threading.Thread(target=script.finish)
    looking = Watched()
    monkeypatch.setattr(script.recording, "_looking", looking)
    take = script.recording._marks.take

    def end_after_the_last_mark() -> Iterator[Mark]:
        monkeypatch.setattr(script.recording._marks, "take", take)
        yield from take()
        ending.start()
        assert looking.wanted.wait(DEADLINE)

    monkeypatch.setattr(script.recording._marks, "take", end_after_the_last_mark)
    assert script.recording.count() == 1
    ending.join()
    assert texts(script.recording.page(0, 10)) == ["one", "two", "three"]


def test_readers_and_the_dropping_of_lines_do_not_disturb_each_other(tmp_path: Path) -> None:
    script = Script(tmp_path, max_output=100_000)
    wrong: list[Line] = []
    done = threading.Event()

    def look() -> None:
        chance = random.Random(1)  # noqa: S311
        while not done.is_set():
            page = script.recording.page(chance.randrange(20_000), 100)
            wrong.extend(
                line for number, line in enumerate(page.lines, page.first)
                if line[2] != f"line {number:05}" and "dropped here" not in line[2]
            )  # fmt: skip

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for first in range(0, 40_000, 500):
        script.say("".join(f"line {number:05}\n" for number in range(first, first + 500)))
        script.recording.trim()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    script.close()


# --- live and archived output are one and the same ---

Action = tuple[str, Stream, bytes]
_names = st.sampled_from(["write", "write", "mark", "trim", "look", "restart", "scanty", "plenty"])
_streams = st.sampled_from(STREAMS)
_actions = st.lists(st.tuples(_names, _streams, st.lists(_pieces, max_size=9).map(b"".join)), max_size=40)


def expected_lines(actions: list[Action], limit: int) -> list[Line]:
    """All lines as they should be numbered, dropped ones included."""
    pending: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
    lines: list[Line] = []
    seen_at = 0
    grown = False

    def see(offset: int) -> None:
        for stream in pending:
            while True:
                cut = pending[stream].find(b"\n", 0, limit) + 1 or (limit if len(pending[stream]) >= limit else 0)
                if not cut:
                    break
                line, pending[stream] = pending[stream][:cut], pending[stream][cut:]
                text = line[:-1].removesuffix(b"\r") if line.endswith(b"\n") else line
                lines.append((offset, stream, text.decode(errors="replace")))

    clock = 0
    for action, stream, data in [*actions, ("mark", "stdout", b"")]:
        if action == "write":
            pending[stream] += data
            grown = grown or bool(data)
        else:
            clock += 100
            if grown:
                seen_at, grown = clock, False
                see(seen_at)
    for stream, rest in pending.items():
        if rest:
            lines.append((seen_at, stream, rest.decode(errors="replace")))
    return lines


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(_actions, st.sampled_from([0, 100, 1000, 3000, 100_000]), st.integers(0, 60), st.integers(1, 20))
def test_whatever_is_written_lines_and_numbers_stay_true(
    actions: list[Action], max_output: int, first: int, limit: int
) -> None:
    with TemporaryDirectory() as folder:
        script = Script(Path(folder), max_output)
        expected = expected_lines(actions, line_limit(max_output))
        written = sum(len(data) for action, _, data in actions if action == "write")
        for action, stream, data in actions:
            if action == "write":
                script.write(data, stream)
                continue
            script.mark()
            if action == "trim":
                script.recording.trim()
            elif action == "look":
                check(everything(script.recording), expected)
            elif action == "restart":
                script.restart_service()
            elif action in ("scanty", "plenty"):
                script.recording.limit(200 if action == "scanty" else None)
        was_scanty = any(action == "scanty" for action, _, _ in actions)
        script.finish()
        live, archive = script.recording, script.archive()
        lines = everything(live)
        check(lines, expected)
        assert live.page(len(expected), 1) == Page(len(expected), [], len(expected), end=True)
        assert not expected or live.page(len(expected) - 1, 1).next == len(expected)
        assert live.stdout_bytes + live.stderr_bytes == written
        assert written - live.dropped_bytes <= max_output or not live.dropped_bytes
        if written <= max_output and not was_scanty:
            assert lines == dict(enumerate(expected))
            assert len(live.raw()[0]) == written
        for wanted in (None, *STREAMS):
            for q in (None, "LONG"):
                assert live.page(first, limit, stream=wanted, q=q) == archive.page(first, limit, stream=wanted, q=q)
        assert everything(archive) == lines
        assert archive.raw() == live.raw()
        for wanted in (None, *STREAMS):
            assert pieces(archive, 100, wanted) == archive.raw(stream=wanted)[0]
        script.close()


def check(lines: dict[int, Line], expected: list[Line]) -> None:
    for number, line in lines.items():
        assert line == expected[number] or "dropped here" in line[2]


def pieces(lines: LineReader, size: int, stream: Stream | None) -> bytes:
    """A whole output, read piece by piece."""
    whole, line = b"", 0
    while True:
        piece, line = lines.raw(line, size, stream)
        whole += piece
        if not piece:
            return whole
