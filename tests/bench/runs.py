"""Runs: how fast a script writes, starts, and is told to have ended."""

from __future__ import annotations

import statistics
import subprocess
import time

from tests.bench.serving import seconds, serving


def output_speed() -> str:
    """`seq 1 5000000` as a script, beside the same under a shell with its output in a file."""
    with serving({"scripts": [{"name": "seq", "command": "seq 1 5000000"}]}) as service:
        target = service.folder / "file"
        bare, ours = [], []
        for _ in range(15):
            bare.append(seconds(lambda: subprocess.run(["sh", "-c", f"seq 1 5000000 > {target}"], check=True)))
            target.unlink()
            ours.append(service.ended(service.run("seq"))["duration"] / 1000)
    ratios = [our / other for our, other in zip(ours, bare, strict=True)]
    return (
        f"{statistics.median(ratios):.3f} x (at most 1.05): {statistics.median(ours) * 1000:.0f} ms"
        f" beside {statistics.median(bare) * 1000:.0f} ms"
    )


def start_latency() -> str:
    """From the API's `run` to the script's first instruction, beside a bare Popen; the script tells the time."""
    command = ["date", "+%s%N"]
    with serving({"scripts": [{"name": "date", "command": command, "overlap": "allow"}]}) as service:
        bare, ours = [], []
        for _ in range(50):
            begun = time.time_ns()
            output, _ = subprocess.Popen(command, stdout=subprocess.PIPE).communicate()
            bare.append((int(output) - begun) / 1e6)
            begun = time.time_ns()
            run_id = service.run("date")
            service.ended(run_id)
            ours.append((int(service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2]) - begun) / 1e6)
    over = statistics.median(ours) - statistics.median(bare)
    return (
        f"{over:.1f} ms over a bare Popen (at most 8): {statistics.median(ours):.1f} ms"
        f" beside {statistics.median(bare):.1f} ms"
    )


def end_latency() -> str:
    """From a script's last instruction to the plain `completed` frame in a client's hands."""
    waits = []
    with serving({"scripts": [{"name": "date", "command": ["date", "+%s%N"]}]}) as service, service.socket() as plain:
        for _ in range(300):
            run_id = service.run("date")
            plain.wait("script_status", status="completed")
            arrived = time.time_ns()
            waits.append((arrived - int(service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2])) / 1e6)
    return f"p99 {statistics.quantiles(waits, n=100)[98]:.1f} ms (at most 25), median {statistics.median(waits):.1f} ms"
