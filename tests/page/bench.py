"""What the page costs its reader: rows of `make bench`."""

from __future__ import annotations

import gzip
import re
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from exporter.events import Hello as HelloData
from exporter.events import Instant, PastRun, RecentScript, Samples, Schedule, Script, Snapshot, SystemMetrics, to_json
from relay.pages import STATIC
from tests.page.conftest import ARGUMENTS
from tests.programs import program
from tests.service import Service

FEED = Path(__file__).with_name("feed.js")
SCRIPTS = 2_000
EVENTS = 100


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def first_load() -> str:
    """What a browser fetches to show the overview, compressed as the service does."""
    html = (STATIC / "index.html").read_text()
    names = ["index.html", *re.findall(r'(?:src|href)="\./([^"]+)"', html)]
    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names)
    return f"{size / 1024:.1f} KiB in {len(names)} files (at most 120)"


def time_to_interactive(service: Service) -> str:
    """From the navigation to a list of scripts that takes a press, with nothing cached."""
    ready = """() => new Promise((resolve) => {
      const look = () => document.querySelector("[data-script] button")
        ? setTimeout(() => resolve(performance.now())) : requestAnimationFrame(look);
      look();
    })"""
    taken = []
    with chromium() as browser:
        for _ in range(7):
            page = browser.new_context().new_page()
            page.goto(service.url, wait_until="commit")
            taken.append(page.evaluate(ready))
            page.context.close()
    return f"{statistics.median(taken):.0f} ms (at most 1000)"


def frames_and_memory(service: Service, seconds: int = 10, rush: int = 3600) -> str:
    """With 2,000 scripts and 100 events a second; then what an hour of them leaves in the browser's memory."""
    with chromium() as browser:
        page = _fed_page(browser, service)
        idle = page.evaluate("() => feed.play(1, 3000)")["perSecond"]
        played = page.evaluate("([rate, ms]) => feed.play(rate, ms)", [EVENTS, seconds * 1000])
        metrics = page.context.new_cdp_session(page)
        before = _heap(metrics)
        page.evaluate("([rate, seconds]) => feed.rush(rate, seconds)", [EVENTS, rush])
        after = _heap(metrics)
    return (
        f"{played['perSecond']:.0f} frames a second (at least 50; {idle:.0f} with one event), longest"
        f" {played['longest']:.0f} ms; heap {before:.1f} MB, after {rush * EVENTS:,} events {after:.1f} MB"
    )


def _fed_page(browser: Browser, service: Service) -> Page:
    """The page of the service, but with what it hears made here."""
    hello, snapshot = _frames()
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    script = FEED.read_text().replace("__HELLO__", hello).replace("__SNAPSHOT__", snapshot)
    page.add_init_script(script)
    page.route("**/api/v1/recent*", lambda route: route.fulfill(body=_recent(), content_type="application/json"))
    page.goto(service.url)
    expect(page.locator("[data-script]").first).to_be_visible()
    return page


def _heap(session: CDPSession) -> float:
    """In MB, after a collection of garbage."""
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")) / 1e6


def _frames() -> tuple[str, str]:
    now = Instant.now()
    system = SystemMetrics(
        cpu_percent=1.0, memory_percent=2.0, disk_percent=3.0, active_scripts=0, total_executions=0, load1=0.1,
        memory_used_bytes=2**30, memory_total_bytes=2**34, network_receive_bytes_per_second=0.0,
        network_transmit_bytes_per_second=0.0, disk_read_bytes_per_second=0.0, disk_write_bytes_per_second=0.0,
        runs_queued=0,
    )  # fmt: skip
    times = [Instant(now - 2000 * back) for back in range(450, 0, -1)]
    column = [float(index % 100) for index in range(450)]
    schedule = Schedule(kind="every", value="1m", timezone="UTC", description="Every minute")
    scripts = [
        Script(
            name=f"script-{number:04}", description=f"Does what number {number} does", enabled=True,
            schedule=schedule, config={"labels": {"team": f"team{number % 7}"}}, running=[], last_run=None,
            next_run_at=Instant(now + 60_000), progress=None,
        )
        for number in range(SCRIPTS)
    ]  # fmt: skip
    samples = Samples(
        t=times, cpu_percent=column, memory_percent=column, disk_percent=column,
        network_receive_bytes_per_second=column, network_transmit_bytes_per_second=column,
    )  # fmt: skip
    hello = HelloData(
        protocol=1, version="bench", epoch="bench", seq=0, resumed=False, heartbeat_ms=3_600_000, now=now
    )  # fmt: skip
    snapshot = Snapshot(scripts=scripts, active_runs=[], system_metrics=system, samples=samples)
    return _frame("hello", now, hello), _frame("snapshot", now, snapshot)


def _frame(of: str, at: Instant, data: Any) -> str:
    return to_json({"type": of, "timestamp": at, "data": data}).decode()


def _recent() -> str:
    past = [
        PastRun(
            run_id=f"OLD{number:023}", status="failed" if number % 10 == 0 else "completed", reason=None,
            started_at=Instant(number), duration=1000 + 37 * number,
        )
        for number in range(30)
    ]  # fmt: skip
    scripts = [
        RecentScript(
            name=f"script-{number:04}",
            last_success_at=None,
            without_success_since=None,
            success_age_limit=None,
            runs=past,
        )
        for number in range(SCRIPTS)
    ]
    return to_json({"scripts": scripts}).decode()
