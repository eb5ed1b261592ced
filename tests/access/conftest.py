from __future__ import annotations

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from relay.access import Access
from relay.app import App
from relay.relay import Relay
from relay.site import Site
from tests.access.asking import Clock, Fetch, settings
from tests.fake_engine import FakeEngine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> FakeEngine:
    engine = FakeEngine()
    engine.config.configure(settings(clock))
    return engine


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
