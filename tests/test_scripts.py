from __future__ import annotations

from exporter.events import Event, Instant, Progress, ProgressState, Run, RunStarted
from exporter.journal import Entry
from exporter.scripts import Scripts
from exporter.settings import ScriptSettings
from tests.test_metrics import BY_HAND, NOON, ended, run


def test_the_last_run_is_the_one_that_ended_last_whichever_is_told_last() -> None:
    scripts = Scripts(lambda name: None)
    scripts.configure(ScriptSettings(name="backup", command="true"), {}, BY_HAND)

    def last_after(record: Run) -> Run | None:
        scripts.remember(Entry(1, NOON, ended(record)))
        return scripts.view("backup").last_run

    second = run(run_id="2", start=Instant(NOON + 60_000), status="completed")
    assert last_after(second) == second
    assert last_after(run(run_id="3", status="failed", reason="exit_code")) == second


def test_progress_is_that_of_the_oldest_run_under_way_and_goes_with_its_own_run() -> None:
    scripts = Scripts(lambda name: None)
    scripts.configure(ScriptSettings(name="backup", command="true"), {}, BY_HAND)

    def progress_after(*events: Event) -> ProgressState | None:
        for event in events:
            scripts.remember(Entry(1, NOON, event))
        return scripts.view("backup").progress

    def started(run_id: str) -> RunStarted:
        return RunStarted(run=run(run_id=run_id), next_run_at=None)

    def told(run_id: str, percent: float) -> Progress:
        return Progress(run_id=run_id, script_name="backup", percent=percent, text="")

    assert progress_after(started("1"), started("2"), told("2", 90)) is None
    assert progress_after(told("1", 10)) == ProgressState(percent=10, text="")
    assert progress_after(ended(run(run_id="1", status="completed"))) == ProgressState(percent=90, text="")
    assert progress_after(ended(run(run_id="2", status="completed"))) is None
