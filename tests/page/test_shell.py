"""What is around every part of the page: places, keys, languages, themes, the connection, and who may use it how."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import OpenPage, faults_of
from tests.service import Service

CONFIG = """\
sample_interval: 200ms
grafana_url: http://grafana.example:3000
scripts:
  - {name: greet, description: Says hello, command: echo hello, every: 1h, labels: {team: ops}}
  - {name: broken, command: exit 3}
  - {name: gated, command: "read go < gate"}
"""
PLACES = ["#/", "#/timeline", "#/runs", "#/files", "#/config", "#/new", "#/nowhere",
          *(f"#/scripts/greet/{tab}" for tab in ("runs", "output", "code", "settings", "versions"))]  # fmt: skip


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "gate")
    return service


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_place_can_be_used_by_everybody(open_page: OpenPage, service: Service, theme: str) -> None:
    service.run("greet")
    service.run("broken")
    service.run("gated")
    page = open_page(service, color_scheme=theme)
    expect(page.get_by_role("row").first).to_be_visible()
    for place in PLACES:
        page.goto(f"{service.url}/{place}")
        expect(page.locator(".loading")).to_have_count(0)
        assert faults_of(page) == [], place


IN_ITS_STRIP = """links => links.every((link) => {
  const [there, strip] = [link.getBoundingClientRect(), link.parentElement.getBoundingClientRect()];
  return there.left >= strip.left - 1 && there.right <= strip.right + 1;
})"""


UNCUT = "all => all.every((each) => each.scrollWidth <= each.clientWidth)"


def test_a_narrow_view_shows_every_place_without_moving_sideways(open_page: OpenPage, service: Service) -> None:
    service.run("greet")
    page = open_page(service)
    for width, height in [(360, 740), (320, 256)]:  # a telephone; 1280 by 1024 at 400 % (WCAG 1.4.10)
        page.set_viewport_size({"width": width, "height": height})
        for place in PLACES:
            page.goto(f"{service.url}/{place}")
            expect(page.locator(".loading")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth") == width, place
            assert page.locator("nav [aria-current]").evaluate_all(IN_ITS_STRIP), place
            assert page.locator(".tile > *").evaluate_all(UNCUT), place


def test_what_is_wrong_with_the_service_is_shown_to_who_comes_later_until_it_is_mended(
    open_page: OpenPage, service: Service
) -> None:
    page = open_page(service)
    service.config.write_text(f"{CONFIG}nonsense: 1\n")
    notice = page.locator("main .notice").filter(has_text="the configuration has faults, the old one stays in force")
    expect(notice).to_have_count(1)
    page.reload()
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text("nonsense: unknown key")
    assert faults_of(page) == []
    service.config.write_text(CONFIG)
    expect(notice).to_have_count(0)
    service.config.write_text(f"{CONFIG}nonsense: 2\n")
    expect(notice).to_have_count(1)
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)


def test_places_that_have_no_room_fade_out_on_their_side(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, viewport={"width": 360, "height": 740})
    places = page.get_by_role("navigation", name="Pages")
    expect(places).to_have_attribute("data-more", " after")
    places.evaluate("strip => strip.scrollBy(30, 0)")
    expect(places).to_have_attribute("data-more", "before after")
    page.goto(f"{service.url}/#/config")
    expect(page.get_by_role("link", name="Configuration")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(places).to_have_attribute("data-more", " ")
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.get_by_role("link", name="Configuration")).to_be_in_viewport(ratio=1)


FOCUS_HIDDEN = """() => {
  const focused = document.activeElement;
  const { left, top, right, bottom, width } = focused.getBoundingClientRect();
  if (focused === document.body || !width || focused.closest("header")) return null;
  const points = [[left + 2, top + 2], [right - 2, bottom - 2], [(left + right) / 2, (top + bottom) / 2]];
  const seen = points.some(([x, y]) => focused.contains(document.elementFromPoint(x, y)));
  return seen || focused.closest("label")?.contains(document.elementFromPoint(...points[2])) ? null : focused.outerHTML;
}"""


def test_what_has_the_focus_is_not_under_the_head(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, viewport={"width": 640, "height": 500})  # WCAG 2.4.11, at 200 %
    for place in ("#/", "#/runs", "#/scripts/greet/settings"):
        page.goto(f"{service.url}/{place}")
        expect(page.locator(".loading")).to_have_count(0)
        for key in ("Tab", "Shift+Tab"):
            for _ in range(40):
                page.keyboard.press(key)
                assert page.evaluate(FOCUS_HIDDEN) is None, place


def test_nothing_moves_by_itself_for_who_does_not_want_it(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, reduced_motion="reduce")
    service.run("gated")
    expect(page.get_by_role("row").filter(has_text="gated")).to_contain_text("Running")
    for place in PLACES:
        page.goto(f"{service.url}/{place}")
        expect(page.locator(".loading")).to_have_count(0)
        assert page.evaluate("document.getAnimations().length") == 0, place
        smooth = (
            "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).scrollBehavior === 'smooth').length"
        )
        assert page.evaluate(smooth) == 0, place


HIGHLIGHTED = """(element, part) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.background = "Highlight";
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return getComputedStyle(element, part).backgroundColor === backgroundColor;
}"""
DRAWN_IN_COLOUR = """async (canvas) => {
  const pixels = () => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const isColour = (value, index, all) =>
    index % 4 === 0 && Math.abs(value - all[index + 1]) + Math.abs(value - all[index + 2]) > 100;
  while (!canvas.width || !pixels().some(isColour)) await new Promise((resolve) => setTimeout(resolve, 50));
}"""


def test_what_colours_tell_is_told_in_forced_colours(open_page: OpenPage, service: Service) -> None:
    service.ended(service.run("greet"))
    page = open_page(service, place="#/scripts/greet", forced_colors="active")
    tabs = page.get_by_role("navigation", name="Views of greet")
    switch = page.get_by_role("switch")
    page.get_by_role("button", name="Pause live updates").click()
    for element, others in [
        (page.get_by_role("link", name="Overview"), page.get_by_role("link", name="Timeline")),
        (tabs.get_by_role("link", name="Runs"), tabs.get_by_role("link", name="Output")),
        (page.get_by_role("button", name="Resume live updates"), page.get_by_role("button", name="Find or do…")),
    ]:
        assert (element.evaluate(HIGHLIGHTED), others.evaluate(HIGHLIGHTED)) == (True, False)
    assert (switch.evaluate(HIGHLIGHTED), switch.evaluate(HIGHLIGHTED, "::before")) == (True, False)
    page.keyboard.press("Control+k")
    found = page.get_by_role("dialog").get_by_role("option")
    assert [found.nth(index).evaluate(HIGHLIGHTED) for index in (0, 1)] == [True, False]
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Timeline").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()  # else it is a picture of the place before
    page.locator("canvas").first.evaluate(DRAWN_IN_COLOUR)


def test_the_page_speaks_the_language_of_the_browser_or_the_one_that_is_chosen(
    open_page: OpenPage, service: Service
) -> None:
    page = open_page(service, locale="zh-TW", live="即時")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
    expect(page.get_by_role("link", name="總覽")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("從未執行")
    page.get_by_role("button", name="頁面偏好設定").click()
    page.get_by_label("語言").select_option("en")
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_theme_is_that_of_the_system_or_the_one_that_is_chosen(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, color_scheme="dark")
    dark = "rgb(15, 18, 22)"
    expect(page.locator("body")).to_have_css("background-color", dark)
    page.get_by_role("button", name="Settings of this page").click()
    page.get_by_label("Theme").select_option("light")
    expect(page.locator("body")).to_have_css("background-color", "rgb(245, 246, 248)")
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", "rgb(245, 246, 248)")


def test_scripts_are_found_run_and_left_by_keys_alone(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("greet nr")  # in a field, keys are text
    expect(page.get_by_text("No script fits.")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("team=ops")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/scripts/greet$"))
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("#/timeline$"))
    page.keyboard.press("Control+k")
    page.keyboard.type("gat")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/scripts/gated$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Go to the overview")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_in_viewport()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_have_accessible_name("Find or do")  # one at a time
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("switch").focus()  # which is no place to write into
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("#/$"))


def test_keys_can_be_switched_off(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    page.get_by_role("button", name="Settings of this page").click()
    page.get_by_label("Keyboard shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Find or do")).to_be_visible()
    expect(page).to_have_url(re.compile("/$"))


def test_a_paused_page_stands_still_and_catches_up(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    page.get_by_role("button", name="Pause live updates").click()
    expect(page.get_by_test_id("connection")).to_contain_text(re.compile("Paused.*data as of"))
    service.run("greet")
    service.run("broken")
    expect(page).to_have_title("1 failing · Cronscope")  # it is known, only not drawn
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Never ran")
    page.get_by_role("button", name="Resume live updates").click()
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")


LOOK_AWAY = """async () => {
  Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
  // What was drawn before has effects: charts are made in the next frame, and take their size in the one after that.
  for (let frames = 0; frames < 4; frames += 1)
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  window.requestAnimationFrame = () => 0; // as it is in a tab that is not shown
  window.changes = [];
  new MutationObserver((seen) => window.changes.push(...seen.map(({type, attributeName, target}) =>
    [type, attributeName, target.outerHTML ?? target.parentElement.outerHTML]))).observe(
    document.querySelector("main"), {subtree: true, childList: true, characterData: true, attributes: true});
}"""
LOOK_HERE = """() => {
  delete document.visibilityState;
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_draws_nothing_and_tells_the_worst_by_its_title(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    page.evaluate(LOOK_AWAY)
    service.run("gated")
    expect(page).to_have_title("1 running · Cronscope")
    service.run("broken")
    expect(page).to_have_title("1 failing · Cronscope")
    assert page.evaluate("changes") == []
    page.evaluate(LOOK_HERE)
    expect(page.get_by_role("row").filter(has_text="broken")).to_contain_text("Failed, exit 3")


def test_who_comes_back_is_told_what_failed_meanwhile(open_page: OpenPage, service: Service) -> None:
    service.ended(service.run("broken"))
    service.ended(service.run("greet"))
    left = [{"name": "cronscope.seen", "value": str(int((time.time() - 600) * 1000))}]
    page = open_page(service, storage_state={"origins": [{"origin": service.url, "localStorage": left}]})
    told = page.get_by_role("status").filter(has_text="Since you left at")
    expect(told).to_contain_text("1 run failed of broken")
    told.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"#/runs\?status=failed&since="))
    expect(page.get_by_role("row").filter(has_text="broken")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="greet")).to_have_count(0)
    page.go_back()
    page.get_by_role("button", name="Dismiss").click()
    expect(told).to_have_count(0)


