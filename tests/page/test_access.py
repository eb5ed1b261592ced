"""Signing in to the page, what each role sees of it, and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.certificates import make
from tests.page.conftest import NewPage, faults_of
from tests.page.signing import PASSWORD, sign_in, users
from tests.service import Service

CONFIG = f"""\
users: {users()}
scripts:
  - {{name: greet, command: echo hello}}
"""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(CONFIG)


def test_who_comes_is_asked_who_they_are_and_comes_back_to_where_they_were(new_page: NewPage, service: Service) -> None:
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
    new_page: NewPage, start_service: Callable[..., Service], tmp_path: Path
) -> None:
    cert, key = make(tmp_path / "tls")
    service = start_service(f"{CONFIG}tls: {{cert: {cert}, key: {key}}}\n")
    page = new_page(service, "", ignore_https_errors=True)
    sign_in(page, "edit")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    page.get_by_role("button", name="Run greet").click()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")


def test_whom_a_proxy_knows_and_the_service_does_not_is_told_so(
    new_page: NewPage, start_service: Callable[..., Service]
) -> None:
    service = start_service("{trusted_proxies: [127.0.0.1], auth_proxy: {}}")
    page = new_page(service, "", extra_http_headers={"Remote-User": "bob"})
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()
    expect(page.get_by_text("This takes the role scrape, and bob has none.")).to_be_visible()
    assert faults_of(page) == []


def test_each_role_is_offered_what_it_may_do(new_page: NewPage, service: Service) -> None:
    page = new_page(service, "")
    sign_in(page, "view")
    run = page.get_by_role("button", name="Run greet")
    expect(run).to_be_disabled()
    expect(run).to_have_attribute("title", "You may look, but not run or stop scripts.")
    switch = page.get_by_role("switch", name="greet")
    expect(switch).to_be_disabled()
    expect(switch).to_have_accessible_description("You may look, but not run or stop scripts.")
    expect(switch).to_have_css("cursor", "default")
    expect(switch).to_have_css("opacity", "0.5")
    page.get_by_role("checkbox", name="Select greet").check()
    batch = page.get_by_role("group", name="1 selected")
    expect(batch.get_by_role("button", name="Switch off")).to_be_disabled()
    expect(batch.get_by_role("button", name="Switch off")).to_have_accessible_description(
        "You may look, but not run or stop scripts."
    )
    expect(page.get_by_role("link", name="Configuration")).to_have_count(0)
    assert faults_of(page) == []
    page.goto(f"{service.url}/#/files")
    expect(page.get_by_text("You may not change scripts, files or the configuration.")).to_be_visible()
    for place in ("config", "audit", "new", "files/greet.sh", "scripts/greet/code"):
        page.goto(f"{service.url}/#/{place}")
        expect(page.get_by_text("What is here takes the role edit, which may change everything.")).to_be_visible()
        expect(page.get_by_text("You have signed in as view, with the role view, which may look.")).to_be_visible()
    assert faults_of(page) == []
    page.goto(f"{service.url}/#/scripts/greet/output")
    expect(page.get_by_role("link", name=re.compile("Code"))).to_have_count(0)

    page.goto(f"{service.url}/login?next=%23/audit")  # who has signed in is led on
    expect(page).to_have_url(f"{service.url}/#/audit")
    page.get_by_role("button", name="Sign in as somebody else").click()
    expect(page).to_have_title("Sign in – Cronscope")
    icon = page.locator("link[rel=icon]").get_attribute("href")
    assert page.request.get(f"{service.url}{icon}").status == 200
    sign_in(page, "operate")
    expect(page.get_by_text("You have signed in as operate, with the role operate,")).to_be_visible()
    page.get_by_role("link", name="To the overview").click()
    run.click()
    expect(page.get_by_role("row").get_by_text("Completed", exact=True)).to_be_visible()


def test_who_may_read_metrics_alone_is_told_so_and_shown_out(
    new_page: NewPage, start_service: Callable[..., Service]
) -> None:
    service = start_service(f"{CONFIG}anonymous: scrape\n")
    page = new_page(service, "#/scripts/greet")
    expect(page).to_have_title("Sign in – Cronscope")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.clock.install()
    sign_in(page, "scrape")
    expect(page.get_by_text("What is here takes the role view, which may look.")).to_be_visible()
    expect(
        page.get_by_text("You have signed in as scrape, with the role scrape, which may read metrics.")
    ).to_be_visible()
    expect(page.get_by_test_id("connection")).to_have_count(0)
    expect(page.get_by_role("navigation")).to_have_count(0)
    assert faults_of(page) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="To the metrics").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_text("cronscope_build_info").first).to_be_visible()
    page.clock.run_for(60_000)
    assert len(sockets) <= 1  # none but that which was asked for before it was known who this is
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_title("Sign in – Cronscope")


WALK = """
async (seen) => {
  // Press everything that can be pressed and was not yet, and come back from where that leads.
  const from = location.hash, told = [];
  const frame = () => new Promise(requestAnimationFrame);
  const settled = async () => {
    for (let calm = 0; calm < 3; calm = window.asked ? 0 : calm + 1) await frame();
  };
  for (;;) {
    const top = [...document.querySelectorAll("dialog[open]")].pop() ?? document;
    // What is chosen in a row comes first, then what is done to it, then what may hide it.
    const control = [...top.querySelectorAll("button, a[href], input[aria-label][type=checkbox]")].findLast((each) => {
      const key = `${each.ariaLabel ?? each.textContent} ${each.getAttribute("href") ?? ""}`;
      const fits = !each.disabled && each.checkVisibility({ visibilityProperty: true }) && !seen.includes(key);
      if (fits) seen.push(key);
      return fits && !/^(Sign out|正體中文|English|Clear selection)/.test(each.textContent);
    });
    if (!control) return [seen, told];
    const name = control.ariaLabel ?? control.textContent, href = control.getAttribute("href");
    window.denied = [];
    if (href !== null && !href.startsWith("#")) await fetch(href);
    else control.click();
    await settled();
    const instead = document.querySelector("main .gone h1")?.textContent;
    if (window.denied.length || instead) told.push([location.hash, name, ...window.denied, instead ?? ""]);
    if (location.hash !== from) {
      location.hash = from;
      await settled();
    }
  }
}
"""
NOTING = """
  window.asked = 0;
  window.denied = [];
  const ask = window.fetch;
  window.fetch = async (...what) => {
    window.asked++;
    try {
      const answer = await ask(...what);
      if (answer.status === 403) window.denied.push(answer.url);
      return answer;
    } finally {
      window.asked--;
    }
  };
