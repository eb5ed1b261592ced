"""The timeline: the last day and the next hours, a lane for each script."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.page.history import PastRun, remember
from tests.service import Service, until

CONFIG = """\
scripts:
  - name: greet
    command: echo hello
    cron: "0 * * * *"
    timezone: UTC
  - name: gated
    command: read go < gate; exit 3
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


@pytest.fixture
def page(open_page: OpenPage, service: Service) -> Page:
    return open_page(service, "#/timeline")


def now() -> int:
    return int(time.time() * 1000)


def run_link(page: Page) -> Locator:
    """The run that the keys are at."""
    return page.locator("figure").get_by_role("link", name=re.compile(": (Running|Completed|Failed|Timed out|Skipped)"))


def hours_shown(page: Page) -> str | None:
    return page.get_by_role("figure", name=re.compile("^Runs from")).get_attribute("aria-label")


def as_table(page: Page) -> Locator:
    page.get_by_role("button", name=re.compile("As a table$")).click()
    return page.get_by_role("region", name=re.compile("^Runs from")).get_by_role("row")


def middle_of(link: Locator) -> tuple[float, float]:
    """Of a run that takes a good part of what is seen: it is drawn some time after the range was chosen."""
    box = until(link.bounding_box, lambda box: box is not None and box["width"] > 100)
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def only(page: Page, name: str) -> None:
    page.get_by_label("Filter by name").fill(name)
    expect(page.locator("figure").get_by_role("listitem")).to_have_count(1)


def test_a_run_comes_and_ends_as_it_happens_and_the_keyboard_leads_to_its_output(page: Page, service: Service) -> None:
    only(page, "gated")
    run_id = service.run("gated")
    expect(run_link(page)).to_have_accessible_name(re.compile("^gated, .*: Running$"))
    (service.folder / "gate").write_text("go\n")
    expect(run_link(page)).to_have_accessible_name(re.compile("^gated, .*: Failed, exit 3, "))
    page.get_by_role("link", name="gated", exact=True).focus()
    page.keyboard.press("Tab")
    expect(run_link(page)).to_be_focused()
    expect(page.get_by_text("Show the output")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#/scripts/gated/output/{run_id}$"))


def test_the_link_to_a_run_is_there_where_the_run_is(page: Page, service: Service) -> None:
    only(page, "gated")
    page.evaluate("""() => {
        window.seen = new Promise((told) => {
            const look = () => {
                const link = document.querySelector("a.cursor");
                if (link) told(link.getBoundingClientRect().width);
            };
            new MutationObserver(look).observe(document.querySelector(".lanes"), {childList: true});
        });
    }""")
    expect(run_link(page)).to_have_count(0)
    service.run("gated")
    assert page.evaluate("seen") >= 12


def test_keys_walk_through_runs_and_lanes(page: Page, service: Service) -> None:
    remember(
        service, [PastRun("greet", now() - age * MINUTE) for age in (30, 60)] + [PastRun("gated", now() - 58 * MINUTE)]
    )
    page.reload()
    expect(run_link(page)).to_have_accessible_name(re.compile("^greet"))
    run_link(page).focus()
    latest = run_link(page).get_attribute("aria-label")
    page.keyboard.press(",")
    expect(run_link(page)).not_to_have_accessible_name(str(latest))
    page.keyboard.press("ArrowDown")
    expect(run_link(page)).to_have_accessible_name(re.compile("^gated"))
    page.keyboard.press("ArrowUp")
    expect(run_link(page)).to_have_accessible_name(re.compile("^greet"))
    expect(run_link(page)).to_be_focused()


def test_a_start_that_was_skipped_tells_why(page: Page) -> None:
    only(page, "busy")
    expect(as_table(page).filter(has_text="Skipped: still running").first).to_be_visible()
    page.get_by_role("button", name=re.compile("As a chart$")).click()
    expect(run_link(page)).to_be_attached()
    run_link(page).focus()
    for _ in range(2):  # from the run to what came after it
        page.keyboard.press(".")
    detail = page.locator(".detail")
    expect(detail).to_contain_text("Skipped: still running")
    expect(detail).to_contain_text("Planned for")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()


def test_what_is_pointed_at_is_told_and_a_press_leads_there(page: Page, service: Service) -> None:
    start = now() - 30 * MINUTE
    remember(service, [PastRun("greet", start, "failed", "timeout", 25 * MINUTE)])
    page.reload()
    page.get_by_role("button", name="1 h", exact=True).click()
    only(page, "greet")
    expect(run_link(page)).to_have_accessible_name(re.compile("Timed out"))
    middle = middle_of(run_link(page))
    detail = page.locator(".detail")
    page.mouse.move(*middle)
    expect(detail).to_contain_text("Timed out")
    expect(detail).to_contain_text("25 min")
    page.keyboard.press("Escape")  # out of the filter
    day = page.get_by_role("button", name="24 h", exact=True)
    page.keyboard.press("0")  # it is drawn elsewhere then, and the mouse is where it was
    expect(day).to_have_attribute("aria-pressed", "true")
    expect(detail).to_be_hidden()
    page.get_by_role("button", name="1 h", exact=True).click()
    page.mouse.move(*middle)
    expect(detail).to_contain_text("Timed out")
    page.mouse.click(*middle)
    expect(page).to_have_url(re.compile("#/scripts/greet/output/0{26}$"))


def test_keys_buttons_and_the_wheel_zoom_and_pan(page: Page) -> None:
    day, hour = (page.get_by_role("button", name=name, exact=True) for name in ("24 h", "1 h"))
    expect(hour).to_have_attribute("aria-pressed", "true")  # nothing is older
    day.click()
    expect(day).to_have_attribute("aria-pressed", "true")
    whole = hours_shown(page)
    page.keyboard.press("+")
    expect(day).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("figure", name=str(whole))).to_have_count(0)
    page.keyboard.press("0")
    expect(day).to_have_attribute("aria-pressed", "true")
    hour.click()
    expect(hour).to_have_attribute("aria-pressed", "true")

    present = page.get_by_role("button", name="Now", exact=True)
    expect(present).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(present).to_be_enabled()
    earlier = hours_shown(page)
    page.get_by_role("button", name="Later").click()
    expect(page.get_by_role("figure", name=str(earlier))).to_have_count(0)
    present.click()
    expect(hour).to_have_attribute("aria-pressed", "true")

    box = page.locator("canvas").last.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(present).to_be_enabled()
    zoomed = hours_shown(page)
    page.mouse.down()
    page.mouse.move(middle[0] + 200, middle[1], steps=4)
    page.mouse.up()
    expect(page.get_by_role("figure", name=str(zoomed))).to_have_count(0)


