"""Starting and stopping scripts from the command line, with a service and in its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.data_dir import owner
from tests.command_line import cronscope, invoke, listed, records, started
from tests.service import DEADLINE, Service, until

CONFIG = """\
scripts:
  - {name: greet, command: "echo hello; echo problem >&2; exit 3"}
  - {name: fine, command: [echo, well], enabled: false}
  - {name: gate, command: "echo before; read x < gate; echo after"}
  - {name: long, command: "echo begun; sleep 1000"}
  - {name: lacking, command: [./lacking]}
"""


def ended(command: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, and what it told on standard error."""
    assert command.stderr is not None
    return command.wait(DEADLINE), command.stderr.read()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration for which no service runs."""
    file = tmp_path / "cronscope.yml"
    file.write_text(CONFIG)
    os.mkfifo(tmp_path / "gate")
    return file


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "gate")
    return service


def test_run_prints_both_streams_as_they_come_and_ends_as_the_script_did(config: Path, service: Service) -> None:
    for file in (config, service.config):
        result = cronscope("run", "greet", "-c", file)
        assert (result.returncode, result.stdout) == (1, "hello\n")
        problem, failure = result.stderr.splitlines()
        assert problem == "problem"
        assert failure.startswith("greet failed: exit code 3 after ")
        result = cronscope("run", "fine", "-c", file)
        assert (result.returncode, result.stdout, result.stderr) == (0, "well\n", "")
        result = cronscope("run", "lacking", "-c", file)
        assert result.returncode == 1
        why, told = result.stderr.splitlines()
        assert why.startswith("cronscope: lacking could not be started: ")
        assert told.startswith("lacking could not start")
    result = cronscope("run", "lacking", "--json", "-c", config)  # without its output
    assert result.stderr.startswith("lacking could not be started: ")
    assert json.loads(result.stdout)["reason"] == "spawn"


def test_as_json_a_run_tells_its_record_alone(config: Path, service: Service) -> None:
    for file in (config, service.config):
        result = cronscope("run", "greet", "--json", "-c", file)
        assert result.returncode == 1
        record = json.loads(result.stdout)
        assert (record["script_name"], record["exit_code"], record["reason"]) == ("greet", 3, "exit_code")
    run_id = json.loads(cronscope("run", "long", "--detach", "--json", "-c", service.config).stdout)["run_id"]
    assert json.loads(cronscope("stop", "long", "--json", "-c", service.config).stdout) == {"run_ids": [run_id]}


def test_metrics_that_were_refused_are_told_and_what_was_published_here_is_shown_by_the_next_service(
    start_service: Callable[..., Service],
) -> None:
    command = 'printf "up 1\\nx 1\\n" > $CRONSCOPE_METRICS_FILE'
    service = start_service(json.dumps({"scripts": [{"name": "job", "command": command}]}))
    told = "metrics that job published were refused: the name up is reserved (reserved, 1)\n"
    for running in (True, False):
        if not running:
            service.stop()
        result = cronscope("run", "job", "-c", service.config)
        assert (result.returncode, result.stderr) == (0, told)
        [page] = records("runs", "job", "--limit", "1", "-c", service.config)
        assert page["runs"][0]["metrics_rejected"] == "the name up is reserved (reserved, 1)"
    service.start()
    assert service.metrics()['x{script="job"}'] == 1


def test_output_comes_while_the_run_is_on(config: Path, service: Service) -> None:
    for file in (config, service.config):
        with started("run", "gate", "-c", file) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == "before\n"
            assert run.poll() is None
            (file.parent / "gate").write_text("go\n")
            assert run.stdout.readline() == "after\n"
            assert ended(run) == (0, "")


def test_ctrl_c_stops_the_run(config: Path, service: Service) -> None:
    for file in (config, service.config):
        with started("run", "long", "-c", file) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == "begun\n"
            run.send_signal(signal.SIGINT)
            assert run.wait(DEADLINE) == 1
        (record,) = listed("runs", "long", "-c", file)["runs"]
        assert (record["status"], record["reason"], record["trigger"]) == ("failed", "cancelled", "manual")


def test_a_run_in_place_of_the_service_is_in_the_history_with_its_environment_and_timeout(config: Path) -> None:
    config.write_text(
        "scripts:\n"
        "  - {name: env, command: 'echo $GREETING $CRONSCOPE_SCRIPT $CRONSCOPE_TRIGGER; exit 5', env: {GREETING: hi},"
        " success_codes: [5]}\n"
        "  - {name: slow, command: sleep 1000, timeout: 200ms}\n"
    )
    assert cronscope("run", "env", "-c", config).stdout == "hi env manual\n"
    assert cronscope("run", "slow", "-c", config).returncode == 1
    slow, env = listed("runs", "-c", config)["runs"]
    assert (env["status"], env["exit_code"], env["trigger"]) == ("completed", 5, "manual")
    assert (slow["status"], slow["reason"]) == ("failed", "timeout")
    assert records("logs", "env", "-c", config)[0]["stdout"] == "hi env manual\n"
    assert list((config.parent / "data/runs").iterdir()) == []


def test_a_run_here_goes_on_where_nobody_reads_its_output(config: Path) -> None:
    config.write_text("scripts: [{name: lines, command: seq 1 30000; echo done > done}]")
    with started("run", "lines", "-c", config) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert ended(run) == (0, "")
    assert (config.parent / "done").exists()


def test_detached_only_the_id_is_printed(config: Path, service: Service) -> None:
    result = cronscope("run", "long", "--detach", "-c", service.config)
    assert result.returncode == 0
    assert service.get("/api/v1/scripts/long")["running"] == [result.stdout.strip()]
    refused = cronscope("run", "long", "-c", service.config)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "overlap" in refused.stderr
    result = cronscope("run", "long", "--detach", "-c", config)
    assert (result.returncode, result.stdout) == (1, "")


def test_a_run_is_followed_over_a_restart_of_the_service(service: Service) -> None:
    with started("run", "gate", "-c", service.config) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "before\n"
        service.kill()
        service.start()
        (service.folder / "gate").write_text("go\n")
        assert run.stdout.readline() == "after\n"
        assert ended(run) == (0, "")


def test_stop_ends_what_runs_and_waits_for_that(service: Service) -> None:
    run_id = service.run("long")
    result = cronscope("stop", "long", "-c", service.config)
    assert (result.returncode, result.stdout) == (0, f"stopped {run_id}\n")
    assert service.record(run_id)["reason"] == "cancelled"
    assert cronscope("stop", "long", "-c", service.config).stdout == "long is not running\n"


def test_a_run_is_stopped_by_its_id(service: Service) -> None:
    first = service.run("long")
    assert cronscope("stop", first, "-c", service.config).stdout == f"stopped {first}\n"
    assert cronscope("stop", first, "-c", service.config).returncode == 1
    left = left_running(service)
    assert cronscope("stop", left, "-c", service.config).stdout == f"stopped {left}\n"


def test_runs_that_a_service_left_are_told_refused_a_second_time_and_stopped(service: Service) -> None:
    run_id = left_running(service)
    assert listed("list", "-c", service.config)["scripts"][3]["running"] == [run_id]
    refused = cronscope("run", "long", "-c", service.config)
    assert refused.returncode == 1
    assert "running already" in refused.stderr
    assert cronscope("stop", "long", "-c", service.config).stdout == f"stopped {run_id}\n"
    (record,) = listed("runs", "long", "-c", service.config)["runs"]
    assert (record["status"], record["reason"]) == ("failed", "cancelled")


def test_two_cannot_stand_in_for_the_service_at_once(config: Path) -> None:
    with started("run", "gate", "-c", config) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "before\n"
        result = cronscope("run", "fine", "-c", config)
        assert result.returncode == 1
        assert f"another cronscope (process {run.pid}) is using" in result.stderr
        assert listed("list", "-c", config)["scripts"][2]["running"]
        (config.parent / "gate").write_text("go\n")
        assert ended(run) == (0, "")


def left_running(service: Service) -> str:
    """The id of a run of `long` that goes on although the service has stopped."""
    run_id = service.run("long")
    until(lambda: service.record(run_id), lambda run: run["started_at"])
    service.stop()
    return run_id


def test_overlap_is_ruled_beside_runs_that_a_service_left(service: Service) -> None:
    earlier = left_running(service)
    service.config.write_text(service.config.read_text().replace("name: long,", "name: long, overlap: replace,"))
    with started("run", "long", "-c", service.config) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        run.send_signal(signal.SIGINT)
        assert run.wait(DEADLINE) == 1
    later, replaced = listed("runs", "long", "-c", service.config)["runs"]
    assert (replaced["run_id"], replaced["reason"]) == (earlier, "cancelled")
    assert later["started_at"] >= replaced["ended_at"]


def test_a_run_that_waits_for_an_earlier_one_can_be_given_up(service: Service) -> None:
    left_running(service)
    service.config.write_text(service.config.read_text().replace("name: long,", "name: long, overlap: queue,"))
    with started("run", "long", "-c", service.config) as run:
        assert run.stderr is not None
        until(lambda: owner(service.folder / "data"), lambda held: held and held.pid == run.pid)
        run.send_signal(signal.SIGINT)
        assert run.wait(DEADLINE) == 1
        assert "was not started" in run.stderr.read()
    (record,) = listed("runs", "long", "-c", service.config)["runs"]
    assert record["status"] == "running"
    assert invoke("stop", "long", "-c", service.config).exit_code == 0


def test_a_second_ctrl_c_leaves_the_run_to_itself(config: Path) -> None:
    deaf = "scripts: [{name: deaf, kill_after: 1h, command: 'trap \"\" TERM; echo begun; sleep 1000'}]"
    config.write_text(deaf)
    with started("run", "deaf", "-c", config) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        run.send_signal(signal.SIGINT)
        until(lambda: [*(config.parent / "data/runs").glob("*/stopped")], bool)
        run.send_signal(signal.SIGINT)
        assert run.wait(DEADLINE) == 1
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()
    config.write_text(deaf.replace("1h", "0s"))
    assert invoke("stop", "deaf", "-c", config).exit_code == 0
    (record,) = listed("runs", "deaf", "-c", config)["runs"]
    assert (record["status"], record["reason"]) == ("failed", "cancelled")


def test_a_run_here_is_killed_and_cut_as_by_the_service(config: Path) -> None:
    config.write_text(
        "scripts:\n"
        "  - {name: deaf, command: 'trap : TERM; while :; do sleep 1; done', timeout: 100ms, kill_after: 100ms}\n"
        "  - {name: noise, command: seq 1 30000, max_output: 64KiB}\n"
    )
    result = cronscope("run", "deaf", "-c", config)
    assert result.returncode == 1
    assert "deaf timed out after " in result.stderr
    assert cronscope("run", "noise", "-c", config).returncode == 0
    noise, deaf = listed("runs", "-c", config)["runs"]
    assert (deaf["reason"], deaf["exit_code"]) == ("timeout", 137)
    assert noise["dropped_bytes"] > 90_000
    assert len(records("logs", "noise", "-c", config)[0]["stdout"]) < 70_000


def test_a_reader_that_pauses_holds_up_no_timeout(config: Path) -> None:
    config.write_text("scripts: [{name: noise, command: 'seq 1 100000; echo > printed; sleep 1000', timeout: 500ms}]")
    with started("run", "noise", "-c", config) as run:
        pid = until(lambda: [*(config.parent / "data/runs").glob("*/pid")], bool)[0].read_text()
        until(lambda: Path(f"/proc/{pid.strip()}").exists(), lambda there: not there)
        assert run.poll() is None
        assert run.stdout is not None
        assert run.stdout.read().startswith("1\n2\n")
        assert run.wait(DEADLINE) == 1


def test_the_history_of_runs_here_is_kept_within_its_limits(config: Path) -> None:
    config.write_text("scripts: [{name: one, command: 'true', retention: {runs: 2}}]")
    for _ in range(4):
        assert cronscope("run", "one", "-c", config).returncode == 0
    assert len(listed("runs", "-c", config)["runs"]) == 2
