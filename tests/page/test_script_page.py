"""A script's page: what it is, does and will do, and how it did."""

from __future__ import annotations

import datetime
import os
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage
from tests.page.history import PastRun, remember
from tests.service import Service

CONFIG = """\
grafana_url: https://grafana.example.org/
scripts:
  - name: greet
    description: Says hello
    command: echo hello
    cron: "0 3 * * *"
    timezone: UTC
    labels: {team: ops}
  - name: gated
    command: echo "::progress 40 packing"; read go < gate
  - name: often
    command: echo hello
    every: 90m
  - {name: fails, command: exit 1, cron: 0 0 1 1 *, retries: 1, retry_delay: 10m}
"""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "gate")
    return service


@pytest.fixture
def page(open_page: OpenPage, service: Service) -> Page:
    return open_page(service, "#/scripts/greet", timezone_id="UTC")


def test_the_head_tells_what_the_script_is_and_when_it_starts(page: Page, service: Service) -> None:
    about = page.get_by_role("region", name="About the script")
    for text in ("Says hello", "Never ran", "team=ops", "0 3 * * *", "never"):
        expect(about).to_contain_text(text)
    expect(about).to_contain_text(re.compile(r"in \d+ (h|min|s).*03:00:00then( · |\w{3},? \d+ \w{3}, 03:00:00| ){7}"))
    expect(about.get_by_role("link", name="In Grafana")).to_have_attribute(
        "href", "https://grafana.example.org/d/cronscope-script?var-script=greet"
    )
    page.get_by_role("switch", name="greet runs on its schedule").click()
    expect(about).to_contain_text("None while it is disabled")

    page.evaluate("location.hash = '#/scripts/fails'")
    service.run("fails")
    expect(about).to_contain_text(re.compile(r"Next startsin (10 min|9 min \d+ s) [^·]*[\d:]+ · Retry"))


