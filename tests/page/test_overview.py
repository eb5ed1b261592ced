"""The overview: every script and the machine, live."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.page.conftest import OpenPage
from tests.service import Service, until

CONFIG = """\
sample_interval: 200ms
scripts:
  # the first one
  - name: greet
    description: Says hello
    command: echo hello
    every: 1h
    labels: {team: ops}
  - name: gated
    command: read go < gate; exit 3
    labels: {team: web}
  - name: copies
    command: "echo '::progress 40 copying'; read go < gate"
    success_age_limit: 1s
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


def names(page: Page) -> Locator:
    return page.get_by_role("rowheader").get_by_role("link")


def open_gate(service: Service) -> None:
    (service.folder / "gate").write_text("go\n")


def test_the_page_shows_a_run_as_it_happens(page: Page, service: Service) -> None:
    expect(row(page, "greet")).to_contain_text("Never ran")
    expect(row(page, "greet")).to_contain_text(re.compile("in [0-9]+ (s|min)"))
    service.run("greet")
    expect(row(page, "greet")).to_contain_text("Completed")
    expect(row(page, "greet").get_by_role("img", name="The last 1 runs, 0 of them failed")).to_be_visible()

    service.run("gated")
    expect(row(page, "gated")).to_contain_text("Running")
    expect(tile(page, "Running 1")).to_be_visible()
    open_gate(service)
    expect(row(page, "gated")).to_contain_text("Failed, exit 3")
    expect(row(page, "gated")).to_contain_text("Idle")
    expect(tile(page, "Failing 1")).to_be_visible()
    expect(page).to_have_title("1 failing · Cronscope")


def test_what_ran_before_the_page_was_opened_is_there(open_page: OpenPage, service: Service) -> None:
    for _ in range(3):
        service.ended(service.run("greet"))
    page = open_page(service)
    expect(row(page, "greet").get_by_role("img", name="The last 3 runs, 0 of them failed")).to_be_visible()


def test_a_run_tells_how_far_it_is(page: Page, service: Service) -> None:
    service.run("copies")
    bar = row(page, "copies").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "40")
    expect(bar).to_contain_text(re.compile("40% · .* left · copying"))
    open_gate(service)
    expect(bar).to_have_count(0)
    expect(tile(page, "Overdue 1")).to_be_visible()  # a second later
    expect(row(page, "copies")).to_contain_text("Overdue")


WRITTEN = """
window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  window.written.push(text);
  return write.call(this, text, ...place);
};
"""


def test_the_machine_is_shown_live(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, prepare=lambda page: page.add_init_script(WRITTEN))
    # The axes are of 15 minutes, however short the history is.
    until(lambda: {text for text in page.evaluate("written") if re.match(r"\d\d:\d\d$", text)}, lambda at: len(at) > 2)
    cpu = page.get_by_role("region", name="CPU")
    expect(cpu).to_contain_text(re.compile(r"\d+\.\d%"))
    before = page.get_by_role("region", name="Network").text_content()
    expect(page.get_by_role("region", name="Network")).not_to_have_text(before or "")
    cpu.get_by_role("button", name="As a table").click()
    expect(cpu.get_by_role("table")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))


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


def test_what_goes_on_while_a_script_runs_is_told(open_page: OpenPage, start_service: Callable[..., Service]) -> None:
    service = start_service("""\
scripts:
  - {name: stubborn, command: "trap '' TERM; read go < gate", cron: 0 0 1 1 *, kill_after: 2s}
  - {name: twice, command: "echo '::progress 40 copying'; read go < gate", overlap: allow}
""")
    os.mkfifo(service.folder / "gate")
    page = open_page(service)
    next_start = page.get_by_role("link", name="Next start")
    expect(next_start).not_to_contain_text("skipped")
    service.run("stubborn")
    for place in (row(page, "stubborn"), next_start):
        expect(place).to_contain_text("skipped if still running")
    stop = page.get_by_role("button", name="Stop stubborn")
    stop.click()
    expect(row(page, "stubborn")).to_contain_text("Stopping")
    expect(stop).to_be_disabled()
    expect(row(page, "stubborn")).to_contain_text("Stopped")
    expect(row(page, "stubborn").get_by_role("img", name="The last 1 runs, 0 of them failed")).to_be_visible()
    expect(tile(page, "Failing 0")).to_be_visible()

    service.run("twice")
    expect(tile(page, "Running 1 0 waiting")).to_be_visible()
    service.run("twice")
    expect(tile(page, "Running 2 2 runs of 1 script · 0 waiting")).to_be_visible()


def test_a_script_is_switched_off_and_on_in_the_file(page: Page, service: Service) -> None:
    page.get_by_role("switch", name="greet runs on its schedule").click()
    expect(row(page, "greet")).to_contain_text("Disabled")
    assert "enabled: false" in service.config.read_text()
    assert "# the first one" in service.config.read_text()
    page.get_by_role("switch", name="greet runs on its schedule").click()
    expect(row(page, "greet")).to_contain_text("Idle")


