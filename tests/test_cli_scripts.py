"""Scripts added, removed and switched on the command line, with a service and without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config import load
from exporter.settings import ScriptSettings
from relay.cli import main
from tests.command_line import cronscope, invoke
from tests.service import Service

FILE = "# all of them\nscripts:\n  - name: sync   # cheap\n    command: ./sync\n    every: 30s\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cronscope.yml"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def test_a_script_is_added_to_the_file(config: Path) -> None:
    result = invoke(
        "add", "backup", "-c", config, "--command", "./backup --full", "--cron", "15 3 * * *", "--timeout", "10m",
        "--retries", "3", "--env", "A=b=c", "--env", "D=", "--label", "team=ops", "--success-code", "0",
        "--success-code", "2", "--retention", "runs=10", "--max-output", "1024", "--disabled", "--missed", "once",
        "--user", "root", "--group", "0", "--umask", "027", "--nice", "5", "--limit", "cpu_time=90",
        "--limit", "memory=1GiB", "--secret", "A",
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("added backup: At 03:15 every day")
    assert load(config, environ={}, flags={}).entries["backup"] == {
        "name": "backup", "command": "./backup --full", "cron": "15 3 * * *", "timeout": "10m", "retries": 3,
        "env": {"A": "b=c", "D": ""}, "labels": {"team": "ops"}, "success_codes": [0, 2], "retention": {"runs": 10},
        "max_output": 1024, "enabled": False, "missed": "once", "user": "root", "group": "0", "umask": "027", "nice": 5,
        "limits": {"cpu_time": 90, "memory": "1GiB"}, "secrets": ["A"],
    }  # fmt: skip
    assert config.read_text().startswith(FILE)


def test_a_program_is_added_with_its_arguments(config: Path) -> None:
    assert invoke("add", "list", "-c", config, "--", "ls", "-l", "--all").exit_code == 0
    assert load(config, environ={}, flags={}).entries["list"] == {"name": "list", "command": ["ls", "-l", "--all"]}


def test_every_key_of_a_script_has_an_option() -> None:
    names = {parameter.name for parameter in main.commands["add"].params}
    assert {"disabled" if key == "enabled" else key for key in ScriptSettings.__struct_fields__} <= names


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["add", "x"], 2, "give --command TEXT, or a program"),
        (["add", "x", "--command", "a", "--", "b"], 2, "one of both"),
        (["add", "x y", "--command", "a"], 2, "name: expected a name"),
        (["add", "x", "--command", "a", "--every", "soon"], 2, "every: expected a duration"),
        (["add", "x", "--command", "a", "--env", "A"], 2, "expected NAME=VALUE"),
        (["add", "x", "--command", "a", "--every", "1s", "--cron", "@daily"], 2, "one of cron, every and at"),
        (["add", "sync", "--command", "a"], 1, "there is a script named sync already"),
        (["remove", "snc"], 1, "did you mean sync?"),
        (["remove"], 2, "NAME"),
        (["enable", "a", "sync"], 1, "no script is named a"),
    ],
)
def test_bad_input_is_told_and_changes_nothing(config: Path, arguments: list[str], code: int, told: str) -> None:
    result = invoke(arguments[0], "-c", config, *arguments[1:])
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert config.read_text() == FILE


def test_a_file_with_faults_is_left_alone(config: Path) -> None:
    config.write_text(FILE + "    cron: daily\n")
    result = invoke("disable", "-c", config, "sync")
    assert (result.exit_code, f"{config}:6: " in result.stderr) == (1, True)


def test_scripts_are_switched_off_and_on_and_removed(config: Path) -> None:
    assert invoke("disable", "-c", config, "sync").stdout == "disabled sync\n"
    assert config.read_text() == FILE + "    enabled: false\n"
    assert invoke("enable", "-c", config, "sync").stdout == "enabled sync\n"
    assert config.read_text() == FILE + "    enabled: true\n"
    assert invoke("remove", "-c", config, "sync").stdout == "removed sync\n"
    assert config.read_text() == "# all of them\nscripts:\n"


def test_changes_are_told_as_json(config: Path) -> None:
    added = invoke("add", "new", "-c", config, "--command", "x", "--every", "5", "--json")
    assert json.loads(added.stdout) == {"scripts": [{"name": "new", "command": "x", "every": 5}]}
    off = json.loads(invoke("disable", "-c", config, "new", "--json").stdout)
    assert off == {"scripts": [{"name": "new", "command": "x", "every": 5, "enabled": False}]}
    assert json.loads(invoke("remove", "-c", config, "new", "--json").stdout) == {"deleted": ["new"]}


def test_a_running_service_applies_it_at_once(start_service: Callable[..., Service]) -> None:
    service = start_service(FILE)
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        assert cronscope("add", "new", "-c", service.config, "--command", "true").returncode == 0
        assert frames.wait("script_changed")["data"]["op"] == "created"
        assert service.get("/api/v1/scripts/new")["enabled"]
        assert cronscope("disable", "-c", service.config, "new", "sync").returncode == 0
        assert not service.get("/api/v1/scripts/new")["enabled"]
        assert cronscope("remove", "-c", service.config, "new").returncode == 0
        assert frames.wait("script_changed", op="deleted")["data"]["script"]["name"] == "new"
    again = cronscope("add", "sync", "-c", service.config, "--command", "true")
    assert (again.returncode, again.stderr) == (1, "Error: there is a script named sync already\n")
    assert service.config.read_text() == FILE + "    enabled: false\n"


def test_a_service_is_asked_on_while_its_file_has_faults(start_service: Callable[..., Service]) -> None:
    service = start_service(FILE + "data_dir: ./kept  # here\n")
    service.config.write_text(service.config.read_text() + "bogus: [\n")
    for arguments in (["list"], ["run", "sync"], ["runs", "sync"], ["logs", "sync"], ["stop", "sync"]):
        result = cronscope(*arguments, "-c", service.config)
        assert "has faults, which cronscope check tells" in result.stderr
        assert "sync" in result.stdout or arguments[0] in ("run", "logs")
    refused = cronscope("disable", "sync", "-c", service.config)
    assert (refused.returncode, "made by hand" in refused.stderr) == (1, True)
    service.stop()
    assert cronscope("list", "-c", service.config).stdout == ""


def test_a_crontab_is_written_into_the_configuration(config: Path) -> None:
    crontab = config.with_name("crontab")
    crontab.write_text("# Nightly\n0 3 * * * sync --all\nMAILTO=me\n5 x * * * broken\n")
    result = invoke("import-crontab", crontab, "--write", "-c", config)
    assert result.exit_code == 1  # one line is at fault
    assert f"{crontab}:4:" in result.stderr
    assert "added sync-2" in result.stdout
    entry = load(config, environ={}, flags={}).entries["sync-2"]
    assert (entry["command"], entry["cron"], entry["description"]) == ("sync --all", "0 3 * * *", "Nightly")
    assert config.read_text().startswith(FILE)
    assert json.loads(invoke("list", "-c", config, "--json").stdout)["scripts"][1]["name"] == "sync-2"
    crontab.write_text(crontab.read_text().replace("5 x", "5 4"))
    again = invoke("import-crontab", crontab, "--write", "-c", config)
    assert (again.exit_code, again.stdout) == (0, "added broken\n")
    assert "already there, and left alone: sync-2" in again.stderr
