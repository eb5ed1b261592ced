"""A session that ends while something is unsaved: nothing is lost, and the way back leads to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.page.conftest import NewPage, faults_of
from tests.page.signing import sign_in, users
from tests.service import Service

ENDED = "Your session has ended. What you typed is still here: sign in to save it."
STORED = "() => Object.keys(sessionStorage).filter(key => key.startsWith('cronscope.draft.')).length"


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(f"users: {users('ann')}\nscripts:\n  - {{name: job, command: ./scripts/job.sh}}\n")
    (service.folder / "scripts").mkdir()
    (service.folder / "scripts/job.sh").write_text("echo one\n")
    return service


def end_session(page: Page, service: Service) -> None:
    """As elsewhere by the same user, or by time."""
    asked = page.context.request
    token = asked.get(f"{service.url}/api/v1/session").json()["xsrf_token"]
    assert asked.post(f"{service.url}/logout?sessions=all", headers={"X-XSRF-Token": token}).status == 204


def opened(new_page: NewPage, service: Service, place: str) -> tuple[Page, list[str]]:
    """A place, signed in, and the questions that the browser asks there, each of which is agreed to."""
    page = new_page(service, place)
    sign_in(page, "edit")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.on("dialog", agree)
    return page, asked


def come_back(page: Page, service: Service, name: str = "edit") -> None:
    """By the keyboard."""
    expect(page.get_by_text(ENDED)).to_be_visible()
    page.get_by_role("link", name="Sign in").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Sign in – Cronscope")
    sign_in(page, name)
    expect(page.get_by_test_id("connection")).to_have_text("Live")


def test_a_new_script_and_settings_are_typed_on_after_signing_in_again(new_page: NewPage, service: Service) -> None:
    page, asked = opened(new_page, service, "#/new")
    page.get_by_label("Name").fill("fresh")
    page.get_by_label("Command", exact=True).fill("echo fresh")
    end_session(page, service)
    expect(page.get_by_text(ENDED)).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("button", name="Create script").click()
    expect(page.get_by_text("Your session has ended: sign in, then do this again.")).to_be_visible()
    come_back(page, service)
    expect(page).to_have_url(f"{service.url}/#/new")
    expect(page.get_by_label("Name")).to_have_value("fresh")
    page.get_by_role("button", name="Create script").click()
    expect(page.get_by_role("heading", name="fresh")).to_be_visible()
    assert page.evaluate(STORED) == 0

    page.goto(f"{service.url}/#/scripts/job/settings")
    page.get_by_label("Description").fill("mine")
    end_session(page, service)
    come_back(page, service)
    expect(page).to_have_url(f"{service.url}/#/scripts/job/settings")
    expect(page.get_by_label("Description")).to_have_value("mine")
    page.get_by_role("button", name="YAML").click()
    text = page.locator("#yaml")
    expect(text).to_have_value("name: job\ncommand: ./scripts/job.sh\ndescription: mine\n")
    text.fill("name: job\ncommand: ./scripts/job.sh\ndescription: other\n")
    page.reload()
    page.get_by_role("button", name="Bring them back").click()
    expect(text).to_have_value("name: job\ncommand: ./scripts/job.sh\ndescription: other\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("All changes are saved.")).to_be_visible()
    assert "description: other" in (service.folder / "cronscope.yml").read_text()
    assert page.evaluate(STORED) == 0
    assert asked == [""]  # by the reload


def test_a_file_is_edited_on_by_who_began_it_and_not_by_another(new_page: NewPage, service: Service) -> None:
    page, asked = opened(new_page, service, "#/files/job.sh")
    text = page.get_by_role("textbox", name="Text of job.sh")
    text.fill("echo two\n")
    end_session(page, service)
    come_back(page, service)
    expect(text).to_have_text("echo two")
    end_session(page, service)
    come_back(page, service, "ann")
    expect(text).to_have_text("echo one")
    assert page.evaluate(STORED) == 0

    text.fill("echo three\n")
    other = page.context.new_page()
    other.goto(f"{service.url}/login")  # she has signed in there, too
    other.get_by_role("button", name="Settings of this page").click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    sign_in(other, "view")
    expect(other.get_by_test_id("connection")).to_have_text("Live")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Not done: view has signed in here meanwhile.")).to_be_visible()
    expect(page.get_by_text("view has signed in here meanwhile. What ann typed is still here")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("button", name="Sign in as somebody else").click()
    sign_in(page, "ann")
    expect(text).to_have_text("echo three")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("No changes")).to_be_visible()
    assert (service.folder / "scripts/job.sh").read_text() == "echo three\n"
    assert asked == []


def test_who_signs_out_is_asked_first_and_leaves_nothing_behind(new_page: NewPage, service: Service) -> None:
    page = new_page(service, "#/new")
    sign_in(page, "edit")
    page.get_by_label("Name").fill("fresh")
    page.get_by_role("button", name="Settings of this page").click()
    leave = page.get_by_role("button", name="Sign out", exact=True)
    page.once("dialog", lambda dialog: dialog.dismiss())
    leave.click()
    expect(leave).to_be_enabled()
    expect(page.get_by_label("Name")).to_have_value("fresh")
    page.once("dialog", lambda dialog: dialog.accept())
    leave.click()
    expect(page).to_have_title("Sign in – Cronscope")
    assert page.evaluate(STORED) == 0


def test_where_anybody_may_look_the_page_goes_on_without_a_session(
    new_page: NewPage, start_service: Callable[..., Service]
) -> None:
    service = start_service(f"{{users: {users()}, anonymous: view, scripts: [{{name: job, command: 'true'}}]}}")
    page = new_page(service, "login?next=%23/")
    sign_in(page, "edit")
    expect(page.get_by_role("link", name="Configuration")).to_be_visible()
    end_session(page, service)
    banner = page.get_by_role("alert").filter(has_text="Your session has ended.")
    expect(banner.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_role("link", name="Configuration")).to_have_count(0)
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    page.goto(f"{service.url}/#/audit")
    expect(page.get_by_text("You have not signed in: your role is view, which may look.")).to_be_visible()
    assert faults_of(page) == []
    page.locator("main").get_by_role("link", name="Sign in").click()
    sign_in(page, "edit")
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()
    expect(banner).to_have_count(0)
