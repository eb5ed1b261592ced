"""Runs, those of one script and those of all: a table that lives, and what it can be asked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.page.history import PastRun, remember
from tests.service import Service

CONFIG = """\
scripts:
  - name: greet
    command: echo hello; echo oops >&2
  - name: gated
    command: read go < gate; exit 3
    overlap: allow
  - name: busy
    command: read go < shut
    every: 1s
"""
MINUTE = 60_000


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    for name in ("gate", "shut"):  # that of one script must not be taken by another
        os.mkfifo(service.folder / name)
    return service


def now() -> int:
    return int(time.time() * 1000)


def runs(page: Page) -> Locator:
    table = page.get_by_role("table", name=re.compile("^Runs"))
    return table.get_by_role("row").filter(has=page.get_by_role("rowheader"))


def open_gate(service: Service) -> None:
    (service.folder / "gate").write_text("go\n")


def test_a_run_comes_and_ends_in_the_table_as_it_happens(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/scripts/gated")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    run_id = service.run("gated")
    expect(runs(page)).to_have_count(1)
    expect(runs(page)).to_contain_text("Running")
    open_gate(service)
    expect(runs(page)).to_contain_text("Failed, exit 3")
    record = service.ended(run_id)
    peak = f"{record['max_rss_bytes'] / 2**20:.1f} MiB"
    for text in ("By hand", "3", peak):
        expect(runs(page).get_by_role("cell", name=text, exact=True)).to_be_visible()
    runs(page).click()
    expect(page).to_have_url(re.compile(f"#/scripts/gated/output/{run_id}$"))


def test_a_start_that_did_not_happen_is_there_with_its_reason(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/scripts/busy")
    skipped = runs(page).filter(has_text="Skipped: still running").first
    expect(skipped).to_be_visible()
    expect(skipped.get_by_role("link")).to_have_count(0)


def test_rows_stay_where_they_are_under_the_pointer(open_page: OpenPage, service: Service) -> None:
    first = service.run("greet")
    service.ended(first)
    page = open_page(service, "#/scripts/greet")
    expect(runs(page)).to_have_count(1)
    runs(page).hover()
    for _ in range(2):
        service.ended(service.run("greet"))
    fresh = page.get_by_role("button", name="Show 2 new")
    expect(fresh).to_be_visible()
    expect(runs(page)).to_have_count(1)
    fresh.click()
    expect(runs(page)).to_have_count(3)
    expect(fresh).to_be_hidden()


def test_the_history_is_read_page_by_page(open_page: OpenPage, service: Service) -> None:
    remember(service, (PastRun("greet", now() - age * MINUTE) for age in range(1, 121)))
    page = open_page(service, "#/scripts/greet")
    expect(runs(page)).to_have_count(50)
    more = page.get_by_role("button", name="Show more")
    more.click()
    expect(runs(page)).to_have_count(100)
    service.run("greet")
    page.get_by_role("button", name="Show 1 new").click()
    expect(runs(page)).to_have_count(101)
    more.click()
    expect(runs(page)).to_have_count(121)
    expect(more).to_be_hidden()


def test_all_runs_can_be_filtered(open_page: OpenPage, service: Service) -> None:
    remember(
        service, [PastRun("greet", now() - MINUTE, "failed", "timeout"), PastRun("gated", now() - 24 * 60 * MINUTE)]
    )
    service.ended(service.run("greet"))
    page = open_page(service, "#/runs")
    completed = runs(page).filter(has_text="greet").filter(has_text="Completed")
    expect(completed).to_have_count(1)
    expect(completed).to_contain_text("6 B5 B stderr")

    page.get_by_label("Status").select_option("Failed")
    expect(runs(page)).to_have_count(1)
    expect(runs(page)).to_contain_text("Timed out")
    expect(page).to_have_url(re.compile(r"#/runs\?status=failed$"))
    page.reload()
    expect(runs(page)).to_have_count(1)
    expect(page.get_by_label("Status")).to_have_value("failed")
    page.get_by_label("Reason").select_option("Signal")
    expect(page.get_by_text("No run fits.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(completed).to_have_count(1)

    page.get_by_label("Text in the output").fill("OOPS")
    expect(runs(page)).to_have_count(1)
    page.get_by_label("Text in the output").fill("")
    page.get_by_role("combobox", name="Script").fill("gated")
    expect(runs(page)).to_have_count(1)
    page.get_by_label("From").fill(time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() - 3600)))
    expect(page.get_by_text("No run fits.")).to_be_visible()
    service.run("gated")
    expect(runs(page)).to_contain_text("Running")


def test_a_list_that_is_opened_while_the_page_is_paused_shows_what_there_is(
    open_page: OpenPage, service: Service
) -> None:
    service.ended(service.run("greet"))
    page = open_page(service)
    expect(page.get_by_role("rowheader").get_by_text("greet")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_test_id("connection")).to_contain_text("Paused")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(runs(page).filter(has_text="greet")).to_have_count(1)
    service.ended(service.run("greet"))
    page.keyboard.press("p")
    expect(runs(page).filter(has_text="greet")).to_have_count(2)


def test_what_the_service_says_of_a_filter_is_told(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/runs")
    page.get_by_role("combobox", name="Script").fill("no such name")
    expect(page.get_by_text("The query has faults. script: expected a name")).to_be_visible()
    expect(page.get_by_role("combobox", name="Script")).to_have_value("no such name")


def test_what_is_new_since_the_reader_left_is_set_apart(open_page: OpenPage, service: Service) -> None:
    remember(service, [PastRun("greet", now() - age * MINUTE) for age in (1, 2, 20)])
    left = [{"name": "cronscope.seen", "value": str(now() - 10 * MINUTE)}]
    page = open_page(
        service,
        "#/scripts/greet",
        storage_state={"cookies": [], "origins": [{"origin": service.url, "localStorage": left}]},
    )
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(5)
    expect(rows.nth(3)).to_contain_text("New since you left at")


def test_the_keyboard_alone_leads_to_the_output_of_a_run(open_page: OpenPage, service: Service) -> None:
    ids = [service.run("greet") for _ in range(1)]
    service.ended(ids[0])
    ids.append(service.run("greet"))
    service.ended(ids[1])
    page = open_page(service, "#/scripts/greet")
    expect(runs(page)).to_have_count(2)
    page.keyboard.press("j")
    expect(runs(page).nth(0).get_by_role("link")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/output/{ids[0]}$"))


def test_a_telephone_shows_runs_as_cards(open_page: OpenPage, service: Service) -> None:
    service.ended(service.run("greet"))
    for place in ("#/runs", "#/scripts/greet", "#/timeline"):
        page = open_page(service, place, viewport={"width": 360, "height": 640})
        main = page.get_by_role("main")
        expect(main.get_by_text("greet").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
