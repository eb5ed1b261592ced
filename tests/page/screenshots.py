"""Pictures of the page for the README, made from a service that runs the examples: `make screenshots`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.page.bench import chromium
from tests.service import Service

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs/images"
TIMES = 24
"""Runs of each script before the pictures are taken, beside those that its schedule brings."""


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples/scripts", Path(folder) / "scripts")
        service = Service(Path(folder), (ROOT / "examples/cronscope.yml").read_text()).start()
        try:
            _take_all(service)
        finally:
            service.stop()


def _take_all(service: Service) -> None:
    for _ in range(TIMES):
        for name in ("disk-space", "checksum-tree", "load-metric"):
            service.ended(service.run(name))
    service.run("slow-steps")
    with chromium() as browser:
        wide = browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=2, locale="en-GB")
        dark = browser.new_context(
            viewport={"width": 1280, "height": 800}, device_scale_factor=2, locale="en-GB", color_scheme="dark"
        )
        narrow = browser.new_context(viewport={"width": 390, "height": 800}, device_scale_factor=2, locale="en-GB")
        _take(wide.new_page(), service, "", "overview")
        _take(dark.new_page(), service, "#/timeline", "timeline")
        _take(dark.new_page(), service, "#/scripts/slow-steps/output", "output")
        _take(narrow.new_page(), service, "", "telephone")


def _take(page: Page, service: Service, place: str, name: str) -> None:
    page.goto(f"{service.url}/{place}")
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(page.locator(".loading")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
