"""A scrape, beside what prometheus_client takes for the same."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable

from prometheus_client import generate_latest

from relay.service import SWITCH_SECONDS
from tests.bench.serving import seconds
from tests.test_exposition import everything, many
from tests.test_metrics import OPENMETRICS, ended, run


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
