"""What the service costs, beside what the same costs without it: `make bench` prints the table.

Machines are noisy: each figure is the median (or the named quantile) of several, and the two sides of a ratio are
measured in turn, in one run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from tests.service import Frames, Service

CLOCK_TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(config: object) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), json.dumps(config)).start()
        try:
            yield service
        finally:
            service.stop()


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


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


def idle_cost(measured_seconds: float = 30.0) -> str:
    """50 scripts, 2 s samples, one viewer: share of a core, and resident memory."""
    scripts = [{"name": f"job{number}", "command": "exit 0", "every": "1h"} for number in range(50)]
    with serving({"scripts": scripts}) as service, service.socket("?v=1") as viewer:
        threading.Thread(target=_watch, args=(viewer,), daemon=True).start()
        assert service.process is not None
        pid = service.process.pid
        settled = threading.Event()
        settled.wait(35)  # every script has had its first start by then
        before, begun = _cpu_ticks(pid), time.monotonic()
        settled.wait(measured_seconds)
        share = (_cpu_ticks(pid) - before) / CLOCK_TICK / (time.monotonic() - begun) * 100
        status = Path(f"/proc/{pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    return f"{share:.2f} % of a core (at most 0.6), {resident:.0f} MB resident (at most 64)"


def _watch(viewer: Frames) -> None:
    """As a page does: take every frame, and send a heartbeat."""
    try:
        while True:
            viewer.wait("system_metrics")
            viewer.send("ping", 1)
    except ConnectionClosed:
        return


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def readiness(count: int, limit: float) -> str:
    """From the command to its line that says ready."""
    scripts = [
        {
            "name": f"job{number}",
            "command": f"echo {number}",
            "cron": f"{number % 60} {number % 24} * * *",
            "timeout": "10m",
        }
        for number in range(count)
    ]
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), json.dumps({"scripts": scripts}, indent=1))
        waits = []
        for _ in range(5):
            waits.append(seconds(service.start))
            service.stop()
    return f"{statistics.median(waits):.2f} s (at most {limit:g})"


def main() -> None:
    rows: list[tuple[str, Callable[[], str]]] = [
        ("`seq 1 5000000` as a script, to the same under sh -c", output_speed),
        ("API run to first instruction", start_latency),
        ("end of script to completed frame", end_latency),
        ("50 scripts, 2 s samples, one viewer", idle_cost),
        ("50 scripts: ready", lambda: readiness(50, 1)),
        ("10,000 scripts: ready", lambda: readiness(10_000, 5)),
    ]
    for title, measure in rows:
        print(f"{title}: {measure()}", flush=True)


if __name__ == "__main__":
    main()
