"""Queries of long histories, and their backup."""

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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from exporter.chunks import STDOUT, Segment, pack
from exporter.events import Instant, Run
from exporter.history import History
from tests.bench.serving import seconds, stalled
from tests.service import Service, until


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
