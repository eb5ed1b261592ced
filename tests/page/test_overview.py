"""The overview: every script and the machine, live."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.service import Service

CONFIG = """\
sample_interval: 200ms
scripts:
  - name: greet
    description: Says hello
    command: echo hello
    every: 1h
    labels: {team: ops}
  - name: gated
    command: read go < gate; exit 3
"""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "gate")
    return service


@pytest.fixture
def page(open_page: OpenPage, service: Service) -> Page:
    return open_page(service)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader").get_by_text(name, exact=True))


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def open_gate(service: Service) -> None:
    (service.folder / "gate").write_text("go\n")


def test_the_page_shows_a_run_as_it_happens(page: Page, service: Service) -> None:
    expect(row(page, "greet")).to_contain_text("Never ran")
    expect(row(page, "greet")).to_contain_text(re.compile("in [0-9]+ s"))
    service.run("greet")
    expect(row(page, "greet")).to_contain_text("Completed")

    service.run("gated")
    expect(row(page, "gated")).to_contain_text("Running")
    expect(tile(page, "Running 1")).to_be_visible()
    open_gate(service)
    expect(row(page, "gated")).to_contain_text("Failed, exit 3")
    expect(row(page, "gated")).to_contain_text("Idle")
    expect(tile(page, "Failing 1")).to_be_visible()
    expect(page).to_have_title("1 failing · Cronscope")


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
    expect(page.get_by_test_id("connection")).to_contain_text("data as of")
    open_gate(service)
    service.start()
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(row(page, "gated")).to_contain_text("Failed, exit 3")
    service.run("greet")
    expect(row(page, "greet")).to_contain_text("Completed")
