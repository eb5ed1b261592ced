"""A script never dies with its monitor: the service is killed, stopped and started while runs are under way."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from exporter.events import Instant
from tests.programs import is_alive
from tests.service import Service, until


def runs(service: Service, name: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = service.get(f"/api/v1/runs?script={name}&limit=1000")["runs"]
    return listed


def test_killed_ten_times_in_the_middle_of_runs_every_run_is_recorded_once_with_its_true_exit_code(
    start_service: Callable[..., Service],
) -> None:
    scripts = [
        {"name": f"job{number}", "command": f"read x < gate{number}; echo done; exit {number}", "overlap": "allow"}
        for number in range(4)
    ]
    service = start_service(json.dumps({"scripts": scripts}))
    for number in range(4):
        os.mkfifo(service.folder / f"gate{number}")
    expected: dict[str, int] = {}
    for round_number in range(10):
        started = {number: service.run(f"job{number}") for number in range(4)}
        expected |= {run_id: number for number, run_id in started.items()}
        until(lambda: service.get("/api/v1/status")["active_scripts"], lambda active: active == 4)
        # Some runs end before the service is killed, some while it is gone, some in its next life.
        for number in range(4):
            if number == round_number % 4:
                service.kill()
            if number == (round_number + 2) % 4 and service.process is None:
                service.start()
            (service.folder / f"gate{number}").write_text("go\n")
        if service.process is None:
            service.start()
        for run_id in started.values():
            service.ended(run_id)
    for number in range(4):
        recorded = {run["run_id"]: run["exit_code"] for run in runs(service, f"job{number}")}
        assert recorded == {run_id: code for run_id, code in expected.items() if code == number}
    assert {run["reason"] for run in runs(service, "job3")} == {"exit_code"}
    assert {run["status"] for run in runs(service, "job0")} == {"completed"}


def test_a_stopped_service_leaves_runs_and_takes_them_up_again(start_service: Callable[..., Service]) -> None:
    service = start_service('scripts: [{name: job, command: "read x < gate; echo late; exit 5"}]')
    os.mkfifo(service.folder / "gate")
    run_id = service.run("job")
    until(lambda: service.get("/api/v1/scripts/job")["running"], bool)
    assert service.stop() == 0
    service.start()
    assert service.get("/api/v1/scripts/job")["running"] == [run_id]
    assert service.metrics()['cronscope_script_runs_in_progress{script="job"}'] == 1
    (service.folder / "gate").write_text("go\n")
    record = service.ended(run_id)
    assert (record["status"], record["reason"], record["exit_code"]) == ("failed", "exit_code", 5)
    assert service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2] == b"late\n"


def test_a_run_whose_processes_vanished_with_the_service_is_lost(start_service: Callable[..., Service]) -> None:
    service = start_service('scripts: [{name: job, command: "echo $$ > pid; exec sleep 1000"}]')
    run_id = service.run("job")
    pid = int(until(lambda: _text(service.folder / "pid"), bool))
    service.kill()
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    service.start()
    record = service.ended(run_id)
    assert (record["reason"], record["exit_code"]) == ("lost", -1)


def test_a_run_has_the_same_start_before_and_after_a_crash(start_service: Callable[..., Service]) -> None:
    service = start_service('scripts: [{name: job, command: "read x < gate"}]')
    os.mkfifo(service.folder / "gate")
    with service.socket("?v=1") as rich:
        run_id = service.run("job")
        told = rich.wait("script_status", status="running")["data"]["started_at"]

    def starts() -> list[float | str]:
        shown = service.metrics()
        families = ("cronscope_script_last_start", "cronscope_script_active_run_start")
        return [
            service.record(run_id)["started_at"],
            *(shown[f'{each}_timestamp_seconds{{script="job"}}'] for each in families),
        ]

    before = starts()
    assert before[0] == told
    service.kill()
    service.start()
    assert starts() == before
    (service.folder / "gate").write_text("go\n")
    assert service.ended(run_id)["started_at"] == told


def test_a_timeout_counts_on_over_a_restart(start_service: Callable[..., Service]) -> None:
    service = start_service('scripts: [{name: job, command: "exec sleep 1000", timeout: 2s}]')
    run_id = service.run("job")
    until(lambda: service.get("/api/v1/scripts/job")["running"], bool)
    service.kill()
    service.start()
    record = service.ended(run_id)
    assert (record["reason"], record["exit_code"]) == ("timeout", 143)


def test_a_stop_under_way_goes_on_over_a_restart(start_service: Callable[..., Service]) -> None:
    stubborn = {"name": "stubborn", "command": "trap '' TERM; echo x > ready; while :; do sleep 0.05; done"}
    polite = {
        "name": "polite",
        "command": "trap 'echo x > stopping; read x < gate; exit 1' TERM; echo x > on; while :; do sleep 0.05; done",
    }
    service = start_service(
        json.dumps({"scripts": [{**stubborn, "kill_after": "3s"}, {**polite, "kill_after": "1m", "retries": 3}]})
    )
    os.mkfifo(service.folder / "gate")
    run_ids = [service.run("stubborn"), service.run("polite")]
    until(lambda: _text(service.folder / "ready") and _text(service.folder / "on"), bool)
    for run_id in run_ids:
        service.post(f"/api/v1/runs/{run_id}/stop")
    until(lambda: _text(service.folder / "stopping"), bool)
    service.kill()
    (service.folder / "gate").write_text("go\n")
    service.start()
    records = [service.ended(run_id) for run_id in run_ids]
    assert [(record["reason"], record["exit_code"]) for record in records] == [("cancelled", 137), ("cancelled", 1)]
    assert service.get("/api/v1/scripts/polite")["next_run_at"] is None  # no retry


def test_grandchildren_that_ignore_term_do_not_outlive_a_restart_in_the_middle_of_a_stop(
    start_service: Callable[..., Service],
) -> None:
    command = "(trap '' TERM; echo > up; while :; do sleep 0.05; done) & echo $! > grandchild; exec sleep 1000"
    service = start_service(json.dumps({"scripts": [{"name": "job", "command": command, "kill_after": "4s"}]}))
    run_id = service.run("job")
    until(lambda: (service.folder / "up").exists() and _text(service.folder / "grandchild"), bool)
    service.post(f"/api/v1/runs/{run_id}/stop")
    status = service.folder / "data/runs" / run_id / "status"
    until(lambda: _text(status).endswith("end\n"), bool)  # the command itself has ended
    service.kill()
    service.start()
    record = service.ended(run_id)
    assert (record["reason"], record["exit_code"]) == ("cancelled", 143)
    assert not is_alive(int(_text(service.folder / "grandchild")))


@pytest.mark.parametrize(("rule", "reason", "exit_code"), [("stop", "cancelled", 143), ("wait", None, 0)])
def test_the_rule_on_shutdown_decides_what_becomes_of_runs_under_way(
    start_service: Callable[..., Service], rule: str, reason: str | None, exit_code: int
) -> None:
    config = f'{{on_shutdown: {rule}, scripts: [{{name: job, command: "read x < gate; exit 0"}}]}}'
    service = start_service(config)
    gate = service.folder / "gate"
    os.mkfifo(gate)
    run_id = service.run("job")
    until(lambda: service.get("/api/v1/scripts/job")["running"], bool)
    service.signal(signal.SIGTERM)
    if rule == "wait":
        until(lambda: service.fetch("/-/ready")[0], lambda status: status == 503)
        assert service.fetch("/api/v1/scripts/job/run", method="POST", body=b"")[0] == 503
        gate.write_text("go\n")
    assert service.process is not None
    assert service.process.wait(30) == 0
    service.start()
    record = service.record(run_id)
    assert (record["reason"], record["exit_code"]) == (reason, exit_code)


def test_starts_missed_while_the_service_was_down_are_told(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: job, command: 'true', every: 300ms}, {name: once, command: 'true', "
                            "every: 300ms, missed: once}]")  # fmt: skip
    until(lambda: service.get("/api/v1/scripts/once")["last_run"], bool)
    service.kill()
    until(lambda: None, _after_seconds(1.2))
    service.start()
    until(lambda: {run["reason"] for run in runs(service, "job")}, lambda reasons: "missed" in reasons)
    until(lambda: [run["trigger"] for run in runs(service, "once")], lambda triggers: "missed" in triggers)


QUEUE = "{max_concurrent_runs: 1, scripts: [{name: hog, command: read x < gate}, {name: job, command: echo out}]}"


def test_a_start_that_waits_can_be_looked_up_followed_and_stopped(start_service: Callable[..., Service]) -> None:
    service = start_service(QUEUE)
    os.mkfifo(service.folder / "gate")
    service.run("hog")
    until(lambda: service.get("/api/v1/scripts/hog")["running"], bool)
    waiting = service.run("job")
    record = service.record(waiting)
    assert (record["status"], record["started_at"]) == ("running", None)
    assert service.get(f"/api/v1/runs/{waiting}/output")["lines"] == []
    assert service.get("/api/v1/status")["runs_queued"] == 1
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        frames.send("subscribe", 1, topics=[f"output:{waiting}"])
        frames.wait("ack")
        assert service.fetch("/api/v1/scripts/job/run", method="POST", body=b"")[0] == 409  # overlap counts it
        (service.folder / "gate").write_text("go\n")
        assert frames.wait("output", end=True)["data"]["lines"][0][1:] == ["stdout", "out"]
    assert service.ended(waiting)["status"] == "completed"


def test_a_start_that_waits_is_stopped_without_ever_having_run(start_service: Callable[..., Service]) -> None:
    service = start_service(QUEUE)
    os.mkfifo(service.folder / "gate")
    hog = service.run("hog")
    until(lambda: service.get("/api/v1/scripts/hog")["running"], bool)
    waiting = service.run("job")
    service.post(f"/api/v1/runs/{waiting}/stop")
    record = service.ended(waiting)
    assert (record["status"], record["reason"], record["exit_code"]) == ("failed", "cancelled", -1)
    again = service.run("job")
    assert service.post("/api/v1/scripts/job/stop") == {"run_ids": [again]}
    assert service.ended(again)["reason"] == "cancelled"
    assert service.record(hog)["status"] == "running"


def test_a_start_that_waited_when_the_service_was_killed_is_told_as_missed(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(QUEUE)
    os.mkfifo(service.folder / "gate")
    hog = service.run("hog")
    until(lambda: service.get("/api/v1/scripts/hog")["running"], bool)
    waiting = service.run("job")
    service.kill()
    service.start()
    assert service.record(hog)["status"] == "running"
    record = until(lambda: service.record(waiting), lambda run: run["status"] != "running")
    assert (record["status"], record["reason"], record["trigger"]) == ("skipped", "missed", "manual")
    assert service.metrics()['cronscope_script_runs_skipped_total{reason="missed",script="job"}'] == 1


def test_a_start_that_was_planned_just_before_the_service_was_killed_is_told_as_missed(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("")
    planned = Instant(Instant.now() + 5000)
    scripts = [{"name": f"once{number}", "command": "true", "at": planned.rfc3339()} for number in range(20)]
    answers = [service.fetch("/api/v1/scripts", method="POST", body=json.dumps(each).encode()) for each in scripts]
    service.kill()
    assert {status for status, *_ in answers} == {201}
    assert until(Instant.now, lambda now: now > planned)
    service.start()
    for script in scripts:
        [run] = until(partial(runs, service, script["name"]), bool)
        assert (run["status"], run["reason"]) == ("skipped", "missed")


def _after_seconds(seconds: float) -> Callable[[object], bool]:
    end = time.monotonic() + seconds
    return lambda _: time.monotonic() >= end


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
