"""Who may do what: every address, action and topic, with every role, with none, and with credentials that are none."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from exporter.events import Instant, Output
from exporter.settings import Role, Settings, Token, User
from relay import passwords, roles
from relay.access import Access, Identity, new_token, sha256_of
from relay.app import ROUTES, App
from relay.handler import Site
from relay.socket import Relay
from relay.throttle import FREE
from tests.fake_engine import RUN_ID, FakeEngine

Fetch = Callable[..., Awaitable[HTTPResponse]]
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse: battery, stäple"  # noqa: S105
TOKENS: dict[str, str] = {role: new_token() for role in roles.ROLES}
EXPIRED = new_token()
OPERATIONS = [(route, method) for route, handler in ROUTES for method in handler.allowed_methods()]
NAMES = {"name": "backup", "id": RUN_ID, "file": "missing.svg", "path": "backup.sh", "number": "1"}


class Clock:
    """What tells the time to the service; the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> Instant:
        return Instant(round(self.seconds * 1000))

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> FakeEngine:
    engine = FakeEngine()
    engine.config.configure(settings(clock))
    return engine


def settings(clock: Clock, **others: Any) -> Settings:
    tokens = [Token(name=f"{role}-token", sha256=sha256_of(TOKENS[role]), role=role) for role in roles.ROLES]
    tokens.append(Token(name="old", sha256=sha256_of(EXPIRED), role="edit", expires=clock.now()))
    users = [User(name=f"{role}-user", password_hash=CHEAP.hash(PASSWORD), role=role) for role in roles.ROLES]
    return Settings(**{"users": users, "tokens": tokens, **others})


@pytest.fixture
def site(engine: FakeEngine, clock: Clock) -> Site:
    site = Site(engine, "127.0.0.1")
    site.access = Access(lambda: engine.settings, "127.0.0.1", now=clock.now, clock=clock.monotonic)
    site.relay = Relay(engine, client_limit=100, heartbeat_seconds=0.05)
    return site


@pytest.fixture
def app(site: Site) -> App:
    return App(site)