"""
PLACES = {
    "#/": "greet", "#/timeline": "greet", "#/runs": "greet", "#/files": "greet.sh", "#/scripts/greet": "Completed",
    "#/scripts/greet/output": "hello", "#/scripts/busy/output": "begun",
}  # fmt: skip
"""With what is to be read there once it is whole."""


def refused(page: Page, place: str, ready: str, seen: list[str]) -> list[Any]:
    """What leads to a refusal of all that can be pressed in a place; `seen` is not pressed again."""
    page.goto("about:blank")
    page.goto(place)
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(page.locator("main")).to_contain_text(ready)
    seen[:], told = page.evaluate(WALK, seen)
    return list(told)


@pytest.mark.parametrize("role", ["view", "operate"])
def test_nothing_that_can_be_pressed_is_refused(
    new_page: NewPage, start_service: Callable[..., Service], role: str
) -> None:
    busy = "  - {name: busy, command: echo begun; exec sleep 600}\n"
    service, empty = start_service(CONFIG + busy), start_service(CONFIG.partition("scripts:")[0])
    scripts = service.folder / "scripts"
    scripts.mkdir()
    (scripts / "greet.sh").write_text("echo hello\n")
    page = new_page(service, "login")
    page.add_init_script(NOTING)
    sign_in(page, "edit")
    page.get_by_role("button", name="Run busy").click()
    page.get_by_role("button", name="Run greet").click()
    expect(page.get_by_role("row").get_by_text("Completed", exact=True)).to_be_visible()
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(f"{service.url}/login")
    sign_in(page, role)
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    seen: list[str] = []
    for place in PLACES if role == "view" else ("#/", "#/files", "#/scripts/busy/output"):
        assert refused(page, f"{service.url}/{place}", PLACES[place], seen) == []
    assert any("Run greet" in each for each in seen) is (role == "operate")
    assert ("Switch off " in seen) is (role == "operate")
    assert not any("Delete" in each for each in seen)
    page.goto(f"{empty.url}/login")
    sign_in(page, role)
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    assert refused(page, f"{empty.url}/#/", "No scripts yet", []) == []


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


def test_the_form_is_styled_as_the_policy_has_it(new_page: NewPage, service: Service) -> None:
    page = new_page(service, "login", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.querySelector('button')).backgroundColor") == "rgb(0, 114, 178)"
