"""What the page shows of every script at once, beside the snapshot: how it went lately, and when it starts next."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.events import Instant, Schedule
from exporter.planned import planned_script, starts_of
from exporter.settings import Duration, ScriptSettings
from exporter.triggers import timing
from tests.fake_engine import SCRIPT
from tests.service import Service
from tests.test_history import NOON, run, with_history

HOUR = 3_600_000


def by_name(listing: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {script["name"]: script for script in listing["scripts"]}


def fault(service: Service, path: str) -> tuple[str, str]:
    """Pointer and message of the one fault of a query."""
    status, _, body = service.fetch(path)
    assert status == 422
    (error,) = json.loads(body)["errors"]
    return error["pointer"], error["message"]


# --- how it went ---


def test_a_script_is_told_with_its_latest_runs_that_ended_the_last_one_last(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(
        "scripts:\n"
        "  - {name: zebra, command: exit $(cat code), cron: '0 0 1 1 *', success_age_limit: 26h}\n"
        "  - {name: hourly, command: x, every: 1h, enabled: false, timeout: 1m}\n"
        "  - {name: hand, command: [/nowhere]}\n"
    )
    started = service.get("/api/v1/status")["started_at"]
    code, runs = service.folder / "code", []
    for number in (0, 3, 0, 4):
        code.write_text(str(number))
        runs.append(service.ended(service.run("zebra")))
    spawn = service.ended(service.run("hand"))
    shown = ("run_id", "status", "reason", "started_at", "duration")

    scripts = service.get("/api/v1/recent")["scripts"]
    assert [script["name"] for script in scripts] == ["zebra", "hourly", "hand"]
    zebra, hourly, hand = scripts
    assert zebra["runs"] == [{key: record[key] for key in shown} for record in runs]
    assert (zebra["last_success_at"], zebra["success_age_limit"]) == (runs[2]["ended_at"], 26 * HOUR)
    assert hourly == {
        "name": "hourly", "last_success_at": None, "without_success_since": None,
        "success_age_limit": 2 * (HOUR + 60_000), "runs": [],
    }  # fmt: skip
    assert (hand["last_success_at"], hand["success_age_limit"]) == (None, None)
    assert zebra["without_success_since"] is None
    assert started <= hand["without_success_since"] < spawn["started_at"]  # it was configured then
    assert [past["reason"] for past in hand["runs"]] == [spawn["reason"]] == ["spawn"]
    metrics = service.metrics()
    for script in scripts:
        limit = metrics.get(f'cronscope_script_success_age_limit_seconds{{script="{script["name"]}"}}')
        assert script["success_age_limit"] == (limit and limit * 1000)

    latest = by_name(service.get("/api/v1/recent?runs=2"))["zebra"]
    assert [past["run_id"] for past in latest["runs"]] == [record["run_id"] for record in runs[2:]]
    assert [script["runs"] for script in service.get("/api/v1/recent?runs=0")["scripts"]] == [[], [], []]
    service.kill()
    service.start()
    hand["without_success_since"] = spawn["ended_at"]  # more is not known any more
    assert service.get("/api/v1/recent")["scripts"] == scripts


@pytest.mark.parametrize("runs", ["-1", "101", "many", "1.5"])
def test_more_runs_than_there_may_be_are_a_fault(start_service: Callable[..., Service], runs: str) -> None:
    service = start_service("")
    assert fault(service, f"/api/v1/recent?runs={runs}") == ("#/runs", "expected a whole number from 0 to 100")


def test_only_what_ran_and_ended_counts_whenever_it_began(tmp_path: Path) -> None:
    async def test(history: Any) -> None:
        late = run(3, ended_at=Instant(NOON + 9 * 60_000), status="failed", reason="timeout", duration=360_000)
        await history.record(
            run(1), run(2, status="failed", reason="exit_code"), late, run(4),
            run(5, status="skipped", reason="overlap", started_at=None, ended_at=None, duration=None),
            run(6, status="running", ended_at=None, duration=None), run(7, script_name="other"),
        )  # fmt: skip
        recent = await history.recent(["job", "unknown"], 3)
        assert [(past.run_id[-1], past.reason) for past in recent["job"]] == [
            ("2", "exit_code"), ("4", None), ("3", "timeout"),
        ]  # fmt: skip
        assert recent["unknown"] == []

    assert with_history(tmp_path, test) == []


def test_two_thousand_scripts_are_one_answer(start_service: Callable[..., Service]) -> None:
    names = [f"script{number}" for number in range(2000)]
    scripts = "".join(f"  - {{name: {name}, command: x}}\n" for name in names)
    service = start_service(f"retention: {{days: null}}\nscripts:\n{scripts}")
    rows = ((f"{name} {past.run_id}", name, past.ended_at) for past in map(run, range(35)) for name in names)
    with closing(sqlite3.connect(service.folder / "data/history.db")) as history, history:
        history.executemany(
            "INSERT INTO runs (run_id, script_name, trigger, attempt, status, scheduled_at, started_at, ended_at,"
            " duration, stdout_bytes, stderr_bytes, dropped_bytes)"
            " VALUES (?1, ?2, 'manual', 1, 'completed', ?3, ?3, ?3, 0, 0, 0, 0)",
            rows,
        )
    recent = service.get("/api/v1/recent")["scripts"]
    assert [script["name"] for script in recent] == names
    told = [f"{number:026}" for number in range(5, 35)]
    assert all([past["run_id"].split()[1] for past in script["runs"]] == told for script in recent)


# --- when it starts ---


def test_the_starts_of_enabled_scripts_are_told_up_to_a_time(start_service: Callable[..., Service]) -> None:
    service = start_service(
        "timezone: UTC\nscripts:\n"
        "  - {name: hourly, command: x, cron: '0 * * * *'}\n"
        "  - {name: often, command: 'true', every: 10s}\n"
        "  - {name: yearly, command: x, cron: '@yearly'}\n"
        "  - {name: hand, command: x}\n"
        "  - {name: never, command: x, every: 1s, enabled: false}\n"
    )
    soon = Instant.now()
    planned = service.get("/api/v1/planned")["scripts"]
    assert [script["name"] for script in planned] == ["hourly", "often", "yearly", "hand"]
    hourly, often, yearly, hand = planned
    assert len(hourly["starts"]) == 6
    assert {start[13:] for start in hourly["starts"]} == {":00:00.000Z"}
    assert not hourly["more"]
    assert (len(often["starts"]), often["more"]) == (100, True)
    steps = {Instant.parse(later) - Instant.parse(earlier) for earlier, later in pairwise(often["starts"])}
    assert steps == {10_000}
    assert (hand["starts"], hand["more"]) == ([], False)
    assert len(yearly["starts"]) <= 1

    until = Instant(soon + 25 * HOUR).rfc3339()
    assert len(by_name(service.get(f"/api/v1/planned?until={until}&limit=1000"))["hourly"]["starts"]) == 25
    (alone,) = service.get(f"/api/v1/planned?script=hourly&until={until}&limit=3")["scripts"]
    assert (alone["name"], len(alone["starts"]), alone["more"]) == ("hourly", 3, True)
    assert service.get("/api/v1/planned?script=never") == {"scripts": []}
    past = service.get("/api/v1/planned?until=2020-01-01T00:00:00%2B01:00")["scripts"]
    assert [script["starts"] for script in past] == [[], [], [], []]


def test_faults_of_a_question_about_starts_are_told(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: one, command: x}]")
    far = Instant(Instant.now() + 32 * 24 * HOUR).rfc3339()
    assert fault(service, f"/api/v1/planned?until={far}") == ("#/until", "expected a time at most 31 days ahead")
    for until in ("6h", "2026-01-31", "2026-01-31T19:00:00", "tomorrow", "9999-99-99T00:00:00Z"):
        assert fault(service, f"/api/v1/planned?until={until}")[0] == "#/until"
    for limit in ("0", "1001", "all"):
        assert fault(service, f"/api/v1/planned?limit={limit}")[0] == "#/limit"
    status, _, body = service.fetch("/api/v1/planned?script=other")
    assert (status, json.loads(body)["detail"]) == (404, "no script is named other")


def test_a_retry_or_jitter_moves_the_first_start_only() -> None:
    when = timing(ScriptSettings(name="a", command="x", every=Duration(60_000)), "UTC")
    planned = planned_script("a", Instant(59_000), False, when, Instant(200_000), 10)
    assert (planned.starts, planned.more) == ([59_000, 60_000, 120_000, 180_000], False)
    assert planned_script("a", Instant(59_000), False, when, Instant(180_000), 3).more


def test_a_start_that_is_a_retry_is_told_as_one(start_service: Callable[..., Service]) -> None:
    service = start_service(
        "scripts:\n  - {name: fails, command: exit 1, cron: '0 0 1 1 *', retries: 1, retry_delay: 10m}\n"
        "  - {name: hourly, command: 'true', every: 1h}\n"
    )
    failed = service.ended(service.run("fails"))
    planned = by_name(service.get("/api/v1/planned"))
    (start,) = planned["fails"]["starts"]
    assert Instant.parse(start) - Instant.parse(failed["ended_at"]) == 600_000
    assert [planned[name]["retry"] for name in ("fails", "hourly")] == [True, False]


def test_a_disabled_script_has_its_retry_and_no_more() -> None:
    hourly = Schedule(kind="every", value="1h", timezone="UTC", description="Every hour")
    off = replace(SCRIPT, enabled=False, schedule=hourly, next_run_at=Instant(5000))
    assert list(starts_of(off)) == [5000]
    assert list(starts_of(replace(off, next_run_at=None))) == []


# --- where Grafana is ---


def test_the_status_tells_where_grafana_is_and_follows_the_file(start_service: Callable[..., Service]) -> None:
    service = start_service("")
    assert service.get("/api/v1/status")["grafana_url"] is None
    service.config.write_text("grafana_url: https://grafana.example.org/\n")
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    assert service.get("/api/v1/status")["grafana_url"] == "https://grafana.example.org/"
