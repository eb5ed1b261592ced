from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from relay import pages
from relay.app import App
from relay.handler import Site
from relay.socket import Relay
from tests.fake_engine import FakeEngine

Fetch = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page as its build leaves it."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Cronscope</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets/index-D4yb7.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(pages, "STATIC", folder)
    return folder


@pytest.fixture
def app(static: Path) -> App:
    engine = FakeEngine()
    site = Site(engine, "127.0.0.1")
    site.relay = Relay(engine)
    return App(site)


@pytest.fixture
def fetch(http_client: AsyncHTTPClient, base_url: str) -> Fetch:
    async def ask(path: str, **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http_client.fetch(base_url + path, headers=named, raise_error=False)

    return ask


@pytest.mark.gen_test
async def test_the_page_is_looked_at_anew_each_time(fetch: Fetch) -> None:
    answer = await fetch("/")
    assert (answer.code, answer.body) == (200, b"<title>Cronscope</title>")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert (await fetch("/", If_None_Match=answer.headers["Etag"])).code == 304


@pytest.mark.gen_test
async def test_a_page_built_anew_is_seen_at_once(fetch: Fetch, static: Path) -> None:
    before = (await fetch("/")).headers["Etag"]
    (static / "index.html").write_text("<title>New</title>")
    assert (await fetch("/", If_None_Match=before)).body == b"<title>New</title>"


@pytest.mark.gen_test
async def test_files_with_a_hash_in_their_name_are_kept_for_good(fetch: Fetch) -> None:
    answer = await fetch("/assets/index-D4yb7.js")
    assert (answer.code, answer.body) == (200, b"export {}")
    assert "javascript" in answer.headers["Content-Type"]
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.gen_test
async def test_other_files_of_the_page_are_served(fetch: Fetch) -> None:
    answer = await fetch("/icon.svg")
    assert (answer.code, answer.body) == (200, b"<svg/>")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.gen_test
@pytest.mark.parametrize("path", [
    "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/assets/%2fetc%2fhosts.txt", "/assets/..%2findex.html",
    "/assets/x%00.js", "/assets/", "/assets", "/missing.js",
])  # fmt: skip
async def test_nothing_but_files_of_the_page_is_served(fetch: Fetch, path: str) -> None:
    answer = await fetch(path)
    assert answer.code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.gen_test
async def test_a_page_that_is_not_built_tells_how_to_build_it(fetch: Fetch, static: Path) -> None:
    (static / "index.html").unlink()
    answer = await fetch("/")
    assert answer.code == 503
    assert b"make run" in answer.body
