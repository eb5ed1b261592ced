"""The service as a whole under load and under bad circumstances."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil

from exporter.events import Instant
from tests.command_line import cronscope
from tests.service import Service, until


def serve(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start a service that is expected to refuse."""
    command = [sys.executable, "-m", "relay.cli", "serve", "-c", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_three_hundred_megabytes_of_output_keep_their_first_and_last_part(
    start_service: Callable[..., Service],
) -> None:
    size = 300_000_000
    service = start_service(
        f"scripts: [{{name: chatty, command: 'seq 1 100000000 | head -c {size}', max_output: 10MiB}}]"
    )
    run_id = service.run("chatty")
    record = service.ended(run_id)
    assert (record["status"], record["stdout_bytes"]) == ("completed", size)
    text = service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2]
    assert text.startswith(b"1\n2\n3\n")
    assert (
        text[-1000:]
        == subprocess.run(
            ["sh", "-c", f"seq 1 100000000 | head -c {size} | tail -c 1000"], capture_output=True, check=True
        ).stdout
    )
    assert b"dropped" in text
    assert 9 << 20 < len(text) <= (10 << 20) + 1000
    assert record["dropped_bytes"] >= size - (10 << 20)


def test_an_output_of_terabytes_that_take_no_room_ends_with_its_run_and_holds_up_no_stop(
    start_service: Callable[..., Service],
) -> None:
    command = "truncate -s 1T /dev/stdout; echo hello; read x < gate; truncate -s 3T /dev/stdout; echo end"
    service = start_service(json.dumps({"scripts": [{"name": "sparse", "command": command}]}))
    os.mkfifo(service.folder / "gate")
    run_id = service.run("sparse")
    output = f"/api/v1/runs/{run_id}/output"
    total = until(lambda: service.get(f"{output}?from=1")["total"], lambda total: total > 2)
    assert service.get(f"{output}?from={total - 1}")["lines"][0][2].endswith("hello")
    (service.folder / "gate").write_text("\n")
    record = service.ended(run_id)
    assert (record["status"], record["stdout_bytes"]) == ("completed", 3 * (1 << 40) + 4)
    assert 0 <= record["stdout_bytes"] - record["dropped_bytes"] <= 10 << 20
    assert service.fetch(f"{output}.txt")[2].endswith(b"end\n")
    service.run("sparse")
    (service.folder / "gate").write_text("\n")
    assert service.stop() == 0


def test_grandchildren_that_ignore_term_are_gone_when_a_run_has_timed_out(
    start_service: Callable[..., Service],
) -> None:
    command = "trap '' TERM; (echo $$ > a; sleep 1000) & (sh -c 'echo $$ > b; sleep 1000') & echo $$ > c; wait"
    service = start_service(
        json.dumps({"scripts": [{"name": "stubborn", "command": command, "timeout": "1s", "kill_after": "300ms"}]})
    )
    record = service.ended(service.run("stubborn"))
    assert (record["reason"], record["exit_code"]) == ("timeout", 137)
    for name in "abc":
        assert not alive(int((service.folder / name).read_text()))


