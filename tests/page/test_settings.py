"""A script's settings, its schedule, and new scripts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from exporter.config import load
from tests.page.conftest import OpenPage, faults_of
from tests.service import Service, until

CONFIG = """\
timezone: Europe/Berlin
retention: {days: 90}
scripts:
  - name: backup  # nightly
    command: echo done
    cron: "15 3 * * *"  # before the sync
    timeout: 10m
    env: {LANG: C.UTF-8}
  - name: gated
    command: read go < gate
"""
SETTINGS = "#/scripts/backup/settings"

SLOW_ANSWERS = """\
const ask = window.fetch;
window.fetch = async (path, options) => {
  const answer = await ask(path, options);
  const heard = () => document.body.textContent.includes("was removed from the configuration");
  while (answer.ok && options.method === "PATCH" && !heard()) await new Promise(requestAnimationFrame);
  return answer;
};
"""
"""The page hears of a script's end by the stream before the answer to its renaming."""


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(CONFIG)


@pytest.fixture
def page(open_page: OpenPage, service: Service) -> Page:
    return open_page(service, SETTINGS, timezone_id="Asia/Taipei")


def field(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def change(service: Service, changes: dict[str, object], name: str = "backup") -> None:
    """Someone else's change."""
    body = json.dumps(changes).encode()
    status, _, answer = service.fetch(f"/api/v1/scripts/{name}", method="PATCH", body=body)
    assert status == 200, answer


def config_of(service: Service, name: str) -> dict[str, object]:
    config: dict[str, object] = service.get(f"/api/v1/scripts/{name}")["config"]
    return config


def expect_saved(page: Page) -> None:
    expect(page.get_by_text("All changes are saved.")).to_be_visible()


def expect_fault(control: Locator, text: str) -> None:
    """What is wrong stands at the field, which has the focus."""
    expect(control).to_be_focused()
    expect(control).to_have_attribute("aria-invalid", "true")
    expect(control).to_have_accessible_description(re.compile(text))


def test_a_schedule_is_told_while_it_is_typed_and_saved_with_the_comments_kept(page: Page, service: Service) -> None:
    starts = page.get_by_role("region", name="Next starts")
    expect(page.get_by_text("At 03:15 every day (Europe/Berlin)")).to_be_visible()
    expect(starts.get_by_role("row")).to_have_count(6)
    expect(starts.get_by_role("columnheader").nth(0)).to_have_text("Script’s clock (Europe/Berlin)")
    expect(starts.get_by_role("columnheader").nth(1)).to_have_text("Your clock (Asia/Taipei)")

    field(page, "Cron expression").fill("30 6 * * MON-FRI")
    expect(page.get_by_text("At 06:30 on Monday through Friday (Europe/Berlin)")).to_be_visible()
    expect(starts).to_contain_text("06:30:00")
    expect(page.get_by_text("1 unsaved")).to_be_visible()
    page.keyboard.press("Control+s")
    expect_saved(page)
    assert 'cron: "30 6 * * MON-FRI"  # before the sync' in service.config.read_text().replace("'", '"')
    assert "name: backup  # nightly" in service.config.read_text()

    page.goto(f"{service.url}/#/")
    expect(page.get_by_role("row").filter(has_text="backup")).to_contain_text("At 06:30 on Monday through Friday")


def test_every_kind_of_schedule_can_be_chosen(page: Page, service: Service) -> None:
    page.get_by_role("radio", name="Interval").check()
    field(page, "Every").fill("90")
    page.get_by_label("Unit").select_option("minutes")
    expect(page.get_by_text("Every 1 hour 30 minutes")).to_be_visible()
    button(page, "Save").click()
    expect_saved(page)
    assert config_of(service, "backup")["every"] == "90m"

    page.get_by_role("radio", name="Once").check()
    field(page, "Date and time").fill("2037-07-01T09:00")
    expect(page.get_by_text("Once at 2037-07-01 09:00:00+02:00")).to_be_visible()
    button(page, "Save").click()
    expect_saved(page)
    assert config_of(service, "backup")["at"] == "2037-07-01T09:00:00+02:00"

    page.get_by_role("radio", name="By hand").check()
    button(page, "Save").click()
    expect_saved(page)
    assert service.get("/api/v1/scripts/backup")["schedule"]["kind"] == "manual"


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(page: Page, service: Service) -> None:
    before = service.config.read_text()
    cron, timeout = field(page, "Cron expression"), field(page, "Timeout")
    cron.fill("61 * * * *")
    expect(cron).to_have_accessible_description(re.compile("minute"))
    cron.fill("15 4 * * *")
    timeout.fill("ten minutes")
    field(page, "Success age limit").fill("soon")
    button(page, "Save").click()
    expect_fault(timeout, "expected a duration")
    expect(field(page, "Success age limit")).to_have_accessible_description(re.compile("expected a duration"))
    expect(cron).to_have_value("15 4 * * *")
    assert service.config.read_text() == before

    variable = page.get_by_placeholder("Variable").last
    variable.fill("1ST")
    page.get_by_label("Value of 1ST").fill("x")
    field(page, "Days").fill("many")
    timeout.fill("20m")
    field(page, "Success age limit").fill("")
    button(page, "Save").click()
    bad = page.locator("input[aria-invalid=true]")
    expect_fault(bad.first, "1ST: expected a variable name")
    expect(bad.last).to_have_accessible_description(re.compile("days: expected a number above 0"))
    expect(bad).to_have_count(2)
    button(page, "Remove 1ST").click()
    field(page, "Days").fill("")
    timeout.press("Enter")
    expect_saved(page)
    assert config_of(service, "backup") == {
        "name": "backup", "command": "echo done", "cron": "15 4 * * *", "timeout": "20m", "env": {"LANG": "C.UTF-8"},
    }  # fmt: skip


def test_unsaved_changes_are_not_left_by_accident(page: Page) -> None:
    expect(page).to_have_title("backup · Cronscope")
    field(page, "Description").fill("Nightly dump")
    expect(page).to_have_title("● backup · Cronscope")
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.get_by_role("link", name="Overview").click()
    assert asked.value.message == "There are unsaved changes in the settings. Leave them?"
    expect(field(page, "Description")).to_have_value("Nightly dump")
    button(page, "Discard").click()
    expect_saved(page)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_attached()
    expect(page).to_have_title("Cronscope")
    page.goto(page.url.partition("#")[0] + "#/new")
    field(page, "Name").fill("fresh")
    expect(page).to_have_title("● Cronscope")


def test_two_tabs_that_change_the_same_script_decide_field_by_field(
    page: Page, open_page: OpenPage, service: Service
) -> None:
    other = open_page(service, SETTINGS)
    field(other, "Timeout").fill("1h")
    field(other, "Retries").fill("3")
    field(page, "Timeout").fill("5m")
    field(page, "Kill after").fill("30s")
    button(other, "Save").click()
    expect_saved(other)

    expect(field(page, "Retries")).to_have_value("3")
    expect(page.get_by_text("Changed elsewhere to: 1h")).to_be_visible()
    expect(field(page, "Timeout")).to_have_value("5m")
    expect(field(page, "Kill after")).to_have_value("30s")
    button(page, "Take that").click()
    expect(field(page, "Timeout")).to_have_value("1h")
    button(page, "Save").click()
    expect_saved(page)
    expect(field(other, "Kill after")).to_have_value("30s")
    assert config_of(service, "backup")["timeout"] == "1h"


def test_a_change_that_was_not_heard_of_is_no_loss_either(page: Page, service: Service) -> None:
    field(page, "Timeout").fill("5m")

    def faster(route: Route) -> None:
        if route.request.method == "PATCH" and config_of(service, "backup")["timeout"] == "10m":
            change(service, {"timeout": "7m"})
        route.continue_()

    page.route(re.compile("/api/v1/scripts/backup$"), faster)
    button(page, "Save").click()
    expect(page.get_by_text("Someone else has changed this script meanwhile.")).to_be_visible()
    expect(page.get_by_text("Changed elsewhere to: 7m")).to_be_visible()
    expect(field(page, "Timeout")).to_have_value("5m")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("alert").get_by_text("decide first whose change stays")).to_be_visible()
    assert config_of(service, "backup")["timeout"] == "7m"
    button(page, "Keep mine").click()
    button(page, "Save").click()
    expect_saved(page)
    assert config_of(service, "backup")["timeout"] == "5m"