def test_scripts_are_filtered_and_sorted(page: Page, service: Service) -> None:
    expect(names(page)).to_have_text(["greet", "gated", "copies"])
    page.get_by_role("searchbox").fill("hello")
    expect(names(page)).to_have_text(["greet"])
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="team=web").click()
    expect(names(page)).to_have_text(["gated"])
    page.get_by_role("button", name="team=web").click()
    page.get_by_label("Sort by").select_option("Name")
    expect(names(page)).to_have_text(["copies", "gated", "greet"])
    service.run("copies")
    tile(page, "Running 1").click()
    expect(names(page)).to_have_text(["copies"])
    open_gate(service)
    expect(page.get_by_text("No script fits.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(names(page)).to_have_text(["copies", "gated", "greet"])


def test_rows_do_not_move_under_the_pointer(page: Page, service: Service) -> None:
    page.get_by_label("Sort by").select_option("Worst first")
    row(page, "greet").hover()
    service.run("gated")
    open_gate(service)
    expect(row(page, "gated")).to_contain_text("Failed")
    expect(names(page)).to_have_text(["greet", "gated", "copies"])
    page.get_by_role("searchbox").hover()
    expect(names(page)).to_have_text(["gated", "greet", "copies"])


def test_something_is_done_to_several_scripts_at_once(page: Page, service: Service) -> None:
    page.get_by_label("Select gated").check()
    page.get_by_label("Select copies").check()
    chosen = page.get_by_role("group", name="2 selected")
    chosen.get_by_role("button", name="Switch off").click()
    expect(row(page, "gated")).to_contain_text("Disabled")
    expect(row(page, "copies")).to_contain_text("Disabled")
    expect(row(page, "greet")).to_contain_text("Idle")

    page.get_by_role("searchbox").fill("gated")
    chosen = page.get_by_role("group", name="1 selected")
    expect(chosen).to_contain_text("1 more hidden by the filter")
    everything = page.get_by_label("Select all")
    expect(everything).to_be_checked()
    chosen.get_by_role("button", name="Switch on").click()
    expect(row(page, "gated")).to_contain_text("Idle")
    page.get_by_role("searchbox").fill("")
    expect(row(page, "copies")).to_contain_text("Disabled")

    page.get_by_label("Select copies").uncheck()
    page.get_by_label("Select greet").check()
    service.run("gated")
    expect(row(page, "gated")).to_contain_text("Running")
    page.get_by_role("group", name="2 selected").get_by_role("button", name="Run").click()
    refused = page.get_by_role("dialog", name="Refused by 1 of 2")
    expect(refused.get_by_role("term")).to_have_text("gated")
    expect(refused.get_by_role("definition")).to_contain_text("running")
    refused.get_by_role("button", name="Close").click()
    expect(row(page, "greet")).to_contain_text("Completed")

    page.get_by_label("Select copies").check()
    page.get_by_role("searchbox").fill("g")
    expect(names(page)).to_have_text(["greet", "gated"])
    everything.uncheck()
    expect(page.get_by_role("group", name="0 selected").get_by_role("button", name="Delete")).to_be_disabled()
    everything.check()
    page.get_by_role("group", name="2 selected").get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete 2 scripts")
    expect(question).to_contain_text("greet, gated")
    expect(question).to_contain_text("1 more")
    question.get_by_role("button", name="Delete 2 scripts").click()
    expect(question).to_have_count(0)
    page.get_by_role("searchbox").fill("")
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(names(page)).to_have_text(["copies"])
    assert "gated" not in service.config.read_text()


def test_what_is_to_be_deleted_is_what_was_asked_about_though_the_rows_have_gone(page: Page, service: Service) -> None:
    answers: list[tuple[Route, APIResponse]] = []
    page.route("**/api/v1/scripts/batch", lambda route: answers.append((route, route.fetch())))
    for name in ("gated", "copies", "greet"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("searchbox").fill("g")
    expect(names(page)).to_have_text(["greet", "gated"])
    page.get_by_role("group", name="2 selected").get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete 2 scripts")
    question.get_by_role("button", name="Delete 2 scripts").click()
    expect(page.get_by_role("group", name="0 selected")).to_have_count(1)
    expect(question).to_contain_text("greet, gated")
    [(asked, answer)] = answers
    asked.fulfill(response=answer)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_change_of_the_file_is_seen_at_once(page: Page, service: Service) -> None:
    expect(names(page)).to_have_text(["greet", "gated", "copies"])
    service.config.write_text("scripts: [{name: other, command: 'true'}]\n")
    expect(names(page)).to_have_text(["other"])
    service.config.write_text("scripts: []\n")
    expect(page.get_by_role("link", name="Add the first script")).to_be_visible()


def test_of_thousands_of_scripts_those_in_view_are_drawn(
    open_page: OpenPage, start_service: Callable[..., Service]
) -> None:
    scripts = "".join(f"  - {{name: script-{number:04}, command: 'true'}}\n" for number in range(2000))
    page = open_page(start_service(f"scripts:\n{scripts}"))
    expect(row(page, "script-0000")).to_be_visible()
    page.keyboard.press("End")
    expect(row(page, "script-1999")).to_be_visible()
    assert names(page).count() < 60

    row(page, "script-1995").get_by_role("link").click()
    expect(page.get_by_role("heading", name="script-1995")).to_be_visible()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(row(page, "script-1995").get_by_role("link")).to_be_focused()
    expect(row(page, "script-1999")).to_be_in_viewport()
    page.keyboard.press("j")
    expect(row(page, "script-1996").get_by_role("link")).to_be_focused()

    page.get_by_role("searchbox").fill("1234")
    expect(names(page)).to_have_text(["script-1234"])


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
