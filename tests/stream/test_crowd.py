from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from relay.app import App
from relay.relay import Relay
from relay.server import Server
from relay.site import Site
from tests.crowd import UPGRADE
from tests.stream.net import TalkingEngine, Wire, until

CROWD = 400


@pytest.fixture
def engine() -> TalkingEngine:
    return TalkingEngine()


@pytest.fixture
def port(io_loop: IOLoop, engine: TalkingEngine) -> Iterator[int]:
    site = Site(engine, "127.0.0.1")
    site.relay = relay = Relay(engine, client_limit=CROWD)
    server = Server(App(site))
    listening = socket.create_server(("127.0.0.1", 0), backlog=2 * CROWD)
    listening.setblocking(False)
    server.add_sockets([listening])
    yield listening.getsockname()[1]

    async def stop() -> None:
        relay.stop()
        server.stop()
        await server.close_all_connections()

    io_loop.run_sync(stop)


def ask(port: int, request: str) -> Wire:
    """A connection with a request that nobody has looked at, as the event loop stands still meanwhile."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(request.encode())
    connection.setblocking(False)
    return Wire(connection)


@pytest.mark.gen_test(timeout=30)
async def test_a_request_behind_a_crowd_is_answered_before_the_crowd_is_let_in(
    port: int, engine: TalkingEngine
) -> None:
    crowd = [ask(port, UPGRADE.format(query="?v=1")) for _ in range(CROWD)]
    late = ask(port, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = await asyncio.get_running_loop().sock_recv(late.socket, 1 << 16)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert engine.count("clients") < CROWD / 2
    await until(lambda: engine.count("clients") == CROWD)
    assert engine.snapshots == 1
    for client in crowd:
        client.socket.close()
    late.socket.close()
    assert gc.get_threshold()[2] < 1000
    await until(lambda: engine.count("clients") == 0)


@pytest.mark.gen_test
async def test_who_waits_when_the_service_stops_is_cut_off(io_loop: IOLoop, engine: TalkingEngine) -> None:
    server = Server(App(Site(engine, "127.0.0.1")))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    server.add_sockets([listening])
    client = ask(listening.getsockname()[1], UPGRADE.format(query=""))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    server.stop()
    assert await client.frame() is None
    client.socket.close()