def test_a_script_is_renamed_unless_it_runs(open_page: OpenPage, service: Service) -> None:
    os.mkfifo(service.folder / "gate")
    page = open_page(service, "#/scripts/gated/settings", prepare=lambda page: page.add_init_script(SLOW_ANSWERS))
    run = service.run("gated")
    field(page, "Name").fill("free")
    button(page, "Save").click()
    expect_fault(field(page, "Name"), "gated is running")
    service.post("/api/v1/scripts/gated/stop")
    service.ended(run)
    button(page, "Save").click()
    expect(page).to_have_url(f"{service.url}/#/scripts/free/settings")
    expect(page.get_by_role("heading", name="free")).to_be_visible()
    expect_saved(page)
    field(page, "Name").fill("backup")
    button(page, "Save").click()
    expect_fault(field(page, "Name"), "there is a script named backup already")


def test_a_script_is_deleted_after_a_question(page: Page, service: Service) -> None:
    button(page, "Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Its files, logs and runs stay.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{service.url}/#/")
    expect(page.get_by_role("rowheader", name="backup")).to_have_count(0)
    assert "backup" not in service.config.read_text()


def test_what_was_typed_outlives_the_script(page: Page, service: Service) -> None:
    field(page, "Description").fill("Still needed")
    service.fetch("/api/v1/scripts/backup", method="DELETE")
    expect(page.get_by_text("backup was deleted or renamed elsewhere")).to_be_visible()
    button(page, "Create script").click()
    expect(page).to_have_url(f"{service.url}/#/scripts/backup")
    assert config_of(service, "backup")["description"] == "Still needed"
    assert config_of(service, "backup")["timeout"] == "10m"


