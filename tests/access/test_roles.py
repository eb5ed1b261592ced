"""Every address and action, with every role, with none, and with credentials that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.etag import hash_of
from exporter.script_edits import etag_of_entry
from exporter.settings import Settings
from relay import roles
from relay.access import new_token
from relay.app import ROUTES
from tests.access.asking import EXPIRED, TOKENS, Fetch, address, bearer, detail
from tests.fake_engine import CONTENT, SCRIPT, FakeEngine

OPERATIONS = [(route, method) for route, handler in ROUTES for method in handler.allowed_methods()]


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
@pytest.mark.parametrize("role", roles.ROLES)
async def test_no_answer_tells_whether_a_content_is_what_somebody_guesses_it_to_be(
    fetch: Fetch, engine: FakeEngine, role: str
) -> None:
    guessed = [hash_of(CONTENT.data), hash_of(engine.config.loaded.text.encode()), etag_of_entry(SCRIPT.config)[1:-1]]
    for route, handler in ROUTES:
        if "GET" in handler.allowed_methods() and route != "/ws":
            answer = await fetch(address(route), **bearer(TOKENS[role]))
            told = f"{answer.headers}{(answer.body or b'').decode()}"
            assert not [route for guess in guessed if guess in told]


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
