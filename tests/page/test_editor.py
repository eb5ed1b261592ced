"""Editing: files under `scripts_dir` and the configuration, by several people at the same time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.archives import contents
from tests.page.conftest import OpenPage, faults_of
from tests.service import Service, until

CONFIG = """\
sample_interval: 200ms
scripts:
  - name: job
    command: ./scripts/job.sh
  - name: inline
    command: echo hello | tr a-z A-Z
"""
JOB = """\
#!/bin/sh
echo before
"""
FILES = "/api/v1/files"


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(CONFIG)
    made = service.fetch(f"{FILES}/job.sh", method="PUT", body=JOB.encode())
    assert made[0] == 201
    return service


@pytest.fixture
def job(service: Service) -> Path:
    return service.folder / "scripts" / "job.sh"


def text(page: Page, name: str = "job.sh") -> Locator:
    return page.get_by_role("textbox", name=f"Text of {name}")


def write(page: Page, content: str, name: str = "job.sh") -> None:
    """Replace the text in the editor."""
    text(page, name).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(content)


def save(page: Page) -> None:
    page.keyboard.press("Control+s")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def output(service: Service, name: str) -> str:
    run_id = service.run(name)
    service.ended(run_id)
    return service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2].decode()


def test_what_is_edited_and_saved_is_what_runs_next(open_page: OpenPage, service: Service, job: Path) -> None:
    page = open_page(service, "#/scripts/job/code")
    expect(text(page)).to_contain_text("echo before")
    expect(button(page, "Save")).to_be_disabled()
    write(page, "#!/bin/sh\necho after\n")
    expect(page.get_by_text("Not saved")).to_be_visible()
    expect(page).to_have_title(re.compile("^● "))
    save(page)
    expect(page.get_by_role("status").get_by_text("job.sh was saved.")).to_be_visible()
    expect(page).to_have_title(re.compile("^job"))
    assert job.read_text() == "#!/bin/sh\necho after\n"
    assert "after" in output(service, "job")


def test_what_is_edited_is_saved_and_run_by_one_key_with_its_output_a_press_away(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    page = open_page(service, "#/scripts/job/code")
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\necho run at once\n")
    asked: list[Route] = []
    page.route("**/scripts/job/run", lambda route: asked.append(route))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("No changes")).to_be_visible()
    expect(button(page, "Save and run")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    asked[0].continue_()
    page.get_by_role("link", name="See its output").click()
    assert len(asked) == 1
    page.unroute("**/scripts/job/run")
    expect(page.get_by_text("run at once")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho run at once\n"

    page.goto(f"{service.url}/#/files/job.sh")
    expect(text(page)).to_contain_text("echo run at once")
    button(page, "Save and run").click()
    expect(page.get_by_text("job was started.")).to_be_visible()
    write(page, "if true; then (\n")
    page.keyboard.press("Control+Enter")
    runs = len(service.get("/api/v1/runs?script=job")["runs"])
    button(page, "Keep editing").click()
    assert len(service.get("/api/v1/runs?script=job")["runs"]) == runs == 2


def test_another_language_or_theme_keeps_the_text_the_cursor_and_what_can_be_undone(
    open_page: OpenPage, service: Service
) -> None:
    page = open_page(service, "#/files/job.sh")
    expect(text(page)).to_contain_text("echo before")
    text(page).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("echo the end")
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type("# more")
    button(page, "Settings of this page").click()
    page.get_by_label("Theme").select_option("dark")
    page.get_by_label("Language").select_option("zh-Hant")
    page.keyboard.press("Escape")
    expect(page.get_by_text("最後一行沒有換行字元")).to_have_attribute("lang", "zh-Hant")
    chinese = page.get_by_role("textbox", name="job.sh 的內容")
    chinese.focus()
    expect(page.locator(".cm-focused")).to_be_visible()
    page.keyboard.type("!")
    expect(chinese).to_contain_text("#!/bin/sh# more!")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(chinese).not_to_contain_text("more")


def test_an_editor_is_used_and_left_by_the_keyboard_alone(open_page: OpenPage, service: Service, job: Path) -> None:
    page = open_page(service, "#/files/job.sh")
    expect(text(page)).to_be_visible()
    text(page).focus()
    page.keyboard.press("Control+End")
    page.keyboard.press("Tab")
    page.keyboard.type("r?/g o")  # no shortcuts of the page
    save(page)
    expect(page.get_by_text("No changes")).to_be_visible()
    assert job.read_text() == JOB + "  r?/g o"
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(text(page)).not_to_be_focused()


def test_two_who_edit_the_same_file_lose_nothing(open_page: OpenPage, service: Service, job: Path) -> None:
    first, second = (open_page(service, "#/scripts/job/code") for _ in range(2))
    for page in (first, second):
        expect(text(page)).to_contain_text("echo before")
    write(first, "#!/bin/sh\necho first\n")
    write(second, "#!/bin/sh\necho second\n")
    save(first)
    expect(first.get_by_text("No changes")).to_be_visible()

    save(second)
    expect(second.get_by_text("Somebody else saved this while you edited it.")).to_be_visible()
    mine, theirs = (second.get_by_role("textbox", name=name) for name in ("Yours, not saved", "Theirs, on disk"))
    expect(mine).to_contain_text("echo second")
    expect(theirs).to_contain_text("echo first")
    save(second)
    expect(second.get_by_text("choose “Save yours” or “Take theirs” first")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho first\n"

    mine.click()
    second.keyboard.press("Control+End")
    second.keyboard.insert_text("echo first\n")
    button(second, "Save yours").click()
    expect(second.get_by_text("No changes")).to_be_visible()
    expect(text(second)).to_contain_text("echo secondecho first")
    assert job.read_text() == "#!/bin/sh\necho second\necho first\n"

    first.evaluate("dispatchEvent(new Event('focus'))")
    expect(text(first)).to_contain_text("echo secondecho first")


def test_their_text_can_be_taken_and_ones_own_brought_back(open_page: OpenPage, service: Service, job: Path) -> None:
    page = open_page(service, "#/files/job.sh", viewport={"width": 360, "height": 740})
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\necho mine\n")
    job.write_text("#!/bin/sh\necho theirs\n")
    page.evaluate("dispatchEvent(new Event('focus'))")
    button(page, "Compare").click()
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()
    expect(page.locator(".cm-deletedChunk")).to_contain_text("echo theirs")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    button(page, "Take theirs").click()
    expect(text(page)).to_contain_text("echo theirs")
    text(page).click()
    page.keyboard.press("Control+z")
    expect(text(page)).to_contain_text("echo mine")
    expect(page.get_by_text("Not saved")).to_be_visible()


AT_ONCE = 1_000
"""Milliseconds: less than a look for changes on the disk takes to come by itself."""


def test_a_change_made_elsewhere_is_seen_at_once_and_one_on_the_disk_soon(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    page = open_page(service, "#/files/job.sh")
    expect(text(page)).to_contain_text("echo before")
    versions = open_page(service, "#/files/job.sh?versions")
    expect(versions.get_by_role("row")).to_have_count(2)
    service.fetch(f"{FILES}/job.sh", method="PUT", body=b"#!/bin/sh\necho by the API\n")
    expect(text(page)).to_contain_text("echo by the API", timeout=AT_ONCE)
    expect(versions.get_by_role("row")).to_have_count(3)

    job.write_text("#!/bin/sh\necho by hand\n")
    expect(text(page)).to_contain_text("echo by hand", timeout=2_500)
    expect(versions.get_by_role("row")).to_have_count(4)

    job.unlink()
    expect(page.get_by_text("There is no such file")).to_be_visible()
    button(page, "Save").click()
    expect(page.get_by_text("No changes")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho by hand\n"


def test_faults_are_marked_where_they_are_and_saved_on_request_only(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    page = open_page(service, "#/files/job.sh")
    expect(page.get_by_text("No faults found.")).to_be_visible()
    write(page, "#!/bin/sh\necho ok\nif true; then (\n")
    findings = page.get_by_role("list").filter(has_text="Error")
    expect(findings).to_contain_text("Line 4")
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    save(page)
    button(page, "Keep editing").click()
    expect(text(page)).to_be_focused()
    assert job.read_text() == JOB
    save(page)
    button(page, "Save all the same").click()
    expect(page.get_by_text("No changes")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho ok\nif true; then (\n"


def test_a_faulty_configuration_is_refused_and_a_sound_one_acts_at_once(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/config")
    name = "cronscope.yml"
    expect(text(page, name)).to_contain_text("name: inline")
    write(page, CONFIG + "  - name: third\n    command: 'true'\n    cron: every day\n", name)
    save(page)
    expect(page.get_by_role("list").filter(has_text="cron")).to_contain_text("Line 9")
    expect(page.get_by_role("alert").filter(has_text="fault")).to_be_visible()
    assert service.config.read_text() == CONFIG

    page.keyboard.press("Control+End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text("    cron: '@daily'")
    save(page)
    expect(page.get_by_text("No changes")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("rowheader", name="third")).to_be_visible()


def test_a_configuration_that_others_changed_is_noticed(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/config")
    name = "cronscope.yml"
    expect(text(page, name)).to_contain_text("name: inline")
    service.fetch("/api/v1/scripts/inline/disable", method="POST", body=b"")
    expect(text(page, name)).to_contain_text("enabled: false")
    text(page, name).click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("# mine\n")
    service.fetch("/api/v1/scripts/inline/enable", method="POST", body=b"")
    expect(page.get_by_text("Somebody changed this on disk while you edited it.")).to_be_visible()
    expect(text(page, name)).to_contain_text("# mine")


def test_versions_are_compared_and_brought_back(open_page: OpenPage, service: Service, job: Path) -> None:
    job.write_text("#!/bin/sh\necho by hand\n")
    page = open_page(service, "#/scripts/job/versions")
    expect(page.get_by_role("row", name="Changed on disk")).to_contain_text("Now")
    button(page, "Compare version 1 with now").click()
    expect(page.get_by_role("textbox", name="Version 1")).to_contain_text("echo before")
    expect(page.get_by_role("textbox", name="Now")).to_contain_text("echo by hand")
    button(page, "Restore version 1").click()
    dialog = page.get_by_role("dialog")
    service.fetch(f"{FILES}/job.sh", method="PUT", body=b"#!/bin/sh\necho meanwhile\n")
    expect(dialog.get_by_role("alert")).to_contain_text("job.sh has changed since you asked")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("alert").filter(has_text="job.sh")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho meanwhile\n"
    button(page, "Restore version 1").click()
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("status").get_by_text("job.sh is version 1 again.")).to_be_visible()
    expect(page.get_by_role("row", name="Brought back")).to_contain_text("Now")
    assert job.read_text() == JOB


def test_leaving_with_something_unsaved_is_asked_about_and_loses_nothing(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    page = open_page(service, "#/scripts/job/code")
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\necho unsaved\n")
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.get_by_role("navigation", name="Views of").get_by_role("link", name="Runs").click()
    assert "job.sh has changes that are not saved" in asked.value.message
    expect(text(page)).to_contain_text("echo unsaved")

    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(text(page)).to_contain_text("echo before")
    button(page, "Bring them back").click()
    expect(text(page)).to_contain_text("echo unsaved")
    save(page)
    expect(page.get_by_text("No changes")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho unsaved\n"


def test_what_was_typed_outlives_the_script_that_runs_the_file(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    page = open_page(service, "#/scripts/job/code")
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\necho still needed\n")
    renamed = json.dumps({"name": "task"}).encode()
    assert service.fetch("/api/v1/scripts/job", method="PATCH", body=renamed)[0] == 200
    expect(page).to_have_url(re.compile("#/scripts/task/code$"))
    expect(text(page)).to_contain_text("echo still needed")
    service.fetch("/api/v1/scripts/task", method="DELETE")
    expect(page).to_have_url(re.compile("#/files/job.sh$"))
    expect(page.get_by_role("status").get_by_text("task was deleted or renamed elsewhere")).to_be_visible()
    expect(text(page)).to_contain_text("echo still needed")
    save(page)
    expect(page.get_by_text("No changes")).to_be_visible()
    expect(page.get_by_text("task was deleted or renamed elsewhere")).to_have_count(0)
    assert job.read_text() == "#!/bin/sh\necho still needed\n"


def test_while_the_service_is_away_the_text_stays(open_page: OpenPage, service: Service, job: Path) -> None:
    page = open_page(service, "#/scripts/job/code")
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\necho kept\n")
    other = open_page(service, "#/files/job.sh")
    expect(text(other)).to_be_visible()
    service.kill()
    other.get_by_role("link", name="Files", exact=True).first.click()
    expect(other.get_by_role("heading", name="Files")).to_be_visible()
    expect(other.get_by_role("alert").get_by_text("The service cannot be reached.")).to_be_visible()
    save(page)
    expect(page.get_by_role("alert").get_by_text("The service cannot be reached.")).to_be_visible()
    expect(text(page)).to_contain_text("echo kept")
    service.start()
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(page.get_by_role("status").get_by_text("The connection is back: save again.")).to_be_visible()
    expect(page.get_by_text("The service cannot be reached.")).to_have_count(0)
    expect(text(page)).to_contain_text("echo kept")
    save(page)
    expect(page.get_by_text("No changes")).to_be_visible()
    assert job.read_text() == "#!/bin/sh\necho kept\n"
    expect(other.get_by_role("row", name="job.sh")).to_be_visible()


def test_files_are_made_of_templates_and_deleted(open_page: OpenPage, service: Service, job: Path) -> None:
    page = open_page(service, "#/files")
    expect(page.get_by_role("row", name="job.sh").get_by_role("link", name="job", exact=True)).to_be_visible()
    button(page, "New file").click()
    page.get_by_role("radio", name="Python script").check()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("script.py")
    page.get_by_role("textbox", name="Name").fill("../out.py")
    button(page, "Create").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("../out.py")
    page.get_by_role("textbox", name="Name").fill("tools/new.py")
    button(page, "Create").click()
    expect(text(page, "tools/new.py")).to_contain_text("#!/usr/bin/env python3")
    assert "import" in (service.folder / "scripts/tools/new.py").read_text()

    page.get_by_role("link", name="Files", exact=True).first.click()
    button(page, "Delete job.sh").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is run by job")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name="job.sh")).to_have_count(0)
    assert not job.exists()
    page.get_by_role("link", name="Bring it back").click()
    button(page, "Restore version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("row", name="Brought back")).to_contain_text("Now")
    assert job.read_text() == JOB
    assert job.stat().st_mode & 0o100


def test_a_file_that_is_no_text_or_too_large_is_told_from_others(open_page: OpenPage, service: Service) -> None:
    scripts = service.folder / "scripts"
    (scripts / "備份 #1 100%.sh").write_bytes(b"#!/bin/sh\r\n\techo tab\r\nno end")
    (scripts / "備份 #1 100%.sh").chmod(0o751)
    (scripts / "image").write_bytes(bytes(range(256)))
    (scripts / "large.log").write_bytes(b"x" * (5 << 20))
    page = open_page(service, "#/files")
    page.get_by_role("link", name="備份 #1 100%.sh", exact=True).click()
    odd = "備份 #1 100%.sh"
    expect(text(page, odd)).to_contain_text("echo tab")
    text(page, odd).click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type(" -e")
    save(page)
    button(page, "Save all the same").click()
    expect(page.get_by_text("No changes")).to_be_visible()
    assert (scripts / odd).read_bytes() == b"#!/bin/sh -e\r\n\techo tab\r\nno end"
    assert (scripts / odd).stat().st_mode & 0o777 == 0o751

    page.goto(f"{service.url}/#/files/image")
    expect(page.get_by_text("This file is not a text in UTF-8")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == bytes(range(256))

    page.goto(f"{service.url}/#/files/large.log")
    expect(page.get_by_text("large.log has 5.0 MiB")).to_be_visible()
    expect(page.get_by_role("link", name="Download")).to_have_count(0)
    expect(page.get_by_role("alert").filter(has_text="large")).to_have_count(0)


def test_a_command_that_is_no_file_is_said_to_be_none(open_page: OpenPage, service: Service) -> None:
    page = open_page(service, "#/scripts/inline/code")
    expect(page.get_by_text("echo hello | tr a-z A-Z")).to_be_visible()
    expect(page.get_by_text("found on the PATH")).to_be_visible()
    page.get_by_role("link", name="Change the command").click()
    expect(page).to_have_url(re.compile("#/scripts/inline/settings$"))


def test_a_backup_is_downloaded_with_or_without_secrets_and_restored(
    open_page: OpenPage, service: Service, job: Path
) -> None:
    service.config.write_text(config := CONFIG + "    env: {DB_PASSWORD: hunter22}\n    env_file: open.env\n")
    service.config.with_name("open.env").touch()
    service.config.with_name("open.env").chmod(0o644)
    page = open_page(service, "#/config")
    expect(page.get_by_text("can be read by every user of this machine, and may hold secrets")).to_be_visible()
    expect(text(page, "cronscope.yml")).to_contain_text('{DB_PASSWORD: "***"}')

    def downloaded() -> Path:
        with page.expect_download() as download:
            page.get_by_role("link", name="Download a backup").click()
        return download.value.path()

    archive = downloaded()
    expect(page.get_by_text("other secrets are left out")).to_be_visible()
    assert b"hunter22" not in contents(archive.read_bytes())["cronscope.yml"]
    page.get_by_role("checkbox", name="with secrets").check()
    expect(page.get_by_text("Keep this archive as you keep passwords")).to_be_visible()
    assert contents(downloaded().read_bytes())["cronscope.yml"] == config.encode()
    job.write_text("broken")
    with page.expect_file_chooser() as chooser:
        button(page, "Restore a backup…").click()
    chooser.value.set_files({"name": "backup.tar.gz", "mimeType": "application/gzip", "buffer": archive.read_bytes()})
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored: 2 scripts, 1 files")).to_be_visible()
    assert service.config.read_text() == config
    assert until(job.read_text, lambda content: content == JOB)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_editing_can_be_used_by_everybody(
    open_page: OpenPage, service: Service, job: Path, theme: str, width: int
) -> None:
    page = open_page(service, "#/files/job.sh", color_scheme=theme, viewport={"width": width, "height": 740})
    expect(text(page)).to_contain_text("echo before")
    write(page, "#!/bin/sh\n" + f"echo {'mine ' * 50}\n" * 80 + "if true; then (\n")
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    page.keyboard.press("Control+f")
    assert faults_of(page) == [], "faults and search"
    job.write_text("#!/bin/sh\necho theirs\n")
    page.evaluate("dispatchEvent(new Event('focus'))")
    button(page, "Compare").click()
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()
    assert faults_of(page) == [], "comparison"
    button(page, "Save yours").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults_of(page) == [], "question"
    button(page, "Save all the same").click()
    expect(page.get_by_text("No changes")).to_be_visible()
    page.get_by_role("link", name="Versions").click()
    button(page, "Compare version 1 with now").click()
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()
    assert faults_of(page) == [], "versions"
    assert page.evaluate("document.documentElement.scrollWidth") == width