def test_the_settings_are_the_same_as_yaml(page: Page, service: Service) -> None:
    field(page, "Retries").fill("2")
    button(page, "YAML").click()
    text = field(page, "The script’s entry as YAML")
    expect(text).to_have_value(re.compile("retries: 2"))
    written = text.input_value()
    text.fill(written + "timeot: 5\n")
    button(page, "Save").click()
    expect(text).to_have_accessible_description(re.compile("unknown key; did you mean timeout"))
    text.fill(written + "labels: {team: ops\n")
    button(page, "Form").click()
    expect(text).to_have_accessible_description(re.compile("Line [0-9]+, column 1"))
    text.fill(written + "labels: {team: ops}\n")
    button(page, "Save").click()
    expect_saved(page)
    assert config_of(service, "backup")["labels"] == {"team": "ops"}
    assert config_of(service, "backup")["retries"] == 2
    assert "# before the sync" in service.config.read_text()

    change(service, {"retries": 4})
    expect(text).to_have_value(re.compile("retries: 4"))
    text.fill(text.input_value().replace("retries: 4", "retries: 5"))
    button(page, "Form").click()
    expect(field(page, "Retries")).to_have_value("5")
    expect(page.get_by_label("Value of team")).to_have_value("ops")
    button(page, "Save").click()
    expect_saved(page)
    assert config_of(service, "backup")["retries"] == 5


def test_secrets_are_kept_by_who_does_not_see_them_and_bounds_have_their_fields(
    open_page: OpenPage, service: Service
) -> None:
    change(service, {"env": {"DB_PASSWORD": "hunter22", "LANG": None}})
    page = open_page(service, SETTINGS)
    value = field(page, "Value of DB_PASSWORD")
    expect(value).to_have_value("***")
    field(page, "umask").fill("0027")
    field(page, "Niceness").fill("5")
    field(page, "CPU time").fill("soon")
    button(page, "Save").click()
    expect_fault(field(page, "CPU time"), "cpu_time: expected a duration")
    field(page, "CPU time").fill("90")
    field(page, "Variable").last.fill("LOGIN")
    field(page, "Value of LOGIN").fill("alice")
    field(page, "Secrets").fill("LOGIN")
    button(page, "Save").click()
    expect_saved(page)
    expect(field(page, "Value of LOGIN")).to_have_value("***")
    written = {"umask": "0027", "nice": 5, "limits": {"cpu_time": 90}, "secrets": ["LOGIN"]}
    env = {"DB_PASSWORD": "hunter22", "LOGIN": "alice"}
    assert load(service.config, environ={}, flags={}).entries["backup"].items() >= {**written, "env": env}.items()
    button(page, "YAML").click()
    text = field(page, "The script’s entry as YAML")
    expect(text).to_have_value(re.compile("DB_PASSWORD: .?[*]{3}"))
    assert "hunter22" not in page.content()
    button(page, "Form").click()
    value.fill("changed")
    button(page, "Save").click()
    expect_saved(page)
    expect(value).to_have_value("***")
    env["DB_PASSWORD"] = "changed"  # noqa: S105
    assert load(service.config, environ={}, flags={}).entries["backup"]["env"] == env


