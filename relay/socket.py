"""Tornado's side of `/ws`: its handler."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Coroutine
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream
from tornado.websocket import WebSocketProtocol, WebSocketProtocol13

from exporter.settings import Role
from relay.access import Identity
from relay.lanes import Client, take_nothing
from relay.problem import Problem
from relay.protocol import MAX_MESSAGE, Handler, Protocol
from relay.relay import Relay
from relay.ring import Resume

SEND_BUFFER = 256 << 10
"""Bytes that the kernel may hold for a client: left alone that grows to 4 MiB (tcp(7)), full of old samples."""
_EPOCH = re.compile(r"[0-9a-f]{32}")
_NO_HEADERS = HTTPHeaders()
_SEQ = re.compile(r"[0-9]{1,19}")


class SocketHandler(Handler):
    """`/ws`.  To be combined with a handler whose `prepare` has the guard decide, and whose `initialize` sets `relay`.

    That handler also knows the `identity` of who asks, and the `role` that this one has now.

    Raises `Problem` for a query that makes no sense, before the upgrade.
    """

    relay: Relay
    identity: Identity
    stream: IOStream
    _client: Client | None = None
    _protocol: Protocol | None = None
    _rich = False
    _resume: Resume | None = None

    @property
    def role(self) -> Role | None:
        raise NotImplementedError

    def get(self, *args: str, **kwargs: str) -> Coroutine[Any, Any, None]:
        """Not a coroutine of its own, which would stay in memory for as long as the connection does."""
        self._read_query()
        if not self._rich and (cause := self.relay.turn_away()):
            raise Problem(503, f"{cause.text}; try again later".capitalize() + ".")
        return super().get(*args, **kwargs)

    def _read_query(self) -> None:
        version, epoch, after = (self._parameter(name) for name in ("v", "epoch", "after"))
        if version not in (None, "1"):
            raise Problem(400, "v: the only version of this protocol is 1.")
        self._rich = version is not None
        if epoch is None and after is None:
            return
        if epoch is None or after is None or not self._rich:
            raise Problem(400, "To resume takes v=1, epoch and after.")
        if not _EPOCH.fullmatch(epoch):
            raise Problem(400, "epoch: expected the 32 hexadecimal digits that hello gave.")
        if not _SEQ.fullmatch(after):
            raise Problem(400, "after: expected the number of an event.")
        self._resume = Resume(epoch, int(after))
        if not self.relay.has_happened(self._resume):
            raise Problem(400, "after: this event is still to come.")

    def _parameter(self, name: str) -> str | None:
        values = self.get_query_arguments(name, strip=False)
        if len(values) > 1:
            raise Problem(400, f"{name}: given more than once.")
        return values[0] if values else None

    def open(self, *args: str, **kwargs: str) -> None:
        assert self.ws_connection is not None
        assert self.ws_connection.stream is not None
        if self.ws_connection.stream.closed():
            return  # gone before the answer to the handshake
        if self._rich and (cause := self.relay.turn_away()):
            self.close(cause.code, cause.text)
            return
        self.stream = self.ws_connection.stream
        self.stream.set_nodelay(True)
        self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._forget_request()
        direct = not isinstance(self.stream, SSLIOStream)
        offer = self.stream.socket.send if direct else take_nothing
        self._client = self.relay.join(self, offer, rich=self._rich, resume=self._resume)

    def _forget_request(self) -> None:
        """Nobody looks at it any more, and it takes some kilobytes: headers, and what read them."""
        self.request.headers.clear()
        self.request.headers = self._headers = _NO_HEADERS
        del self.request.connection, self.request.server_connection

    def held_up(self) -> None:
        if self._client is not None:
            self.relay.held_up(self._client)

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """What a plain client sends is ignored.  Tornado reads on when the answer is there."""
        if self._client is None:
            return None
        self.relay.heard(self._client)
        return self.relay.receive(self._client, message, self.role) if self._rich else None

    def on_pong(self, data: bytes) -> None:
        if self._client is not None:
            self.relay.heard(self._client)

    def on_close(self) -> None:
        if self._client is not None:
            broken = self.stream.error is not None or (self._protocol is not None and self._protocol.broken)
            self.relay.leave(self._client, broken=broken)

    def end(self, code: int | None, text: str = "") -> None:
        """None: without a close frame, so that clients which reconnect only then come back."""
        if code is None:
            self.on_connection_close()
        else:
            self.close(code, text)

    def check_origin(self, origin: str) -> bool:
        """Not asked here: the guard has decided, in `prepare`, with the origins that the configuration allows."""
        return True

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        usual = super().get_websocket_protocol()
        if not isinstance(usual, WebSocketProtocol13):
            return usual
        self._protocol = Protocol(self, False, usual.params)
        self._protocol.rich = self._rich
        return self._protocol

    @property
    def ping_interval(self) -> float:
        """None by Tornado, with a task for each client and a close frame for those who are silent: see `Relay`."""
        return 0.0

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE
