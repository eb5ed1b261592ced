"""What requests leave in the audit trail, whoever sends them and whatever becomes of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args, get_type_hints
from urllib.parse import urlencode

import pytest

from exporter.audit import Actor, AuditQuery, Deed
from exporter.events import Instant
from exporter.records import CursorError
from exporter.settings import AuthProxy, Settings
from relay import passwords, roles
from relay.access import Identity, new_token
from relay.audit import ACTIONS, BATCH, UNAUDITED, actor_of
from relay.sign_ins import SESSION_SECONDS, TOLD_AGAIN_SECONDS, TOLD_EACH, TURNED_AWAY_SECONDS
from relay.throttle import FREE
from tests.access.asking import PASSWORD, TOKENS, Clock, Fetch, address, basic, bearer
from tests.fake_engine import RUN_ID, FakeEngine

FORM = "application/x-www-form-urlencoded"
CHANGES = [(route, method) for route, needs in roles.ROUTES.items() for method in needs if method != "GET"]
SIGNS = ("/login", "/logout")


def deed(engine: FakeEngine) -> Deed:
    """The only entry since this was last asked."""
    [noted] = engine.audit.noted
    engine.audit.noted.clear()
    return noted


async def sign_in(fetch: Fetch, name: str, password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    """Status, and the cookie of the session."""
    form = urlencode({"name": name, "password": password}).encode()
    answer = await fetch("/login", "POST", form, Content_Type=FORM)
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    return answer.code, {"Cookie": cookie}


def test_every_operation_that_is_more_than_reading_is_audited_or_it_is_said_why_not() -> None:
    for route, method in CHANGES:
        assert (method in ACTIONS.get(route, {})) != (method in UNAUDITED.get(route, {})), (route, method)
    told = {(route, method) for table in (ACTIONS, UNAUDITED) for route, methods in table.items() for method in methods}
    assert told == {*CHANGES, ("/api/v1/backup", "GET")}
    assert BATCH.keys() == roles.BATCH.keys()
    assert all(reason for methods in UNAUDITED.values() for reason in methods.values())


@pytest.mark.gen_test
@pytest.mark.parametrize(("route", "method"), [each for each in CHANGES if each[0] not in SIGNS])
async def test_every_such_request_leaves_exactly_one_entry_whoever_sends_it(
    fetch: Fetch, engine: FakeEngine, route: str, method: str
) -> None:
    for given, actor in [
        (bearer(TOKENS["edit"]), Actor(kind="token", name="edit-token", role="edit")),
        (bearer(TOKENS["scrape"]), Actor(kind="token", name="scrape-token", role="scrape")),
        (bearer(new_token()), Actor(kind="anonymous")),
        ({}, Actor(kind="anonymous")),
    ]:
        answer = await fetch(address(route), method, **given)
        if method in UNAUDITED.get(route, {}):
            assert engine.audit.noted == []
            continue
        noted = deed(engine)
        assert (noted.actor, noted.address, noted.action) == (actor, "127.0.0.1", ACTIONS[route][method])
        assert (noted.status, noted.method, noted.path) == (answer.code, method, address(route))
        expected = "done" if answer.code < 400 else "refused" if answer.code in (401, 403) else "failed"
        assert noted.outcome == expected
        assert actor.role == "edit" or expected == "refused"


@pytest.mark.gen_test
async def test_reading_leaves_nothing_but_for_a_backup(fetch: Fetch, engine: FakeEngine) -> None:
    for route, needs in roles.ROUTES.items():
        if "GET" in needs and route not in ("/ws", "/api/v1/audit", "/api/v1/config"):
            await fetch(address(route), **bearer(TOKENS["edit"]))
    assert [noted.action for noted in engine.audit.noted] == ["backup.download"]


@pytest.mark.gen_test
async def test_what_was_done_is_told_with_its_target(fetch: Fetch, engine: FakeEngine) -> None:
    for path, method, action, target, detail in [
        ("/api/v1/scripts/backup/run", "POST", "script.run", "backup", RUN_ID),
        ("/api/v1/scripts/backup/stop", "POST", "script.stop", "backup", RUN_ID),
        (f"/api/v1/runs/{RUN_ID}/stop", "POST", "script.stop", "backup", RUN_ID),
        ("/api/v1/files/jobs%2Fnew.sh", "PUT", "file.write", "jobs/new.sh", None),
        ("/api/v1/files/backup.sh/versions/1/restore", "POST", "file.restore", "backup.sh", "1"),
        ("/-/reload", "POST", "config.reload", None, None),
    ]:
        await fetch(path, method, **bearer(TOKENS["edit"]))
        noted = deed(engine)
        assert (noted.action, noted.target, noted.detail, noted.outcome) == (action, target, detail, "done")


@pytest.mark.gen_test
async def test_signing_in_and_out_is_told(fetch: Fetch, engine: FakeEngine) -> None:
    user = Actor(kind="user", name="view-user", role="view")
    code, cookie = await sign_in(fetch, "view-user")
    noted = deed(engine)
    assert (noted.action, noted.actor, noted.target) == ("sign-in", user, "view-user")
    assert (noted.outcome, noted.status) == ("done", code)
    token = json.loads((await fetch("/api/v1/session", **cookie)).body)["xsrf_token"]

    await fetch("/api/v1/config", "PUT", **cookie, X_XSRF_Token=token)
    assert (deed(engine).actor, engine.audit.noted) == (user, [])
    await fetch("/logout", "POST", **cookie)  # as a foreign page would
    assert (noted := deed(engine)).outcome == "refused"
    assert noted.actor == user
    await fetch("/logout?sessions=all", "POST", **cookie, X_XSRF_Token=token)
    noted = deed(engine)
    assert (noted.action, noted.actor, noted.detail, noted.outcome) == ("sign-out", user, "everywhere", "done")
    for given in ({}, bearer(TOKENS["edit"])):
        assert (await fetch("/logout", "POST", **given)).code == 204
        assert engine.audit.noted == []  # nobody was signed out


@pytest.mark.gen_test
async def test_a_sign_in_that_fails_is_told_with_the_name_of_an_account_only(fetch: Fetch, engine: FakeEngine) -> None:
    nobody = Actor(kind="anonymous")
    _, cookie = await sign_in(fetch, "edit-user")
    engine.audit.noted.clear()
    for name, target in (("view-user", "view-user"), ("hunter2", None)):
        form = urlencode({"name": name, "password": "wrong"}).encode()
        answer = await fetch("/login", "POST", form, Content_Type=FORM, **cookie)
        noted = deed(engine)
        assert (noted.actor, noted.target, noted.outcome, noted.status) == (nobody, target, "refused", answer.code)
    await fetch("/metrics", **basic("view-user", "wrong"))
    noted = deed(engine)
    assert (noted.action, noted.actor, noted.target, noted.outcome) == ("sign-in", nobody, "view-user", "refused")


@pytest.mark.gen_test
async def test_a_scraper_is_told_when_it_begins_after_a_failure_and_every_few_hours(
    fetch: Fetch, engine: FakeEngine, clock: Clock
) -> None:
    user = Actor(kind="user", name="scrape-user", role="scrape")

    async def scrape(password: str = PASSWORD, path: str = "/metrics") -> list[tuple[Actor, str, int | None]]:
        await fetch(path, **basic("scrape-user", password))
        told: list[tuple[Actor, str, int | None]] = [
            (noted.actor, noted.outcome, noted.status) for noted in engine.audit.noted
        ]
        assert all((noted.action, noted.target) == ("sign-in", "scrape-user") for noted in engine.audit.noted)
        engine.audit.noted.clear()
        return told

    assert await scrape() == [(user, "done", 200)]
    for path in ("/metrics", "/-/healthy", "/api/v1/session"):
        clock.seconds += 3600
        assert await scrape(path=path) == []
    assert await scrape("wrong") == [(Actor(kind="anonymous"), "refused", 401)]
    assert await scrape() == [(user, "done", 200)]
    engine.config.configure(_trusting(engine.settings))
    await fetch("/metrics", **basic("scrape-user", PASSWORD), X_Forwarded_For="192.0.2.9")
    assert deed(engine).address == "192.0.2.9"
    await fetch("/metrics", **basic("scrape-user", PASSWORD), X_Forwarded_For="192.0.2.9")
    await fetch("/metrics", **basic("scrape-user", TOKENS["scrape"]))  # a token, which is no sign-in
    assert await scrape() == []
    clock.seconds += TOLD_AGAIN_SECONDS
    assert await scrape() == [(user, "done", 200)]


@pytest.mark.gen_test
async def test_attempts_that_have_to_wait_are_told_however_many_they_are_by_few_entries(
    fetch: Fetch, engine: FakeEngine, clock: Clock
) -> None:
    for round_ in ("first", "second"):
        for number in range(FREE + 100 if round_ == "first" else 100):
            if number % 2:
                code, _ = await sign_in(fetch, "operate-user", "wrong")
            else:
                code = (await fetch("/metrics", **basic("operate-user", PASSWORD if number > FREE else "wrong"))).code
            assert code == (401 if (number < FREE and round_ == "first") or number == 0 else 429)
        told = [(noted.status, noted.detail) for noted in engine.audit.noted]
        waiting = [(429, None), (429, "10 attempts had to wait")]
        if round_ == "first":
            assert told == [(401, None)] * FREE + [*waiting, (429, "100 attempts had to wait")]
        else:
            assert told == [(401, None), *waiting]
        assert {(noted.target, noted.outcome) for noted in engine.audit.noted} == {("operate-user", "refused")}
        engine.audit.noted.clear()
        clock.seconds += 1
    for number in range(20):  # names that are none, perhaps passwords, do not make more of it
        await sign_in(fetch, f"unknown-{number}", "wrong")
    assert [(noted.target, noted.detail) for noted in engine.audit.noted] == [
        (None, None), (None, "10 attempts had to wait"),
    ]  # fmt: skip


@pytest.mark.gen_test
async def test_attempts_without_credentials_are_told_however_many_they_are_by_few_entries(
    fetch: Fetch, engine: FakeEngine, clock: Clock
) -> None:
    async def run() -> int:
        return (await fetch("/api/v1/scripts/backup/run", "POST", b"")).code

    async def sign_in_without_form() -> int:
        return (await fetch("/login", "POST", b"", Content_Type="text/plain")).code

    async def with_token_that_is_none() -> int:
        return (await fetch("/api/v1/scripts/backup/stop", "POST", b"", **bearer(new_token()))).code

    for attempt, code in ((run, 401), (sign_in_without_form, 415), (with_token_that_is_none, 401)):
        for _ in range(120):
            assert await attempt() == code
        assert [(noted.status, noted.detail) for noted in engine.audit.noted] == [
            *[(code, None)] * TOLD_EACH, (code, "100 attempts from there"),
        ]  # fmt: skip
        engine.audit.noted.clear()
    assert (await sign_in(fetch, "operate-user", "wrong"))[0] == 401  # a password was looked at
    assert deed(engine).target == "operate-user"
    for _ in range(3):
        await fetch("/api/v1/scripts/missing/run", "POST", b"", **bearer(TOKENS["view"]))
    assert len(engine.audit.noted) == 3  # who is known answers for it
    engine.audit.noted.clear()
    clock.seconds += TURNED_AWAY_SECONDS
    await run()
    assert deed(engine).detail is None


@pytest.mark.gen_test
async def test_no_number_of_right_passwords_fills_the_trail_ends_others_sessions_or_costs_much(
    fetch: Fetch, engine: FakeEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified, really = list[str](), passwords._verify

    def verify(hashed: str, password: str) -> bool:
        verified.append(hashed)
        return really(hashed, password)

    monkeypatch.setattr("relay.passwords._verify", verify)
    monkeypatch.setattr("relay.sign_ins.SESSIONS_AT_ONCE", 50)
    _, other = await sign_in(fetch, "edit-user")
    engine.audit.noted.clear()
    for _ in range(50):
        assert (await sign_in(fetch, "view-user"))[0] == 303
    for _ in range(20):
        answers = await asyncio.gather(*(sign_in(fetch, "view-user") for _ in range(5)))
        assert {code for code, _ in answers} == {429}
    assert len(engine.audit.noted) == 50 + 3
    assert len(verified) == 2
    clock.seconds += SESSION_SECONDS
    assert [(await sign_in(fetch, "view-user"))[0] for _ in range(2)] == [303, 429]
    assert (await sign_in(fetch, "operate-user"))[0] == 303
    assert json.loads((await fetch("/api/v1/session", **other)).body)["name"] == "edit-user"
    assert (await fetch("/metrics", **basic("view-user", PASSWORD))).code == 200


@pytest.mark.gen_test
async def test_where_everybody_may_do_everything_nobody_signs_in(fetch: Fetch, engine: FakeEngine) -> None:
    engine.config.configure(Settings())
    assert (await sign_in(fetch, "anybody"))[0] == 303
    assert engine.audit.noted == []
    await fetch("/api/v1/scripts/backup/run", "POST")
    assert deed(engine).actor == Actor(kind="anonymous", role="edit")


@pytest.mark.gen_test
async def test_where_a_request_comes_from_is_told_as_trusted_proxies_say(fetch: Fetch, engine: FakeEngine) -> None:
    run = ("/api/v1/scripts/backup/run", "POST")
    await fetch(*run, **bearer(TOKENS["edit"]), X_Forwarded_For="192.0.2.9")
    assert deed(engine).address == "127.0.0.1"
    engine.config.configure(_trusting(engine.settings))
    await fetch(*run, **bearer(TOKENS["edit"]), X_Forwarded_For="192.0.2.9")
    assert deed(engine).address == "192.0.2.9"
    engine.config.configure(Settings(trusted_proxies=["127.0.0.1"], auth_proxy=AuthProxy(role="operate")))
    await fetch(*run, Remote_User="alice")  # without what only the page knows
    alice = Actor(kind="proxy", name="alice", role="operate")
    assert ((noted := deed(engine)).outcome, noted.actor) == ("refused", alice)
    known = await fetch("/api/v1/session", Remote_User="alice")
    await fetch(*run, Remote_User="alice", X_XSRF_Token=json.loads(known.body)["xsrf_token"])
    assert ((noted := deed(engine)).outcome, noted.actor) == ("done", alice)


def _trusting(settings: Settings) -> Settings:
    return Settings(users=settings.users, tokens=settings.tokens, trusted_proxies=["127.0.0.1"])


@pytest.mark.gen_test
async def test_a_refusal_of_a_foreign_page_of_a_long_body_and_of_no_name_is_told(
    fetch: Fetch, engine: FakeEngine
) -> None:
    await fetch("/api/v1/scripts/backup/run", "POST", Origin="http://evil.example", **bearer(TOKENS["edit"]))
    assert ((noted := deed(engine)).outcome, noted.status) == ("refused", 403)
    await fetch("/api/v1/files/x", "PUT", b"x" * (2 << 20), **bearer(TOKENS["edit"]))
    assert ((noted := deed(engine)).outcome, noted.status) == ("failed", 413)
    assert (noted.target, noted.path) == ("x", "/api/v1/files/x")
    await fetch("/api/v1/scripts/backup/run", "POST", b"x" * (65 << 10))
    assert ((noted := deed(engine)).outcome, noted.status, noted.target) == ("refused", 401, "backup")
    await fetch("/api/v1/scripts/%FF/run", "POST")
    assert ((noted := deed(engine)).outcome, noted.status, noted.target) == ("failed", 400, None)


@pytest.mark.gen_test
@pytest.mark.parametrize("action", roles.BATCH)
async def test_a_batch_that_is_not_done_is_one_entry_however_much_it_names(
    fetch: Fetch, engine: FakeEngine, action: str
) -> None:
    names = [f"no-{number}" for number in range(1000)]
    scripts: list[Any] = [{"name": name, "command": "true"} for name in names] if action == "import" else names
    body: dict[str, Any] = {"action": action, "scripts": scripts} | ({"config": {}} if action == "update" else {})
    for given in (bearer(TOKENS["view"]), bearer(TOKENS["edit"])):
        sent = json.dumps(body).encode()
        answer = await fetch("/api/v1/scripts/batch", "POST", sent, Content_Type="application/json", **given)
        if action == "export" and answer.code != 403:
            assert engine.audit.noted == []
            continue
        noted = deed(engine)
        assert noted.action == ("script.batch" if answer.code == 403 else BATCH[action])
        assert noted.outcome == ("refused" if answer.code == 403 else "failed")


def test_every_kind_of_identity_is_one_of_actors() -> None:
    for kind in get_args(get_type_hints(Identity)["kind"]):
        assert actor_of(Identity(kind, "name"), "view").name == "name"


# --- asking for it ---


@pytest.mark.gen_test
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_trail_can_only_be_read(fetch: Fetch, method: str) -> None:
    answer = await fetch("/api/v1/audit", method, **bearer(TOKENS["edit"]))
    assert (answer.code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.gen_test
async def test_the_trail_is_asked_for_what_the_query_says(fetch: Fetch, engine: FakeEngine) -> None:
    query = "since=2026-01-31T19:00:00Z&actor=alice&action=script&target=back&limit=7&before=X"
    for form in ("", "&format=jsonl"):
        await fetch(f"/api/v1/audit?{query}{form}", **bearer(TOKENS["edit"]))
        since = Instant.parse("2026-01-31T19:00:00Z")
        asked = AuditQuery(since=since, actor="alice", action="script", target="back", limit=7, before="X")
        assert engine.asked.pop() == ("audit", asked)
    engine.fault = CursorError("is no cursor")
    answer = await fetch("/api/v1/audit?before=X", **bearer(TOKENS["edit"]))
    assert (answer.code, json.loads(answer.body)["errors"][0]["pointer"]) == (422, "#/before")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("query", "fault"),
    [("limit=0", "limit"), ("action=nothing", "action"), ("since=yesterday", "since"), ("who=me", "who")],
)
async def test_a_query_with_faults_is_refused(fetch: Fetch, query: str, fault: str) -> None:
    answer = await fetch(f"/api/v1/audit?{query}", **bearer(TOKENS["edit"]))
    assert (answer.code, json.loads(answer.body)["errors"][0]["pointer"]) == (422, f"#/{fault}")
