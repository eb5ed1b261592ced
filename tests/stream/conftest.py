"""The service before its clients, within the process of the test."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from relay.app import App
from relay.relay import Relay
from relay.site import Site
from tests.stream.net import Errors, Net, TalkingEngine


@pytest.fixture(autouse=True)
def errors() -> Iterator[Errors]:
    """Stray errors in the log fail the test."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    yield errors
    gc.collect()  # asyncio tells of forgotten exceptions when they are collected
    logging.getLogger().removeHandler(errors)
    assert errors.messages == []


@pytest.fixture
def engine() -> TalkingEngine:
    return TalkingEngine()


@pytest.fixture
def relay(engine: TalkingEngine) -> Relay:
    return Relay(engine, client_limit=100)


@pytest.fixture
def app(io_loop: IOLoop, engine: TalkingEngine, relay: Relay) -> Iterator[App]:
    site = Site(engine, "127.0.0.1")
    site.relay = relay
    yield App(site)

    async def stop() -> None:
        relay.stop()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    io_loop.run_sync(stop)


@pytest.fixture
def net(http_server: HTTPServer, http_port: int) -> Iterator[Net]:
    net = Net(http_port)
    yield net
    for connection in net.sockets:
        connection.close()