def test_the_runs_in_view_can_be_read_as_a_table(page: Page, service: Service) -> None:
    runs = [PastRun("greet", now() - 3 * 60 * MINUTE), PastRun("gated", now() - 5 * MINUTE, "failed", "signal")]
    remember(
        service,
        [*runs, PastRun("greet", now() - 25 * 60 * MINUTE), PastRun("greet", now() - 9 * MINUTE, "skipped", "missed")],
    )
    page.reload()
    page.get_by_label("Filter by name").fill("g")
    page.get_by_role("button", name="6 h", exact=True).click()
    rows = as_table(page)
    greet = rows.filter(has_text="greet").filter(has_text="Completed")
    expect(greet).to_have_count(1)
    expect(rows.filter(has_text="Missed: service was down")).to_have_count(1)
    page.get_by_role("button", name="Only failures").click()
    expect(greet).to_have_count(0)
    expect(rows.filter(has_text="gated")).to_have_count(1)
    assert service.fetch("/api/v1/logs/gated", method="DELETE")[0] == 200
    expect(rows.filter(has_text="gated")).to_have_count(0)
    expect(rows.filter(has_text="greet")).to_have_count(1)


def test_planned_starts_are_shown_where_the_pointer_is(page: Page) -> None:
    only(page, "greet")
    page.get_by_role("button", name="24 h", exact=True).click()
    box = page.locator("canvas").last.bounding_box()
    assert box is not None
    detail = page.locator(".detail")
    for x in range(int(box["x"] + box["width"] * 0.82), int(box["x"] + box["width"]), 3):
        page.mouse.move(x, box["y"] + box["height"] / 2)
        if detail.is_visible() and "Planned start" in detail.inner_text():
            break
    expect(detail).to_contain_text("every hour")
    expect(detail).to_contain_text(re.compile(r"in \d+ (s|h|min)"))


def test_fingers_zoom_move_and_scroll(open_page: OpenPage, service: Service) -> None:
    page = open_page(
        service, "#/timeline", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True,
        reduced_motion="reduce",
    )  # fmt: skip
    expect(page.get_by_text("pinch to zoom")).to_be_visible()
    box = page.locator(".lanes canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 40
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    day = page.get_by_role("button", name="24 h", exact=True)
    day.tap()
    touch("touchStart", (x, y))
    touch("touchMove", (x + 60, y))
    touch("touchEnd")
    expect(day).to_have_attribute("aria-pressed", "true")  # there is nothing further

    touch("touchStart", (x - 30, y))
    touch("touchStart", (x - 30, y), (x + 30, y + 10))
    for step in range(1, 6):
        touch("touchMove", (x - 30 - 12 * step, y), (x + 30 + 12 * step, y + 10))
    touch("touchEnd")
    expect(day).to_have_attribute("aria-pressed", "false")
    zoomed = hours_shown(page)
    assert page.evaluate("visualViewport.scale") == 1
    touch("touchStart", (x, y))
    touch("touchMove", (x - 40, y))
    touch("touchMove", (x - 80, y))
    touch("touchEnd")
    expect(page.get_by_role("figure", name=str(zoomed))).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
