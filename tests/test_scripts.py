from __future__ import annotations

from exporter.events import Instant, Run
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
