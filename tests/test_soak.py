"""The real service for a while, under all at once that happens to it in months.

Half a minute by default, two with CI=true; `SOAK_SECONDS=3600 .venv/bin/pytest tests/test_soak.py` makes it an hour.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.crowd import UPGRADE
from tests.service import DEADLINE, Service, until

SECONDS = float(os.environ.get("SOAK_SECONDS") or (120 if os.environ.get("CI") else 30))
RICH, PLAIN, GARBAGE = 20, 10, 3
MORE_MEMORY = 1.10, 8 << 20
"""Resident memory at the end may be so many times that after a third of the time, and so many bytes: the ring of events
and the samples of 15 minutes fill up meanwhile."""
MORE_DESCRIPTORS = 10
"""Clients come and go while they are counted."""
STATUSES = [f"{{name: job{number}, command: 'echo {number}; exit {number % 2}', every: 1s}}" for number in range(5)]
CONFIG = f"sample_interval: 500ms\nretention: {{runs: null, days: null}}\nscripts: [{', '.join(STATUSES)}]\n"

choose = random.Random(1)  # noqa: S311


class Ledger:
    """What the clients were told, to be compared."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._events: dict[tuple[str, int], str] = {}

    def note(self, epoch: str, frame: dict[str, Any]) -> None:
        """Everybody is told the same."""
        text = json.dumps(frame)
        if self._events.setdefault((epoch, frame["seq"]), text) != text:
            self.faults.append(f"event {frame['seq']} of {epoch} is not the same for all")


class Rich:
    """Comes and goes, politely or not, reads at once or late, and resumes where it was."""

    def __init__(self, service: Service, ledger: Ledger) -> None:
        self._service = service
        self._ledger = ledger
        self.epochs: list[str] = []
        self.since = ""
        """Time of the snapshot of this epoch."""
        self.last = -1
        self.told: set[tuple[str, str]] = set()
        """Run and status of every event of this epoch."""
        self.resumed = 0

    async def live(self, settled: asyncio.Event) -> None:
        while not settled.is_set():
            with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError, EOFError):
                await self._connect(choose.uniform(0.5, 8), settled)
            await asyncio.sleep(choose.uniform(0, 0.5))

    async def catch_up(self, seq: int) -> None:
        """Read up to an event."""
        while self.last < seq:
            with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError, EOFError):
                await self._connect(DEADLINE, asyncio.Event(), seq)

    async def _connect(self, seconds: float, settled: asyncio.Event, upto: int | None = None) -> None:
        resume = f"&epoch={self.epochs[-1]}&after={self.last}" if self.epochs else ""
        address = f"ws{self._service.url.removeprefix('http')}/ws?v=1{resume}"
        async with connect(address, compression=None, close_timeout=1, open_timeout=DEADLINE) as connection:
            if upto is None and choose.random() < 0.2:
                await asyncio.sleep(seconds)  # reads nothing so long
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not settled.is_set() and (upto is None or self.last < upto):
                        self._take(json.loads(await connection.recv()))
            if choose.random() < 0.5:
                connection.transport.abort()

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "hello":
            self._greet(frame["data"])
        elif frame["type"] == "snapshot":
            self.since = frame["timestamp"]
        elif "seq" in frame:
            if frame["seq"] != self.last + 1:
                self._ledger.faults.append(f"event {frame['seq']} came after {self.last}")
            self.last = frame["seq"]
            self._ledger.note(self.epochs[-1], frame)
            if frame["type"] == "script_status":
                self.told.add((frame["data"]["run_id"], frame["data"]["status"]))

    def _greet(self, hello: dict[str, Any]) -> None:
        if self.epochs and hello["epoch"] == self.epochs[-1]:
            self.resumed += 1
            if not hello["resumed"]:  # nobody is away so long that the ring does not hold what it missed
                self._ledger.faults.append(f"event {self.last + 1} is not to be had any more")
            return
        self.epochs.append(hello["epoch"])
        self.last = hello["seq"]
        self.told.clear()


