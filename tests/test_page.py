"""The page in a real browser, before the real service."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.programs import program
from tests.service import DEADLINE, Service

CONFIG = """\
sample_interval: 200ms
scripts:
  - name: greet
    description: Says hello
    command: echo hello
    every: 1h
  - name: gated
    command: read go < gate; exit 3
"""
QUIET = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
ARGUMENTS = [*QUIET.split(), "--disable-component-update", "--disable-sync"]

expect.set_options(timeout=DEADLINE * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "gate")
    return service


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """The service's page, live.  However it is used, it throws nothing, stays in its policy and asks nobody else."""
    page = browser.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
    page.goto(service.url)
    expect(page.get_by_role("status")).to_have_text("Live")
    yield page
    page.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(service.url)] == []


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader").get_by_text(name, exact=True))


def open_gate(service: Service) -> None:
    (service.folder / "gate").write_text("go\n")


def test_the_page_shows_a_run_as_it_happens(page: Page, service: Service) -> None:
    expect(row(page, "greet")).to_contain_text("Never ran")
    expect(row(page, "greet")).to_contain_text(re.compile("in [0-9]+ s"))
    service.run("greet")
    expect(row(page, "greet")).to_contain_text("Completed")

    service.run("gated")
    expect(row(page, "gated")).to_contain_text("Running")
    open_gate(service)
    expect(row(page, "gated")).to_contain_text("Failed, exit 3")
    expect(row(page, "gated")).to_contain_text("Idle")


def test_the_buttons_run_and_stop_a_script_and_tell_a_refusal(page: Page) -> None:
    run, stop = page.get_by_role("button", name="Run gated"), page.get_by_role("button", name="Stop gated")
    expect(stop).to_be_disabled()
    run.click()
    expect(row(page, "gated")).to_contain_text("Running")
    run.click()
    expect(page.get_by_role("alert")).to_contain_text("gated")
    stop.click()
    expect(row(page, "gated")).to_contain_text("Stopped")
    expect(stop).to_be_disabled()


def test_the_page_comes_back_with_the_service_and_shows_what_happened_meanwhile(page: Page, service: Service) -> None:
    page.get_by_role("button", name="Run gated").click()
    expect(row(page, "gated")).to_contain_text("Running")
    service.kill()
    expect(page.get_by_role("status")).to_have_text("Connection lost, reconnecting")
    expect(page.locator("header")).to_contain_text("data as of")
    open_gate(service)
    service.start()
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(row(page, "gated")).to_contain_text("Failed, exit 3")
    service.run("greet")
    expect(row(page, "greet")).to_contain_text("Completed")
