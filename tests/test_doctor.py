"""What `cronscope doctor` finds, where it says that it is, and what it advises."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter import machine
from exporter.doctor import first_command
from exporter.findings import Finding
from relay.cli import main
from tests.certificates import make
from tests.service import Service

NOTHING = "user and group of scripts keep them from nothing"
TOKENS = "tokens: [{name: ci, role: view, sha256: '" + "0" * 64 + "'}]\n"
USERS = "users: [{name: ann, role: edit}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory; nothing in it is open to others."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def findings(config: str) -> list[dict[str, Any]]:
    """Those about the configuration, which is not the place for what this machine is like."""
    path = Path("cronscope.yml")
    is_new = not path.exists()
    path.write_text(config)
    if is_new:
        path.chmod(0o600)
    result = run("--json")
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    assert result.exit_code == any(each["severity"] == "error" for each in found)
    return [each for each in found if each["where"].startswith("cronscope.yml")]


def finding(config: str) -> tuple[str, str, str, str]:
    """Severity, place, what and remedy of the only one."""
    (only,) = findings(config)
    return only["severity"], only["where"], only["what"], only["remedy"]


def of_script(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ("scripts:", "  - name: job", *(f"    {each}" for each in lines)))


def file(name: str, content: str, mode: int = 0o755) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, newline="")
    path.chmod(mode)
    return path


# --- The command -----------------------------------------------------------------------------------


def test_of_a_sound_configuration_there_is_nothing_to_say() -> None:
    assert CliRunner().invoke(main, ["init", "."]).exit_code == 0
    assert findings(Path("cronscope.yml").read_text()) == []


def test_each_finding_is_told_with_its_place_and_below_it_the_remedy() -> None:
    Path("cronscope.yml").write_text(of_script("command: [no-such-program]"))
    result = run()
    assert result.exit_code == 1
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("cronscope.yml:3: error: job: no-such-program: not found in PATH")
    assert second.startswith("    install it")
    assert result.stdout.splitlines()[-1].startswith("1 error")


def test_faults_of_the_configuration_are_findings_like_others() -> None:
    severity, where, what, _ = finding("scripts:\n  - name: job\n    comand: x\n    command: x\n")
    assert (severity, where) == ("error", "cronscope.yml:3")
    assert "unknown key" in what
    Path("cronscope.yml").unlink()
    result = run()
    assert result.exit_code == 1
    assert "cronscope init" in result.stdout


# --- Programs and scripts --------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["[no-such-program, -x]", "A=1 no-such-program -x | cat"])
def test_a_missing_program_is_told(command: str) -> None:
    severity, where, what, remedy = finding(of_script("cron: '@daily'", f"command: {command}"))
    assert (severity, where) == ("error", "cronscope.yml:4")
    assert what.startswith("job: no-such-program: not found in PATH")
    assert "install" in remedy


def test_programs_are_looked_for_in_the_path_and_the_folder_of_the_script() -> None:
    file("bin/tool", "#!/bin/sh\n")
    file("vars.env", f"PATH={Path('bin').resolve()}\n", 0o600)
    assert findings(of_script("command: ./tool", "workdir: bin")) == []
    assert findings(of_script("command: tool", "env: {PATH: './bin'}")) == []
    assert findings(of_script("command: [tool]", "env_file: vars.env")) == []
    assert "not found in PATH" in finding(of_script("command: tool"))[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whose scripts may have another user")
def test_programs_of_another_users_script_are_looked_for_in_the_path_that_cron_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(file("bin/tool", "#!/bin/sh\n").parent.resolve()))
    assert findings(of_script("command: tool")) == []
    assert "tool: not found in PATH (/usr/bin:/bin)" in finding(of_script("command: tool", "user: daemon") + TOKENS)[2]


@pytest.mark.parametrize("command", ["[./job]", "./job --full", "./job; true"])
@pytest.mark.parametrize(
    ("content", "mode", "what", "remedy"),
    [
        ("#!/bin/sh\n", 0o644, "is not executable", "chmod +x"),
        ("#!/no/such/interpreter\n", 0o755, "bad interpreter", "install the interpreter"),
        ("#!/bin/sh\r\ntrue\r\n", 0o755, "CR LF", "sed -i"),
        ("#!/bin/sh\ntrue\r\n", 0o755, "CR LF", "sed -i"),
        ("#!/usr/bin/env bash\ntrue\r\n", 0o755, "CR LF", "sed -i"),
    ],
)
def test_a_script_that_will_not_run_is_told_with_its_remedy(
    command: str, content: str, mode: int, what: str, remedy: str
) -> None:
    file("job", content, mode)
    severity, where, told, advised = finding(of_script(f"command: {command}"))
    assert (severity, where) == ("error", "cronscope.yml:3")
    assert what in told
    assert remedy in advised


def test_a_missing_first_line_is_an_error_for_the_kernel_and_a_warning_for_a_shell() -> None:
    file("job", "true\n")
    assert finding(of_script("command: [./job]"))[0] == "error"
    severity, _, what, remedy = finding(of_script("command: ./job"))
    assert severity == "warning"
    assert "#!" in what
    assert "#!/bin/sh" in remedy


def test_the_file_that_an_interpreter_is_given_is_looked_at() -> None:
    assert "/job.sh: no such file" in finding(of_script("command: sh -x job.sh"))[2]
    assert "/job.py: no such file" in finding(of_script(f"command: [{sys.executable}, -u, ./job.py]"))[2]
    file("job.sh", "true\r\n", 0o644)
    assert "CR LF" in finding(of_script("command: sh job.sh"))[2]
    file("job.py", "print()\r\n", 0o644)  # Python does not mind
    assert findings(of_script(f"command: {sys.executable} job.py")) == []
    assert findings(of_script("command: sh -c 'no.such'")) == []
    assert findings(of_script("command: [sh, '$HOME/x']")) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a b 'c d' > x", ["a", "b", "c d"]),
        ("A=1 B='2 3' a b; c", ["a", "b"]),
        ("a&&b", ["a"]),
        ("\n  a\nb", ["a"]),
        ("PATH=/x a", []),
        ("cd /x && a", []),
        ("[ -x /a ] && /a", []),
        ("(a)", []),
        ("$A b", []),
        ("~/a", []),
        ("'open", []),
        ("A=1", []),
        ("", []),
    ],
)
def test_the_first_command_of_a_text_is_looked_at_where_its_words_say_it(command: str, words: list[str]) -> None:
    assert first_command(command) == words


def test_a_folder_to_run_in_that_is_missing_is_told() -> None:
    severity, where, what, remedy = finding(of_script("command: 'true'", "workdir: none"))
    assert (severity, where) == ("error", "cronscope.yml:4")
    assert remedy.startswith("make the folder")
    assert "none: no such file or directory" in what


def test_what_stands_in_a_script_cannot_write_to_the_terminal_nor_break_the_output() -> None:
    Path("job").write_bytes(b"#!/no/\xff\x1b]0;title\x07\n")
    Path("job").chmod(0o755)
    Path("cronscope.yml").write_text(of_script("command: [./job]"))
    for result in (run(), run("--json")):
        assert result.exit_code == 1
        assert "bad interpreter" in result.stdout
        assert not {"\x1b", "\x07", "\udcff"} & set(result.stdout)


def test_names_that_no_file_can_have_are_missing_files() -> None:
    name = "x" * 5000
    assert "no such file" in finding(of_script(f"command: sh {name}"))[2]
    assert finding(f"data_dir: /dev/null/{name}\n")[0] == "error"
    assert finding(of_script("command: 'true'", f"workdir: {name}"))[0] == "error"


# --- Who may do what -------------------------------------------------------------------------------


def test_what_everyone_may_change_is_an_error() -> None:
    file("jobs/job", "#!/bin/sh\n", 0o757)
    config = of_script("command: jobs/job")
    severity, where, what, remedy = finding(config)
    assert (severity, where) == ("error", "cronscope.yml:3")
    assert "jobs/job can be written by every user" in what
    assert remedy.startswith("chmod o-w ")
    Path("jobs/job").chmod(0o755)
    Path("jobs").chmod(0o777)
    assert finding(config)[2].endswith("/jobs can be written by every user of this machine")
    Path("jobs").chmod(0o1777)  # others cannot replace it, as in /tmp
    assert findings(config) == []
    Path("cronscope.yml").chmod(0o666)
    assert finding(config)[1] == "cronscope.yml"


def test_an_env_file_is_for_nobody_else_to_read() -> None:
    config = of_script("command: 'true'", "env_file: secrets.env")
    assert finding(config)[2].endswith("secrets.env: no such file or directory")
    file("secrets.env", "no assignment\n", 0o600)
    assert "secrets.env:1: expected NAME=VALUE" in finding(config)[2]
    file("secrets.env", "A=1\n", 0o644)
    severity, where, _, remedy = finding(config)
    assert (severity, where) == ("warning", "cronscope.yml:4")
    assert remedy.startswith("chmod 600 ")
    Path("secrets.env").chmod(0o640)
    assert "can be read by its group" in finding(config)[2]
    Path("secrets.env").chmod(0o600)
    assert findings(config) == []


@pytest.mark.parametrize("bounds", ["user: daemon", "group: daemon"])
def test_a_user_of_a_script_keeps_it_from_nothing_where_it_may_do_everything_by_the_service(bounds: str) -> None:
    config = of_script("command: 'true'", "workdir: /", bounds)
    severity, where, what, remedy = finding(config)
    assert (severity, where, remedy) == ("warning", "cronscope.yml:5", "make the first user: cronscope passwd admin")
    assert what.startswith(f"{NOTHING}: without any user or token")
    assert findings(config + TOKENS) == []
    assert findings(of_script("command: 'true'", "umask: '022'")) == []


@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.0.0.0/16", "::1", "::ffff:127.0.0.1", "::/1"])
def test_nor_where_it_may_say_as_the_proxy_does_who_it_is(proxy: str) -> None:
    config = USERS + of_script("command: 'true'", "workdir: /", "user: daemon")
    severity, where, what, _ = finding(f"auth_proxy: {{}}\ntrusted_proxies: ['{proxy}']\n{config}")
    assert (severity, where) == ("warning", "cronscope.yml:2")
    assert what.startswith(f"{NOTHING}: they may come from {proxy} as the proxy does")
    assert findings(f"auth_proxy: {{}}\ntrusted_proxies: [10.0.0.1, '2001:db8::1']\n{config}") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to others")
def test_an_env_file_is_not_one_that_the_scripts_user_could_have_put_there() -> None:
    file("his/secrets.env", "A=1\n", 0o600)
    config = of_script("command: 'true'", "env_file: his/secrets.env", "user: daemon", "workdir: /") + TOKENS
    assert findings(config) == []
    shutil.chown("his", "daemon")
    severity, where, what, remedy = finding(config)
    assert (severity, where) == ("error", "cronscope.yml:4")
    assert f"{Path.cwd()}/his belongs to daemon: give the file to daemon, or keep it where root alone" in what
    assert remedy == "do one of these; no run of the script is started before"
    shutil.chown("his/secrets.env", "daemon")
    assert findings(config) == []


def test_the_data_directory_must_be_usable_and_be_nobody_elses() -> None:
    config = "# data\ndata_dir: data\n"
    assert findings(config) == []
    Path("data").mkdir()
    Path("data").chmod(0o755)
    assert finding(config)[:2] == ("warning", "cronscope.yml:2")
    Path("data").rmdir()
    Path("data").touch()
    severity, _, what, _ = finding(config)
    assert (severity, "is not a folder" in what) == ("error", True)
    assert finding("data_dir: data/below\n")[0] == "error"


def test_the_service_that_runs_is_told_and_is_not_disturbed(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: []")
    assert service.process is not None
    result = run("-c", str(service.config))
    assert result.exit_code == 0
    assert f"info: a service (process {service.process.pid}) is running" in result.stdout
    assert service.get("/api/v1/status")
    assert service.stop() == 0
    assert "is running" not in run("-c", str(service.config)).stdout


# --- Names behind a proxy --------------------------------------------------------------------------


def test_entries_that_no_request_can_match_are_told() -> None:
    severity, where, what, _ = finding('listen: 127.0.0.1:1\nallowed_hosts: ["[1:2]"]\n')
    assert (severity, where) == ("error", "cronscope.yml:2")
    assert '"[1:2]"' in what
    for origin in ("wss://cron.example.org", "https://cron.example.org:99999", "https://[1:2]"):
        severity, _, what, _ = finding(f'allowed_origins: ["{origin}"]\n')
        assert (severity, f'"{origin}"' in what) == ("error", True)


def test_a_host_behind_a_proxy_needs_its_origin_as_the_browser_sees_it() -> None:
    severity, where, _, remedy = finding("allowed_hosts: [cron.example.org]\n")
    assert (severity, where) == ("warning", "cronscope.yml:1")
    assert remedy == "add https://cron.example.org to allowed_origins, or the proxy to trusted_proxies"
    assert findings("allowed_hosts: [cron.example.org]\ntrusted_proxies: [127.0.0.1]\n") == []
    assert findings("allowed_hosts: [cron.example.org]\nallowed_origins: ['https://Cron.example.org:443/']\n") == []


def test_a_service_that_shows_a_certificate_needs_no_proxy_to_be_asked_by_https() -> None:
    make(Path())
    assert findings("allowed_hosts: [cron.example.org]\ntls: {cert: cert.pem, key: key.pem}\n") == []


def test_passwords_and_tokens_that_go_over_the_network_as_they_are_are_told() -> None:
    make(Path())
    token = f"tokens: [{{name: a, role: scrape, sha256: {64 * 'a'}}}]\n"
    for key in ("listen", "metrics_listen"):
        severity, where, what, remedy = finding(f"{token}{key}: 0.0.0.0:80\n")
        assert (severity, where) == ("warning", "cronscope.yml:2")
        assert what == f"{key}: passwords and tokens go over the network as they are"
        assert remedy == "set tls, or have a proxy with TLS before it and say trusted_proxies"
        assert findings(f"{token}{key}: 127.0.0.1:80\n") == []
        assert findings(f"{token}{key}: 0.0.0.0:80\ntrusted_proxies: [127.0.0.1]\n") == []
        assert findings(f"{token}{key}: 0.0.0.0:80\ntls: {{cert: cert.pem, key: key.pem}}\n") == []


# --- The machine -----------------------------------------------------------------------------------


def told(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(each.severity, each.what) for each in found]


def test_a_python_without_fixes_or_unfinished_is_told() -> None:
    assert told(machine.python((3, 11), "final", date(2027, 10, 31))) == []
    ((severity, what),) = told(machine.python((3, 11), "final", date(2027, 11, 1)))
    assert (severity, "3.11" in what) == ("warning", True)
    assert "not finished" in told(machine.python((3, 15), "candidate", date(2026, 9, 1)))[0][1]


def test_a_clock_that_is_wrong_or_may_become_so_is_told() -> None:
    now, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    assert told(machine.clock(True, later, now)) == told(machine.clock(None, later, now)) == []
    assert told(machine.clock(False, later, now))[0][0] == "warning"
    severity, what = told(machine.clock(True, now, later))[0]
    assert severity == "error"
    assert "2026-01-01 00:00 UTC" in what


def test_the_kernel_tells_whether_its_clock_is_kept_right() -> None:
    assert machine.synchronised() in (True, False, None)


def zones(variable: str, localtime: str) -> str:
    """What is found in a process of its own with TZ set, as the zone of the machine is read once in a life."""
    code = (
        "import os, pathlib; from exporter import machine;"
        f"print([each.severity for each in machine.time_zone(os.environ['TZ'], pathlib.Path({localtime!r}))])"
    )
    environ = {**os.environ, "TZ": variable, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout


def test_a_time_zone_without_name_or_unlike_the_machines_is_told() -> None:
    berlin = "/usr/share/zoneinfo/Europe/Berlin"
    if not Path(berlin).exists():
        pytest.skip("needs the system's time zones")
    assert zones("Europe/Berlin", berlin) == zones("Europe/Paris", berlin) == "[]\n"
    assert zones("Asia/Tokyo", berlin) == "['warning']\n"
    assert zones("No/Where", berlin) == "['error']\n"


def left(space: int, inodes: int, files: int = 1 << 20) -> os.statvfs_result:
    return os.statvfs_result((4096, 4096, 1 << 30, space // 4096, space // 4096, files, inodes, inodes, 0, 255))


@pytest.mark.parametrize(
    ("space", "inodes", "severities"),
    [
        (2 << 30, 1 << 19, []),
        (500 << 20, 1 << 19, ["warning"]),
        (1 << 20, 1 << 19, ["error"]),
        (2 << 30, 5000, ["warning"]),
        (0, 0, ["error", "error"]),
    ],
)
def test_a_disk_that_is_nearly_full_is_told(space: int, inodes: int, severities: list[str]) -> None:
    assert [each[0] for each in told(machine.room(Path("/data"), left(space, inodes)))] == severities


def test_a_file_system_that_counts_no_inodes_lacks_none() -> None:
    assert told(machine.room(Path("/data"), left(2 << 30, 0, files=0))) == []


def test_limits_below_what_the_runs_may_need_are_told() -> None:
    assert told(machine.limits(16, 1024, 1024)) == []
    assert told(machine.limits(10_000, resource.RLIM_INFINITY, None)) == []
    assert ["open files" in each[1] for each in told(machine.limits(1000, 1024, None))] == [True]
    assert ["processes" in each[1] for each in told(machine.limits(16, 1024, 20))] == [True]
