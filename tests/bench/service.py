"""The service itself: what it takes while nothing happens, how soon it is ready, its lists."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from tests.bench.serving import cpu_seconds, resident_bytes, seconds, serving, stalled
from tests.service import Frames, Service


def idle_cost(measured_seconds: float = 30.0) -> str:
    """50 scripts, 2 s samples, one viewer: share of a core, and resident memory."""
    scripts = [{"name": f"job{number}", "command": "exit 0", "every": "1h"} for number in range(50)]
    with serving({"scripts": scripts}) as service, service.socket("?v=1") as viewer:
        threading.Thread(target=_watch, args=(viewer,), daemon=True).start()
        assert service.process is not None
        pid = service.process.pid
        settled = threading.Event()
        settled.wait(35)  # every script has had its first start by then
        before, begun = cpu_seconds(pid), time.monotonic()
        settled.wait(measured_seconds)
        share = (cpu_seconds(pid) - before) / (time.monotonic() - begun) * 100
        resident = resident_bytes(pid) / (1 << 20)
    return f"{share:.2f} % of a core (at most 0.6), {resident:.0f} MB resident (at most 64)"


def _watch(viewer: Frames) -> None:
    """As a page does: take every frame, and send a heartbeat."""
    try:
        while True:
            viewer.wait("system_metrics")
            viewer.send("ping", 1)
    except ConnectionClosed:
        return


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


def all_scripts(count: int = 10_000) -> str:
    """`GET /api/v1/scripts`, the first time and after that."""
    scripts = [
        {"name": f"job-{number}", "command": f"./job.sh {number}", "cron": f"{number % 60} 3 * * *", "timeout": "10m"}
        for number in range(count)
    ]
    with serving({"scripts": scripts}) as service:
        first = seconds(lambda: service.fetch("/api/v1/scripts"))
        assert len(service.get("/api/v1/scripts")["scripts"]) == count
        waits = [seconds(lambda: service.fetch("/api/v1/scripts")) for _ in range(5)]
        stall = stalled(service, lambda: [service.fetch("/api/v1/scripts") for _ in range(5)])
    return (
        f"{first:.2f} s, then {statistics.median(waits):.2f} s (at most 1);"
        f" the event loop stalled {stall:.1f} ms (at most 10)"
    )
