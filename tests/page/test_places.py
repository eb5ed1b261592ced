"""Places: who goes back finds them as they were left, and who is given their address sees the same."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage
from tests.page.history import PastRun, remember
from tests.service import Service, until

MINUTE = 60_000
CONFIG = "scripts:\n" + "".join(f"  - {{name: s{number:02}, command: echo hello}}\n" for number in range(60))


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    now = int(time.time() * 1000)
    remember(service, (PastRun("s00", now - age * MINUTE, "failed", "exit_code") for age in range(1, 121)))
    return service


def scroll_to(page: Page, top: int) -> None:
    page.wait_for_function("top => (scrollTo(0, top), scrollY === top)", arg=top)  # once it is high enough


def is_at(page: Page, top: int) -> None:
    until(lambda: page.evaluate("[location.hash, scrollY]"), lambda seen: seen[1] == top)


def test_who_comes_back_is_where_they_left(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/runs", viewport={"width": 1000, "height": 700})
    rows = page.get_by_role("rowheader")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(100)
    scroll_to(page, 2500)
    page.goto(f"{service.url}/#/runs?status=failed")
    is_at(page, 0)
    scroll_to(page, 700)
    page.goto(f"{service.url}/#/scripts/s00")
    is_at(page, 0)
    expect(page.get_by_role("link", name="List the failed runs")).to_be_visible()  # what comes later is there
    scroll_to(page, 900)
    page.keyboard.press("l")  # its output
    expect(page.get_by_role("heading", name="s00")).to_be_visible()
    is_at(page, 0)
    page.goto(f"{service.url}/#/")
    scroll_to(page, 1500)
    page.goto(f"{service.url}/#/timeline")
    is_at(page, 0)
    scroll_to(page, 800)
    page.goto(f"{service.url}/#/config")
    is_at(page, 0)
    for top in (800, 1500, 0, 900, 700):
        page.go_back()
        is_at(page, top)
    page.reload()
    is_at(page, 700)
    page.go_back()
    expect(rows).to_have_count(100)
    is_at(page, 2500)
    page.mouse.wheel(0, -500)
    is_at(page, 2000)


def test_what_is_chosen_in_a_place_is_in_its_address(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/?show=off&sort=burnt&text=s1")
    filter_ = page.get_by_role("searchbox")
    expect(page.get_by_text("No script fits")).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    filter_.fill("s15")
    page.get_by_label("Sort by").select_option("Name")
    expect(page).to_have_url(re.compile(r"#/\?text=s15&sort=name$"))
    page.reload()
    expect(filter_).to_have_value("s15")
    expect(page.get_by_role("rowheader").get_by_role("link")).to_have_text(["s15"])

    page.get_by_role("link", name="Timeline").click()
    page.get_by_role("button", name="1 h").click()
    page.get_by_role("button", name="Only failures").click()
    expect(page).to_have_url(re.compile(r"#/timeline\?past=3600&failures=true$"))
    page.get_by_role("button", name="Earlier").click()
    expect(page).to_have_url(re.compile(r"#/timeline\?from=.*&to=.*&failures=true$"))
    page.reload()
    expect(page.get_by_role("button", name="Only failures")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Now")).to_be_enabled()
    page.go_back()  # no step for each letter
    expect(page).to_have_url(re.compile(r"#/\?text=s15&sort=name$"))
    page.get_by_role("link", name="Timeline").click()
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(re.compile(r"#/\?text=s15&sort=name$"))
    expect(filter_).to_have_value("s15")