def test_the_first_script_takes_three_fields_and_the_keyboard(
    open_page: OpenPage, start_service: Callable[..., Service]
) -> None:
    service = start_service("scripts: []\n")
    page = open_page(service, "#/new")
    expect(field(page, "Name")).to_be_focused()
    page.keyboard.type("hello")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="A command")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("echo hello from here")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Interval")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("@daily")
    expect(page.get_by_text("At 00:00 every day")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{service.url}/#/scripts/hello")
    assert config_of(service, "hello") == {"name": "hello", "command": "echo hello from here", "cron": "@daily"}


def test_a_script_from_a_template_runs_and_a_failed_attempt_leaves_no_second_file(
    open_page: OpenPage, service: Service
) -> None:
    page = open_page(service, "#/new")
    field(page, "Name").fill("check me")
    page.get_by_role("radio", name="Shell script").check()
    expect(field(page, "File")).to_have_value("check me.sh")
    field(page, "File").fill("checks/first.sh")
    page.get_by_role("radio", name="By hand").check()
    button(page, "Create and run now").click()
    expect_fault(field(page, "Name"), "expected a name")
    expect(page.get_by_text("The file checks/first.sh is written")).to_be_visible()

    field(page, "Name").fill("check")
    button(page, "Create and run now").click()
    expect(page).to_have_url(re.compile("#/scripts/check/output/"))
    record = until(lambda: service.get("/api/v1/runs?script=check")["runs"], lambda runs: runs and runs[0]["ended_at"])
    assert record[0]["status"] == "completed"
    assert [file["path"] for file in service.get("/api/v1/files")["files"]] == ["checks/first.sh"]

    again = open_page(service, "#/new")
    field(again, "Name").fill("another")
    again.get_by_role("radio", name="Python script").check()
    field(again, "File").fill("checks/first.sh")
    button(again, "Create script").click()
    expect_fault(field(again, "File"), "There is a file checks/first.sh already")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_settings_can_be_used_by_everybody_also_while_something_is_at_fault(
    open_page: OpenPage, service: Service, theme: str, width: int
) -> None:
    page = open_page(service, SETTINGS, color_scheme=theme, viewport={"width": width, "height": 740})
    starts = page.get_by_role("region", name="Next starts")
    expect(starts.get_by_role("row")).to_have_count(6)
    assert faults_of(page) == [], "sound"
    field(page, "Cron expression").fill("61 * * * *")
    field(page, "Timeout").fill("ten minutes")
    button(page, "Save").click()
    expect_fault(field(page, "Cron expression"), "minute")
    expect(starts.get_by_role("row")).to_have_count(6)
    assert faults_of(page) == [], "faults"
    button(page, "YAML").click()
    expect(field(page, "The script’s entry as YAML")).to_be_visible()
    button(page, "Save").click()
    expect(page.get_by_role("button", name="Line 3")).to_be_visible()
    assert faults_of(page) == [], "YAML"
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(f"{service.url}/#/new")
    page.get_by_role("radio", name="Shell script").check()
    page.get_by_text("More settings").click()
    button(page, "Create script").click()
    expect_fault(field(page, "Name"), "A script needs a name")
    assert faults_of(page) == [], "new"
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_what_the_reader_does_himself_is_shown_although_the_page_stands_still(page: Page, service: Service) -> None:
    button(page, "Pause live updates").click()
    page.goto(f"{service.url}/#/new")
    field(page, "Name").fill("fresh")
    field(page, "Command").fill("echo fresh")
    button(page, "Create script").click()
    expect(page.get_by_role("heading", name="fresh")).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    field(page, "Name").fill("renamed")
    button(page, "Save").click()
    expect(page.get_by_role("heading", name="renamed")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("rowheader", name="renamed")).to_be_visible()
    expect(page.get_by_role("rowheader", name="fresh")).to_have_count(0)
    page.goto(f"{service.url}/#/scripts/renamed/settings")
    button(page, "Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("rowheader", name="backup")).to_be_visible()
    expect(page.get_by_role("rowheader", name="renamed")).to_have_count(0)
    expect(button(page, "Resume live updates")).to_be_visible()


def test_on_a_telephone_in_chinese_everything_fits(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, SETTINGS, live="即時", viewport={"width": 360, "height": 740}, locale="zh-TW")
    expect(page.get_by_role("heading", name="何時執行")).to_be_visible()
    expect(field(page, "Cron 運算式")).to_have_value("15 3 * * *")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    sentence = page.get_by_role("status").filter(has_text="每天 03:15（Europe/Berlin）")
    expect(sentence).to_have_attribute("lang", "zh-Hant")
    field(page, "逾時").fill("很久")
    button(page, "儲存").click()
    expect_fault(field(page, "逾時"), "須為時間長度")
    expect(page.get_by_text("須為時間長度")).to_have_attribute("lang", "zh-Hant")
    field(page, "逾時").fill("20m")
    button(page, "儲存").click()
    expect(page.get_by_text("所有變更均已儲存。")).to_be_visible()
    assert config_of(service, "backup")["timeout"] == "20m"
    page.goto(f"{service.url}/#/new")
    expect(page.get_by_role("radio", name="健康檢查")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
