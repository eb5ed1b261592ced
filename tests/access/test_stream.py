"""`/ws` is for whoever may see the page, and only for as long as that is so."""

from __future__ import annotations

import json

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from exporter.events import Instant, Output
from exporter.settings import Role, Settings, Token
from relay import roles
from relay.access import sha256_of
from tests.access.asking import TOKENS, Clock, bearer, settings
from tests.fake_engine import RUN_ID, FakeEngine


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
