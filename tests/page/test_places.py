"""Places: who goes back finds them as they were left, and who is given their address sees the same."""

from __future__ import annotations

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
