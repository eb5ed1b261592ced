from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from relay import pages
from relay.app import App
from relay.relay import Relay
from relay.site import Site
from tests.fake_engine import FakeEngine
from tests.service import Service

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
    site.relay = Relay(engine, client_limit=100)
    return App(site)


@pytest.fixture
def fetch(http_client: AsyncHTTPClient, base_url: str) -> Fetch:
    async def ask(path: str, method: str = "GET", **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http_client.fetch(
            base_url + path, method=method, headers=named, raise_error=False, decompress_response=False
        )

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


# --- compressed ---

LONG = b"export const text = 'long enough to be worth it';\n" * 100
ASSET = "/assets/index-D4yb7.js"


@pytest.fixture
def long(static: Path) -> None:
    (static / ASSET[1:]).write_bytes(LONG)


@pytest.mark.gen_test
@pytest.mark.usefixtures("long")
async def test_files_are_compressed_for_who_takes_that(fetch: Fetch) -> None:
    plain, compressed = await fetch(ASSET), await fetch(ASSET, Accept_Encoding="br, gzip")
    assert (plain.body, gzip.decompress(compressed.body)) == (LONG, LONG)
    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert len(compressed.body) == int(compressed.headers["Content-Length"]) < len(LONG) / 10
    assert plain.headers["Etag"] != compressed.headers["Etag"]
    for name in ("Vary", "Cache-Control", "Content-Type", "Last-Modified"):
        assert plain.headers[name] == compressed.headers[name]
    assert plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.gen_test
@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
async def test_files_are_not_compressed_for_others(fetch: Fetch, accepted: str) -> None:
    assert (await fetch(ASSET, Accept_Encoding=accepted)).body == LONG


@pytest.mark.gen_test
async def test_what_gets_no_shorter_comes_as_it_is(fetch: Fetch) -> None:
    answer = await fetch("/", Accept_Encoding="gzip")
    assert answer.body == b"<title>Cronscope</title>"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.gen_test
async def test_the_page_itself_is_compressed_and_follows_a_build(fetch: Fetch, static: Path) -> None:
    before = None
    for title in ("Old", "New"):
        (static / "index.html").write_text(f"<title>{title}</title>" + " " * 1000)
        answer = await fetch("/", Accept_Encoding="gzip", **({"If_None_Match": before} if before else {}))
        assert title in gzip.decompress(answer.body).decode()
        before = answer.headers["Etag"]


@pytest.mark.gen_test
@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_each_form_of_a_file_is_kept_asked_for_and_continued_by_itself(fetch: Fetch, accepted: str) -> None:
    whole = await fetch(ASSET, Accept_Encoding=accepted)
    tag = whole.headers["Etag"]
    kept = await fetch(ASSET, Accept_Encoding=accepted, If_None_Match=tag)
    assert (kept.code, kept.body, kept.headers["Etag"]) == (304, b"", tag)
    assert kept.headers["Vary"] == "Accept-Encoding"
    head = await fetch(ASSET, "HEAD", Accept_Encoding=accepted)
    assert (head.code, head.body) == (200, b"")
    for name in ("Etag", "Content-Length", "Content-Encoding", "Vary"):
        assert head.headers.get(name) == whole.headers.get(name)
    part = await fetch(ASSET, Accept_Encoding=accepted, Range="bytes=10-19")
    assert (part.code, part.body, part.headers["Etag"]) == (206, whole.body[10:20], tag)
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.body)}"
    assert (await fetch(ASSET, Accept_Encoding=accepted, Range="bytes=-5")).body == whole.body[-5:]
    assert (await fetch(ASSET, Accept_Encoding=accepted, Range=f"bytes={len(whole.body)}-")).code == 416


@pytest.mark.gen_test
@pytest.mark.usefixtures("long")
async def test_a_part_of_one_form_is_never_continued_by_the_other(fetch: Fetch) -> None:
    plain, compressed = await fetch(ASSET), await fetch(ASSET, Accept_Encoding="gzip")
    other = await fetch(ASSET, Accept_Encoding="gzip", Range="bytes=10-", If_Range=plain.headers["Etag"])
    assert (other.code, other.body) == (200, compressed.body)
    assert (await fetch(ASSET, Accept_Encoding="gzip", If_None_Match=plain.headers["Etag"])).code == 200


def test_what_a_browser_loads_first_is_at_most_120_kib(start_service: Callable[..., Service]) -> None:
    service = start_service("")
    page = gzip.decompress(service.fetch("/", headers={"Accept-Encoding": "gzip"})[2]).decode()
    loaded = re.findall(r'(?:src|href)="\./(assets/[^"]+\.(?:js|css))"', page)
    assert loaded
    answers = [service.fetch(f"/{file}", headers={"Accept-Encoding": "gzip"}) for file in loaded]
    assert {headers["Content-Encoding"] for _, headers, _ in answers} == {"gzip"}
    assert sum(len(body) for *_, body in answers) <= 120 << 10