async def plain(service: Service, ledger: Ledger, settled: asyncio.Event) -> None:
    """Comes and goes, and looks at what it is told."""
    known = {"system_metrics", "script_status", "error"}
    while not settled.is_set():
        with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError, EOFError):
            async with connect(f"ws{service.url.removeprefix('http')}/ws", compression=None, close_timeout=1) as stream:
                for _ in range(choose.randrange(100)):
                    frame = json.loads(await stream.recv())
                    if frame.keys() != {"type", "timestamp", "data"} or frame["type"] not in known:
                        ledger.faults.append(f"a plain client got {frame}")
        await asyncio.sleep(choose.uniform(0, 0.5))


async def garbage(service: Service, settled: asyncio.Event) -> None:
    """Opens the stream and sends anything, or sends anything in place of a request."""
    loop = asyncio.get_running_loop()
    while not settled.is_set():
        with suppress(OSError, TimeoutError), socket.socket() as connection:
            connection.setblocking(False)
            async with asyncio.timeout(2):
                await loop.sock_connect(connection, ("127.0.0.1", service.port))
                if choose.random() < 0.8:
                    await loop.sock_sendall(connection, UPGRADE.format(query=choose.choice(["", "?v=1"])).encode())
                for _ in range(choose.randrange(5)):
                    await loop.sock_sendall(connection, choose.randbytes(choose.randrange(1, 3000)))
                while choose.random() < 0.9 and await loop.sock_recv(connection, 1 << 16):
                    pass
        await asyncio.sleep(choose.uniform(0, 0.2))


async def usage(service: Service) -> tuple[int, int]:
    """The most memory and descriptors within a few seconds."""
    assert service.process is not None
    process = psutil.Process(service.process.pid)
    seen = []
    for _ in range(20):
        seen.append((process.memory_info().rss, process.num_fds()))
        await asyncio.sleep(0.2)
    return max(rss for rss, _ in seen), max(files for _, files in seen)


def runs_since(service: Service, since: str) -> Iterator[dict[str, Any]]:
    """From the history, which is another way than the stream's."""
    before = ""
    while True:
        page = service.get(f"/api/v1/runs?limit=1000&since={since}{before}")
        yield from page["runs"]
        if page["next"] is None:
            return
        before = f"&before={quote(page['next'])}"


def halt(service: Service) -> int:
    """Let no script start any more; the number of the last event."""
    for script in service.get("/api/v1/scripts")["scripts"]:
        service.post(f"/api/v1/scripts/{script['name']}/disable")
    status = until(lambda: service.get("/api/v1/status"), lambda status: status["active_scripts"] == 0)
    seq: int = status["seq"]
    return seq


async def soak(service: Service, ledger: Ledger) -> list[Rich]:
    """Everything at once; the rich clients, which have all that happened until then."""
    begun, settled = time.monotonic(), asyncio.Event()
    clients = [Rich(service, ledger) for _ in range(RICH)]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.live(settled))
        for _ in range(PLAIN):
            group.create_task(plain(service, ledger, settled))
        for _ in range(GARBAGE):
            group.create_task(garbage(service, settled))
        await asyncio.sleep(SECONDS / 6)
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)
        await asyncio.sleep(begun + SECONDS / 3 - time.monotonic())
        early = await usage(service)
        await asyncio.sleep(max(0, begun + SECONDS - time.monotonic()))
        late = await usage(service)
        settled.set()
    assert late[0] <= early[0] * MORE_MEMORY[0] + MORE_MEMORY[1], "memory grew"
    assert late[1] <= early[1] + MORE_DESCRIPTORS, "descriptors grew"
    last = await asyncio.to_thread(halt, service)
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*(client.catch_up(last) for client in clients))
    return clients


def test_every_event_reaches_every_client_whatever_happens_and_nothing_grows(
    start_service: Callable[..., Service],
) -> None:
    service, ledger = start_service(CONFIG), Ledger()
    clients = asyncio.run(soak(service, ledger))
    assert ledger.faults == []
    assert all(len(client.epochs) == 2 for client in clients)
    assert all(client.resumed for client in clients)
    for client in clients:
        ended = [run for run in runs_since(service, client.since) if (run["started_at"] or "") > client.since]
        happened = {(run["run_id"], status) for run in ended for status in ("running", run["status"])}
        assert len(ended) > SECONDS / 3, client.since
        assert happened <= client.told
    log = [line for line in service.errors if " ERROR " in line or "Traceback" in line or "Uncaught" in line]
    assert log == []
