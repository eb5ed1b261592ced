"""Printing and deleting what runs wrote, with a service and without one."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.command_line import cronscope, in_terminal, invoke, records, started
from tests.service import DEADLINE, Service, until

SCRIPTS = [
    {"name": "greet", "command": "echo hello; echo problem >&2; exit 3"},
    {"name": "fine", "command": ["echo", "well"]},
    {"name": "gate", "command": "echo before; read x < gate; echo after; exit $x"},
    {"name": "odd", "command": r"printf '\033[31mred\033[2J \007 \302\233 ünï\r\n\377 no end'"},
]


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(json.dumps({"scripts": SCRIPTS}))
    os.mkfifo(service.folder / "gate")
    return service


def with_and_without(service: Service) -> Iterator[str]:
    """Do what follows with the service, and once more when it is gone."""
    yield "through the service"
    service.stop()
    yield "from its files"


def test_logs_prints_each_run_with_its_header_and_its_output_oldest_first(service: Service) -> None:
    first, second = (service.ended(service.run(name))["run_id"] for name in ("greet", "fine"))
    for asked in ("through the service", "from its files"):
        told = until(lambda: cronscope("logs", "--all", "-c", service.config).stdout, lambda text: "well" in text)
        header, hello, problem, other, well = told.splitlines()
        assert header.startswith("==> greet  "), asked
        assert header.endswith(f"{first} <==")
        assert "failed: exit code 3, took " in header
        assert (hello, problem, well) == ("hello", "problem", "well")
        assert other.endswith(f"{second} <==")
        if service.process is not None:
            service.stop()


def test_logs_as_json_is_one_record_a_run_with_both_streams(service: Service) -> None:
    run = service.ended(service.run("greet"))
    (record,) = records("logs", "greet", "-c", service.config, "--exit-code", "3", "--since", "1h")
    assert record == {
        "timestamp": run["started_at"], "script_name": "greet", "run_id": run["run_id"], "exit_code": 3,
        "status": "failed", "reason": "exit_code", "duration_ms": run["duration"], "stdout": "hello\n",
        "stderr": "problem\n",
    }  # fmt: skip
    assert records("logs", "greet", "-c", service.config, "--exit-code", "0") == []


def test_logs_of_many_long_outputs_are_whole(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: lines, command: seq 1 30000; printf '\\303\\050 end'}]")
    service.ended(service.run("lines"))
    expected = [*map(str, range(1, 30001)), "\N{REPLACEMENT CHARACTER}( end"]
    (record,) = records("logs", "lines", "-c", service.config)
    assert record["stdout"].splitlines() == expected
    assert cronscope("logs", "lines", "-c", service.config).stdout.splitlines()[1:] == expected


def test_a_reader_that_has_had_enough_is_no_error(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: lines, command: seq 1 30000}]")
    service.ended(service.run("lines"))
    with started("logs", "lines", "-c", service.config) as logs:
        assert logs.stdout is not None
        assert logs.stderr is not None
        assert logs.stdout.readline().startswith("==> lines")
        logs.stdout.close()
        assert logs.stderr.read() == ""
        assert logs.wait(DEADLINE) == 0


def test_following_prints_runs_as_they_come_and_survives_a_restart_of_the_service(service: Service) -> None:
    with started("logs", "--all", "--follow", "-c", service.config) as logs:
        assert logs.stdout is not None
        run_id = service.run("gate")
        assert logs.stdout.readline().startswith("==> gate  ")
        assert logs.stdout.readline() == "before\n"
        service.kill()
        service.start()
        (service.folder / "gate").write_text("0\n")
        assert logs.stdout.readline() == "after\n"
        assert "completed, took " in (footer := logs.stdout.readline())
        assert footer.endswith(f"{run_id} <==\n")
        service.run("fine")
        assert logs.stdout.readline().startswith("==> fine  ")
        logs.send_signal(signal.SIGINT)
        assert logs.wait(DEADLINE) == 0


def test_following_as_json_prints_a_run_once_it_has_ended(service: Service) -> None:
    with started("logs", "gate", "--follow", "--json", "--exit-code", "0", "-c", service.config) as logs:
        assert logs.stdout is not None
        run_id = service.run("gate")
        until(lambda: service.record(run_id), lambda run: run["stdout_bytes"] or run["started_at"])
        (service.folder / "gate").write_text("0\n")
        record = json.loads(logs.stdout.readline())
        assert (record["run_id"], record["stdout"]) == (run_id, "before\nafter\n")
        logs.terminate()


def test_json_is_the_same_to_the_byte_with_a_service_and_without(service: Service) -> None:
    for name in ("greet", "odd", "fine", "odd"):
        service.ended(service.run(name))
    expected = service.fetch("/api/v1/logs?format=jsonl")[2].decode()
    assert "ünï\\r\\n\N{REPLACEMENT CHARACTER} no end" in expected
    for asked in with_and_without(service):
        assert cronscope("logs", "--all", "--json", "-c", service.config).stdout == expected, asked
        latest = cronscope("logs", "odd", "--json", "--limit", "1", "-c", service.config).stdout
        assert latest == expected.splitlines(keepends=True)[0], asked


def test_logs_are_filtered(service: Service) -> None:
    for name in ("greet", "fine", "odd"):
        service.ended(service.run(name))
    for asked in with_and_without(service):
        for options, expected in [
            (["--exit-code", "3"], ["greet"]), (["--status", "completed"], ["odd", "fine"]),
            (["--reason", "exit_code"], ["greet"]), (["--grep", "WELL"], ["fine"]), (["-q", "ünï"], ["odd"]),
            (["-q", "nothing has this"], []), (["--until", "1h"], []), (["--since", "1h"], ["odd", "fine", "greet"]),
            (["--since", "1970-01-01", "--until", "2100-01-01 00:00", "--limit", "2"], ["odd", "fine"]),
            (["--status", "skipped"], []), (["--limit", "1000000"], ["odd", "fine", "greet"]),
        ]:  # fmt: skip
            told = records("logs", "--all", *options, "-c", service.config)
            assert [record["script_name"] for record in told] == expected, (asked, options)
            printed = invoke("logs", "--all", *options, "-c", service.config).stdout
            heads = [line.split()[1] for line in printed.splitlines() if line.startswith("==> ")]
            assert heads == expected[::-1], (asked, options)


def test_a_terminal_gets_colours_and_sees_other_control_characters(service: Service) -> None:
    service.ended(service.run("odd"))
    told = in_terminal(120, "logs", "odd", "-c", service.config)
    assert "\x1b[31mred^[[2J ^G M-^[ ünï\x1b[0m" in told
    assert "\x1b[31mred\x1b[2J \x07" in cronscope("logs", "odd", "-c", service.config).stdout


def test_a_run_under_way_is_printed_as_far_as_it_is(service: Service) -> None:
    run_id = service.run("gate")
    until(lambda: service.record(run_id), lambda run: run["started_at"])
    result = cronscope("logs", "gate", "-c", service.config)
    assert result.returncode == 0
    assert f"of {run_id} there is more to come" in result.stderr
    assert "running" in result.stdout


def test_following_with_a_filter_prints_only_runs_that_ended_so(service: Service) -> None:
    with started("logs", "--all", "--follow", "--exit-code", "7", "-c", service.config) as logs:
        assert logs.stdout is not None
        service.ended(service.run("greet"))
        first = service.run("gate")
        (service.folder / "gate").write_text("0\n")
        service.ended(first)
        second = service.run("gate")
        (service.folder / "gate").write_text("7\n")
        assert second in logs.stdout.readline()
        assert [logs.stdout.readline() for _ in range(2)] == ["before\n", "after\n"]
        logs.terminate()


def test_following_begins_with_the_latest_runs(service: Service) -> None:
    first, second = (service.ended(service.run("fine"))["run_id"] for _ in range(2))
    with started("logs", "fine", "--follow", "--json", "-c", service.config) as logs:
        assert logs.stdout is not None
        assert [json.loads(logs.stdout.readline())["run_id"] for _ in range(2)] == [first, second]
        logs.terminate()


# --- clear-logs ---


def test_logs_are_cleared_with_a_service_and_without(service: Service) -> None:
    for _ in with_and_without(service):
        for name in ("greet", "fine", "greet"):
            assert cronscope("run", name, "-c", service.config).returncode in (0, 1)
        result = cronscope("clear-logs", "greet", "--yes", "-c", service.config)
        assert (result.returncode, result.stdout, result.stderr) == (0, "deleted 2 runs\n", "")
        assert records("logs", "greet", "-c", service.config) == []
        assert len(records("logs", "fine", "-c", service.config)) == 1
        result = cronscope("clear-logs", "fine", "-y", "--json", "-c", service.config)
        assert (result.returncode, json.loads(result.stdout)) == (0, {"deleted": 1})
        assert cronscope("clear-logs", "fine", "-y", "-c", service.config).stdout == "deleted 0 runs\n"


def test_a_terminal_is_asked_before_logs_are_cleared(service: Service) -> None:
    service.ended(service.run("fine"))
    kept = cronscope("clear-logs", "fine", "-c", service.config, typed="n\n")
    assert (kept.returncode, kept.stdout) == (1, "")
    assert "Delete all that is stored of the runs of fine? [y/N]: " in kept.stderr
    assert cronscope("clear-logs", "fine", "-c", service.config, typed="y\n").stdout == "deleted 1 run\n"


def test_without_a_terminal_nothing_is_cleared_unless_told_to(service: Service) -> None:
    service.ended(service.run("fine"))
    result = cronscope("clear-logs", "fine", "-c", service.config, stdin="y\n")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--yes" in result.stderr
    assert len(records("logs", "fine", "-c", service.config)) == 1


def test_logs_of_a_script_that_was_removed_are_printed_and_cleared(service: Service) -> None:
    service.ended(service.run("fine"))
    service.config.write_text("scripts: [{name: other, command: x}]")
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    for _ in with_and_without(service):
        assert len(records("logs", "fine", "-c", service.config)) == 1
    assert cronscope("clear-logs", "fine", "-y", "-c", service.config).stdout == "deleted 1 run\n"
    result = cronscope("clear-logs", "fine", "-y", "-c", service.config)
    assert (result.returncode, result.stdout) == (1, "")
    assert "no script is named fine" in result.stderr


def test_clearing_gives_the_space_back_without_a_service(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: noise, command: head -c 6000000 /dev/urandom}]")
    service.ended(service.run("noise"))
    service.stop()
    history = service.folder / "data/history.db"
    assert history.stat().st_size > 3_000_000
    assert cronscope("clear-logs", "noise", "-y", "-c", service.config).returncode == 0
    assert history.stat().st_size < 2_000_000
