"""Who signs in at a proxy, which tells so in a header: believed from trusted proxies alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer

from exporter.config import read
from exporter.faults import ConfigError
from exporter.findings import Lines
from exporter.settings import AuthProxy, Settings, User
from relay.app import App
from relay.cli.doctor import believed_of_anybody
from relay.handler import MAX_STRANGERS_BODY
from relay.throttle import FREE
from tests.access.asking import PASSWORD, TOKENS, Clock, Fetch, basic, bearer, detail, settings
from tests.access.test_sessions import RUN, cookie_of, sign_in
from tests.access.test_stream import closed, connect
from tests.fake_engine import FakeEngine
from tests.test_config import PATH

LOADED = read("", PATH, environ={}, flags={})
ANN = {"Remote-User": "ann@example.org"}
BOB = {"Remote-User": "bob"}


@pytest.fixture
def behind(engine: FakeEngine, clock: Clock) -> Any:
    """Sets what the service behind a proxy on this machine is told."""

    def configure(*, trusted: str = "127.0.0.1", **proxy: Any) -> None:
        known = settings(clock)
        users = [*known.users, User(name="ann@example.org", role="edit")]
        engine.config.configure(
            settings(
                clock, users=users, trusted_proxies=[trusted], auth_proxy=AuthProxy(**proxy),
                allowed_hosts=["cron.example.org"],
            )
        )  # fmt: skip

    configure()
    return configure


@pytest.fixture
def by_ipv6(app: App) -> Iterator[str]:
    """Where the service listens by IPv6, at which IPv4 comes in too: its peers are `::ffff:127.0.0.1` then."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("needs a system with IPv6 that takes in IPv4")
    listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    listening.setblocking(False)
    server = HTTPServer(app)
    server.add_socket(listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.stop()


async def session(fetch: Fetch, **headers: str) -> Any:
    answer = await fetch("/api/v1/session", **headers)
    return json.loads(answer.body) if answer.code == 200 else answer.code


@pytest.mark.gen_test
async def test_a_trusted_proxy_tells_who_asks_and_the_configuration_what_they_may_do(fetch: Fetch, behind: Any) -> None:
    told = await session(fetch, **ANN)
    assert (told["name"], told["role"], told["signed_in"], told["by_proxy"]) == ("ann@example.org", "edit", False, True)
    answer = await fetch("/api/v1/status", **BOB)
    assert (answer.code, detail(answer)) == (403, "This takes the role view, and bob has none.")
    behind(role="view")
    assert (await session(fetch, **BOB))["role"] == "view"
    assert (await session(fetch, **ANN))["role"] == "edit"
    behind(header="X-Forwarded-User")
    assert await session(fetch, **ANN) == 401
    assert (await session(fetch, X_Forwarded_User="ann@example.org"))["role"] == "edit"


@pytest.mark.gen_test
@pytest.mark.usefixtures("behind")
async def test_who_comes_by_ipv4_is_the_same_where_the_service_listens_by_ipv6(
    fetch: Fetch, engine: FakeEngine, http_client: AsyncHTTPClient, by_ipv6: str
) -> None:
    async def ask(path: str, method: str = "GET", **headers: str) -> HTTPResponse:
        body = b"" if method == "POST" else None
        return await http_client.fetch(by_ipv6 + path, method=method, headers=headers, body=body, raise_error=False)

    told = await ask("/api/v1/session", **ANN)
    assert json.loads(told.body)["name"] == "ann@example.org"
    await ask("/api/v1/scripts/backup/run", "POST", **{"X-Forwarded-For": "2001:DB8::0:9"}, **bearer(TOKENS["edit"]))
    await ask("/api/v1/scripts/backup/run", "POST", **bearer(TOKENS["edit"]))
    await ask("/api/v1/scripts/%FF/run", "POST", **bearer(TOKENS["edit"]))
    assert [noted.address for noted in engine.audit.noted] == ["2001:db8::9", "127.0.0.1", "127.0.0.1"]
    for number in range(FREE):
        assert (await ask("/metrics", **basic(f"unknown-{number}", "wrong"))).code == 401
    assert (await fetch("/metrics", **basic("another", "wrong"))).code == 429
    for number in range(FREE):  # of an IPv6 address, the network of a site
        site = {"X-Forwarded-For": f"2001:db8:0:1:{number}::1"}
        assert (await ask("/metrics", **basic(f"unknown-6-{number}", "wrong"), **site)).code == 401
    for last, code in (("2001:db8:0:1:ffff::1", 429), ("2001:db8:0:2::1", 401)):
        answer = await ask("/metrics", **basic("another-6", "wrong"), **{"X-Forwarded-For": last})
        assert answer.code == code


@pytest.mark.gen_test
async def test_from_nobody_else_the_header_is_believed(fetch: Fetch, behind: Any) -> None:
    behind(trusted="192.0.2.0/24", role="view")
    for others in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
        assert await session(fetch, **ANN, **others) == 401
        assert (await session(fetch, **ANN, **others, **bearer(TOKENS["view"])))["name"] == "view-token"
    assert await session(fetch) == 401


@pytest.mark.gen_test
async def test_without_the_setting_no_header_says_who_asks(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    engine.config.configure(settings(clock, trusted_proxies=["127.0.0.1"]))
    assert await session(fetch, Remote_User="edit-user") == 401


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "name", ["bob,ann@example.org", "ann@example.org, ann@example.org", "a b", "é", "a" * 65, "-a"]
)
async def test_what_is_no_name_is_nobody(fetch: Fetch, behind: Any, name: str) -> None:
    behind(role="edit")
    answer = await fetch("/api/v1/status", Remote_User=name)
    assert (answer.code, detail(answer)) == (403, "The proxy tells a name that no user can have.")


@pytest.mark.gen_test
async def test_an_empty_header_is_none(fetch: Fetch, behind: Any) -> None:
    behind(role="edit")
    assert await session(fetch, Remote_User="") == 401


@pytest.mark.gen_test
async def test_whoever_comes_without_the_header_has_to_sign_in(fetch: Fetch, engine: FakeEngine) -> None:
    engine.config.configure(Settings(trusted_proxies=["127.0.0.1"], auth_proxy=AuthProxy(role="view")))
    assert await session(fetch) == 401
    assert (await session(fetch, **BOB))["role"] == "view"


@pytest.mark.gen_test
async def test_a_foreign_page_changes_nothing_by_the_proxys_word(fetch: Fetch, behind: Any) -> None:
    token = (await session(fetch, **ANN))["xsrf_token"]
    behind(role="operate")
    of_bob = (await session(fetch, **BOB))["xsrf_token"]
    for wrong in ({}, {"X-XSRF-Token": ""}, {"X-XSRF-Token": of_bob}):
        answer = await fetch(RUN, "POST", **ANN, **wrong)
        assert (answer.code, "X-XSRF-Token" in detail(answer)) == (403, True)
    shown = {**ANN, "X-XSRF-Token": token}
    assert (await fetch(RUN, "POST", **shown)).code == 202
    assert (await fetch(RUN, "POST", **shown, Origin="http://evil.example")).code == 403
    forwarded = {"Host": "cron.example.org", "X-Forwarded-Proto": "https", "Origin": "https://cron.example.org"}
    assert (await fetch(RUN, "POST", **shown, **forwarded)).code == 202


@pytest.mark.gen_test
async def test_of_whomever_the_proxy_tells_a_long_body_is_taken(fetch: Fetch, behind: Any) -> None:
    long = b'{"every": "1h"}' + b" " * 2 * MAX_STRANGERS_BODY
    shown = {**ANN, "X-XSRF-Token": (await session(fetch, **ANN))["xsrf_token"]}
    assert (await fetch("/api/v1/schedule/preview", "POST", long, **shown)).code == 200
    assert (await fetch("/api/v1/schedule/preview", "POST", long)).code == 401


@pytest.mark.gen_test
async def test_a_page_under_a_rebound_name_is_nobody_though_it_can_send_the_header(fetch: Fetch, behind: Any) -> None:
    for others in ({"Host": "evil.example"}, {"Host": "cron.example.org", "X-Forwarded-Host": "evil.example"}):
        assert await session(fetch, **ANN, **others) == 421
    assert (await session(fetch, **ANN, Host="cron.example.org"))["role"] == "edit"


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server", "behind")
async def test_the_stream_ends_with_the_users_place_in_the_configuration(
    http_port: int, engine: FakeEngine, clock: Clock
) -> None:
    stream = await connect(http_port, "?v=1", **ANN)
    assert json.loads(await stream.read_message() or "")["type"] == "hello"
    engine.config.configure(settings(clock, trusted_proxies=["127.0.0.1"], auth_proxy=AuthProxy()))
    assert await closed(stream) == 4503


@pytest.mark.gen_test
async def test_the_proxys_word_goes_before_what_came_along(fetch: Fetch, behind: Any) -> None:
    cookie = cookie_of(await sign_in(fetch))
    for others in (cookie, bearer(TOKENS["view"]), bearer("of the proxy"), basic("edit-user", PASSWORD)):
        assert (await session(fetch, **ANN, **others))["name"] == "ann@example.org"
    assert (await fetch("/metrics", **ANN, **basic("at", "the proxy"))).code == 200
    assert (await fetch("/login", **ANN)).code == 303  # as there is nothing to sign in for


@pytest.mark.gen_test
async def test_who_has_no_password_cannot_sign_in_by_one(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    proxied = {"trusted_proxies": ["127.0.0.1"], "auth_proxy": AuthProxy()}
    engine.config.configure(settings(clock, users=[User(name="ann", role="edit")], **proxied))
    assert (await sign_in(fetch, "ann", "")).code == 401
    assert not (await session(fetch, **bearer(TOKENS["view"])))["can_sign_in"]
    known = [User(name="ann", role="edit"), *settings(clock).users]
    engine.config.configure(settings(clock, users=known, **proxied))
    assert (await sign_in(fetch, "ann", PASSWORD)).code == 401
    assert (await sign_in(fetch)).code == 303


# --- the setting ---


def read_settings(text: str) -> Settings | list[str]:
    try:
        return read(text, PATH, environ={}, flags={}).settings
    except ConfigError as error:
        return [str(fault).partition(": ")[2] for fault in error.faults]


def test_it_needs_proxies_to_trust_and_lets_users_be_without_password() -> None:
    users = "users: [{name: ann@example.org, role: edit}]\n"
    found = read_settings(f"{users}trusted_proxies: [10.0.0.1]\nlisten: 0.0.0.0:80\nauth_proxy: {{role: view}}\n")
    assert isinstance(found, Settings)
    assert found.auth_proxy == AuthProxy(header="Remote-User", role="view")
    assert found.users == [User(name="ann@example.org", role="edit")]
    assert [each.what for each in believed_of_anybody(found, Lines(LOADED))] == []
    everybody = Settings(trusted_proxies=["0.0.0.0/0", "10.0.0.0/8"], auth_proxy=AuthProxy())
    assert [each.severity for each in believed_of_anybody(everybody, Lines(LOADED))] == ["error"]
    assert read_settings("auth_proxy: {}") == [
        "auth_proxy: expected trusted_proxies beside it, with the proxy's address, as nobody else is believed"
    ]
    assert read_settings(f"{users}auth_proxy: null") == [
        "users[0].password_hash: expected one of password_hash and password_hash_file, not none"
    ]
    trusted = "trusted_proxies: [10.0.0.1]\nauth_proxy: "
    assert read_settings(f"{trusted}true") == ["auth_proxy: expected a mapping of header and role, not true"]
    wrong = read_settings(f"{trusted}{{header: 'Remote User', role: admin}}")
    assert [fault.partition(",")[0] for fault in wrong] == [  # type: ignore[union-attr]
        "auth_proxy.header: expected the name of a header such as Remote-User",
        "auth_proxy.role: expected one of edit",
    ]
