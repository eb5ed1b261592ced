"""Signing in by the form, and what a session is good for till it ends."""

from __future__ import annotations

import json
import re
import time
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect

from exporter.settings import Settings
from relay.handler import COOKIE
from relay.sessions import IDLE_MS, LONGEST_MS, MAX_SESSIONS, Sessions
from relay.throttle import FREE, LONGEST_SECONDS
from tests.access.asking import CHEAP, PASSWORD, TOKENS, Clock, Fetch, bearer, detail, settings
from tests.fake_engine import FakeEngine

FORM = "application/x-www-form-urlencoded"
RUN = "/api/v1/scripts/backup/run"


async def sign_in(fetch: Fetch, name: str = "edit-user", password: str = PASSWORD, **others: str) -> HTTPResponse:
    fields = {"name": name, "password": password, "next": others.pop("place", "")}
    return await fetch("/login", "POST", urlencode(fields).encode(), Content_Type=FORM, **others)


def cookie_of(answer: HTTPResponse) -> dict[str, str]:
    """The header that a browser sends from then on."""
    return {"Cookie": f"{COOKIE}={SimpleCookie(answer.headers['Set-Cookie'])[COOKIE].value}"}


async def session(fetch: Fetch, cookie: dict[str, str]) -> Any:
    answer = await fetch("/api/v1/session", **cookie)
    assert answer.code == 200, answer.body
    return json.loads(answer.body)


@pytest.mark.gen_test
async def test_the_form_leads_to_the_page_and_back_to_where_one_was(fetch: Fetch) -> None:
    answer = await sign_in(fetch, place="#/scripts/backup?tab=1")
    assert (answer.code, answer.headers["Location"]) == (303, "/#/scripts/backup?tab=1")
    told = answer.headers["Set-Cookie"]
    assert ("; HttpOnly" in told, "SameSite=Strict" in told, "; Path=/" in told, "Secure" in told) == (
        True, True, True, False,
    )  # fmt: skip
    state = await session(fetch, cookie_of(answer))
    assert (state["name"], state["role"], state["signed_in"]) == ("edit-user", "edit", True)


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "#evil", "#/a\r\nSet-Cookie: a=b", "#/<b>"]
)
async def test_nobody_is_led_elsewhere(fetch: Fetch, place: str) -> None:
    assert (await sign_in(fetch, place=place)).headers["Location"] == "/"
    form = await fetch("/login?" + urlencode({"next": place}))
    assert b'name="next" value=""' in form.body


@pytest.mark.gen_test
async def test_the_cookie_keeps_to_https_and_to_the_prefix(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    engine.config.configure(settings(clock, url_prefix="/ops", trusted_proxies=["127.0.0.1"]))
    answer = await fetch(
        "/ops/login", "POST", urlencode({"name": "edit-user", "password": PASSWORD}).encode(), Content_Type=FORM,
        X_Forwarded_Proto="https",
    )  # fmt: skip
    assert answer.headers["Location"] == "/ops/"
    assert ("; Secure" in answer.headers["Set-Cookie"], "; Path=/ops" in answer.headers["Set-Cookie"]) == (True, True)


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("language", "title", "told"),
    [("en", "Sign in", "Name or password is wrong."), ("zh-TW", "登入", "名稱或密碼不正確。")],
)
async def test_the_form_is_plain_and_speaks_the_readers_language(
    fetch: Fetch, language: str, title: str, told: str
) -> None:
    form = await fetch("/login", Accept_Language=language)
    html = form.body.decode()
    assert f"<h1>{title}</h1>" in html
    assert ('autocomplete="username"' in html, 'autocomplete="current-password"' in html) == (True, True)
    assert not re.search(r"<script|<style|style=|onsubmit", html)
    wrong = await sign_in(fetch, '"><b>', "wrong", Accept_Language=language)
    assert (wrong.code, f'<p role="alert">{told}</p>' in wrong.body.decode()) == (401, True)
    assert ("<b>" in wrong.body.decode(), 'value="&quot;&gt;&lt;b&gt;"' in wrong.body.decode()) == (False, True)
    assert "Basic" not in wrong.headers["WWW-Authenticate"]
    assert "Set-Cookie" not in wrong.headers


