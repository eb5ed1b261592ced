"""What systemd hears of the real service, and the unit that comes along."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.programs import program
from tests.service import DEADLINE, Service, until

UNIT = Path(__file__).parents[1] / "systemd" / "cronscope.service"


class Systemd:
    """The manager's end of `NOTIFY_SOCKET`."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0"))
        self._socket.settimeout(DEADLINE)

    def close(self) -> None:
        self._socket.close()

    def next(self) -> dict[str, str]:
        """The assignments of the next message."""
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def heard(self) -> list[dict[str, str]]:
        """All messages that are there now."""
        self._socket.setblocking(False)
        messages = []
        while True:
            try:
                messages.append(self.next())
            except BlockingIOError:
                self._socket.settimeout(DEADLINE)
                return messages

    def hears_nothing_for(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            self.next()
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(DEADLINE)
        return False


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path.name}/notify"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    manager = Systemd(address)
    yield manager
    manager.close()


def test_it_is_told_when_the_service_is_ready_reads_its_configuration_again_and_stops(
    start_service: Callable[..., Service], systemd: Systemd
) -> None:
    service = start_service("")
    assert systemd.next() == {"READY": "1", "STATUS": f"The page is at {service.url}/"}
    for config in ("", "scripts: at fault"):
        service.config.write_text(config)
        before = time.monotonic_ns() // 1000
        service.signal(signal.SIGHUP)
        reloading = systemd.next()
        assert reloading.pop("RELOADING") == "1"
        assert before <= int(reloading.pop("MONOTONIC_USEC")) <= time.monotonic_ns() // 1000
        assert (reloading, systemd.next()) == ({}, {"READY": "1"})
    assert service.stop() == 0
    assert systemd.heard() == [{"STOPPING": "1"}]


def test_the_watchdog_hears_of_it_as_long_as_its_event_loop_turns(
    start_service: Callable[..., Service], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    service = start_service("")
    assert systemd.next()["READY"] == "1"
    began = time.monotonic()
    assert [systemd.next() for _ in range(5)] == [{"WATCHDOG": "1"}] * 5
    assert time.monotonic() - began > 0.8
    service.signal(signal.SIGSTOP)
    systemd.heard()
    assert systemd.hears_nothing_for(seconds=0.6)
    service.signal(signal.SIGCONT)
    assert systemd.next() == {"WATCHDOG": "1"}


@pytest.mark.parametrize(("usec", "pid"), [("20000", "1"), ("", ""), ("soon", ""), ("0", "")])
def test_the_watchdog_hears_nothing_where_it_watches_another_process_or_none(
    start_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usec: str, pid: str
) -> None:
    manager = Systemd(str(tmp_path / "notify"))
    for name, value in (("NOTIFY_SOCKET", str(tmp_path / "notify")), ("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.setenv(name, value)
    service = start_service("scripts: [{name: job, command: sleep 0.2}]")
    service.ended(service.run("job"))
    service.stop()
    assert [next(iter(message)) for message in manager.heard()] == ["READY", "STOPPING"]
    manager.close()


def test_no_script_can_speak_in_the_name_of_the_service(
    start_service: Callable[..., Service], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    service = start_service("scripts: [{name: environment, command: env}]")
    run_id = service.run("environment")
    service.ended(run_id)
    names = {line.split("=")[0] for line in service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2].decode().split("\n")}
    assert "CRONSCOPE_SCRIPT" in names
    assert not names & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}


@pytest.mark.parametrize(
    ("address", "why"), [("/nowhere/notify", "No such file"), ("vsock:2:1", "no path"), ("/" + "a" * 200, "too long")]
)
def test_a_systemd_that_can_not_be_told_is_no_reason_not_to_run(
    start_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch, address: str, why: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    service = start_service("")
    until(lambda: "".join(service.errors), lambda told: why in told)
    assert service.fetch("/-/healthy")[0] == 200
    assert service.stop() == 0
    assert "Traceback" not in "".join(service.errors)


# --- the unit ---


def settings() -> dict[str, str]:
    lines = (line.partition("=") for line in UNIT.read_text().splitlines() if line[:1].isalpha())
    return {name: value for name, _, value in lines}


@pytest.mark.parametrize("everything", [False, True], ids=["as it is", "with what is offered as comments"])
def test_systemd_finds_the_unit_sound(tmp_path: Path, everything: bool) -> None:
    text = UNIT.read_text().replace("/opt/cronscope/bin/cronscope", "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub("^#(?=[A-Z])", "", text, flags=re.MULTILINE) if everything else text)
    verify = [program("systemd-analyze", "systemd"), "verify", "--man=no", str(unit)]
    verified = subprocess.run(verify, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (verified.returncode, [line for line in verified.stderr.split("\n") if UNIT.name in line]) == (0, [])


def test_a_restart_by_the_unit_leaves_scripts_and_what_they_wrote_alone() -> None:
    unit = settings()
    assert (unit["Type"], unit["KillMode"], unit["OOMPolicy"]) == ("notify", "process", "continue")
    assert "PrivateTmp" not in unit
    assert "RuntimeDirectory" not in unit


def test_the_unit_starts_the_service_with_a_configuration_that_it_may_write() -> None:
    unit = settings()
    assert unit["ExecStart"] == "/opt/cronscope/bin/cronscope serve -c %S/cronscope/cronscope.yml"
    assert unit["StateDirectory"] == "cronscope"
