from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.websocket import websocket_connect

from exporter.events import Instant
from exporter.faults import ConfigError, Fault
from exporter.file_paths import BadPath
from exporter.files import FileChanged, FileRefused, NotStored
from exporter.history import CursorError, RunQuery
from exporter.scheduler import RunRefused
from exporter.settings import Settings
from exporter.versions import UnknownVersion
from relay.app import ROUTES, App
from relay.handler import MAX_BODY, Handler
from relay.relay import Relay
from relay.site import Site
from relay.too_large import MAX_DISCARDED
from tests.fake_engine import RUN_ID, FakeEngine

Fetch = Callable[..., Awaitable[HTTPResponse]]
CHANGES = [("POST", route) for route, handler in ROUTES if "POST" in handler.allowed_methods()]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def site(engine: FakeEngine) -> Site:
    site = Site(engine, "127.0.0.1")
    site.relay = Relay(engine, client_limit=100)
    return site


@pytest.fixture
def app(site: Site) -> App:
    return App(site)


@pytest.fixture
def fetch(http_client: AsyncHTTPClient, base_url: str) -> Fetch:
    """Ask the application; an error is an answer too."""

    async def ask(path: str, method: str = "GET", **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = b"" if method in ("POST", "PUT", "PATCH") else None
        return await http_client.fetch(
            base_url + path, method=method, headers=named, body=body, raise_error=False, decompress_response=False,
            follow_redirects=False, allow_nonstandard_methods=True,
        )  # fmt: skip

    return ask


def example(route: str) -> str:
    """An address of a route that there is."""
    values = {"name": "backup", "id": RUN_ID, "file": "missing.svg", "path": "backup.sh", "number": "1"}
    return re.sub(r"{(\w+)}", lambda placeholder: values[placeholder[1]], route)


def problem(answer: HTTPResponse, status: int) -> dict[str, Any]:
    assert answer.code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.body)
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