@pytest.mark.gen_test
async def test_without_any_user_the_form_says_what_makes_one(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    engine.config.configure(settings(clock, users=[]))
    form = unescape((await fetch("/login")).body.decode())
    assert ("cronscope passwd NAME" in form, "<form" in form, "<input" in form) == (True, False, False)
    engine.config.configure(Settings())
    assert (await fetch("/login")).headers["Location"] == "/"
    assert (await sign_in(fetch)).headers["Location"] == "/"


@pytest.mark.gen_test
async def test_who_has_signed_in_is_led_on_and_not_asked_again(fetch: Fetch, clock: Clock) -> None:
    cookie = cookie_of(await sign_in(fetch))
    for place, to in (("#/scripts/backup", "/#/scripts/backup"), ("https://evil.example", "/")):
        answer = await fetch("/login?" + urlencode({"next": place}), **cookie)
        assert (answer.code, answer.headers["Location"]) == (303, to)
    clock.seconds += IDLE_MS / 1000
    assert (await fetch("/login", **cookie)).code == 200


@pytest.mark.gen_test
async def test_the_form_is_throttled(fetch: Fetch, clock: Clock) -> None:
    for _ in range(FREE):
        assert (await sign_in(fetch, password=PASSWORD[1:])).code == 401
    answer = await sign_in(fetch)
    assert (answer.code, answer.headers["Retry-After"], "Set-Cookie" in answer.headers) == (429, "1", False)
    clock.seconds += 1
    assert (await sign_in(fetch)).code == 303


@pytest.mark.gen_test
async def test_the_time_of_a_refusal_does_not_tell_which_names_there_are(
    fetch: Fetch, engine: FakeEngine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    costly = PasswordHasher(time_cost=8, memory_cost=8192, parallelism=1).hash(PASSWORD)
    users = [type(user)(name=user.name, role=user.role, password_hash=costly) for user in settings(clock).users]
    engine.config.configure(settings(clock, users=users))
    names = ("view-user", "edit-user", "nobody", "edit-user2")
    took: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(9):
        for name in names:
            clock.seconds += LONGEST_SECONDS
            began = time.perf_counter()
            assert (await sign_in(fetch, name, "wrong")).code == 401
            took[name].append(time.perf_counter() - began)
    least = [min(times) for times in took.values()]  # what else the machine does only adds to it
    assert max(least) < 2 * min(least)  # without a hash for those that are unknown it is ten times and more
    caplog.clear()


@pytest.mark.gen_test
async def test_a_foreign_page_cannot_sign_anybody_in(fetch: Fetch) -> None:
    assert (await sign_in(fetch, Origin="http://evil.example")).code == 403
    assert (await fetch("/login", "POST", b"{}", Content_Type="application/json")).code == 415


@pytest.mark.gen_test
async def test_a_session_that_was_there_before_is_not_the_one_after(fetch: Fetch) -> None:
    planted = cookie_of(await sign_in(fetch, "view-user"))
    again = await sign_in(fetch, "edit-user", **planted)
    assert cookie_of(again) != planted
    assert (await fetch("/api/v1/session", **planted)).code == 401
    made_up = {"Cookie": f"{COOKIE}=made-up"}
    assert cookie_of(await sign_in(fetch, **made_up)) != made_up
    assert (await fetch("/api/v1/session", **made_up)).code == 401


@pytest.mark.gen_test
async def test_a_change_takes_what_only_the_page_knows(fetch: Fetch) -> None:
    cookie, other = cookie_of(await sign_in(fetch)), cookie_of(await sign_in(fetch))
    token = (await session(fetch, cookie))["xsrf_token"]
    for wrong in ("", "x", (await session(fetch, other))["xsrf_token"]):
        answer = await fetch(RUN, "POST", **cookie, X_XSRF_Token=wrong)
        assert (answer.code, "X-XSRF-Token" in detail(answer)) == (403, True)
    assert (await fetch(RUN, "POST", **cookie)).code == 403
    assert (await fetch(RUN, "POST", **cookie, X_XSRF_Token=token)).code == 202
    assert (await fetch(RUN, "POST", **cookie, X_XSRF_Token=token, Origin="http://evil.example")).code == 403


@pytest.mark.gen_test
async def test_a_stolen_cookie_is_worth_nothing_after_signing_out(fetch: Fetch) -> None:
    cookie, other = cookie_of(await sign_in(fetch)), cookie_of(await sign_in(fetch))
    token = (await session(fetch, cookie))["xsrf_token"]
    assert (await fetch("/logout", "POST", **cookie)).code == 403
    answer = await fetch("/logout", "POST", **cookie, X_XSRF_Token=token)
    assert (answer.code, f'{COOKIE}=""' in answer.headers["Set-Cookie"]) == (204, True)
    assert (await fetch("/api/v1/session", **cookie)).code == 401
    assert (await session(fetch, other))["signed_in"]


@pytest.mark.gen_test
async def test_signing_out_everywhere_ends_every_session_of_the_user(fetch: Fetch) -> None:
    mine = [cookie_of(await sign_in(fetch)) for _ in range(3)]
    theirs = cookie_of(await sign_in(fetch, "view-user"))
    token = (await session(fetch, mine[0]))["xsrf_token"]
    await fetch("/logout?sessions=all", "POST", **mine[0], X_XSRF_Token=token)
    assert [(await fetch("/api/v1/session", **cookie)).code for cookie in [*mine, theirs]] == [401, 401, 401, 200]


@pytest.mark.gen_test
@pytest.mark.parametrize("change", ["password", "role", "removed"])
async def test_another_password_or_role_ends_the_session(fetch: Fetch, engine: FakeEngine, change: str) -> None:
    cookie = cookie_of(await sign_in(fetch))
    before = engine.settings
    *others, user = before.users
    changed = {
        "password": [type(user)(name=user.name, role="edit", password_hash=CHEAP.hash(PASSWORD))],
        "role": [type(user)(name=user.name, role="operate", password_hash=user.password_hash)],
        "removed": [],
    }[change]
    engine.config.configure(Settings(users=[*others, *changed], tokens=before.tokens))
    assert (await fetch("/api/v1/session", **cookie)).code == 401
    engine.config.configure(before)
    assert (await fetch("/api/v1/session", **cookie)).code == 401


@pytest.mark.gen_test
async def test_a_session_ends_when_nothing_was_asked_for_and_at_the_latest_after_a_week(
    fetch: Fetch, clock: Clock
) -> None:
    idle, busy = cookie_of(await sign_in(fetch)), cookie_of(await sign_in(fetch))
    for passed in range(0, LONGEST_MS, IDLE_MS // 2):
        assert (await fetch("/api/v1/session", **busy)).code == 200, passed
        clock.seconds += IDLE_MS / 2000
    assert (await fetch("/api/v1/session", **busy)).code == 401
    assert (await fetch("/api/v1/session", **idle)).code == 401


@pytest.mark.parametrize("set_back", [0, IDLE_MS / 2000, IDLE_MS / 1000], ids=["right", "standing still", "backwards"])
def test_a_clock_that_is_set_back_again_and_again_makes_no_session_longer(clock: Clock, set_back: float) -> None:
    sessions, (user, *_) = Sessions(clock.now, clock.monotonic), settings(clock).users
    busy, idle = sessions.begin(user), sessions.begin(user)
    for passed in range(0, LONGEST_MS, IDLE_MS // 2):
        assert sessions.seen(busy), passed
        clock.seconds += IDLE_MS / 2000
        clock.set_back += set_back
    assert not sessions.seen(busy)
    assert not sessions.seen(idle)


def test_time_that_the_machine_slept_counts_for_a_session(clock: Clock) -> None:
    """Then a monotonic clock stands still: clock_gettime(2)."""
    sessions, (user, *_) = Sessions(clock.now, clock.monotonic), settings(clock).users
    secret = sessions.begin(user)
    clock.set_back = -LONGEST_MS / 1000
    assert not sessions.seen(secret)


def test_a_user_has_so_many_sessions_and_no_more(clock: Clock) -> None:
    sessions, (user, other, *_) = Sessions(clock.now, clock.monotonic), settings(clock).users
    of_other = sessions.begin(other)
    secrets = [sessions.begin(user) for _ in range(MAX_SESSIONS)]
    assert sessions.seen(secrets[0])
    sessions.begin(user)
    assert sessions.seen(secrets[0])
    assert not sessions.seen(secrets[1])
    assert sessions.seen(of_other)


@pytest.mark.gen_test
async def test_who_asks_is_told_whatever_they_come_with(fetch: Fetch, engine: FakeEngine, clock: Clock) -> None:
    told = await session(fetch, bearer(TOKENS["view"]))
    assert told == {
        "name": "view-token", "role": "view", "signed_in": False, "can_sign_in": True, "by_proxy": False,
        "xsrf_token": None,
    }  # fmt: skip
    engine.config.configure(settings(clock, anonymous="view"))
    assert (await session(fetch, {}))["role"] == "view"
    engine.config.configure(Settings())
    told = await session(fetch, {})
    assert (told["name"], told["role"], told["can_sign_in"]) == (None, "edit", False)


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
@pytest.mark.parametrize("end", ["sign out", "idle"])
async def test_the_stream_ends_with_the_session(fetch: Fetch, clock: Clock, http_port: int, end: str) -> None:
    cookie = cookie_of(await sign_in(fetch, "view-user"))
    token = (await session(fetch, cookie))["xsrf_token"]
    stream = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{http_port}/ws?v=1", headers=cookie))
    assert await stream.read_message()
    if end == "idle":
        clock.seconds += IDLE_MS / 1000
    else:
        await fetch("/logout", "POST", **cookie, X_XSRF_Token=token)
    while await stream.read_message() is not None:
        pass
    assert stream.close_code == 4503


@pytest.mark.gen_test
@pytest.mark.usefixtures("http_server")
async def test_a_foreign_page_does_not_get_the_stream_by_the_readers_session(fetch: Fetch, http_port: int) -> None:
    cookie = cookie_of(await sign_in(fetch))
    asked = {**cookie, "Origin": "http://evil.example"}
    with pytest.raises(Exception, match="403"):
        await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{http_port}/ws", headers=asked))
