"""Runs under way, where what watches them fails, and what a crash left of their records."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from exporter.events import Event, Instant, Run
from exporter.history import History
from exporter.live import LiveRuns
from exporter.runner import Outcome, Process
from exporter.scheduler import Start
from exporter.settings import ScriptSettings

START = Start(
    run_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", script_name="job", trigger="manual", scheduled_at=Instant(1_700_000_000_000)
)


class Ends:
    """Hears of the ends of runs only."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[Run] = asyncio.Queue()

    def adopted(self, run: Run) -> None:
        raise AssertionError("nothing was left to take up")

    def happened(self, event: Event, at: Instant) -> None:
        pass

    def over(self, run: Run) -> None:
        self.ended.put_nowait(run)

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
