"""Signing in to the page, what each role sees of it, and the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, expect

from tests.certificates import make
from tests.page.conftest import faults_of
from tests.service import DEADLINE, Service

PASSWORD = "correct horse"  # noqa: S105
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
USERS = [{"name": role, "role": role, "password_hash": CHEAP.hash(PASSWORD)} for role in ("view", "operate", "edit")]
CONFIG = f"""\
users: {json.dumps(USERS)}
scripts:
  - {{name: greet, command: echo hello}}
"""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(CONFIG)


@pytest.fixture
def new_page(browser: Browser) -> Callable[..., Page]:
    """Opens a place of a service in a browser window of its own."""

    def new_page(service: Service, place: str, **options: Any) -> Page:
        page = browser.new_context(**{"locale": "en-GB", **options}).new_page()
        page.set_default_timeout(DEADLINE * 1000)
        page.goto(f"{service.url}/{place}")
        return page

    return new_page


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_who_comes_is_asked_who_they_are_and_comes_back_to_where_they_were(
    new_page: Callable[..., Page], service: Service
) -> None:
    page = new_page(service, "#/scripts/greet/settings")
    expect(page).to_have_title("Sign in – Cronscope")
    assert faults_of(page) == []
    sign_in(page, "edit", "wrong horse")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    assert faults_of(page) == []
    sign_in(page, "edit")
    expect(page).to_have_url(f"{service.url}/#/scripts/greet/settings")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    page.get_by_role("button", name="Run greet").click()
    expect(page.get_by_role("link", name="Configuration")).to_be_visible()
    page.goto(f"{service.url}/#/scripts/greet/runs")
    expect(page.get_by_text("Completed").first).to_be_visible()

    other = page.context.new_page()
    other.goto(service.url)
    expect(other.get_by_test_id("connection")).to_have_text("Live")
    page.get_by_role("button", name="Settings of this page").click()
    expect(page.get_by_test_id("account")).to_have_text("edit (may change everything)")
    assert faults_of(page) == []
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_title("Sign in – Cronscope")
    expect(other).to_have_title("Sign in – Cronscope")  # its stream has ended
    page.goto(f"{service.url}/#/")
    expect(page).to_have_title("Sign in – Cronscope")


def test_the_page_is_live_by_tls_and_its_form_leads_to_it(
    new_page: Callable[..., Page], start_service: Callable[..., Service], tmp_path: Path
) -> None:
    cert, key = make(tmp_path / "tls")
    service = start_service(f"{CONFIG}tls: {{cert: {cert}, key: {key}}}\n")
    page = new_page(service, "", ignore_https_errors=True)
    sign_in(page, "edit")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    page.get_by_role("button", name="Run greet").click()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")


def test_whom_a_proxy_knows_and_the_service_does_not_is_told_so(
    new_page: Callable[..., Page], start_service: Callable[..., Service]
) -> None:
    service = start_service("{trusted_proxies: [127.0.0.1], auth_proxy: {}}")
    page = new_page(service, "", extra_http_headers={"Remote-User": "bob"})
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()
    expect(page.get_by_text("This takes the role scrape, and bob has none.")).to_be_visible()
    assert faults_of(page) == []


def test_each_role_is_offered_what_it_may_do(new_page: Callable[..., Page], service: Service) -> None:
    page = new_page(service, "")
    sign_in(page, "view")
    run = page.get_by_role("button", name="Run greet")
    expect(run).to_be_disabled()
    expect(run).to_have_attribute("title", "You may look, but not run or stop scripts.")
    expect(page.get_by_role("link", name="Configuration")).to_have_count(0)
    page.goto(f"{service.url}/#/config")
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()
    assert faults_of(page) == []
    page.goto(f"{service.url}/#/scripts/greet/output")
    expect(page.get_by_role("link", name=re.compile("Code"))).to_have_count(0)

    page.goto("about:blank")  # else the page itself goes to the form as well
    page.context.clear_cookies()
    page.goto(f"{service.url}/login")
    sign_in(page, "operate")
    run.click()
    expect(page.get_by_role("row").get_by_text("Completed", exact=True)).to_be_visible()


def test_the_form_is_there_without_javascript_on_a_telephone_and_in_chinese(browser: Browser, service: Service) -> None:
    context = browser.new_context(
        locale="zh-TW", java_script_enabled=False, viewport={"width": 360, "height": 640}, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(f"{service.url}/login")
    page.get_by_label("名稱").fill("view")
    page.get_by_label("密碼").fill(PASSWORD)
    assert page.get_by_role("button", name="登入").bounding_box() is not None
    page.get_by_role("button", name="登入").click()
    expect(page).to_have_url(f"{service.url}/")
    [cookie] = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")


def test_the_form_is_styled_as_the_policy_has_it(new_page: Callable[..., Page], service: Service) -> None:
    page = new_page(service, "login", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.querySelector('button')).backgroundColor") == "rgb(0, 114, 178)"
