"""What the benches share: a service to measure, and how."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.service import Service


@contextmanager
def serving(config: object) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), json.dumps(config)).start()
        try:
            yield service
        finally:
            service.stop()


def cpu_seconds(pid: int) -> float:
    """What a process has used, by itself and by the system for it."""
    return sum(psutil.Process(pid).cpu_times()[:2])


def resident_bytes(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def stalled(service: Service, work: Callable[[], object]) -> float:
    """The longest time in milliseconds that the event loop took to answer a ping meanwhile."""
    waits: list[float] = []
    done = threading.Event()

    def ping() -> None:
        with service.socket("?v=1") as rich:
            while not done.is_set():
                begun = time.perf_counter()
                rich.send("ping", 1)
                rich.wait("pong")
                waits.append(time.perf_counter() - begun)

    pinging = threading.Thread(target=ping)
    pinging.start()
    work()
    done.set()
    pinging.join()
    return max(waits[1:]) * 1000
