"""The output of a run: live, however long, and to be searched, copied and linked to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenPage
from tests.service import Service, until

CONFIG = r"""
scripts:
  - name: clock
    command: for i in $(seq 40); do date +%s%3N; sleep 0.1; done
  - name: said
    command: 'exec 3<>said; while read -r line <&3 && [ "$line" != end ]; do echo "$line"; done'
  - name: million
    command: seq 1000000
    max_output: 100MiB
  - name: needles
    command: for i in 1 2 3; do echo "A Needle, $i"; seq 2000; done
  - name: wide
    command: seq 300; echo "$(seq -s ' ' 500) needle"; seq 300
  - name: colours
    command: |
      printf 'plain \033[1;31mred\033[0m \033]0;title\007\033[2Jcleared\n'
      echo '<b>bold?</b> &amp; <script>throw 1</script>'
      echo 'went wrong' >&2
      exit 3
  - name: dropped
    command: seq 100000
    max_output: 64KiB
  - name: silent
    command: "true"
  - name: prompt
    command: 'exec 3<>said; while IFS= read -r part <&3 && [ "$part" != end ]; do printf %b "$part"; done'
  - name: unstartable
    command: [/nonexistent/program]
  - name: late
    command: sleep 60
    timeout: 1s
"""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    os.mkfifo(service.folder / "said")
    return service


def open_output(open_page: OpenPage, service: Service, name: str, more: str = "", **options: object) -> Page:
    return open_page(service, f"#/scripts/{name}/output{more}", **options)


def ran(service: Service, name: str) -> str:
    """The id of a new run, once it has ended."""
    return str(service.ended(service.run(name))["run_id"])


def lines(page: Page) -> Locator:
    return page.get_by_role("region", name="Output of the run")


def line(page: Page, number: int) -> Locator:
    """A line that is drawn, by the number that is shown."""
    link = page.get_by_role("link", name=str(number), exact=True)
    return page.locator(".output-line").filter(has=link)


def search(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search the output")


def first_in_view(page: Page) -> int:
    number: int = page.evaluate(
        """() => {
          const top = document.querySelector(".output-lines").getBoundingClientRect().top;
          const shown = [...document.querySelectorAll(".output-line")];
          return Number(shown.find((line) => line.getBoundingClientRect().bottom > top + 2).firstChild.textContent);
        }"""
    )
    return number


def drawn(page: Page) -> int:
    return page.locator(".output-line").count()


def gate(service: Service) -> IO[str]:
    """Whatever is written here, `said` says."""
    return Path(service.folder / "said").open("w", buffering=1)


def test_what_a_script_writes_appears_at_once(open_page: OpenPage, service: Service) -> None:
    page = open_output(open_page, service, "clock")
    expect(page.get_by_text("has not run yet")).to_be_visible()
    page.evaluate(
        """() => {
          window.delays = new Map();
          new MutationObserver(() => {
            for (const text of document.querySelectorAll(".output-line .text")) {
              if (!delays.has(text.textContent)) delays.set(text.textContent, Date.now() - Number(text.textContent));
            }
          }).observe(document.body, { childList: true, subtree: true, characterData: true });
        }"""
    )
    page.get_by_role("button", name="Run it now").click()
    expect(line(page, 40)).to_be_visible()
    delays = sorted(page.evaluate("[...delays.values()].slice(10)"))
    assert len(delays) == 30
    assert delays[15] < 150, delays  # the median: the slowest are told by what else the machine does


def test_a_million_lines_are_at_hand_but_few_are_drawn(open_page: OpenPage, service: Service) -> None:
    ran(service, "million")
    page = open_output(open_page, service, "million")
    expect(line(page, 1_000_000)).to_contain_text("1000000")

    lines(page).evaluate("element => element.scrollTop = element.scrollHeight / 2")
    until(lambda: first_in_view(page), lambda number: abs(number - 500_000) < 1_000)
    middle = first_in_view(page)
    expect(line(page, middle + 5)).to_contain_text(str(middle + 5))

    lines(page).hover()
    page.mouse.wheel(0, 60)  # three lines, though the scroll bar cannot tell them apart
    until(lambda: first_in_view(page), lambda number: number == middle + 3)
    lines(page).focus()
    page.keyboard.press("ArrowUp")
    until(lambda: first_in_view(page), lambda number: number == middle + 2)

    page.get_by_role("spinbutton", name="Go to line").fill("777777")
    page.keyboard.press("Enter")
    expect(line(page, 777_777)).to_be_in_viewport()
    expect(line(page, 777_777)).to_contain_text("777777")
    assert drawn(page) < 200


def test_scrolling_through_a_million_lines_keeps_the_pace(open_page: OpenPage, service: Service) -> None:
    ran(service, "million")
    page = open_output(open_page, service, "million", "?line=300001")
    expect(line(page, 300_001)).to_be_in_viewport()
    first = first_in_view(page)
    frames = page.evaluate(
        """async () => {
          const element = document.querySelector(".output-lines");
          const times = [];
          for (let step = 0; step < 120; step++) {
            element.scrollTop += 250;
            element.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}));
            times.push(await new Promise(requestAnimationFrame));
          }
          return times.slice(1).map((time, index) => time - times[index]).sort((one, other) => one - other);
        }"""
    )
    pixels = 120 * (250 + 20)
    until(lambda: first_in_view(page), lambda number: abs(number - first - pixels / 20) <= 1)
    assert frames[60] < 50, frames  # half of them, so that a machine which is busy for a moment is no reproach
    assert drawn(page) < 200


def test_who_scrolls_up_is_let_read_and_told_of_new_lines(open_page: OpenPage, service: Service) -> None:
    service.run("said")
    page = open_output(open_page, service, "said")
    with gate(service) as say:
        say.write("".join(f"line {number}\n" for number in range(1, 101)))
        expect(line(page, 100)).to_be_in_viewport()
        lines(page).hover()
        page.mouse.wheel(0, -400)
        expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
        expect(line(page, 100)).not_to_be_in_viewport()
        before = first_in_view(page)
        say.write("".join(f"line {number}\n" for number in range(101, 138)))
        expect(page.get_by_role("button", name="37 new lines")).to_be_visible()
        assert first_in_view(page) == before

        page.get_by_role("button", name="37 new lines").click()
        expect(line(page, 137)).to_be_in_viewport()
        say.write("one more\n")
        expect(line(page, 138)).to_be_in_viewport()
        expect(page.get_by_role("button", name=re.compile("new line"))).to_be_hidden()

        page.get_by_role("button", name="Stop this run").click()
        expect(page.get_by_role("main")).to_contain_text("Stopped")


def test_no_line_is_lost_where_the_service_is_killed_meanwhile(open_page: OpenPage, service: Service) -> None:
    service.run("said")
    page = open_output(open_page, service, "said", viewport={"width": 1000, "height": 6000})
    with gate(service) as say:
        say.write("".join(f"{number}\n" for number in range(1, 81)))
        expect(line(page, 80)).to_be_visible()
        service.kill()
        say.write("".join(f"{number}\n" for number in range(81, 161)))
        expect(page.get_by_test_id("connection")).not_to_have_text("Live")
        service.start()
        say.write("".join(f"{number}\n" for number in range(161, 241)) + "end\n")
    expect(page.get_by_role("main")).to_contain_text("Completed")
    expect(page.locator(".output-line .text")).to_have_text([str(number) for number in range(1, 241)])


def test_lines_come_by_requests_where_web_sockets_do_not_get_through(open_page: OpenPage, service: Service) -> None:
    service.run("said")
    page = open_output(
        open_page, service, "said", live="Live, every 5 s",
        prepare=lambda page: page.route_web_socket("**/ws*", lambda socket: socket.close()),
    )  # fmt: skip
    with gate(service) as say:
        say.write("without a socket\n")
        expect(line(page, 1)).to_contain_text("without a socket")


def test_the_search_goes_through_the_whole_output_in_both_directions(open_page: OpenPage, service: Service) -> None:
    ran(service, "needles")
    page = open_output(open_page, service, "needles")
    expect(line(page, 6_003)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("needle")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3")).to_be_visible()
    expect(line(page, 1).locator("mark")).to_have_text("Needle")
    for key, count, number in [("Enter", "2 of 3", 2002), ("Enter", "3 of 3", 4003), ("Enter", "1 of 3", 1),
                               ("Shift+Enter", "3 of 3", 4003), ("Shift+Enter", "2 of 3", 2002)]:  # fmt: skip
        page.keyboard.press(key)
        expect(page.get_by_text(count)).to_be_visible()
        expect(line(page, number)).to_be_in_viewport()
    search(page).fill("haystack")
    expect(page.get_by_text("No match")).to_be_visible()

    ran(service, "wide")
    page.goto(f"{service.url}/#/scripts/wide/output")
    expect(line(page, 601)).to_be_visible()
    search(page).fill("needle")
    expect(line(page, 301).locator("mark")).to_be_in_viewport()
    search(page).fill("1 2 3")
    expect(line(page, 301).locator("mark").first).to_be_in_viewport()


HOLD_OUTPUT = """
const held = new Promise((resolve) => (window.release = resolve)), fetched = window.fetch;
window.fetch = async (url, ...more) => {
  if (String(url).includes("/output?")) await held;
  return fetched(url, ...more);
};
"""


def test_a_link_leads_to_a_line_and_lines_can_be_copied(open_page: OpenPage, service: Service) -> None:
    run_id = ran(service, "needles")
    page = open_output(
        open_page, service, "needles", permissions=["clipboard-read", "clipboard-write"],
        prepare=lambda page: page.add_init_script(HOLD_OUTPUT),
    )  # fmt: skip
    page.get_by_role("spinbutton", name="Go to line").fill("2002")
    page.keyboard.press("Enter")  # before there is any line
    page.evaluate("release()")
    expect(page).to_have_url(re.compile(f"/output/{run_id}\\?line=2002$"))
    page.reload()
    page.evaluate("release()")
    expect(line(page, 2002)).to_be_in_viewport()
    expect(line(page, 2002).get_by_role("link")).to_have_attribute("aria-current", "true")

    line(page, 2004).get_by_role("link").click(modifiers=["Shift"])
    page.get_by_role("button", name="Copy 3 lines").click()
    expect(page.get_by_text("Copied: 3 lines.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "A Needle, 2\n1\n2\n"

    line(page, 2000).get_by_role("link").click()
    expect(page).to_have_url(re.compile("line=2000$"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().count("\n") == 6_003


def test_colours_are_obeyed_and_everything_else_is_text(open_page: OpenPage, service: Service) -> None:
    ran(service, "colours")
    page = open_output(open_page, service, "colours")
    expect(line(page, 1).locator(".text")).to_have_text("plain red cleared")
    expect(page.get_by_text("red", exact=True)).to_have_css("font-weight", "700")
    colours = [
        page.get_by_text(text, exact=True).evaluate("e => getComputedStyle(e).color") for text in ("red", "Wrap")
    ]
    assert colours[0] != colours[1]
    search(page).fill("n red c")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    expect(line(page, 1).locator("mark")).to_have_text(["n ", "red", " c"])
    expect(line(page, 2).locator(".text")).to_have_text("<b>bold?</b> &amp; <script>throw 1</script>")
    expect(line(page, 3)).to_contain_text("errwent wrong")
    expect(line(page, 3).get_by_title("standard error")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Exit code3")

    page.get_by_role("combobox", name="Streams").select_option("Standard error")
    expect(page.locator(".output-line .text")).to_have_text(["went wrong"])


def test_what_is_not_there_is_said(open_page: OpenPage, service: Service) -> None:
    ran(service, "silent")
    page = open_output(open_page, service, "silent")
    expect(page.get_by_text("This run has written nothing.")).to_be_visible()
    page.goto(f"{service.url}/#/scripts/silent/output/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    expect(page.get_by_text("no longer kept")).to_be_visible()

    ran(service, "dropped")
    page.goto(f"{service.url}/#/scripts/dropped/output")
    expect(page.get_by_text("were not kept")).to_be_visible()
    expect(line(page, 100_000)).to_be_in_viewport()
    page.get_by_role("spinbutton", name="Go to line").fill("50000")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("lines dropped here"))).to_be_in_viewport()
    expect(page.get_by_text("Line 50,000 was not kept")).to_be_visible()
    page.goto(f"{service.url}/#/")
    page.goto(f"{service.url}/#/scripts/dropped/output?line=50000")
    expect(page.get_by_text("Line 50,000 was not kept")).to_be_visible()
    expect(page.locator(".output-line [aria-current]")).to_be_in_viewport()
    expect(page.get_by_text(re.compile("lines dropped here"))).to_be_in_viewport()
    expect(page.get_by_role("button", name="Copy line 50000")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("line=50000"))
    page.get_by_role("spinbutton", name="Go to line").fill("100001")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The output ends at line 100,000.")).to_be_visible()
    expect(line(page, 100_000)).to_be_in_viewport()


def test_everything_is_done_by_keys_on_a_narrow_screen(open_page: OpenPage, service: Service) -> None:
    first = ran(service, "needles")
    ran(service, "needles")
    page = open_output(
        open_page, service, "needles", viewport={"width": 360, "height": 740}, locale="zh-TW", live="即時"
    )
    expect(line(page, 6_003)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.keyboard.press("Home")
    until(lambda: first_in_view(page), lambda number: number == 1)
    page.keyboard.press("PageDown")
    until(lambda: first_in_view(page), lambda number: 1 < number < 100)
    page.get_by_role("button", name="更多工具").press("Enter")
    for pressed in ("true", "false", "true"):  # so narrow, lines are wrapped unless the reader wants otherwise
        expect(page.get_by_role("button", name="自動換行")).to_have_attribute("aria-pressed", pressed)
        page.keyboard.press("w")
    page.keyboard.press("End")
    expect(line(page, 6_003)).to_be_visible()
    page.get_by_role("button", name="較舊的執行").press("Enter")
    expect(page).to_have_url(re.compile(f"{first}$"))
    expect(page.get_by_role("button", name="較新的執行")).to_be_enabled()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1280, 900), (360, 740)])
def test_the_end_and_the_tools_are_in_the_window_at_once(
    open_page: OpenPage, service: Service, width: int, height: int
) -> None:
    ran(service, "needles")
    page = open_output(open_page, service, "needles", viewport={"width": width, "height": height})
    expect(line(page, 6_003)).to_be_in_viewport(ratio=0.95)  # its edges are between pixels
    for place in (
        page.get_by_role("link", name="Output"), search(page), page.get_by_role("button", name="Copy all"),
    ):  # fmt: skip
        expect(place).to_be_in_viewport(ratio=1)
    assert page.evaluate("[document.documentElement.scrollHeight, innerHeight]") == [height, height]


def test_a_line_that_grows_is_seen_and_written_over_as_in_a_terminal(open_page: OpenPage, service: Service) -> None:
    service.run("prompt")
    page = open_output(open_page, service, "prompt")
    text = page.locator(".output-line .text")
    with gate(service) as say:
        say.write(r"first\n 7% [#   ]" + "\n")
        expect(text).to_have_text(["first", " 7% [#   ]"])
        expect(page.locator(".unfinished .number")).to_have_text("")
        say.write(r"\r50% [##  ]" + "\n")
        expect(text).to_have_text(["first", "50% [##  ]"])
        say.write(r"\r99% [### ]\r\nContinue? " + "\n")
        expect(text).to_have_text(["first", "99% [### ]", "Continue? "])
        expect(line(page, 2)).to_contain_text("99% [### ]")

        page.reload()  # whoever comes later sees it, too
        expect(text).to_have_text(["first", "99% [### ]", "Continue? "])
        page.get_by_role("combobox", name="Streams").select_option("Standard output")
        expect(text).to_have_text(["first", "99% [### ]", "Continue? "])
        page.get_by_role("combobox", name="Streams").select_option("Standard error")
        expect(page.get_by_text("Nothing written yet.")).to_be_visible()
        page.get_by_role("combobox", name="Streams").select_option("Both streams")
        say.write("yes\nend\n")
    expect(page.get_by_role("main")).to_contain_text("Completed")
    expect(text).to_have_text(["first", "99% [### ]", "Continue? yes"])
    expect(page.locator(".unfinished")).to_have_count(0)


def test_while_the_page_is_paused_the_output_stands_still(open_page: OpenPage, service: Service) -> None:
    service.run("said")
    page = open_output(open_page, service, "said")
    with gate(service) as say:
        say.write("".join(f"{number}\n" for number in range(1, 101)))
        expect(line(page, 100)).to_be_in_viewport()
        page.keyboard.press("p")
        expect(page.get_by_test_id("connection")).to_contain_text("Paused")
        say.write("".join(f"{number}\n" for number in range(101, 201)))
        page.keyboard.press("Home")
        search(page).fill("9")
        expect(page.get_by_text("of 19")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("End")
        expect(line(page, 100)).to_be_in_viewport()
        expect(page.get_by_text("new line")).to_be_hidden()
        assert page.locator(".output-line").last.locator(".text").text_content() == "100"
        page.keyboard.press("p")
        expect(line(page, 200)).to_be_in_viewport()


def test_what_became_of_a_run_is_said_in_a_sentence(open_page: OpenPage, service: Service) -> None:
    for name in ("unstartable", "late"):
        ran(service, name)
    page = open_output(open_page, service, "unstartable")
    expect(page.get_by_text("could not be started. The reason is below.")).to_be_visible()
    expect(line(page, 1)).to_contain_text("/nonexistent/program: no such file")
    page.goto(f"{service.url}/#/scripts/late/output")
    expect(page.get_by_text("was stopped after 1.")).to_be_visible()


def test_an_output_that_is_deleted_meanwhile_is_said_to_be(open_page: OpenPage, service: Service) -> None:
    run_id = ran(service, "million")
    page = open_output(open_page, service, "million", f"/{run_id}")
    expect(line(page, 1_000_000)).to_be_visible()
    service.fetch("/api/v1/logs/million", method="DELETE")
    expect(page.get_by_text("This run and its output have been deleted.")).to_be_visible()
    expect(page.locator(".output-line")).to_have_count(0)
    page.get_by_role("button", name="Show the latest run").click()
    expect(page.get_by_text("No run of this script is kept.")).to_be_visible()


def open_to_copy(open_page: OpenPage, service: Service) -> Page:
    """A million lines, of which one in the middle is chosen."""
    ran(service, "million")
    return open_output(
        open_page, service, "million", "?line=1000", permissions=["clipboard-read", "clipboard-write"]
    )  # fmt: skip


def test_what_is_selected_and_chosen_is_copied_though_few_lines_are_drawn(
    open_page: OpenPage, service: Service
) -> None:
    page = open_to_copy(open_page, service)
    text = line(page, 1001).locator(".text")
    expect(text).to_have_text("1001")
    box = text.bounding_box()
    assert box is not None
    character = box["width"] / 4
    page.mouse.move(box["x"] + 2 * character, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 * character, box["y"] + 28)
    for _ in range(6):
        page.mouse.wheel(0, 500)
    expect(line(page, 1001)).to_have_count(0)
    page.mouse.move(box["x"] + 2 * character, box["y"] + 9, steps=3)
    page.mouse.up()
    page.keyboard.press("Control+c")
    expect(page.get_by_text(re.compile("Copied: 1[0-9][0-9] lines"))).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    last = 1000 + len(copied)
    assert copied == ["01", *map(str, range(1002, last)), str(last)[:2]]

    lines(page).focus()
    page.mouse.click(box["x"] + 300, box["y"])
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied: 1,000,000 lines.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 1_000_000


def test_where_one_clicked_is_not_copied_in_place_of_the_lines_that_are_chosen(
    open_page: OpenPage, service: Service
) -> None:
    page = open_to_copy(open_page, service)
    line(page, 1001).locator(".text").click()
    page.mouse.wheel(0, 3000)
    expect(line(page, 1001)).to_have_count(0)
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied: 1 line.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "1000\n"
