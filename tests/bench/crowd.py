"""Thousands of clients of `/ws` that come back at once when the service has been restarted."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from functools import partial

import psutil

from tests.bench.serving import seconds, serving
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
        process = psutil.Process(service.process.pid)
        before = sum(process.cpu_times()[:2])
        command = [sys.executable, "-m", "tests.crowd", str(service.port), str(count), COMING_BACK]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
            assert crowd.stdout is not None
            greeted = json.loads(crowd.stdout.readline())
            cost = sum(process.cpu_times()[:2]) - before
            waits = asking.stop()
            crowd.communicate()
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
