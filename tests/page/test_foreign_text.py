"""Whatever a text is that scripts, files, the configuration or an address have: the page shows it, and nothing more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.page.conftest import OpenPage
from tests.service import Service, until

HTML = (
    '"\'><img src="//planted.invalid/x" onerror="ran()"><svg onload=ran()></svg>'
    "<iframe srcdoc='<script>parent.ran()</script>'></iframe></textarea></title></script><script>ran()</script>"
    "<a href=javascript:ran()>planted</a>{{ran()}}${ran()}<style>*{background:url(//planted.invalid/y)}</style>"
)
LINK = "javascript:ran()"
FILE = "<img src=x onerror=ran()> \"'&{{ran()}}.py"
OUTPUT = rf"""
print({HTML!r})
print("::progress 40 " + {HTML!r})
print("\x1b]0;" + {HTML!r} + "\x07title")
print("\x1b]8;;{LINK}\x1b\\linked\x1b]8;;\x1b\\")
print('\x1b]8;;x" onmouseover="ran()\x07linked\x1b]8;;\x07')
print("\x1b[31m<b onclick=ran()>red</b>\x1b[38;5;" + '1"><script>ran()</script>' + "mstrange")
print("\x1b[<script>ran()</script>")
print("\x1b]1337;File=inline=1:PHN2Zz4=\x07 \x9b31m \x1b[2J \x00 \u202e desrever")
print("http://planted.invalid/" + {HTML!r}, "{LINK}", "data:text/html,<script>ran()</script>")
"""
MARKED = "window.ran = () => document.documentElement.dataset.ran = 'yes'"
PLANTED = ", ".join([
    "script:not([src])", "iframe", "img:not(.cm-widgetBuffer)", "base", "object",
    "[onerror]", "[onload]", "[onclick]", "[srcdoc]", "[href^=javascript]",
])  # fmt: skip


def config() -> str:
    scripts: list[dict[str, Any]] = [
        {"name": "says", "command": ["python3", FILE], "workdir": "scripts"},
        {"name": "cannot", "command": [HTML]},
        {"name": "writes", "command": f"cat > $CRONSCOPE_METRICS_FILE <<'END'\nplanted{{a=\"{HTML}\"\nEND\nexit 1"},
    ]
    texts = {"description": HTML, "labels": {"team": HTML, "tier": LINK}, "env": {"PLANTED": HTML}}
    return f"# {HTML}\nscripts: " + json.dumps([script | texts for script in scripts])


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    service = start_service(config())
    for content in ("nothing", OUTPUT):
        path = f"/api/v1/files/{quote(FILE)}"
        assert service.fetch(path, method="PUT", body=content.encode())[0] in (200, 201)
    for name in ("says", "cannot", "writes"):
        service.ended(service.run(name))
    return service


def places(run_id: str) -> dict[str, str]:
    """Every place, and what of the foreign texts is to be read there."""
    foreign, file = quote(HTML, safe=""), quote(FILE, safe="")
    return {
        "#/": "planted.invalid",
        f"#/?text={foreign}&label={quote(f'team={HTML}')}": "planted.invalid",
        "#/timeline": "says",
        f"#/timeline?from={foreign}": "says",
        f"#/runs?q={foreign}": "cannot",
        "#/runs": "cannot",
        "#/scripts/says/runs": "planted.invalid",
        f"#/scripts/says/output/{run_id}": "planted.invalid",
        "#/scripts/cannot/output": "planted.invalid",
        "#/scripts/writes/output": "Failed",
        "#/scripts/says/code": "onerror",
        "#/scripts/says/settings": "Working directory",
        "#/scripts/says/versions": "onerror",
        f"#/scripts/{foreign}/runs": "planted.invalid",
        f"#/scripts/says/output/{foreign}": "There is no such run",
        "#/files": "onerror",
        f"#/files/{file}": "planted.invalid",
        f"#/files/{file}?versions": "onerror",
        f"#/files/{foreign}": "planted.invalid",
        "#/config": "planted.invalid",
        "#/new": "New script",
        f"#/{foreign}": "no such place",
        f"#/javascript:ran()/{foreign}": "no such place",
    }


def test_no_text_becomes_a_part_of_the_page_or_runs(open_page: OpenPage, service: Service) -> None:
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    def prepare(page: Page) -> None:
        page.add_init_script(MARKED)
        page.on("dialog", dismiss)

    page = open_page(service, prepare=prepare)

    def look(place: str) -> None:
        assert page.evaluate("document.documentElement.dataset.ran ?? null") is None, place
        assert page.locator(PLANTED).count() == 0, (place, page.locator(PLANTED).first.evaluate("e => e.outerHTML"))

    run_id = service.get("/api/v1/runs?script=says")["runs"][0]["run_id"]
    for place, text in places(run_id).items():
        page.goto(f"{service.url}/{place}")
        expect(page.get_by_test_id("connection")).to_have_text("Live")
        expect(page.locator("body")).to_contain_text(text)
        look(place)

    page.goto(f"{service.url}/#/scripts/says/settings")
    expect(page.locator("body")).to_contain_text("Working directory")
    page.get_by_role("button", name="YAML").click()
    expect(page.get_by_role("textbox", name="entry as YAML")).to_have_value(re.compile(r"planted\.invalid"))
    look("the settings as YAML")
    page.goto(f"{service.url}/#/")
    expect(page).to_have_url(re.compile("label="))  # as it was chosen above
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="A script, or what to do").fill("planted")
    look("the palette")
    page.keyboard.press("Escape")
    for name in ("Run says", "Run cannot"):
        page.get_by_role("button", name=name).click()
    until(lambda: service.get("/api/v1/runs?script=cannot")["runs"], lambda runs: len(runs) == 2)
    page.goto(f"{service.url}/#/scripts/says/output")
    expect(page.locator("body")).to_contain_text("desrever")
    for each in page.get_by_text("linked").all():
        each.hover()
        each.click()
    look("output")
    assert page.url.startswith(service.url)
    assert asked == []
