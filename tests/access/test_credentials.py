"""Tokens and passwords: who comes in by them, from where, and who tries again and again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exporter.events import Instant
from exporter.settings import Settings, Token, User
from relay import passwords
from relay.access import Access, Identity, new_token, sha256_of
from relay.site import Site
from relay.throttle import FREE
from tests.access.asking import EXPIRED, PASSWORD, TOKENS, Clock, Fetch, basic, bearer, detail, settings
from tests.fake_engine import FakeEngine


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
    users.append(User(name="of a proxy", role="view"))
    checking = passwords.Passwords()
    assert await checking.user(users, "b", "mistaken") is None
    assert await checking.user(users, "unknown", "mistaken") is None
    assert await checking.user(users, "unknown", "right") is None
    assert await checking.user(users, "a", "right") == users[0]
    assert await checking.user(users, "unknown", "right") is None
    assert await checking.user(users[::-1], "of a proxy", "right") is None
    assert await checking.user(users[2:] + users, "unknown", "mistaken") is None
    assert tried == ["hash of b", *4 * ["hash of a"], "hash of b", "hash of a"]


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


def test_an_identity_is_worth_what_the_settings_say_now(clock: Clock) -> None:
    configured = settings(clock)
    access = Access(lambda: configured, "127.0.0.1", now=clock.now)
    user = configured.users[3]
    assert access.role(Identity("user", user.name, user.password_hash or "")) == "edit"
    assert access.role(Identity("user", user.name, "the hash of an earlier password")) is None
    assert access.role(Identity("user", "removed", user.password_hash or "")) is None
    assert access.role(Identity("token", "removed", sha256_of(new_token()))) is None
