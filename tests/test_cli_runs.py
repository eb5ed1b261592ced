"""The commands on scripts and runs, with a service and without one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exporter.history import SCHEMA_VERSION
from tests.command_line import cronscope, in_terminal, invoke, listed
from tests.service import Service

CONFIG = """\
listen: 127.0.0.1:0
scripts:
  - {name: greet, command: "echo hello; echo problem >&2; exit 3", cron: "15 3 * * *", timezone: Europe/Berlin}
  - {name: fine, command: [echo, well], every: 1h, enabled: false}
  - {name: gate, command: "true"}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration for which no service runs."""
    file = tmp_path / "cronscope.yml"
    file.write_text(CONFIG)
    return file


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(CONFIG)


# --- list and next ---


def test_list_tells_schedule_last_result_and_next_start(service: Service) -> None:
    service.ended(service.run("greet"))
    result = invoke("list", "-c", service.config)
    assert (result.exit_code, result.stderr) == (0, "")
    header, greet, fine, gate, *_ = result.stdout.splitlines()
    assert header.split() == ["NAME", "SCHEDULE", "LAST", "RESULT", "NEXT", "START"]
    assert greet.split()[0] == "greet"
    assert "failed: exit code 3, " in greet
    assert "Europe/Berlin" in greet
    assert " (in " in greet
    assert "never ran" in fine
    assert fine.endswith("disabled")
    assert gate.endswith("by hand only")
    assert len({line.index("  ", 8) for line in (greet, fine, gate)}) <= 3


def test_list_as_json_is_what_the_api_tells(service: Service) -> None:
    assert listed("list", "-c", service.config) == service.get("/api/v1/scripts")


def test_without_a_service_list_tells_the_same_from_file_and_history(service: Service) -> None:
    service.ended(service.run("greet"))
    told = listed("list", "-c", service.config)
    service.kill()
    assert listed("list", "-c", service.config) == told
    assert "No service is running" in invoke("list", "-c", service.config).stderr


def test_list_works_where_no_service_ever_ran_and_leaves_no_trace(config: Path) -> None:
    scripts = listed("list", "-c", config)["scripts"]
    assert [script["last_run"] for script in scripts] == [None] * 3
    assert not (config.parent / "data").exists()


def test_an_interval_keeps_its_beat_while_no_service_runs(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: one, command: 'true', every: 1h}]")
    told = listed("next", "-c", service.config, "--limit", "3")
    service.kill()
    assert listed("next", "-c", service.config, "--limit", "3") == told


def test_next_tells_the_starts_of_all_scripts_soonest_first(config: Path) -> None:
    config.write_text(
        "timezone: UTC\nscripts:\n"
        "  - {name: hourly, command: x, cron: '0 * * * *'}\n"
        "  - {name: quarter, command: x, cron: '*/15 * * * *'}\n"
        "  - {name: once, command: x, at: 2100-01-01T00:00:00+01:00}\n"
        "  - {name: hand, command: x}\n"
    )
    starts = listed("next", "-c", config, "--limit", "10")["starts"]
    assert len(starts) == 10
    assert starts == sorted(starts, key=lambda start: start["scheduled_at"])
    assert {start["script_name"] for start in starts} == {"hourly", "quarter"}
    once = [{"script_name": "once", "scheduled_at": "2099-12-31T23:00:00.000Z"}]
    assert listed("next", "once", "-c", config)["starts"] == once
    assert listed("next", "hand", "-c", config)["starts"] == []
    assert invoke("next", "once", "-c", config).stdout.splitlines()[1].startswith("2099-12-31 23:00:00 (in ")


def test_a_table_fits_the_terminal_and_is_whole_in_a_pipe(config: Path) -> None:
    sentence = "Every 17 minutes"
    config.write_text("scripts:\n  - {name: a-script-with-a-long-name, command: x, every: 17m}\n")
    assert sentence in invoke("list", "-c", config).stdout
    told = in_terminal(60, "list", "-c", config).splitlines()
    assert max(map(len, told)) > 0
    assert sentence not in "".join(told)
    assert "…" in "".join(told)


def test_colours_are_for_terminals_whose_users_want_them(service: Service) -> None:
    service.ended(service.run("greet"))
    assert "\x1b[31mfailed" in in_terminal(120, "runs", "-c", service.config)
    assert "\x1b" not in in_terminal(120, "runs", "-c", service.config, NO_COLOR="1")
    assert "\x1b" not in invoke("runs", "-c", service.config).stdout


# --- runs ---


def test_runs_are_listed_latest_first_and_filtered(service: Service) -> None:
    greet, fine, second = (service.ended(service.run(name))["run_id"] for name in ("greet", "fine", "greet"))
    for asked in ("through the service", "from its files"):
        told = listed("runs", "-c", service.config)["runs"]
        assert {run["run_id"] for run in told} == {greet, fine, second}, asked
        assert [run["script_name"] for run in listed("runs", "fine", "-c", service.config)["runs"]] == ["fine"]
        assert len(listed("runs", "-c", service.config, "--exit-code", "3")["runs"]) == 2
        assert len(listed("runs", "-c", service.config, "--limit", "1")["runs"]) == 1
        assert len(listed("runs", "-c", service.config, "--status", "completed")["runs"]) == 1
        assert listed("runs", "-c", service.config, "--since", "2100-01-01")["runs"] == []
        assert [run["script_name"] for run in listed("runs", "-q", "WELL", "-c", service.config)["runs"]] == ["fine"]
        assert listed("runs", "--reason", "timeout", "-c", service.config)["runs"] == []
        if service.process is not None:
            service.kill()


def test_a_table_of_runs_has_what_a_run_is_known_by(service: Service) -> None:
    run_id = service.run("greet")
    service.ended(run_id)
    header, line = invoke("runs", "-c", service.config).stdout.splitlines()
    assert header.split() == ["STARTED", "NAME", "TRIGGER", "RESULT", "TOOK", "OUTPUT", "RUN"]
    assert line.endswith(run_id)
    assert "failed: exit code 3" in line
    assert "14 B" in line


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gret", "no script is named gret; did you mean greet?"), ("GATES", "did you mean gate?"),
        ("backup", "no script is named backup; cronscope list shows all"), ("a/b c", "no script is named a/b c"),
        ("..", "no script is named .."), ("ünï", "no script is named ünï"), ("\udcff", "no script is named"),
    ],
)  # fmt: skip
def test_an_unknown_script_is_told_with_those_that_are_meant_perhaps(
    config: Path, service: Service, name: str, told: str
) -> None:
    for command in (["runs"], ["logs"], ["next"], ["run"], ["stop"], ["clear-logs", "--yes"]):
        for file in (config, service.config):
            result = invoke(*command, name, "-c", file)
            assert (result.exit_code, result.stdout) == (1, ""), command
            assert told in result.stderr, command
            assert result.stderr.count("\n") == 1, command


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "surplus"], ["next", "--limit", "0"], ["runs", "--exit-code", "x"], ["run"], ["stop"], ["clear-logs"],
        ["completion", "cmd"], ["logs"], ["logs", "greet", "--all"], ["logs", "greet", "--since", "yesterday"],
        ["logs", "greet", "--since", ""], ["logs", "greet", "--limit", "0"], ["logs", "greet", "--exit-code", "256"],
        ["logs", "greet", "--follow", "--until", "1h"], ["logs", "greet", "--reason", "laziness"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_with_exit_code_two(config: Path, arguments: list[str]) -> None:
    result = invoke(*arguments, "-c", config) if arguments[0] != "completion" else invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_a_faulty_configuration_is_told_fault_by_fault(config: Path) -> None:
    config.write_text("scripts: [{name: one}]\nlisten: 1\n")
    result = invoke("list", "-c", config)
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.startswith(str(config)) for line in result.stderr.splitlines()] == [True, True]


@pytest.mark.parametrize("command", [["list"], ["runs"], ["logs", "--all", "--json"], ["run", "fine"]])
def test_a_history_that_cannot_be_read_is_told_in_a_line(config: Path, command: list[str]) -> None:
    history = config.parent / "data/history.db"
    history.parent.mkdir()
    history.write_text("no database, " * 100)
    result = invoke(*command, "-c", config)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: cannot ")
    assert "file is not a database" in result.stderr
    history.unlink()
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("PRAGMA user_version = 99")
    result = invoke(*command, "-c", config)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"version wrote it (schema 99, this one knows {SCHEMA_VERSION})" in result.stderr
    assert result.stderr.count("\n") == 1


# --- completion ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script_and_names_of_scripts(config: Path, shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert "_CRONSCOPE_COMPLETE" in result.stdout


def test_names_of_scripts_are_completed_and_a_faulty_file_is_no_fault_of_the_shell(config: Path) -> None:
    def complete() -> str:
        asked = {"_CRONSCOPE_COMPLETE": "bash_complete", "COMP_WORDS": "cronscope run g", "COMP_CWORD": "2"}
        result = cronscope(cwd=config.parent, PYTHONPATH=os.getcwd(), **asked)
        assert result.stderr == ""
        return result.stdout

    assert complete().split() == ["plain,greet", "plain,gate"]
    config.write_text("scripts: {")
    assert complete().strip() == ""