async def raw(port: int, request: bytes) -> bytes:
    """What comes back for these very bytes, until the service closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


# --- the guard is before every address ---


@pytest.mark.gen_test
@pytest.mark.parametrize("path", [*(example(route) for route, _ in ROUTES), "/unknown", "/api/v1/unknown/thing"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_foreign_host_gets_nothing_anywhere(fetch: Fetch, engine: FakeEngine, path: str, method: str) -> None:
    assert (await fetch(path, method, Host="evil.example")).code == 421
    assert engine.asked == []


@pytest.mark.gen_test
@pytest.mark.parametrize(("method", "route"), [*CHANGES, ("GET", "/ws"), ("DELETE", "/unknown"), ("POST", "/")])
async def test_a_foreign_page_changes_nothing_and_opens_no_socket(
    fetch: Fetch, engine: FakeEngine, method: str, route: str
) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}):
        answer = await fetch(example(route), method, **headers)
        assert "allowed_origins" in problem(answer, 403)["detail"]
    assert engine.asked == []


@pytest.mark.gen_test
async def test_the_guard_follows_the_settings(fetch: Fetch, engine: FakeEngine) -> None:
    assert (await fetch("/-/healthy", Host="cron.example")).code == 421
    engine.config.configure(Settings(allowed_hosts=["cron.example"], allowed_origins=["https://grafana.example"]))
    assert (await fetch("/-/healthy", Host="cron.example")).code == 200
    assert (await fetch("/-/reload", "POST", Origin="https://grafana.example")).code == 200


# --- under a path ---


class TestPrefix:
    @pytest.fixture
    def engine(self) -> FakeEngine:
        engine = FakeEngine()
        engine.config.configure(Settings(url_prefix="/ops/cronscope/"))
        return engine

    @pytest.mark.gen_test
    @pytest.mark.parametrize(
        "path",
        ["/metrics", "/-/healthy", "/-/ready", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/scripts/backup"],
    )
    async def test_everything_is_there_and_nowhere_else(self, fetch: Fetch, path: str) -> None:
        assert (await fetch(f"/ops/cronscope{path}")).code == 200
        for elsewhere in (path, f"/ops{path}", f"/ops/cronscopes{path}", f"//ops/cronscope{path}"):
            problem(await fetch(elsewhere), 404)

    @pytest.mark.gen_test
    @pytest.mark.usefixtures("http_server")
    async def test_the_socket_opens(self, http_port: int) -> None:
        connection = await websocket_connect(f"ws://localhost:{http_port}/ops/cronscope/ws?v=1")
        assert "hello" in str(await connection.read_message())
        connection.close()

    @pytest.mark.gen_test
    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/ops/cronscope", "/ops/cronscope/"),
            ("/ops/cronscope?a=b", "/ops/cronscope/?a=b"),
            ("/", "/ops/cronscope/"),
        ],
    )
    async def test_the_way_to_the_page_is_told(self, fetch: Fetch, path: str, location: str) -> None:
        for method in ("GET", "HEAD"):
            answer = await fetch(path, method)
            assert (answer.code, answer.headers["Location"]) == (302, location)
        assert (await fetch(path, Host="evil.example")).code == 421

    @pytest.mark.gen_test
    async def test_the_description_of_the_api_has_it(self, fetch: Fetch) -> None:
        answer = await fetch("/ops/cronscope/api/v1/openapi.json")
        assert json.loads(answer.body)["servers"] == [{"url": "/ops/cronscope"}]

    @pytest.mark.gen_test
    async def test_the_metrics_know_the_addresses_without_it(self, fetch: Fetch, engine: FakeEngine) -> None:
        await fetch("/ops/cronscope/api/v1/scripts/backup")
        labels = {"handler": "/api/v1/scripts/{name}", "method": "GET", "code": "200"}
        assert engine.metrics.registry.get_sample_value("cronscope_http_requests_total", labels) == 1

    @pytest.mark.gen_test
    async def test_it_follows_the_settings(self, fetch: Fetch, engine: FakeEngine) -> None:
        engine.config.configure(Settings())
        assert (await fetch("/-/healthy")).code == 200
        assert (await fetch("/ops/cronscope/-/healthy")).code == 404


@pytest.mark.gen_test
async def test_the_log_has_the_client_that_a_trusted_proxy_tells(
    fetch: Fetch, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "relay.app")
    await fetch("/metrics", X_Forwarded_For="192.0.2.9")
    engine.config.configure(Settings(trusted_proxies=["127.0.0.0/8", "::1"]))
    await fetch("/metrics", X_Forwarded_For="192.0.2.9")
    first, second = (record.getMessage() for record in caplog.records if record.name == "relay.app")
    assert not first.startswith("192")
    assert second == "192.0.2.9 GET '/metrics': 200"


@pytest.mark.gen_test
async def test_own_pages_and_programs_may_change_something(fetch: Fetch, base_url: str) -> None:
    path = "/api/v1/scripts/backup/run"
    assert (await fetch(path, "POST", Origin=base_url, Sec_Fetch_Site="same-origin")).code == 202
    assert (await fetch(path, "POST")).code == 202


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
async def test_own_pages_may_open_the_socket(engine: FakeEngine, http_port: int) -> None:
    origin = f"http://localhost:{http_port}"
    request = HTTPRequest(f"ws://localhost:{http_port}/ws", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
    connection = await websocket_connect(request)
    frame = await connection.read_message()
    assert frame is not None
    assert json.loads(frame)["type"] == "system_metrics"
    assert _requests(engine, handler="/ws", method="GET", code="101") == 1
    connection.close()


def test_every_route_has_the_guard() -> None:
    assert all(issubclass(handler, Handler) for _, handler in ROUTES)


# --- what every answer carries ---


@pytest.mark.gen_test
@pytest.mark.parametrize("path", [*(example(route) for route, _ in ROUTES), "/unknown"])
async def test_every_answer_tells_browsers_to_be_careful(fetch: Fetch, path: str) -> None:
    headers = (await fetch(path, Origin="https://evil.example")).headers
    assert set(headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'self'",  # of scripts, styles and connections, too: nothing inline, nothing from elsewhere
        "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "object-src 'none'",
    }  # fmt: skip
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers
    assert not [name for name in headers if name.startswith("Access-Control-")]


@pytest.mark.gen_test
async def test_answers_of_the_api_are_not_stored(fetch: Fetch) -> None:
    for path in ("/api/v1/scripts", "/api/v1/scripts/unknown", "/metrics"):
        assert (await fetch(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.gen_test
async def test_a_preflight_request_allows_nothing(fetch: Fetch) -> None:
    answer = await fetch("/api/v1/scripts/backup/run", "OPTIONS", Origin="https://evil.example")
    assert problem(answer, 405)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.gen_test
@pytest.mark.parametrize("route", [route for route, handler in ROUTES if "HEAD" in handler.allowed_methods()])
async def test_head_answers_as_get_does_without_a_body(fetch: Fetch, route: str) -> None:
    get, head = await fetch(example(route)), await fetch(example(route), "HEAD")
    assert (head.code, head.body) == (get.code, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    if route != "/metrics":
        assert head.headers.get("Content-Length") == get.headers.get("Content-Length")


# --- errors ---


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/unknown", 404), ("POST", "/unknown", 404), ("GET", "/api/v1/", 404), ("GET", "/missing.svg", 404),
        ("GET", "/assets/..%2f..%2fapp.py", 404), ("GET", "/api/v1/scripts/nope", 404),
        ("POST", "/api/v1/scripts/nope/run", 404), ("POST", "/api/v1/scripts/nope/stop", 404),
        ("GET", "/api/v1/runs/nope", 404), ("GET", "/api/v1/runs/%2e%2e%2f", 404), ("GET", "/api/v1/runs/%00", 404),
        ("GET", "/api/v1/runs/%ff", 400), ("GET", "/api/v1/runs/nope/output", 404),
        ("GET", "/api/v1/runs/nope/output.txt", 404), ("POST", "/api/v1/runs/nope/stop", 404),
        ("GET", "/api/v1/scripts/backup/run", 405), ("DELETE", "/metrics", 405), ("BREW", "/metrics", 405),
        ("GET", "/" + 8192 * "x", 414), ("GET", "/ws", 426),
    ],
)  # fmt: skip
async def test_every_error_is_a_problem(fetch: Fetch, method: str, path: str, status: int) -> None:
    problem(await fetch(path, method), status)


@pytest.mark.gen_test
async def test_a_wrong_method_learns_the_right_ones(fetch: Fetch) -> None:
    assert (await fetch("/metrics", "POST")).headers["Allow"] == "GET, HEAD"
    assert (await fetch("/-/reload")).headers["Allow"] == "POST"
    assert (await fetch("/ws", "HEAD")).headers["Allow"] == "GET"


@pytest.mark.gen_test
async def test_a_refused_run_is_a_conflict(fetch: Fetch, engine: FakeEngine) -> None:
    engine.fault = RunRefused("backup is running already")
    assert problem(await fetch("/api/v1/scripts/backup/run", "POST"), 409)["detail"] == "backup is running already"


@pytest.mark.gen_test
async def test_our_own_mistakes_are_logged_and_not_shown(
    fetch: Fetch, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fault = RuntimeError("secret detail")
    answer = await fetch("/api/v1/scripts")
    assert "secret" not in str(problem(answer, 500))
    assert "Traceback" not in answer.body.decode()
    assert "secret detail" in caplog.text


@pytest.mark.gen_test
async def test_what_users_do_wrong_is_not_logged(fetch: Fetch, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for path in ("/unknown", "/api/v1/runs?limit=x", "/api/v1/scripts/nope"):
            await fetch(path)
        await fetch("/metrics", "DELETE")
        await fetch("/metrics", Host="evil.example")
    assert caplog.text == ""


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local host\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_a_malformed_request_is_refused(http_port: int, request_: bytes) -> None:
    assert (await raw(http_port, request_)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /-/healthy HTTP/1.0\r\n\r\n", b"421"),
        (b"GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n\r\n", b"200"),
        (b"GET HTTP://localhost/-/healthy?a=/b HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"200"),
        (b"DELETE http://localhost:1?a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET http://a@localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET http:/// HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /-/healthy HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
async def test_an_unusual_request_is_answered(http_port: int, request_: bytes, status: bytes) -> None:
    assert (await raw(http_port, request_)).split()[1] == status


@pytest.mark.gen_test
async def test_a_body_that_is_too_long_is_refused_and_the_connection_lives_on(
    http_server: HTTPServer, http_port: int, engine: FakeEngine
) -> None:
    head = b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    after = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await raw(http_port, head % (MAX_BODY + 1) + bytes(MAX_BODY + 1) + after)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"413", b"200"]
    assert b"application/problem+json" in answer
    assert _requests(engine, handler="/-/reload", method="POST", code="413") == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("length", [f"{MAX_DISCARDED + 1}", 16 * "9", 5000 * "9", f"000{10**20}"])
async def test_a_body_that_is_too_long_to_be_thrown_away_is_refused_before_it_comes(
    http_server: HTTPServer, http_port: int, engine: FakeEngine, length: str
) -> None:
    head = b"POST /api/v1/scripts/backup/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: %b\r\n\r\n"
    answer = await raw(http_port, head % length.encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"413"]
    assert b"application/problem+json" in answer
    [noted] = engine.audit.noted
    assert (noted.action, noted.target, noted.status) == ("script.run", "backup", 413)


@pytest.mark.gen_test
async def test_a_body_in_chunks_is_refused_once_it_is_too_long(
    http_server: HTTPServer, http_port: int, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.too_large.MAX_DISCARDED", 2 * MAX_BODY)
    head = b"PUT /api/v1/files/backup.sh HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    full, one, end = b"%x\r\n%b\r\n" % (MAX_BODY, bytes(MAX_BODY)), b"1\r\nx\r\n", b"0\r\n\r\n"
    after = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for body, expected in [
        (full + end + after, [200, 200]),
        (full + one + end + after, [413, 200]),
        (one + full + full + end + after, [413, 200]),
        (full + full + full + one, [413]),  # more is not read, nor is its end waited for
    ]:
        answer = await raw(http_port, head + body)
        assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", answer)] == expected
        noted = engine.audit.noted.pop()
        assert (noted.action, noted.target, noted.status) == ("file.write", "backup.sh", expected[0])
        assert (b"The body is longer than %d bytes." % MAX_BODY in answer) == (expected[0] == 413)
        assert (b"application/problem+json" in answer) == (expected[0] == 413)
    assert engine.asked == [("write", "backup.sh", bytes(MAX_BODY))]
    assert engine.audit.noted == []


@pytest.mark.gen_test
async def test_of_a_restore_that_is_refused_little_is_read(
    http_server: HTTPServer, http_port: int, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.too_large.MAX_DISCARDED", 2 * MAX_BODY)
    engine.ready = False
    head = b"POST /api/v1/restore HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    full = b"%x\r\n%b\r\n" % (MAX_BODY, bytes(MAX_BODY))
    answer = await raw(http_port, head + full + full + b"1\r\nx\r\n")  # and no end
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in answer
    assert [noted.action for noted in engine.audit.noted] == ["backup.restore"]


# --- starting, stopping, health ---


@pytest.mark.gen_test
async def test_before_the_start_only_health_is_answered(fetch: Fetch, site: Site, engine: FakeEngine) -> None:
    site.relay, engine.ready = None, False
    engine.reasons = ["starting or stopping"]
    assert (await fetch("/-/healthy")).code == 200
    assert (await fetch("/-/ready")).code == 503
    for path in ("/", "/metrics", "/ws", "/api/v1/scripts"):
        answer = await fetch(path)
        assert problem(answer, 503)["detail"] == "Cronscope is starting."
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.gen_test
async def test_a_sound_service_is_healthy_and_ready(fetch: Fetch) -> None:
    for path in ("/-/healthy", "/-/ready"):
        answer = await fetch(path)
        assert (answer.code, answer.body) == (200, b"ok\n")
        assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.gen_test
async def test_an_unhealthy_service_tells_why_a_line_a_reason(fetch: Fetch, engine: FakeEngine) -> None:
    engine.reasons = ["the history cannot be written: disk full", "the clock stands still"]
    for path in ("/-/healthy", "/-/ready"):
        answer = await fetch(path)
        assert (answer.code, answer.body.decode().splitlines()) == (503, engine.reasons)


@pytest.mark.gen_test
async def test_a_stopping_service_is_healthy_but_not_ready(fetch: Fetch, engine: FakeEngine) -> None:
    engine.ready, engine.reasons = False, ["starting or stopping"]
    assert (await fetch("/-/healthy")).code == 200
    assert (await fetch("/-/ready")).code == 503


@pytest.mark.gen_test
async def test_reload_reads_the_configuration_again(fetch: Fetch, engine: FakeEngine) -> None:
    assert (await fetch("/-/reload", "POST")).code == 200
    assert engine.asked == [("reload",)]


@pytest.mark.gen_test
async def test_a_faulty_reload_tells_every_fault(fetch: Fetch, engine: FakeEngine) -> None:
    engine.fault = ConfigError([
        Fault(file="c.yml", line=3, column=5, key="scripts[0].every", message="expected a duration"),
        Fault(file="environment", line=0, column=0, key="listen", message="expected HOST:PORT"),
    ])  # fmt: skip
    assert problem(await fetch("/-/reload", "POST"), 422)["errors"] == [
        {"pointer": "#/scripts/0/every", "line": 3, "column": 5, "message": "expected a duration", "language": "en"},
        {"pointer": "#/listen", "line": None, "column": None, "message": "expected HOST:PORT", "language": "en"},
    ]


# --- metrics ---


@pytest.mark.gen_test
async def test_metrics_come_in_the_format_asked_for(fetch: Fetch) -> None:
    plain = await fetch("/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert b'cronscope_build_info{python_version="' in plain.body
    openmetrics = await fetch("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.body.endswith(b"# EOF\n")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/openmetrics-text;q=0,text/plain", "text/plain"),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1", "text/plain"),
        ("text/plain;q=0.2, application/openmetrics-text;version=1.0.0;q=0.8", "application/openmetrics-text"),
        ("application/vnd.google.protobuf, */*;q=0.1", "text/plain"),
        ("application/openmetrics-text;q=nonsense", "text/plain"),
    ],
)
async def test_the_format_that_weighs_most_is_served(fetch: Fetch, accept: str, kind: str) -> None:
    assert (await fetch("/metrics", Accept=accept)).headers["Content-Type"].startswith(kind)


@pytest.mark.gen_test
@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "gzip;q=1.0, identity;q=0"])
async def test_metrics_are_compressed_on_request(fetch: Fetch, accepted: str) -> None:
    answer = await fetch("/metrics", Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"cronscope_build_info" in gzip.decompress(answer.body)


@pytest.mark.gen_test
@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.000", "deflate, br", "notgzip"])
async def test_metrics_are_not_compressed_otherwise(fetch: Fetch, accepted: str) -> None:
    answer = await fetch("/metrics", Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert b"cronscope_build_info" in answer.body


def _requests(engine: FakeEngine, **labels: str) -> float | None:
    return engine.metrics.registry.get_sample_value("cronscope_http_requests_total", labels)


@pytest.mark.gen_test
async def test_requests_are_counted_by_route_and_never_by_path(fetch: Fetch, engine: FakeEngine) -> None:
    await fetch("/api/v1/scripts/backup")
    await fetch("/api/v1/scripts/nope")
    await fetch("/unknown/path")
    await fetch("/api/v1/scripts/backup", "BREW")
    await fetch("/metrics", Host="evil.example")
    route = "/api/v1/scripts/{name}"
    assert _requests(engine, handler=route, method="GET", code="200") == 1
    assert _requests(engine, handler=route, method="GET", code="404") == 1
    assert _requests(engine, handler="unknown", method="GET", code="404") == 1
    assert _requests(engine, handler=route, method="other", code="405") == 1
    assert _requests(engine, handler="/metrics", method="GET", code="421") == 1
    count = "cronscope_http_request_duration_seconds_count"
    assert engine.metrics.registry.get_sample_value(count, {"handler": route}) == 3
    assert b"nope" not in (await engine.metrics.render(""))[0]


@pytest.mark.usefixtures("app")
def test_every_routes_series_exist_from_the_start(engine: FakeEngine) -> None:
    assert _requests(engine, handler="/api/v1/scripts/{name}/run", method="POST", code="202") == 0
    assert _requests(engine, handler="/metrics", method="HEAD", code="200") == 0
    assert _requests(engine, handler="/ws", method="GET", code="101") == 0


# --- scripts ---


@pytest.mark.gen_test
async def test_the_status_tells_version_epoch_and_latest_sample(fetch: Fetch, engine: FakeEngine) -> None:
    status = json.loads((await fetch("/api/v1/status")).body)
    assert status["version"] == "1.2.3"
    assert status["epoch"] == engine.journal.epoch
    assert status["started_at"] == "2023-11-14T22:13:20.000Z"
    assert status["system_metrics"]["cpu_percent"] == 1.0


@pytest.mark.gen_test
async def test_scripts_are_told_one_and_all(fetch: Fetch) -> None:
    answer = await fetch("/api/v1/scripts/backup")
    assert answer.headers["Content-Type"] == "application/json"
    script = json.loads(answer.body)
    assert script["name"] == "backup"
    assert script["running"] == [RUN_ID]
    assert json.loads((await fetch("/api/v1/scripts")).body) == {"scripts": [script]}


@pytest.mark.gen_test
async def test_a_script_is_run_and_stopped(fetch: Fetch, engine: FakeEngine) -> None:
    run = await fetch("/api/v1/scripts/backup/run", "POST")
    assert (run.code, json.loads(run.body)) == (202, {"run_id": RUN_ID})
    stop = await fetch("/api/v1/scripts/backup/stop", "POST")
    assert (stop.code, json.loads(stop.body)) == (202, {"run_ids": [RUN_ID]})
    assert engine.asked == [("run_now", "backup"), ("stop_script", "backup")]


# --- runs ---


@pytest.mark.gen_test
async def test_runs_are_filtered_as_asked(fetch: Fetch, engine: FakeEngine) -> None:
    answer = await fetch(
        "/api/v1/runs?script=backup&status=failed&reason=exit_code&exit_code=-1&since=2026-01-31T19:00:00%2B01:00"
        "&until=2026-02-01T00:00:00Z&q=a%20b%26c&limit=1000&before=1.x"
    )
    assert json.loads(answer.body)["next"] == "next-page"
    assert json.loads(answer.body)["runs"][0]["run_id"] == RUN_ID
    query = RunQuery(
        script="backup", status="failed", reason="exit_code", exit_code=-1,
        since=Instant.parse("2026-01-31T18:00:00Z"), until=Instant.parse("2026-02-01T00:00:00Z"),
        q="a b&c", limit=1000, before="1.x",
    )  # fmt: skip
    assert engine.asked == [("runs", query)]


@pytest.mark.gen_test
async def test_without_filters_the_latest_fifty_are_told(fetch: Fetch, engine: FakeEngine) -> None:
    await fetch("/api/v1/runs")
    await fetch("/api/v1/runs?script=&status=&since=&q=&limit=&before=")
    assert engine.asked == 2 * [("runs", RunQuery(limit=50))]


@pytest.mark.gen_test
async def test_a_time_may_be_told_as_how_long_ago(
    fetch: Fetch, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Instant.now()
    times = map(Instant, itertools.count(before))
    monkeypatch.setattr(Instant, "now", lambda: next(times))
    await fetch("/api/v1/runs?since=1h30m&until=0s")
    ((_, query),) = engine.asked
    assert query.since is not None
    assert query.until is not None
    assert query.until - query.since == 90 * 60 * 1000
    assert before <= query.until < next(times)


@pytest.mark.gen_test
async def test_an_unescaped_plus_in_a_time_is_understood(fetch: Fetch, engine: FakeEngine) -> None:
    await fetch("/api/v1/runs?since=2026-01-31T19:00:00+01:00")
    assert engine.asked == [("runs", RunQuery(since=Instant.parse("2026-01-31T18:00:00Z")))]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=ten", "limit"), ("limit=1.5", "limit"),
        ("limit=%d9%a1", "limit"), ("limit=1&limit=2", "limit"), ("limit=" + 99 * "9", "limit"),
        ("exit_code=256", "exit_code"), ("exit_code=-2", "exit_code"), ("reason=bored", "reason"),
        ("status=done", "status"), ("status=failed&status=failed", "status"),
        ("script=..%2fx", "script"), ("script=%ff", "script"),
        ("since=yesterday", "since"), ("since=2026-01-31", "since"), ("since=2026-01-31T19:00:00", "since"),
        ("since=1700000000", "since"), ("until=5%20parsecs", "until"), ("until=1x", "until"),
        ("sort=asc", "sort"), ("Limit=5", "Limit"),
    ],
)  # fmt: skip
async def test_a_faulty_filter_is_named(fetch: Fetch, engine: FakeEngine, query: str, parameter: str) -> None:
    (error,) = problem(await fetch(f"/api/v1/runs?{query}"), 422)["errors"]
    assert error["pointer"] == f"#/{parameter}"
    assert error["message"]
    assert engine.asked == []


@pytest.mark.gen_test
async def test_all_faults_of_a_query_are_told_at_once(fetch: Fetch) -> None:
    errors = problem(await fetch("/api/v1/runs?limit=x&status=y&sort=z"), 422)["errors"]
    assert {error["pointer"] for error in errors} == {"#/limit", "#/status", "#/sort"}


@pytest.mark.gen_test
async def test_a_cursor_of_somebody_else_is_a_faulty_parameter(fetch: Fetch, engine: FakeEngine) -> None:
    engine.fault = CursorError("'x' is not a cursor")
    (error,) = problem(await fetch("/api/v1/runs?before=x"), 422)["errors"]
    assert error["pointer"] == "#/before"


@pytest.mark.gen_test
async def test_a_run_is_told_and_stopped(fetch: Fetch, engine: FakeEngine) -> None:
    record = json.loads((await fetch(f"/api/v1/runs/{RUN_ID}")).body)
    assert record["script_name"] == "backup"
    assert record["exit_code"] is None
    stop = await fetch(f"/api/v1/runs/{RUN_ID}/stop", "POST")
    assert (stop.code, json.loads(stop.body)) == (202, {"run_id": RUN_ID})
    assert engine.asked == [("stop_run", RUN_ID)]


# --- output ---


@pytest.mark.gen_test
async def test_output_comes_in_lines(fetch: Fetch, engine: FakeEngine) -> None:
    answer = await fetch(f"/api/v1/runs/{RUN_ID}/output?from=120&limit=7&stream=stderr&q=oops")
    assert json.loads(answer.body) == {
        "run_id": RUN_ID, "script_name": "backup", "from": 120, "end": True, "next": None,
        "lines": [[0, "stdout", "first"], [7, "stderr", "second"]],
        "total": 122, "numbers": None, "dropped_from": None,
    }  # fmt: skip
    assert engine.asked == [("output", RUN_ID, 120, 7, "stderr", "oops")]


@pytest.mark.gen_test
async def test_faulty_parameters_of_the_output_are_named(fetch: Fetch) -> None:
    answer = await fetch(f"/api/v1/runs/{RUN_ID}/output?from=-1&limit=0&stream=stdin&tail=1")
    errors = problem(answer, 422)["errors"]
    assert {error["pointer"] for error in errors} == {"#/from", "#/limit", "#/stream", "#/tail"}


@pytest.mark.gen_test
async def test_the_whole_output_is_a_download(fetch: Fetch, engine: FakeEngine) -> None:
    engine.pieces = [b"first\n", b"\xff\x00\n", 100_000 * b"x"]
    answer = await fetch(f"/api/v1/runs/{RUN_ID}/output.txt")
    assert answer.body == b"".join(engine.pieces)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="backup-{RUN_ID}.txt"'


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
async def test_a_download_that_fails_half_way_does_not_look_complete(http_port: int, engine: FakeEngine) -> None:
    engine.fault = OSError("disk broke")
    request = f"GET /api/v1/runs/{RUN_ID}/output.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await raw(http_port, request.encode())
    assert b"second" in answer
    assert not answer.endswith(b"0\r\n\r\n")


# --- files ---


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("address", "path"),
    [("a.sh", "a.sh"), ("a/b/c.sh", "a/b/c.sh"), ("a%2Fversions%2F1", "a/versions/1"), ("a/%C3%A9%20x", "a/é x"),
     ("check", "check"), ("../x", "../x"), ("a+b", "a+b")],
)  # fmt: skip
async def test_the_path_of_a_file_may_have_folders(fetch: Fetch, engine: FakeEngine, address: str, path: str) -> None:
    made = await fetch(f"/api/v1/files/{address}", "PUT", Content_Type="multipart/form-data")
    assert (made.code, made.headers["Location"]) == (201, f"/api/v1/files/{address}")
    assert (await fetch(f"/api/v1/files/{address}", "DELETE")).code == 204
    assert (await fetch(f"/api/v1/files/{address}/check", "POST")).code == 200
    assert (await fetch(f"/api/v1/files/{address}/versions/3/restore", "POST")).code == 200
    assert engine.asked == [("write", path, b""), ("delete", path), ("check", path, b""), ("restore", path, 3)]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadPath("x"), 400), (UnknownVersion("x"), 404), (FileRefused("x"), 409), (FileChanged("x"), 412),
        (NotStored("x"), 507),
    ],
)  # fmt: skip
async def test_what_is_in_the_way_of_a_file_is_a_problem(
    fetch: Fetch, engine: FakeEngine, error: Exception, status: int
) -> None:
    engine.fault = error
    assert problem(await fetch("/api/v1/files/a.sh", "PUT"), status)["detail"] == "x"
