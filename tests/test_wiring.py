"""One script through the real service: what `/ws`, `/metrics`, the history and the API tell is one truth."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from exporter.events import Instant
from tests.service import Service, until

CONFIG = """\
sample_interval: 200ms
scripts:
  - name: greet
    description: Says hello
    command: "echo hello; echo problem >&2; exit 3"
    every: 1h
  - name: fine
    command: [echo, well]
    cron: "15 3 * * *"
    timeout: 10m
"""


def test_a_run_is_seen_alike_on_the_stream_in_the_metrics_and_in_the_history(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(CONFIG)
    with service.socket() as plain, service.socket("?v=1") as rich:
        assert plain.next()["type"] == "system_metrics"
        assert rich.next()["type"] == "hello"
        snapshot = rich.next()
        assert snapshot["type"] == "snapshot"
        assert [script["name"] for script in snapshot["data"]["scripts"]] == ["greet", "fine"]
        samples = snapshot["data"]["samples"]
        for key in set(samples) - {"t"}:
            assert len(samples[key]) == len(samples["t"]) > 0, key
            assert samples[key][-1] == snapshot["data"]["system_metrics"][key], key
        assert {"network_receive_bytes_per_second", "network_transmit_bytes_per_second"} < set(samples)

        run_id = service.run("greet")
        started, ended = plain.wait("script_status"), plain.wait("script_status")
        rich_started, rich_ended = rich.wait("script_status"), rich.wait("script_status")

    assert started["data"] == {"script_name": "greet", "status": "running", "exit_code": None, "duration": 0}
    assert ended["data"].items() >= {"script_name": "greet", "status": "failed", "exit_code": 3}.items()
    assert rich_started["seq"] + 1 == rich_ended["seq"]
    assert rich_ended["data"].items() >= ended["data"].items()
    assert rich_ended["timestamp"] == ended["timestamp"]
    assert set(started) == {"type", "timestamp", "data"}

    record = service.ended(run_id)
    assert record["reason"] == "exit_code"
    for key in ("started_at", "ended_at", "cpu_seconds", "max_rss_bytes", "reason", "duration", "exit_code"):
        assert record[key] == rich_ended["data"][key], key
    assert (record["stdout_bytes"], record["stderr_bytes"]) == (6, 8)

    metrics = service.metrics()
    assert metrics['cronscope_script_runs_total{script="greet"}'] == 1
    assert metrics['cronscope_script_runs_total{script="fine"}'] == 0
    assert metrics['cronscope_script_run_failures_total{reason="exit_code",script="greet"}'] == 1
    assert metrics['cronscope_script_last_run_exit_code{script="greet"}'] == 3
    assert metrics['cronscope_script_last_run_duration_seconds{script="greet"}'] == record["duration"] / 1000

    script = service.get("/api/v1/scripts/greet")
    assert script["last_run"] == record
    output = service.get(f"/api/v1/runs/{run_id}/output")
    assert [line[1:] for line in output["lines"]] == [["stdout", "hello"], ["stderr", "problem"]]
    assert output["end"] is True


def test_the_sample_on_the_stream_is_the_one_the_metrics_show(start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)

    def same() -> bool:
        with service.socket() as plain:
            frame = plain.next()
        metrics, data = service.metrics(), frame["data"]
        return metrics["cronscope_host_sample_timestamp_seconds"] * 1000 == _milliseconds(frame["timestamp"]) and all(
            round(metrics[f"cronscope_host_{name}_usage_ratio"] * 100, 1) == data[f"{name}_percent"]
            for name in ("cpu", "memory", "disk")
        )

    until(same, bool)  # a new sample may come between the two looks


def _milliseconds(timestamp: str) -> float:
    return float(Instant.parse(timestamp))


def test_a_script_has_the_limit_on_open_files_that_the_service_was_started_with(
    start_service: Callable[..., Service],
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        service = start_service("scripts: [{name: job, command: ulimit -n}]")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    run_id = service.run("job")
    service.ended(run_id)
    assert service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2] == b"1000\n"


def test_output_reaches_a_subscriber_line_by_line(start_service: Callable[..., Service]) -> None:
    service = start_service(
        'scripts: [{name: slow, command: "for i in 1 2 3; do echo line $i; read x < gate; done", workdir: .}]'
    )
    gate = service.folder / "gate"
    os.mkfifo(gate)
    with service.socket("?v=1") as rich:
        run_id = service.run("slow")
        rich.wait("script_status", status="running")
        rich.send("subscribe", 1, topics=[f"output:{run_id}"])
        lines: list[str] = []
        while True:
            frame = rich.wait("output")
            assert frame["data"]["from"] == len(lines)
            lines += [text for _, _, text in frame["data"]["lines"]]
            if frame["data"]["end"]:
                break
            if frame["data"]["lines"]:
                assert [run["run_id"] for run in service.get("/api/v1/runs?q=LINE+1")["runs"]] == [run_id]
                assert service.get("/api/v1/runs?q=line+4")["runs"] == []
                gate.write_text("go\n")
    assert lines == ["line 1", "line 2", "line 3"]
    assert [frame["data"] for frame in rich.seen if frame["type"] == "ack"] == [{"id": 1}]
