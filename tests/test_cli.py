from __future__ import annotations

import compileall
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.cli import configuration, main
from relay.cli.service import OneLine
from relay.listening import ListenError, listen
from tests.command_line import invoke
from tests.service import DEADLINE, Service, until


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "cronscope.yml"
    file.write_text("scripts:\n  - {name: one, command: 'true'}\n  - {name: two, command: 'true', every: 5m}\n")
    return file


# --- check ---


def test_a_sound_file_is_told_in_one_line(config: Path) -> None:
    result = invoke("check", "-c", config)
    assert (result.exit_code, result.stdout) == (0, f"{config}: 2 scripts, no faults\n")


def test_every_fault_is_told_with_file_and_line(config: Path) -> None:
    config.write_text("scripts:\n  - {name: one, comand: 'true'}\nsample_interval: often\n")
    result = invoke("check", "-c", config)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines
    assert all(line.startswith((f"{config}:2: ", f"{config}:3: ")) for line in lines)
    assert {line.removeprefix(f"{config}:")[0] for line in lines} == {"2", "3"}


def test_without_a_file_named_that_of_the_current_directory_is_checked(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    assert invoke("check").exit_code == 0
    config.unlink()
    result = invoke("check")
    assert result.exit_code == 1
    assert "cronscope init" in result.output
    assert result.output.count("\n") == 1


def test_faults_are_told_as_json_too(config: Path) -> None:
    assert json.loads(invoke("check", "--json", "-c", str(config)).stdout) == {"faults": []}
    config.write_text("scripts: 7\n")
    result = invoke("check", "--json", "-c", str(config))
    [fault] = json.loads(result.stdout)["faults"]
    assert (result.exit_code, fault["line"], fault["column"], fault["key"]) == (1, 1, 10, "scripts")


# --- init ---


def test_check_tells_that_a_service_which_is_not_root_cannot_change_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "cronscope.yml"
    config.write_text("scripts: [{name: a, command: x, user: root}]")
    monkeypatch.setattr("os.geteuid", lambda: 1)
    result = invoke("check", "-c", config)
    assert (result.exit_code, result.stdout) == (1, (
        f"{config}:1: scripts[0].user: only a service that runs as root can give scripts another user or group;"
        " this one runs as daemon\n"
    ))  # fmt: skip
    assert invoke("list", "-c", config).exit_code == 0


def test_init_writes_a_configuration_that_is_sound_and_scripts_that_can_run(tmp_path: Path) -> None:
    folder = tmp_path / "new/folder"
    result = invoke("init", folder)
    assert result.exit_code == 0, result.output
    assert invoke("check", "-c", folder / "cronscope.yml").exit_code == 0
    assert (folder / "cronscope.yml").stat().st_mode & 0o777 == 0o600  # it may get secrets
    scripts = [file for file in folder.rglob("*") if file.is_file() and file.read_bytes().startswith(b"#!")]
    assert scripts
    for file in scripts:
        assert os.access(file, os.X_OK), file
        assert str(file) in result.output


def test_init_overwrites_nothing_and_then_writes_nothing_at_all(tmp_path: Path) -> None:
    existing = tmp_path / "cronscope.yml"
    existing.write_text("mine")
    result = invoke("init", tmp_path)
    assert result.exit_code == 1
    assert str(existing) in result.stderr
    assert list(tmp_path.iterdir()) == [existing]
    assert existing.read_text() == "mine"


def test_init_leaves_out_what_installing_made_of_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(configuration.EXAMPLES, examples)
    assert compileall.compile_dir(examples, quiet=1)  # as pip does
    assert [*examples.rglob("*.pyc")]
    monkeypatch.setattr(configuration, "EXAMPLES", examples)
    assert invoke("init", tmp_path / "new").exit_code == 0
    assert not [*(tmp_path / "new").rglob("__pycache__")]


def test_init_names_the_place_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("init", tmp_path / "file/below")
    assert result.exit_code == 1
    assert str(tmp_path / "file") in result.stderr


# --- usage ---


@pytest.mark.parametrize("arguments", [["--unknown"], ["unknown"], ["check", "surplus"], ["serve", "--log-level", "x"]])
def test_wrong_usage_is_exit_code_two(arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == 2


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)])
def test_help_explains(command: list[str]) -> None:
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


# --- serve ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_service_cleanly(start_service: Callable[..., Service], number: signal.Signals) -> None:
    service = start_service("scripts: []")
    assert service.process is not None
    assert service.process.stdout is not None
    service.signal(number)
    assert service.process.wait(DEADLINE) == 0
    told = service.process.stdout.read().splitlines()  # after the line that told the address
    assert [json.loads(line)["event"] for line in told] == ["audit"]


def test_a_second_signal_stops_at_once(start_service: Callable[..., Service]) -> None:
    service = start_service("{on_shutdown: wait, scripts: [{name: long, command: sleep 1000}]}")
    run_id = service.run("long")
    until(lambda: service.get("/api/v1/scripts/long")["running"], bool)  # else there may be nothing to take up
    assert service.process is not None
    service.signal(signal.SIGTERM)
    until(lambda: service.fetch("/-/ready")[0], lambda status: status == 503)
    assert service.fetch("/-/healthy")[0] == 200
    service.signal(signal.SIGTERM)
    assert service.process.wait(DEADLINE) == -signal.SIGTERM
    service.start()
    service.post(f"/api/v1/runs/{run_id}/stop")
    service.ended(run_id)


def test_a_faulty_file_is_logged_on_sighup_and_the_old_one_kept(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: one, command: 'true'}]")
    service.config.write_text("scripts: [{nam: one, command: 'true'}]")
    service.signal(signal.SIGHUP)
    until(lambda: "".join(service.errors), lambda errors: f"{service.config}:1: " in errors)
    assert service.get("/api/v1/scripts/one")["name"] == "one"


def serve(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A service that does not come to run."""
    command = [sys.executable, "-m", "relay.cli", "serve", "-c", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


def test_a_faulty_file_keeps_the_service_from_starting(config: Path) -> None:
    config.write_text("sample_interval: often\n")
    result = serve(config)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{config}:1: ")
    assert result.stderr.count("\n") == 1


def test_a_missing_file_keeps_the_service_from_starting(tmp_path: Path) -> None:
    result = serve(tmp_path / "missing.yml")
    assert (result.returncode, result.stdout) == (1, "")
    assert str(tmp_path / "missing.yml") in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.1:0", "127.0.0.1"), ("localhost:0", "localhost"), ("[::1]:0", "[::1]"), ("::1:0", "[::1]")],
)
def test_the_host_listened_on_is_told_as_in_a_url(address: str, host: str) -> None:
    if "::1" in address and not Path("/proc/net/if_inet6").exists():
        pytest.skip("needs IPv6")
    told, sockets = listen(address, "listen")
    assert told == host
    for each in sockets:
        each.close()


def test_a_port_that_is_taken_is_told() -> None:
    _, (taken,) = listen("127.0.0.1:0", "listen")
    with taken, pytest.raises(ListenError, match=r"in use; .* --listen"):
        listen(f"127.0.0.1:{taken.getsockname()[1]}", "listen")


def test_a_host_without_address_is_told() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on no\.such\.invalid:1"):
        listen("no.such.invalid:1", "listen")


# --- log ---


def test_a_message_is_one_line_in_the_log_whatever_is_in_it() -> None:
    record = logging.LogRecord("relay.x", logging.WARNING, __file__, 1, "a\nb\r%s", ("c\\n",), None)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    assert OneLine().format(record) == "2023-11-14T22:13:20.250Z WARNING relay.x: a\\nb\\rc\\\\n"
