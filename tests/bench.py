"""What the service costs, beside what the same costs without it: `make bench` prints the table.

Machines are noisy: each figure is the median (or the named quantile) of several, and the two sides of a ratio are
measured in turn, in one run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from prometheus_client import generate_latest
from websockets.exceptions import ConnectionClosed

from exporter.archive import STDOUT, Segment, pack
from exporter.events import Instant, Run
from exporter.history import History
from relay.service import SWITCH_SECONDS
from tests.page import bench as page
from tests.service import Frames, Service, until
from tests.test_exposition import everything, many
from tests.test_metrics import OPENMETRICS, ended, run

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


async def _fill(path: Path, runs: int, script_of: Callable[[int], str], text_of: Callable[[int], bytes]) -> None:
    """A history as the service would have made it, one run a minute; no output where a text is empty."""
    history = History(path, write_failed=lambda why, first: None)
    begun = Instant.now() - runs * 60_000
    for start in range(0, runs, 1000):
        numbers = range(start, min(start + 1000, runs))
        await history.record(*(
            Run(
                run_id=f"{number:026}", script_name=script_of(number), trigger="schedule", status="completed",
                exit_code=0, scheduled_at=Instant(begun + number * 60_000), started_at=Instant(begun + number * 60_000),
                ended_at=Instant(begun + number * 60_000 + 5), duration=5,
            )
            for number in numbers
        ))  # fmt: skip
        for number in numbers:
            if text := text_of(number):
                segment = Segment(0, text.count(b"\n"), 0, STDOUT, 0, len(text))
                for chunk in pack([(segment, text)], 10 << 20):
                    history.keep_output(f"{number:026}", chunk)
    await history.write(lambda connection: None)
    await history.close()


@contextmanager
def serving_history(
    runs: int, script_of: Callable[[int], str], text_of: Callable[[int], bytes] = lambda number: b""
) -> Iterator[Service]:
    unlimited = {"runs": None, "days": None, "bytes": None}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        asyncio.run(_fill(Path(folder) / "data/history.db", runs, script_of, text_of))
        service = Service(Path(folder), json.dumps({"retention": unlimited})).start()
        try:
            yield service
        finally:
            service.stop()


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


def scrape(count: int = 1000) -> str:
    """A scrape after one of the scripts has run, beside `generate_latest()` of the same families."""
    tracemalloc.start()
    metrics = many(count)
    before = tracemalloc.get_traced_memory()[0]
    for accept in ("", OPENMETRICS):
        asyncio.run(metrics.render(accept, compress=True))
    kept = (tracemalloc.get_traced_memory()[0] - before) / 1e6
    tracemalloc.stop()

    def warm() -> None:
        metrics.run_ended(ended(run("job-7", status="completed")))
        asyncio.run(metrics.render(OPENMETRICS, compress=True))

    registry = everything(metrics)
    pairs = [(seconds(warm), seconds(lambda: generate_latest(registry))) for _ in range(15)]
    ours, theirs = (statistics.median(each) * 1000 for each in zip(*pairs, strict=True))
    first = statistics.median(
        asyncio.run(_longest_step(many(count).render(OPENMETRICS, compress=True))) for _ in range(3)
    )
    return (
        f"{ours / theirs:.3f} x (at most 0.15): {ours:.0f} ms, gzip included, beside {theirs:.0f} ms for"
        f" {generate_latest(registry).count(10)} lines; {kept:.0f} MB kept (at most 20);"
        f" the first one held up the event loop for {first:.1f} ms at a time (at most 10)"
    )


async def _longest_step(work: Awaitable[object]) -> float:
    """The longest time in milliseconds, of this thread, between two turns of a task that only waits for its next."""
    sys.setswitchinterval(SWITCH_SECONDS)
    steps: list[float] = []

    async def take_turns() -> None:
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            steps.append(time.thread_time() - begun)

    taking = asyncio.create_task(take_turns())
    await work
    taking.cancel()
    return max(steps) * 1000


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


def newest_runs() -> str:
    """The newest 50 runs of one script among 100,000 of 100 scripts."""
    with serving_history(100_000, lambda number: f"job{number % 100}") as service:
        waits = [seconds(lambda: service.get("/api/v1/runs?script=job7")) * 1000 for _ in range(50)]
        stall = stalled(service, lambda: [service.get("/api/v1/runs?script=job7") for _ in range(50)])
    return f"{statistics.median(waits):.1f} ms (at most 10); the event loop stalled {stall:.1f} ms (at most 10)"


def text_search() -> str:
    """Texts that are in none, one, a hundredth and all of 10,000 outputs of about 6 KB; the worst of them."""
    texts = {"no such text": 0, "needle 4711": 1, "every hundredth": 50, "number": 50, "zq": 0}
    choose = random.Random(1)  # noqa: S311
    words = ["".join(choose.choices("abcdefghijklmnoprstuvwxy", k=choose.randint(2, 10))) for _ in range(5000)]

    def text_of(number: int) -> bytes:
        said = [f"line {line} {' '.join(choose.choices(words, k=8))}\n" for line in range(100)]
        said[50] = f"run number {number}: needle {number}{' every hundredth' if number % 100 == 0 else ''}\n"
        return "".join(said).encode()

    with serving_history(10_000, lambda number: f"job{number % 100}", text_of) as service:
        index = service.folder / "data/search.db"
        with closing(sqlite3.connect(index, timeout=60)) as connection:
            upto = "SELECT coalesce(max(upto), 0) FROM generations"
            until(lambda: connection.execute(upto).fetchone()[0], lambda number: number == 10_000)
        waits = {}
        for q, count in texts.items():
            search = partial(service.get, f"/api/v1/runs?q={quote(q)}")
            assert len(search()["runs"]) == count, q
            waits[q] = [seconds(search) for _ in range(5)]
        worst = max(statistics.median(each) for each in waits.values()) * 1000
        stall = stalled(service, lambda: [service.get(f"/api/v1/runs?q={quote(q)}") for q in texts])
        sizes = [(service.folder / "data" / name).stat().st_size / 1e6 for name in ("history.db", "search.db")]
    return (
        f"{worst:.0f} ms (at most 300); the event loop stalled {stall:.1f} ms (at most 10);"
        f" index of {sizes[1]:.0f} MB beside a history of {sizes[0]:.0f} MB"
    )


def listed_files() -> str:
    """10,000 files in 100 folders."""
    with serving({}) as service:
        for number in range(100):
            folder = service.folder / f"scripts/folder{number}"
            folder.mkdir(parents=True)
            for name in range(100):
                (folder / f"job{name}.sh").touch()
        ask = partial(service.fetch, "/api/v1/files")
        waits = [seconds(ask) * 1000 for _ in range(10)]
        stall = stalled(service, lambda: [ask() for _ in range(10)])
    return f"{statistics.median(waits):.0f} ms; the event loop stalled {stall:.1f} ms (at most 10)"


def large_files() -> str:
    """Writing a script of 1 MiB again and again, while it is read, checked and compared."""
    choose = random.Random(1)  # noqa: S311
    lines = [f"echo {choose.randrange(10**9)}\n" for _ in range(65_000)]

    def content(number: int) -> bytes:
        return "".join(["#!/bin/bash\n", *lines[number:], *lines[:number]]).encode()

    contents = [content(number) for number in range(20)]
    url = "/api/v1/files/job.sh"
    with serving({}) as service:
        service.fetch(url, method="PUT", body=contents[0])

        def work() -> None:
            for number, each in enumerate(contents[1:], 2):
                waits.append(seconds(partial(service.fetch, url, method="PUT", body=each)) * 1000)
                for address in (url, f"{url}/versions", f"{url}/versions/{number}?diff=1"):
                    assert service.fetch(address)[0] == 200
                service.fetch(f"{url}/check", method="POST", body=each)

        waits: list[float] = []
        stall = stalled(service, work)
    return f"written in {statistics.median(waits):.0f} ms; the event loop stalled {stall:.1f} ms (at most 10)"


_BACKUP = (
    "import shutil, sys, urllib.request as web; shutil.copyfileobj(web.urlopen(sys.argv[1]), open(sys.argv[2], 'wb'))"
)
_RESTORE = "import sys, urllib.request as web; web.urlopen(sys.argv[1], open(sys.argv[2], 'rb').read()).read()"
"""By clients that are processes of their own: in this one they would hold up the pings."""


def backup_and_restore() -> str:
    """A history with 50 MB of output that does not compress."""
    with serving_history(2_500, lambda number: f"job{number % 100}", lambda number: os.urandom(20_000)) as service:
        archive = service.folder / "archive"
        told = []
        for code, path in ((_BACKUP, "/api/v1/backup"), (_RESTORE, "/api/v1/restore")):
            command = [sys.executable, "-c", code, service.url + path, str(archive)]
            work = partial(subprocess.run, command, check=True)
            waits = [seconds(work) for _ in range(3)]
            told.append(f"{statistics.median(waits):.1f} s, the event loop stalled {stalled(service, work):.1f} ms")
    return f"{told[0]}; {told[1]} (at most 10)"


def page_ready() -> str:
    scripts = [{"name": f"job{number}", "command": "exit 0", "every": "1h"} for number in range(50)]
    with serving({"scripts": scripts}) as service:
        return page.time_to_interactive(service)


def page_frames() -> str:
    with serving({}) as service:
        return page.frames_and_memory(service)


def main() -> None:
    rows: list[tuple[str, Callable[[], str]]] = [
        ("`seq 1 5000000` as a script, to the same under sh -c", output_speed),
        ("API run to first instruction", start_latency),
        ("end of script to completed frame", end_latency),
        ("50 scripts, 2 s samples, one viewer", idle_cost),
        ("50 scripts: ready", lambda: readiness(50, 1)),
        ("10,000 scripts: ready", lambda: readiness(10_000, 5)),
        ("scrape of 1,000 scripts", scrape),
        ("list of 10,000 scripts", all_scripts),
        ("newest 50 runs of a script among 100,000", newest_runs),
        ("list of 10,000 files", listed_files),
        ("files of 1 MiB", large_files),
        ("text search over the outputs of 10,000 runs", text_search),
        ("backup and restore of 50 MB", backup_and_restore),
        ("the page's first load", page.first_load),
        ("the page's time to interactive, 50 scripts", page_ready),
        ("the page with 2,000 scripts and 100 events a second", page_frames),
    ]
    for title, measure in rows:
        print(f"{title}: {measure()}", flush=True)


if __name__ == "__main__":
    main()
