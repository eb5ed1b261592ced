"""Where the service listens: its sockets, its servers, and the certificate that these show."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Any

from tornado.iostream import IOStream, SSLIOStream
from tornado.netutil import bind_sockets

from exporter import certificates
from exporter.certificates import Certificate, Unusable
from exporter.settings import Settings
from relay.app import App, ScrapeApp
from relay.descriptors import Listener
from relay.handler import MAX_BODY
from relay.server import Server
from relay.site import Site
from relay.too_large import MAX_HEAD_READ

log = logging.getLogger(__name__)

BACKLOG = 4096
IDLE_SECONDS = 300.0
"""How long a connection may stay open without a request; longer than the usual pause between two scrapes."""
BODY_SECONDS = 60.0
"""How long a request's body may take."""
HANDSHAKE_SECONDS = 10.0
"""How long a client may take to agree on TLS."""
_QUIET_SECONDS = 60.0
"""How long nothing more is said of clients that do not manage to."""


class ListenError(Exception):
    """The service can't listen where it should; the message says why and what to do."""


class Listening:
    """The addresses of one service, which are taken before anything else is begun."""

    def __init__(self, settings: Settings) -> None:
        """Raises ListenError."""
        self.certificate: Certificate | None = None
        if settings.tls is not None:
            try:
                self.certificate = certificates.load(settings.tls)
            except Unusable as error:  # since the configuration was checked
                raise ListenError(f"tls.{error.key}: {error}") from error
        self.host, self._sockets = listen(settings.listen, "listen")
        self._scraped: tuple[str, list[socket.socket]] | None = None
        if settings.metrics_listen is not None:
            self._scraped = listen(settings.metrics_listen, "metrics_listen")
        self._servers: list[Server] = []

    @property
    def origin(self) -> str:
        """Where the page is, `http://127.0.0.1:8917`."""
        return self._origin(self.host, self._sockets)

    @property
    def fingerprint(self) -> str:
        """Of the certificate that is shown; empty without TLS."""
        return self.certificate.fingerprint if self.certificate else ""

    def serve(self, site: Site, connections: int) -> list[Site]:
        """Begin to answer; the sites of all addresses.  `connections` is as in `relay.descriptors.Shares`."""
        self._sockets = self._begin(App(site), self._sockets, connections)
        if self._scraped is None:
            return [site]
        host, sockets = self._scraped
        scraped = site.at(host)
        log.info("metrics are served at %s/metrics", self._origin(host, sockets))
        self._begin(ScrapeApp(scraped), sockets, connections)
        return [site, scraped]

    def show(self, certificate: Certificate) -> None:
        """Show another certificate to whoever connects from now on."""
        self.certificate = certificate
        for server in self._servers:
            server.ssl_options = certificate.context

    async def stop(self) -> None:
        for server in self._servers:
            server.stop()
        for server in self._servers:
            await server.close_all_connections()

    def _origin(self, host: str, sockets: Sequence[socket.socket]) -> str:
        return f"{'https' if self.certificate else 'http'}://{host}:{sockets[0].getsockname()[1]}"

    def _begin(self, app: App, sockets: Iterable[socket.socket], connections: int) -> list[socket.socket]:
        """The sockets that take the place of those that were given."""
        of = Server if self.certificate is None else SecureServer
        server = of(
            app, arriving=app.site.arriving, max_body_size=MAX_BODY, max_header_size=MAX_HEAD_READ,
            idle_connection_timeout=IDLE_SECONDS, body_timeout=BODY_SECONDS,
            ssl_options=self.certificate and self.certificate.context,
        )  # fmt: skip
        listeners: list[socket.socket] = [
            Listener.of(each, connections, app.site.arriving.close_one, secure=self.certificate is not None)
            for each in sockets
        ]
        server.add_sockets(listeners)
        self._servers.append(server)
        return listeners


class SecureServer(Server):
    """By TLS: who does not agree on it soon is gone."""

    def handle_stream(self, stream: IOStream, address: Any) -> Any:
        return self._agree(stream, address)

    async def _agree(self, stream: IOStream, address: Any) -> None:
        assert isinstance(stream, SSLIOStream)
        self._arriving.expect(stream)
        try:
            await asyncio.wait_for(stream.wait_for_handshake(), HANDSHAKE_SECONDS)
        except (OSError, TimeoutError):
            stream.close()
        else:
            super().handle_stream(stream, address)


class OnceAMinute(logging.Filter):
    """Lets through one of Tornado's lines a minute on handshakes that failed: whoever comes can cause them."""

    _told_at = -_QUIET_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith("SSL Error"):
            return True
        if time.monotonic() - self._told_at < _QUIET_SECONDS:
            return False
        self._told_at = time.monotonic()
        return True


def listen(address: str, key: str) -> tuple[str, list[socket.socket]]:
    """Host as in a URL, and listening sockets, of `HOST:PORT`, which a key of the settings has.  Raises ListenError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        sockets = bind_sockets(int(port), host, backlog=BACKLOG)
    except OSError as error:
        hint = ""
        if error.errno == errno.EADDRINUSE:
            flag = key.replace("_", "-")
            hint = f"; is Cronscope running already? {key} in the configuration, or --{flag}, takes another port"
        raise ListenError(f"cannot listen on {address}: {error.strerror}{hint}") from error
    return f"[{host}]" if ":" in host else host, sockets
