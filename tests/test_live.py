"""Runs under way, where what watches them fails, and what a crash left of their records."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from msgspec import structs

from exporter import live
from exporter.chunks import Chunk
from exporter.events import Event, Instant, Run, RunStarted
from exporter.history import History
from exporter.live import LiveRuns
from exporter.output import Recording
from exporter.published import Published
from exporter.runner import Outcome, Process
from exporter.scheduler import Start
from exporter.settings import Duration, ScriptSettings
from tests.service import DEADLINE

START = Start(
    run_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", script_name="job", trigger="manual", scheduled_at=Instant(1_700_000_000_000)
)


class Ends:
    """Hears of the starts and ends of runs only."""

    def __init__(self) -> None:
        self.started: asyncio.Queue[Run] = asyncio.Queue()
        self.ended: asyncio.Queue[Run] = asyncio.Queue()

    def adopted(self, run: Run) -> None:
        raise AssertionError("nothing was left to take up")

    def happened(self, event: Event, at: Instant) -> None:
        if isinstance(event, RunStarted):
            self.started.put_nowait(event.run)

    def over(self, run: Run) -> None:
        self.ended.put_nowait(run)

    def published(self, run: Run, published: Published) -> Published:
        raise AssertionError("nothing was published")

    def rejected(self, run: Run) -> None:
        raise AssertionError("nothing was published")

    def next_start(self, script_name: str) -> Instant | None:
        return None


def test_a_run_that_can_not_be_watched_any_more_ends_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Process) -> Outcome:
        raise RuntimeError("no thread can be started")

    monkeypatch.setattr(Process, "wait", fail)

    async def watch() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        ends = Ends()
        runs = LiveRuns(tmp_path, history, os.environ, -1, ends)
        runs.launch(START, ScriptSettings(name="job", command="true", workdir=tmp_path), None)
        run = await ends.ended.get()
        assert (run.status, run.reason, run.exit_code) == ("failed", "lost", -1)
        await runs.stop("wait")
        assert await history.run(START.run_id) == run
        await history.close()

    asyncio.run(watch())


def test_who_follows_a_run_is_told_at_once_and_runs_that_nobody_follows_are_not_looked_at_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MARK_SECONDS", 1000)

    async def follow() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        ends = Ends()
        runs = LiveRuns(tmp_path / "runs", history, os.environ, -1, ends)
        for number in range(2):
            start = structs.replace(START, run_id=f"{number:026}")
            script = ScriptSettings(name="job", command="echo x; exec sleep 60", workdir=tmp_path)
            runs.launch(start, script, None)
            await ends.started.get()
        grown = asyncio.Event()
        end = runs.follow(f"{0:026}", grown.set)
        await asyncio.wait_for(grown.wait(), DEADLINE)
        assert [recording.stdout_bytes for recording in runs.recordings().values()] == [2, 0]
        end()
        await runs.stop("stop")
        await history.close()

    (tmp_path / "runs").mkdir()
    asyncio.run(follow())


def test_output_that_finds_no_room_takes_no_descriptors_and_is_stored_later_or_thrown_away(tmp_path: Path) -> None:
    count = 20

    async def fill() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        ends = Ends()
        runs = LiveRuns(tmp_path / "runs", history, os.environ, -1, ends)
        # Output alone finds no room.
        await history.write(
            lambda c: c.execute("CREATE TRIGGER full BEFORE INSERT ON output_chunks BEGIN SELECT fill(); END")
        )
        for number in range(count):
            start = structs.replace(START, run_id=f"{number:026}")
            runs.launch(start, ScriptSettings(name="job", command=f"echo {number}", workdir=tmp_path), None)
        cleared = structs.replace(START, run_id=f"{count:026}", script_name="cleared")
        runs.launch(cleared, ScriptSettings(name="cleared", command="echo", workdir=tmp_path), None)
        for _ in range(count + 1):
            await ends.ended.get()
        while runs._tasks:
            await asyncio.gather(*runs._tasks.values())
        assert not [file for file in psutil.Process().open_files() if file.path.startswith(f"{tmp_path}/runs/")]
        assert len(os.listdir(tmp_path / "runs")) == count + 1
        await runs.drop_waiting("cleared")
        assert len(os.listdir(tmp_path / "runs")) == count
        assert runs.get(cleared.run_id) is None
        await history.write(lambda c: c.execute("DROP TRIGGER full"))
        runs.archive_waiting()
        await runs.stop("wait")
        assert os.listdir(tmp_path / "runs") == []
        for number in range(count):
            assert await history.archived(f"{number:026}", lambda lines: lines.raw()[0]) == b"%d\n" % number
        await history.close()

    (tmp_path / "runs").mkdir()
    asyncio.run(fill())


def test_a_stop_does_not_wait_for_all_of_a_long_output_and_the_next_start_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STOP_SECONDS", 0)
    (tmp_path / "runs").mkdir()

    async def run() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        ends = Ends()
        runs = LiveRuns(tmp_path / "runs", history, os.environ, -1, ends)
        keep_output, stopping = history.keep_output, list[asyncio.Task[None]]()

        def stop_at_the_first(run_id: str, chunk: Chunk) -> asyncio.Future[bool]:
            if not stopping:
                stopping.append(asyncio.create_task(runs.stop("leave")))
            return keep_output(run_id, chunk)

        monkeypatch.setattr(history, "keep_output", stop_at_the_first)
        runs.launch(START, ScriptSettings(name="job", command="seq 1 500000", workdir=tmp_path), None)
        await ends.ended.get()
        await runs._tasks[START.run_id]
        await stopping[0]
        assert os.listdir(tmp_path / "runs") == [START.run_id]

        monkeypatch.setattr(history, "keep_output", keep_output)
        again = LiveRuns(tmp_path / "runs", history, os.environ, -1, Ends())
        await again.take_up([], lambda name: None)
        while again._tasks:
            await asyncio.gather(*again._tasks.values())
        assert os.listdir(tmp_path / "runs") == []
        assert await history.archived(START.run_id, lambda lines: lines.count()) == 500_000
        await again.stop("leave")
        await history.close()

    asyncio.run(run())


@pytest.mark.parametrize("end", ["timeout", "cancelled", "spawn", "leave"])
def test_a_command_that_is_kept_from_beginning_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    stopped = tmp_path / "stopped.py"
    stopped.write_text(
        "import os, signal, sys\nos.open(sys.argv[1].partition('=')[2], os.O_WRONLY)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    monkeypatch.setattr("exporter.confinement.PROGRAM", stopped)
    if end == "spawn":
        monkeypatch.setattr("exporter.runner.BEGIN_SECONDS", 0.5)
    if end == "leave":
        monkeypatch.setattr(live, "STOP_SECONDS", 0.1)
    timeout = Duration(500 if end == "timeout" else 0)
    script = ScriptSettings(name="job", command="true", workdir=tmp_path, umask="022", timeout=timeout)

    async def hold() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        ends = Ends()
        runs = LiveRuns(tmp_path / "runs", history, os.environ, -1, ends)
        runs.launch(START, script, None)
        launched = runs.get(START.run_id)
        assert launched is not None
        await launched.recorded.wait()
        assert launched.process is not None
        assert runs.executing() == []
        if end == "cancelled":
            launched.stop("cancelled")
        if end != "leave":
            assert (await ends.ended.get()).reason == end
            assert ends.started.empty() == (end == "spawn")
        await runs.stop("leave")
        if end == "leave":
            assert (ends.started.qsize(), ends.ended.qsize()) == (0, 0)
            launched.process.stop(Duration(0))
            await launched.process.wait()
        await history.close()

    (tmp_path / "runs").mkdir()
    asyncio.run(asyncio.wait_for(hold(), DEADLINE))


@pytest.mark.skipif(sys.platform != "linux", reason="there are leases on Linux only")
def test_output_that_a_process_left_behind_holds_by_a_lease_is_stored_when_that_has_gone(tmp_path: Path) -> None:
    held, free = (tmp_path / "runs" / f"{number:026}" for number in range(2))

    async def take_up() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        for folder in (held, free):
            folder.mkdir(parents=True)
            (folder / "stdout").write_text("printed\n")
            recording = Recording(folder, Instant.now(), 1000)
            recording.finish(Instant.now())
            recording.close()
            start = structs.replace(START, run_id=folder.name)
            await history.record(start.record("completed", started_at=Instant.now()))
        with (held / "stdout").open("r+") as lease:
            fcntl.fcntl(lease, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            runs = LiveRuns(tmp_path / "runs", history, os.environ, -1, Ends())
            await runs.take_up([], lambda name: None)
            while runs._tasks:
                await asyncio.gather(*runs._tasks.values())
            assert os.listdir(tmp_path / "runs") == [held.name]
        stored = asyncio.Event()
        runs.follow(held.name, stored.set)
        runs.archive_waiting()
        await runs.stop("wait")
        assert stored.is_set()
        assert os.listdir(tmp_path / "runs") == []
        for folder in (held, free):
            assert await history.archived(folder.name, lambda lines: lines.raw()[0]) == b"printed\n"
        await history.close()

    asyncio.run(take_up())


@pytest.mark.parametrize("left", ["", '{"run_id": "01ARZ3N', '{"run_id": 7}', "\0"])
def test_a_record_that_was_cut_off_by_a_full_disk_does_not_keep_the_service_from_starting(
    tmp_path: Path, left: str
) -> None:
    folder = tmp_path / "runs" / START.run_id
    folder.mkdir(parents=True)
    (folder / "record").write_text(left)

    async def start() -> None:
        history = History(tmp_path / "history.db", write_failed=lambda why, first: None)
        runs = LiveRuns(folder.parent, history, os.environ, -1, Ends())
        await runs.take_up([], lambda name: None)
        await runs.stop("wait")
        await history.close()

    asyncio.run(start())
    assert folder.exists()  # left alone
