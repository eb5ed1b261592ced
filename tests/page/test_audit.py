"""The audit trail on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from relay.access import new_token, sha256_of
from tests.page.conftest import OpenPage, faults_of
from tests.page.signing import sign_in
from tests.page.test_access import CONFIG
from tests.service import DEADLINE, Service

EDIT, VIEW = new_token(), new_token()
TOKENS = [
    {"name": "ci", "sha256": sha256_of(EDIT), "role": "edit"},
    {"name": "wall", "sha256": sha256_of(VIEW), "role": "view"},
]


def test_who_may_change_things_sees_who_did(browser: Browser, start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG + f"tokens: {json.dumps(TOKENS)}\n")
    service.token = EDIT
    run_id = service.run("greet")
    assert service.fetch("/api/v1/files/jobs/a.sh", method="PUT", body=b"#!/bin/sh\n")[0] == 201
    service.token = VIEW
    assert service.fetch("/api/v1/scripts/greet/run", method="POST", body=b"")[0] == 403

    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(DEADLINE * 1000)
    page.goto(f"{service.url}/#/audit")
    sign_in(page, "edit")
    rows = page.locator("table.audit tbody tr")
    expect(rows).to_have_count(5)
    signed_in, refused, saved, ran, begun = rows.all()
    for row, texts in [
        (signed_in, ["edit", "user, edit", "Sign in", "127.0.0.1", "Done"]),
        (refused, ["wall", "token, view", "Run", "greet", "Refused (403)"]),
        (saved, ["ci", "token, edit", "Save file", "jobs/a.sh", "not there"]),
        (ran, ["ci", "Run", "greet", run_id, "Done"]),
        (begun, ["On the disk", "Configuration changed on the disk"]),
    ]:
        for text in texts:
            expect(row).to_contain_text(text)
    assert faults_of(page) == []

    service.token = EDIT
    service.run("greet")  # while one looks
    expect(rows).to_have_count(6)
    page.get_by_label("By whom").fill("ci")
    expect(page).to_have_url(re.compile(r"#/audit\?actor=ci$"))
    page.get_by_label("Action").select_option("script.run")
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"#/audit\?actor=ci&action=script\.run$"))
    page.get_by_label("What it was done to").fill("nothing")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("What it was done to")).to_have_value("nothing")
    page.get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(6)
    page.get_by_label("Action").select_option("Files: all")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    [line] = download.value.path().read_text().splitlines()
    assert (json.loads(line)["target"], download.value.suggested_filename) == ("jobs/a.sh", "cronscope-audit.jsonl")
    page.get_by_role("link", name="jobs/a.sh").click()
    expect(page.get_by_role("heading", name="jobs/a.sh")).to_be_visible()
    page.context.close()


def test_who_may_only_look_is_not_offered_it(browser: Browser, start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)
    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(DEADLINE * 1000)
    page.goto(f"{service.url}/#/audit")
    sign_in(page, "operate")
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_telephone_and_further_back(
    open_page: OpenPage, start_service: Callable[..., Service], scheme: str
) -> None:
    service = start_service("scripts: []")
    new = [{"name": f"a-very-long-name-of-a-script-that-goes-on-and-on-{n:03}", "command": "true"} for n in range(120)]
    body = json.dumps({"action": "import", "scripts": new}).encode()
    json_ = {"Content-Type": "application/json"}
    assert service.fetch("/api/v1/scripts/batch", method="POST", body=body, headers=json_)[0] == 200
    page = open_page(
        service, "#/audit", live="即時", locale="zh-TW", viewport={"width": 360, "height": 640}, color_scheme=scheme
    )
    rows = page.locator("table.audit tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("匯入指令稿")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert faults_of(page) == []
    for count in (100, 121):
        page.get_by_role("button", name="顯示較舊的").click()
        expect(rows).to_have_count(count)
    expect(page.get_by_role("button", name="顯示較舊的")).to_have_count(0)
    expect(rows.last).to_contain_text("磁碟上")
