"""Crowds before the whole service: when they come back at once, and what their watching costs the scripts."""

from __future__ import annotations

import json
import statistics
import sys
import threading
from functools import partial

from tests.bench import fanout
from tests.bench.serving import cpu_seconds, seconds, serving
from tests.service import Service

COMING_BACK = f"?v=1&epoch={'0' * 32}&after=1"
"""As clients of the life before."""


def reconnecting(count: int = 5000) -> str:
    """Until each has its snapshot, and how long others who ask meanwhile wait for an answer."""
    scripts = [{"name": f"job{number}", "command": "exit 0", "every": "1h"} for number in range(50)]
    with serving({"scripts": scripts}) as service:
        service.stop()
        service.start()
        asking = _Asking(service)
        assert service.process is not None
        pid = service.process.pid
        before = cpu_seconds(pid)
        command = ["-m", "tests.crowd", str(service.port), str(count), COMING_BACK]
        with fanout.Process(sys.executable, *command) as crowd:
            greeted = json.loads(crowd.hear())
            cost = cpu_seconds(pid) - before
            waits = asking.stop()
    return (
        f"all in {max(greeted):.1f} s (at most 5), half in {statistics.median(greeted):.1f} s;"
        f" {cost / count * 1e6:.0f} µs of the service each; requests meanwhile: median"
        f" {statistics.median(waits):.0f} ms, p95 {statistics.quantiles(waits, n=20)[18]:.0f} ms (at most 200),"
        f" longest {max(waits):.0f} ms"
    )


class _Asking:
    """Somebody who uses the page: the page itself, the list of scripts, a run."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._over = threading.Event()
        self._waits: list[float] = []
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            for path in ("/", "/api/v1/scripts", "/-/healthy"):
                self._waits.append(seconds(partial(self._service.fetch, path)) * 1000)

    def stop(self) -> list[float]:
        """Milliseconds that each answer took."""
        self._over.set()
        self._thread.join()
        return self._waits


WORK = "python3 -c 'sum(number * number for number in range(20_000_000))'"


def watched_script(viewers: int = 1_000, rounds: int = 7) -> str:
    """How much longer a script takes that only computes, while so many watch; and how late others start meanwhile."""
    scripts = [
        {"name": "work", "command": WORK},
        *({"name": f"job{number}", "command": "exit 0", "every": "1s"} for number in range(10)),
    ]
    alone, watched, busy = [], [], []
    with serving({"scripts": scripts}) as service:
        assert service.process is not None
        pid = service.process.pid

        def work() -> tuple[float, float]:
            """Seconds of the script, and the service's CPU time meanwhile, over that."""
            before = cpu_seconds(pid)
            duration = service.ended(service.run("work"))["duration"] / 1000
            return duration, (cpu_seconds(pid) - before) / duration

        for _ in range(rounds):
            duration, usual = work()
            alone.append(duration)
            with fanout.crowd(str(service.port), viewers, "?v=1", 2):
                duration, share = work()
            watched.append(duration)
            busy.append(share - usual)
        starts = service.metrics()
    slower = (statistics.median(watched) / statistics.median(alone) - 1) * 100
    relay = statistics.median(busy) * 100
    delay = "cronscope_scheduler_start_delay_seconds"
    in_time = starts[f'{delay}_bucket{{le="0.1"}}'] / starts[f"{delay}_count"] * 100
    return (
        f"{slower:+.1f} % (at most 1 % more than the {relay:.1f} % of a core that the relay takes);"
        f" {in_time:.1f} % of {starts[f'{delay}_count']:.0f} starts within 100 ms (at least 99)"
    )
