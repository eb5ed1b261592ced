"""Cronscope's own application and relay, behind an engine that says what it is told to."""

from __future__ import annotations

import asyncio

from tornado.netutil import bind_sockets

from exporter.events import Event, Instant
from relay.app import App
from relay.relay import Relay
from relay.server import Server
from relay.site import Site
from tests.bench.servers.orders import follow_orders
from tests.fake_engine import FakeEngine
from tests.hub_client import ended, sample


async def main() -> None:
    engine = FakeEngine()
    sockets = bind_sockets(0, "127.0.0.1", backlog=4096)
    port = sockets[0].getsockname()[1]
    site = Site(engine, "127.0.0.1")
    Server(App(site)).add_sockets(sockets)
    site.relay = Relay(engine, client_limit=20_000)
    events: dict[str, Event] = {"system_metrics": sample(12.5), "script_status": ended()}
    await follow_orders(port, lambda kind: engine.journal.publish(events[kind], Instant.now()))


if __name__ == "__main__":
    asyncio.run(main())