def test_where_websockets_do_not_get_through_the_page_asks(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, live="Live, every 5 s", prepare=without_websockets)
    service.run("greet")
    expect(page.get_by_role("row").filter(has_text="greet")).to_contain_text("Completed")


def without_websockets(page: Page) -> None:
    page.route_web_socket("**/ws**", lambda socket: socket.close())


STANDS_AT = "['header', 'main', '.scripts'].map(name => document.querySelector(name).getBoundingClientRect().toJSON())"


def test_a_connection_that_is_lost_for_long_is_told_aloud(open_page: OpenPage, service: Service) -> None:
    page, narrow = open_page(service), open_page(service, viewport={"width": 360, "height": 740})
    before = [each.evaluate(STANDS_AT) for each in (page, narrow)]
    service.kill()
    expect(page.get_by_test_id("connection")).to_contain_text("data as of")
    page.get_by_role("button", name="Run greet").click()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    expect(page.get_by_role("alert")).to_contain_text("The connection to the service is lost.")
    expect(page).to_have_title("Not connected · Cronscope")
    expect(narrow.get_by_role("button", name="Retry now")).to_be_visible()
    assert [each.evaluate(STANDS_AT) for each in (page, narrow)] == before  # nothing moves under who reads
    service.start()
    page.evaluate("dispatchEvent(new Event('online'))")  # else it may wait half a minute
    expect(page.get_by_role("status")).to_contain_text("Connected again.")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(page.get_by_role("alert")).to_be_empty()