STANDS_AT = """() => [
  ...document.querySelectorAll(".script-head button, .tabs a, .run-filters, .output-tools")
].map((each) => {
  const { x, y } = each.getBoundingClientRect();
  return [each.textContent, Math.round(x), Math.round(y)];
})"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_when_a_run_starts_or_ends(open_page: OpenPage, service: Service, width: int) -> None:
    now = int(time.time() * 1000)
    remember(service, (PastRun("gated", now - age * 60_000) for age in range(5, 10)))
    page = open_page(service, "#/scripts/gated", viewport={"width": width, "height": 740})
    head, bar = page.get_by_role("region", name="About the script"), page.get_by_role("progressbar")
    for tab in ("runs", "output"):
        page.goto(f"{service.url}/#/scripts/gated/{tab}")
        expect(page.locator(".loading")).to_have_count(0)
        before = page.evaluate(STANDS_AT)
        service.run("gated")
        expect(bar).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        seen = [page.evaluate(STANDS_AT)]
        (service.folder / "gate").write_text("go\n")
        expect(bar).to_have_count(0)
        expect(head).to_contain_text("Idle")
        expect(page.locator("main .signed", has_text="Completed").first).to_be_visible()
        seen.append(page.evaluate(STANDS_AT))
        assert seen == [before, before], tab


def test_keys_run_stop_and_change_the_view(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/scripts/gated")
    about = page.get_by_role("region", name="About the script")
    expect(about).to_contain_text("Never ran")
    page.keyboard.press("r")
    expect(about).to_contain_text("Running")
    expect(about.get_by_role("progressbar")).to_have_attribute("aria-valuetext", re.compile(r"^40%.*packing$"))
    page.keyboard.press("s")
    expect(about).to_contain_text("Stopped")
    tabs = page.get_by_role("navigation", name="Views of gated")
    for key, tab in (("]", "Output"), ("[", "Runs"), ("[", "Versions"), ("3", "Code"), ("l", "Output"), ("1", "Runs")):
        page.keyboard.press(key)
        expect(tabs.locator("[aria-current=page]")).to_have_text(tab)


def test_failures_are_counted_by_day_and_hour(page: Page, service: Service) -> None:
    monday = datetime.datetime.now(datetime.UTC).replace(hour=14, minute=5, second=0, microsecond=0)
    monday -= datetime.timedelta(days=monday.weekday() + 7)
    start = int(monday.timestamp() * 1000)
    runs = [
        PastRun("greet", start, "failed", "exit_code"),
        PastRun("greet", start + 1000),
        PastRun("greet", start - 3_600_000, "failed", "cancelled"),
    ]
    remember(service, [*runs, PastRun("greet", start + 2000, "skipped", "overlap")])
    page.reload()
    hours = page.get_by_role("grid", name="Failures by day and hour")
    cell = hours.get_by_role("gridcell", name="Mon 14:00–15:00: 1 of 2 failed")
    expect(cell).to_have_text("1")
    expect(hours.get_by_role("gridcell", name="Mon 13:00–14:00: 0 of 1 failed")).to_be_visible()
    expect(hours.get_by_role("gridcell", name="Tue 14:00–15:00: no runs")).to_be_visible()

    hours.get_by_role("gridcell", name="Mon 00:00–01:00").focus()
    for _ in range(14):
        page.keyboard.press("ArrowRight")
    expect(cell).to_be_focused()
    expect(page.get_by_text("Mon 14:00–15:00: 1 of 2 failed")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Failures by day.*As a table")).click()
    expect(page.get_by_role("row", name="Mon 14:00–15:00 2 1")).to_be_visible()
    page.get_by_role("link", name="List the failed runs").click()
    table = page.get_by_role("table", name="Runs of greet")
    expect(table.get_by_role("rowheader")).to_have_count(2)  # one of them was stopped
    expect(page.get_by_label("Status")).to_have_value("failed")
    page.go_back()
    expect(table.get_by_role("rowheader")).to_have_count(4)


def test_durations_are_drawn_and_told_and_grow_with_every_run(page: Page, service: Service) -> None:
    service.ended(service.run("greet"))
    expect(page.get_by_role("img", name=re.compile("Durations of the latest runs: 0 of 1 failed"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Durations.*As a table")).click()
    rows = page.get_by_role("region", name=re.compile("^Durations")).get_by_role("row")
    expect(rows).to_have_count(2)
    service.ended(service.run("greet"))
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Completed")


def test_when_the_logs_are_deleted_elsewhere_the_page_agrees_with_itself(page: Page, service: Service) -> None:
    service.ended(service.run("greet"))
    expect(page.get_by_role("img", name=re.compile("Durations of the latest runs: 0 of 1 failed"))).to_be_visible()
    table = page.get_by_role("table", name="Runs of greet")
    expect(table).to_be_visible()
    assert service.fetch("/api/v1/logs/greet", method="DELETE")[0] == 200
    expect(page.get_by_text("No runs are kept any more.")).to_be_visible()
    expect(table).to_have_count(0)
    expect(page.get_by_text("Shown from the next run on.")).to_have_count(2)
    expect(page.get_by_role("region", name="About the script")).to_contain_text("Completed")
    page.get_by_role("navigation").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")
    expect(page.get_by_role("img", name=re.compile("^The last"))).to_have_count(0)
    service.ended(service.run("greet"))
    expect(page.get_by_role("img", name="The last 1 runs, 0 of them failed")).to_be_visible()


def test_of_a_script_that_is_removed_the_runs_are_left(page: Page, service: Service) -> None:
    service.ended(service.run("greet"))
    expect(page.get_by_role("table", name="Runs of greet")).to_be_visible()
    service.config.write_text(CONFIG.replace("name: greet", "name: welcome"))
    expect(page.get_by_role("heading", name="greet was removed from the configuration")).to_be_visible()
    expect(page.locator("main .notice, main .card")).to_have_count(1)
    expect(page.get_by_role("alert").filter(has_text="greet")).to_have_count(0)
    page.get_by_role("table", name="Runs of greet").get_by_role("link").click()
    expect(page.get_by_text("hello", exact=True)).to_be_visible()
    page.get_by_role("link", name="Its runs").click()
    expect(page.get_by_role("table", name="Runs of greet")).to_be_visible()
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("row").filter(has_text="welcome")).to_be_visible()


UNRULY = """\
scripts:
  - name: unruly
    description: "%s \u202eesrever"
    command: "true"
    labels: {owner: %s, turn: "\u202eright"}
"""


def test_long_words_and_turned_text_stay_in_their_place(
    open_page: OpenPage, start_service: Callable[..., Service]
) -> None:
    service = start_service(UNRULY % ("d" * 300, "o" * 300))
    for place in ("", "#/scripts/unruly"):
        page = open_page(service, place, viewport={"width": 360, "height": 740})
        for text in (page.get_by_text("esrever").first, page.get_by_text("right").first):
            expect(text).to_have_css("unicode-bidi", "isolate")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