@pytest.fixture
def fetch(http_client: AsyncHTTPClient, base_url: str) -> Fetch:
    async def ask(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if method in ("POST", "PUT", "PATCH") else None
        return await http_client.fetch(
            base_url + path, method=method, headers=named, body=sent, raise_error=False, follow_redirects=False
        )

    return ask


def address(route: str) -> str:
    return re.sub(r"{(\w+)}", lambda placeholder: NAMES[placeholder[1]], route)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def detail(answer: HTTPResponse) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: str = json.loads(answer.body)["detail"]
    return told


# --- the table ---


def test_the_table_has_every_operation_and_no_other() -> None:
    told = {(route, method) for route, needs in roles.ROUTES.items() for method in needs}
    assert told == {(route, method) for route, method in OPERATIONS if method != "HEAD"}


def test_each_role_contains_the_one_before() -> None:
    for number, role in enumerate(roles.ROLES):
        assert [roles.suffices(role, need) for need in roles.ROLES] == [n <= number for n in range(4)]


def test_what_is_not_in_the_table_is_denied() -> None:
    assert roles.needed("/new", "GET") is None
    assert not roles.suffices("edit", None)


@pytest.mark.gen_test
@pytest.mark.parametrize(("route", "method"), OPERATIONS)
async def test_every_operation_is_for_its_role_and_those_above(fetch: Fetch, route: str, method: str) -> None:
    need = roles.needed(route, method)
    assert need is not None
    for role in roles.ROLES:
        answer = await fetch(address(route), method, **bearer(TOKENS[role]))
        if roles.suffices(role, need):
            assert answer.code not in (401, 403)
        else:
            assert answer.code == 403
            assert method == "HEAD" or detail(answer) == f"This takes the role {need}, and {role}-token has {role}."
    for given in ({}, bearer(new_token()), bearer(EXPIRED), bearer(""), {"Authorization": "Bearer"}):
        answer = await fetch(address(route), method, **given)
        if need == "nothing" and not given:
            assert answer.code not in (401, 403)
            continue
        assert answer.code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="Cronscope"')
        assert ("Basic" in answer.headers["WWW-Authenticate"]) == (need == "scrape" and not given)
        if method != "HEAD":
            told = f"This takes the role {need}: sign in." if not given else "This token"
            assert detail(answer).startswith(told)


@pytest.mark.gen_test
async def test_nothing_is_denied_to_everybody(
    fetch: Fetch, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.roles.ROUTES", {})
    for configured in (engine.settings, Settings()):
        engine.config.configure(configured)
        answer = await fetch("/api/v1/status", **bearer(TOKENS["edit"]))
        assert (answer.code, detail(answer)) == (403, "Nobody may do this.")


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/unknown", "/api/v1/unknown"])
async def test_what_there_is_not_is_told_to_those_who_may_see_the_page(fetch: Fetch, path: str) -> None:
    assert [(await fetch(path)).code, (await fetch(path, **bearer(TOKENS["scrape"]))).code] == [401, 403]
    assert (await fetch(path, **bearer(TOKENS["view"]))).code == 404
    assert (await fetch("/metrics", "POST", **bearer(TOKENS["view"]))).code == 405


@pytest.mark.gen_test
@pytest.mark.parametrize("action", roles.BATCH)
async def test_every_action_of_a_batch_is_for_its_role(fetch: Fetch, action: str) -> None:
    need = roles.BATCH[action]
    body: dict[str, Any] = {"action": action, "scripts": []} | ({"config": {}} if action == "update" else {})
    for role in roles.ROLES:
        answer = await fetch(
            "/api/v1/scripts/batch", "POST", json.dumps(body).encode(), **bearer(TOKENS[role]),
            Content_Type="application/json",
        )  # fmt: skip
        assert (answer.code == 403) is not roles.suffices(role, need)


# --- credentials ---


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/-/ready"])
async def test_a_scraper_may_use_basic_with_a_password_or_a_token(fetch: Fetch, path: str) -> None:
    for given in (basic("scrape-user", PASSWORD), basic("anything", TOKENS["scrape"]), basic("", TOKENS["edit"])):
        assert (await fetch(path, **given)).code == 200
    for given in (basic("scrape-user", "wrong"), basic("nobody", PASSWORD), basic("a", EXPIRED), basic("a", "cst_")):
        assert (await fetch(path, **given)).code == 401
    assert (await fetch(path, Authorization="Basic !")).code == 400


@pytest.mark.gen_test
async def test_basic_is_for_scrapers_alone(fetch: Fetch) -> None:
    assert (await fetch("/api/v1/status", **basic("edit-user", PASSWORD))).code == 401


@pytest.mark.gen_test
async def test_a_token_ends_at_its_time(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    token = Token(name="a", sha256=sha256_of(TOKENS["view"]), role="view", expires=Instant(clock.now() + 1000))
    engine.config.configure(settings(clock, tokens=[token]))
    assert (await fetch("/api/v1/status", **bearer(TOKENS["view"]))).code == 200
    clock.seconds += 1
    answer = await fetch("/api/v1/status", **bearer(TOKENS["view"]))
    assert (answer.code, detail(answer)) == (401, "This token has expired.")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("anonymous", "metrics", "status"), [("none", 401, 401), ("scrape", 200, 401), ("view", 200, 200)]
)
async def test_anonymous_is_what_may_be_had_without_credentials(
    fetch: Fetch, engine: FakeEngine, clock: Clock, anonymous: str, metrics: int, status: int
) -> None:
    engine.config.configure(settings(clock, anonymous=anonymous))
    assert [(await fetch(path)).code for path in ("/metrics", "/api/v1/status")] == [metrics, status]
    assert (await fetch("/api/v1/scripts/backup/run", "POST")).code == 401


@pytest.mark.gen_test
async def test_without_credentials_configured_whoever_comes_may_do_everything(fetch: Fetch, engine: FakeEngine) -> None:
    engine.config.configure(Settings())
    for given in ({}, basic("from", "a proxy"), bearer("from-a-proxy")):
        assert (await fetch("/api/v1/scripts/backup/run", "POST", **given)).code == 202
        assert (await fetch("/metrics", **given)).code == 200


@pytest.mark.gen_test
async def test_a_service_on_the_network_that_loses_its_credentials_lets_nobody_in(
    fetch: Fetch, engine: FakeEngine, site: Site
) -> None:
    site.access = Access(lambda: engine.settings, "0.0.0.0")  # noqa: S104
    engine.config.configure(Settings())
    assert (await fetch("/api/v1/status")).code == 401
    assert (await fetch("/metrics")).code == 401


@pytest.mark.gen_test
async def test_commands_of_the_same_user_come_in_by_the_token_in_the_data_directory(fetch: Fetch, site: Site) -> None:
    assert (await fetch("/api/v1/config", **bearer(site.access.local_token))).code != 401
    assert (await fetch("/api/v1/scripts/backup/run", "POST", **bearer(site.access.local_token))).code == 202


# --- names and origins ---


@pytest.mark.gen_test
async def test_a_name_is_looked_at_only_where_one_may_come_in_without_credentials(
    fetch: Fetch, engine: FakeEngine, clock: Clock
) -> None:
    foreign = {"Host": "evil.example"}
    assert (await fetch("/api/v1/status", **foreign)).code == 401
    assert (await fetch("/api/v1/status", **foreign, **bearer(TOKENS["view"]))).code == 200
    for configured in (settings(clock, anonymous="view"), Settings()):
        engine.config.configure(configured)
        assert (await fetch("/api/v1/status", **foreign)).code == 421
    assert (await fetch("/api/v1/status", **foreign, **bearer("of-a-rebound-page"))).code == 421


@pytest.mark.gen_test
async def test_a_foreign_page_changes_nothing_whatever_it_shows(fetch: Fetch) -> None:
    answer = await fetch("/api/v1/scripts/backup/run", "POST", Origin="http://evil.example", **bearer(TOKENS["edit"]))
    assert (answer.code, "another site" in detail(answer)) == (403, True)


# --- who tries again and again ---


@pytest.mark.gen_test
async def test_failures_in_a_row_have_to_wait(fetch: Fetch, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    wrong, right = basic("scrape-user", "wrong"), basic("scrape-user", PASSWORD)
    for _ in range(FREE):
        assert (await fetch("/metrics", **wrong)).code == 401
    answer = await fetch("/metrics", **right)
    assert (answer.code, answer.headers["Retry-After"]) == (429, "1")
    assert detail(answer) == "Too many attempts to sign in: try again in 1 s."
    clock.seconds += 1
    assert (await fetch("/metrics", **wrong)).code == 401
    assert (await fetch("/metrics", **right)).headers["Retry-After"] == "2"
    assert (await fetch("/metrics", **bearer(TOKENS["scrape"]))).code == 200
    clock.seconds += 2
    assert (await fetch("/metrics", **right)).code == 200
    assert (await fetch("/metrics", **wrong)).code == 401
    told = [record.message for record in caplog.records if record.name == "relay.access"]
    assert told[0] == "the sign-in of 'scrape-user' from 127.0.0.1 failed"
    assert (len(told), "wrong" in caplog.text) == (FREE + 2, False)
    caplog.clear()


@pytest.mark.gen_test
async def test_many_attempts_at_once_are_no_way_round(fetch: Fetch, caplog: pytest.LogCaptureFixture) -> None:
    answers = await asyncio.gather(*(fetch("/metrics", **basic("scrape-user", "wrong")) for _ in range(3 * FREE)))
    assert sorted(answer.code for answer in answers) == [401] * FREE + [429] * 2 * FREE
    caplog.clear()


@pytest.mark.gen_test
async def test_a_name_in_place_of_which_a_password_may_stand_is_not_logged(
    fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    await fetch("/metrics", **basic("hunter2", "x"))
    assert ("hunter2" in caplog.text, "an unknown user" in caplog.text) == (False, True)
    caplog.clear()


@pytest.mark.gen_test
async def test_an_unknown_name_costs_what_a_wrong_password_does(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def verify(hashed: str, password: str) -> bool:
        tried.append(hashed)
        return len(password) == len("right")

    monkeypatch.setattr(passwords, "_verify", verify)
    users = [User(name=name, password_hash=f"hash of {name}", role="view") for name in ("a", "b")]
    checking = passwords.Passwords()
    assert await checking.user(users, "b", "mistaken") is None
    assert await checking.user(users, "unknown", "mistaken") is None
    assert await checking.user(users, "unknown", "right") is None
    assert await checking.user(users, "a", "right") == users[0]
    assert await checking.user(users, "unknown", "right") is None
    assert tried == ["hash of b", "hash of a", "hash of a", "hash of a", "hash of a"]


@pytest.mark.gen_test
async def test_few_passwords_are_verified_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released, under_way = asyncio.Event(), []
    users = [User(name="a", password_hash="x", role="view")]  # noqa: S106

    async def verify(verify: Any, *given: str) -> bool:
        under_way.append(given)
        await released.wait()
        return False

    monkeypatch.setattr("relay.passwords.asyncio.to_thread", verify)
    checking = passwords.Passwords()
    attempts = [asyncio.ensure_future(checking.user(users, "a", f"{n}")) for n in range(passwords.MAX_WAITING + 1)]
    with pytest.raises(passwords.Busy):
        await attempts[-1]
    assert len(under_way) == passwords.AT_A_TIME
    released.set()
    assert await asyncio.gather(*attempts[:-1]) == [None] * passwords.MAX_WAITING


# --- the stream ---


async def connect(http_port: int, query: str, **headers: str) -> WebSocketClientConnection:
    return await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{http_port}/ws{query}", headers=headers))


async def closed(connection: WebSocketClientConnection) -> int | None:
    while await connection.read_message() is not None:
        pass
    return connection.close_code


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize("query", ["", "?v=1"])
async def test_a_connection_ends_with_its_token(engine: FakeEngine, clock: Clock, http_port: int, query: str) -> None:
    token = Token(name="a", sha256=sha256_of(TOKENS["view"]), role="view", expires=Instant(clock.now() + 1000))
    engine.config.configure(settings(clock, tokens=[token]))
    connection = await connect(http_port, query, **bearer(TOKENS["view"]))
    stays = await connect(http_port, query, **bearer(TOKENS["view"]))
    assert await stays.read_message()
    clock.seconds += 1
    assert await closed(connection) == 4503
    assert await closed(stays) == 4503
    ended = 'cronscope_websocket_disconnects_total{reason="access"} 2.0'
    assert ended in (await engine.metrics.render("text/plain", compress=False))[0].decode()


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize("role", ["scrape", None])
async def test_a_connection_ends_when_its_role_does_not_suffice_any_more(
    engine: FakeEngine, clock: Clock, http_port: int, role: Role | None
) -> None:
    connection = await connect(http_port, "?v=1", **bearer(TOKENS["edit"]))
    left = [] if role is None else [Token(name="a", sha256=sha256_of(TOKENS["edit"]), role=role)]
    engine.config.configure(settings(clock, tokens=left))
    assert await closed(connection) == 4503


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
async def test_a_connection_that_came_in_freely_ends_when_the_first_user_is_made(
    engine: FakeEngine, clock: Clock, http_port: int
) -> None:
    engine.config.configure(Settings())
    connection = await connect(http_port, "?v=1")
    engine.config.configure(settings(clock))
    assert await closed(connection) == 4503


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize("kind", roles.MESSAGES)
async def test_every_message_and_topic_takes_its_role(
    engine: FakeEngine, http_port: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def output(run_id: str, first: int, limit: int) -> Output:
        return Output(run_id=run_id, script_name="backup", first=first, lines=[], end=True)

    monkeypatch.setattr(engine, "output", output)
    monkeypatch.setattr(engine, "follow", lambda run_id, grown: lambda: None)
    connection = await connect(http_port, "?v=1", **bearer(TOKENS["view"]))
    message = json.dumps({"type": kind, "id": 7, "data": {"topics": [f"output:{RUN_ID}"]}})

    async def answered() -> str:
        await connection.write_message(message)
        while True:
            frame = json.loads(await connection.read_message() or "")
            if frame["data"].get("id") == 7:
                return f"{frame['type']} {frame['data'].get('message', '')}"

    assert await answered() in ("ack ", "pong ")
    if kind != "ping":
        for topics, told in (({"output": "edit"}, "this takes the role edit"), ({}, "nobody may have this")):
            monkeypatch.setattr("relay.frames.TOPICS", topics)
            assert await answered() == f"error {told}"
    monkeypatch.setattr("relay.frames.MESSAGES", {kind: "operate"})
    assert await answered() == "error this takes the role operate"


def test_an_identity_is_worth_what_the_settings_say_now(clock: Clock) -> None:
    configured = settings(clock)
    access = Access(lambda: configured, "127.0.0.1", now=clock.now)
    user = configured.users[3]
    assert access.role(Identity("user", user.name, user.password_hash or "")) == "edit"
    assert access.role(Identity("user", user.name, "the hash of an earlier password")) is None
    assert access.role(Identity("user", "removed", user.password_hash or "")) is None
    assert access.role(Identity("token", "removed", sha256_of(new_token()))) is None