def test_grafana_is_a_step_away_where_its_address_is_known(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    link = page.get_by_role("link", name="Grafana")
    expect(link).to_have_attribute("href", "http://grafana.example:3000/d/cronscope-overview")


NOTIFYING = """
  window.notified = [];
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, { body }) { window.notified.push([title, body]); }
  };
"""


def test_who_looks_elsewhere_is_notified_of_a_failure_if_wished(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, prepare=lambda page: page.add_init_script(NOTIFYING))
    page.get_by_role("button", name="Settings of this page").click()
    page.get_by_label("Notify me when a script fails").check()
    service.ended(service.run("broken"))
    expect(page).to_have_title("1 failing · Cronscope")
    assert page.evaluate("notified") == []  # the reader sees it
    page.evaluate(LOOK_AWAY)
    service.ended(service.run("greet"))
    service.ended(service.run("broken"))
    page.wait_for_function("notified.length")
    assert page.evaluate("notified") == [["broken", "Failed, exit 3"]]


def test_a_failure_is_told_to_screen_readers_once(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    service.run("broken")
    expect(page.get_by_role("status")).to_contain_text("broken failed. Failing now: 1.")


def test_a_part_that_could_not_be_loaded_is_tried_again(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, prepare=lambda page: page.route(TIMELINE, lambda route: route.abort()))
    page.get_by_role("link", name="Timeline").click()
    expect(page.get_by_role("button", name="Reload the page")).to_be_visible()
    page.unroute(TIMELINE)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()


TIMELINE = "**/assets/Timeline*"
ALL_LOADED = """async () => {
  const largest = () => performance.getEntriesByType("resource").some(({name}) => /Comparison-[^/]*js$/.test(name));
  while (!largest()) await new Promise((resolve) => setTimeout(resolve, 50));
}"""


def test_every_part_can_be_opened_while_the_service_is_away(open_page: OpenPage, service: Service) -> None:
    page = open_page(service)
    page.evaluate(ALL_LOADED)
    service.kill()
    for place in PLACES:
        page.goto(f"{service.url}/{place}")
        expect(page.get_by_text("could not be loaded")).to_have_count(0)
        expect(page.locator("main")).not_to_have_text("Loading…")
        expect(page.locator("main")).not_to_be_empty()