def alive(pid: int) -> bool:
    """Whether a process executes; one that only waits to be reaped by its new parent does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_fifty_clients_get_every_event_of_every_run(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: job, command: 'exit 0', overlap: allow}]")
    with ExitStack() as stack:
        clients = [stack.enter_context(service.socket("?v=1" if number % 2 else "")) for number in range(50)]
        for client in clients:
            client.wait("system_metrics" if client is not clients[1] and client in clients[::2] else "snapshot")
        for _ in range(20):
            service.run("job")
        for client in clients:
            statuses = [client.wait("script_status")["data"]["status"] for _ in range(40)]
            assert sorted(statuses) == ["completed"] * 20 + ["running"] * 20


def test_thirty_broken_connections_resume_without_a_lost_or_doubled_event(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("scripts: [{name: job, command: 'exit 0', every: 100ms, overlap: allow}]")
    seen: list[int] = []
    epoch, after = "", 0
    for attempt in range(31):
        with service.socket(f"?v=1&epoch={epoch}&after={after}" if attempt else "?v=1") as rich:
            hello = rich.next()["data"]
            assert hello["resumed"] is bool(attempt)
            epoch = hello["epoch"]
            if not attempt:
                after = hello["seq"]
            for _ in range(3):
                frame = rich.next()
                while "seq" not in frame:
                    frame = rich.next()
                seen.append(frame["seq"])
            after = seen[-1]
            rich.connection.socket.shutdown(socket.SHUT_RDWR)  # no closing handshake
    assert seen == list(range(seen[0], seen[0] + len(seen)))


# --- refusals ---


def test_a_second_instance_on_the_same_data_is_refused(start_service: Callable[..., Service]) -> None:
    service = start_service("")
    refused = serve(service.config, "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert "is using the data directory" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert service.get("/api/v1/status")["version"]


def test_a_port_in_use_is_named(start_service: Callable[..., Service], tmp_path: Path) -> None:
    service = start_service("")
    (tmp_path / "other.yml").write_text("data_dir: other")
    refused = serve(tmp_path / "other.yml", "--listen", f"127.0.0.1:{service.port}")
    assert refused.returncode == 1
    assert str(service.port) in refused.stderr
    assert "in use" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "c.yml").write_text("data_dir: file/data")
    refused = serve(tmp_path / "c.yml", "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert str(tmp_path / "file/data") in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_address_beyond_loopback_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("listen: 0.0.0.0:0")
    refused = serve(tmp_path / "c.yml")
    assert refused.returncode == 1
    assert "loopback" in refused.stderr


def test_a_faulty_reload_keeps_the_old_configuration_and_a_sound_one_is_applied(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("scripts: [{name: job, command: 'exit 0', timeout: 5s}, {name: gone, command: 'exit 0'}]")
    service.config.write_text("scripts: [{name: job, comand: x}]")
    status, headers, body = service.fetch("/-/reload", method="POST", body=b"")
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert [error["line"] for error in json.loads(body)["errors"]] == [1, 1]
    assert service.metrics()["cronscope_config_last_reload_successful"] == 0
    assert [script["name"] for script in service.get("/api/v1/scripts")["scripts"]] == ["job", "gone"]

    service.config.write_text("scripts: [{name: job, command: 'exit 4'}, {name: new, command: 'exit 0'}]")
    with service.socket("?v=1") as rich:
        rich.wait("snapshot")
        service.signal(signal.SIGHUP)
        changes = [rich.wait("script_changed")["data"] for _ in range(3)]
    told = {change["script"]["name"]: change["op"] for change in changes}
    assert told == {"gone": "deleted", "job": "updated", "new": "created"}
    metrics = service.metrics()
    assert metrics["cronscope_config_last_reload_successful"] == 1
    assert not [name for name in metrics if 'script="gone"' in name]
    assert 'cronscope_script_timeout_seconds{script="job"}' not in metrics
    assert service.ended(service.run("job"))["exit_code"] == 4


def test_a_reload_can_move_the_service_to_another_path_and_the_command_line_finds_it_there(
    start_service: Callable[..., Service],
) -> None:
    scripts = "scripts: [{name: job, command: 'echo $CRONSCOPE_TRIGGER'}]\n"
    service = start_service(scripts)
    service.config.write_text(f"{scripts}url_prefix: /sub")
    service.signal(signal.SIGHUP)
    until(lambda: service.fetch("/sub/-/ready")[0], lambda status: status == 200)
    assert service.fetch("/-/ready")[0] == 404
    ran = cronscope("run", "job", "-c", service.config)
    assert (ran.returncode, ran.stdout) == (0, "manual\n")
    assert service.get("/sub/api/v1/runs")["runs"][0]["script_name"] == "job"


def test_a_script_that_was_removed_and_is_back_has_its_past_and_keeps_its_beat(
    start_service: Callable[..., Service],
) -> None:
    config = "scripts: [{name: job, command: 'true', every: 1h, retention: {runs: 7}}]"
    service = start_service(config.replace("1h", "1s"))
    planned = until(lambda: service.get("/api/v1/scripts/job")["last_run"], bool)
    service.config.write_text("scripts: []")
    service.fetch("/-/reload", method="POST", body=b"")
    assert service.fetch("/api/v1/scripts/job")[0] == 404
    last = service.get("/api/v1/runs?script=job&limit=1")["runs"][0]
    service.config.write_text(config)
    service.fetch("/-/reload", method="POST", body=b"")
    script = service.get("/api/v1/scripts/job")
    assert script["last_run"]["run_id"] >= planned["run_id"]
    assert Instant.parse(script["next_run_at"]) - Instant.parse(last["scheduled_at"]) == 3_600_000
    assert 'cronscope_script_last_run_success{script="job"}' in service.metrics()


def test_a_script_that_can_not_be_started_is_failed_and_told_without_a_running_before(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("scripts: [{name: job, command: [./missing]}]")
    with service.socket() as plain:
        service.run("job")
        status = plain.wait("script_status")
        error = plain.wait("error")
    assert status["data"]["status"] == "failed"
    assert status["data"]["exit_code"] == -1
    assert error["data"]["script_name"] == "job"
    assert "./missing" in error["data"]["message"]


def fill(path: Path) -> None:
    """Take the last byte of a disk."""
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=4096"], stderr=subprocess.DEVNULL, check=False)


def test_scripts_go_on_starting_on_a_full_disk_and_a_crash_meanwhile_loses_no_run(
    disk_of_small_blocks: Path, start_service: Callable[..., Service]
) -> None:
    disk = disk_of_small_blocks
    service = start_service(
        f'{{data_dir: {disk}/data, scripts: [{{name: job, command: "echo out; echo x >> ran; exit 3"}}, '
        f'{{name: long, command: "echo begun; read x < gate; exit 4"}}]}}'
    )
    os.mkfifo(service.folder / "gate")
    (disk / "data/reserve").unlink()  # as if records had taken it
    fill(disk / "fill")
    first = service.ended(service.run("job"))
    assert (first["reason"], first["exit_code"]) == ("exit_code", 3)
    assert service.fetch(f"/api/v1/runs/{first['run_id']}/output.txt")[2] == b"out\n"
    long = service.run("long")
    until(lambda: service.get("/api/v1/scripts/long")["running"], bool)
    until(lambda: service.get(f"/api/v1/runs/{long}/output")["lines"], bool)
    service.kill()
    (service.folder / "gate").write_text("go\n")
    (disk / "fill").unlink()
    service.start()
    record = service.ended(long)
    assert (record["reason"], record["exit_code"]) == ("exit_code", 4)
    assert service.fetch(f"/api/v1/runs/{long}/output.txt")[2] == b"begun\n"
    assert service.ended(first["run_id"])["exit_code"] == 3
    assert (service.folder / "ran").read_text() == "x\n"
    until(lambda: os.listdir(disk / "data/runs"), lambda left: not left)
    service.stop()


def test_a_full_disk_is_told_loses_no_run_and_no_exit_code(
    tiny_disk: Path, start_service: Callable[..., Service]
) -> None:
    disk = tiny_disk
    service = start_service(
        f"{{data_dir: {disk}/data, scripts: [{{name: job, command: exit 3}}, "
        f"{{name: big, command: head -c 20000000 /dev/zero}}]}}"
    )
    fill(disk / "fill")
    with service.socket() as plain:
        run_id = service.run("job")
        assert plain.wait("script_status", status="failed")["data"]["exit_code"] in (3, -1)
    status, _, body = service.fetch("/-/healthy")
    assert status == 503
    assert b"history" in body
    assert service.metrics()["cronscope_store_write_failures_total"] > 0
    service.stop()  # before there is room
    (disk / "fill").unlink()
    service.start()
    until(lambda: service.fetch("/-/healthy")[0], lambda status: status == 200)
    assert service.ended(run_id)["status"] == "failed"
    assert len(service.get("/api/v1/runs?script=job")["runs"]) == 1
    big = service.ended(service.run("big"))
    assert big["exit_code"] != 0
    service.stop()
