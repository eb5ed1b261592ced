"""A real browser before the real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.programs import program
from tests.service import DEADLINE, Service

QUIET = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
ARGUMENTS = [*QUIET.split(), "--disable-component-update", "--disable-sync"]

expect.set_options(timeout=DEADLINE * 1000)

AXE = Path(__file__).parents[2] / "relay/dashboard/node_modules/axe-core/axe.min.js"

OpenPage = Callable[..., Page]
NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a service's page, in a browser window of its own, and waits until it is live.

    `place` is what stands behind the address, such as `#/timeline`; `live` is how the page says that it is;
    `prepare` is done before it is asked for; `options` are those of the window, such as `viewport` and `locale`.
    However the page is used, it throws nothing, stays in its policy and asks nobody else.
    """
    faults: list[str] = []
    pages: list[Page] = []

    def open_one(
        service: Service, place: str = "", live: str = "Live", prepare: Callable[[Page], None] | None = None,
        **options: Any,
    ) -> Page:  # fmt: skip
        page = browser.new_context(**{"locale": "en-GB", **options}).new_page()
        pages.append(page)
        page.set_default_timeout(DEADLINE * 1000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
        own = service.url  # which a test may change while the page goes on
        page.on("request", lambda asked: None if asked.url.startswith(own) else faults.append(asked.url))
        if prepare is not None:
            prepare(page)
        page.goto(f"{service.url}/{place}")
        expect(page.get_by_test_id("connection")).to_have_text(live)
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert faults == []


@pytest.fixture
def new_page(browser: Browser) -> NewPage:
    """Opens a place of a service in a browser window of its own."""

    def new_page(service: Service, place: str, **options: Any) -> Page:
        page = browser.new_context(**{"locale": "en-GB", **options}).new_page()
        page.set_default_timeout(DEADLINE * 1000)
        page.goto(f"{service.url}/{place}")
        return page

    return new_page


def faults_of(page: Page) -> list[Any]:
    """What axe finds against WCAG 2.2 A and AA in the page as it is now."""
    page.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found["violations"]]
