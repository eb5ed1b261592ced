"""The HTTP server: Tornado's, with handshakes of `/ws` taken up a few at a time.

A handshake costs half a millisecond, and after a restart thousands come at once.  Whatever else is asked would wait
for all of them.  So what a connection asks for first is looked at as it is accepted, which costs a few microseconds,
and those that open the WebSocket queue up.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import deque
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream, SSLIOStream

from relay.arriving import Arriving

BATCH = 4
"""Handshakes between two turns of the event loop."""
ARRIVAL_SECONDS = 0.5
"""How long handshakes may wait while more keep coming."""
_PEEKED = 512
"""Bytes of a request that are looked at: as a rule, more than its first line."""
_RARE = 1000
"""Threshold of full garbage collections (`gc.set_threshold`) while the crowd is let in."""


class Server(HTTPServer):
    def initialize(self, *args: Any, arriving: Arriving | None = None, **kwargs: Any) -> None:
        """Called by `__init__`, as Tornado has it."""
        super().initialize(*args, **kwargs)
        self._arriving = arriving or Arriving()
        self._waiting: deque[tuple[IOStream, Any]] = deque()
        self._arrived = 0
        """Handshakes that came since the last turn."""
        self._admitted_at = 0.0
        self._thresholds = gc.get_threshold()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Called for each new connection."""
        if not _opens_socket(stream):
            super().handle_stream(stream, address)
            return
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._admit)
            self._admitted_at = loop.time()
            self._thresholds = gc.get_threshold()
            gc.set_threshold(*self._thresholds[:2], _RARE)  # all that comes now stays: looking through it holds up all
        self._waiting.append((stream, address))
        self._arrived += 1

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called when a connection begins to wait for a request, be it its first or another one."""
        assert isinstance(request_conn, HTTP1Connection)
        self._arriving.expect(request_conn.stream)
        return super().start_request(server_conn, request_conn)

    def stop(self) -> None:
        """As Tornado's, for those too that wait."""
        super().stop()
        for stream, _ in self._waiting:
            stream.close()

    def _admit(self) -> None:
        """A few, or none while many are still to be accepted: whoever else is behind them would have to wait."""
        loop = asyncio.get_running_loop()
        arriving = self._arrived >= BATCH and loop.time() - self._admitted_at < ARRIVAL_SECONDS
        self._arrived = 0
        if not arriving:
            self._admitted_at = loop.time()
            for _ in range(min(BATCH, len(self._waiting))):
                super().handle_stream(*self._waiting.popleft())
        if self._waiting:
            loop.call_soon(self._admit)
        else:
            gc.set_threshold(*self._thresholds)


def _opens_socket(stream: IOStream) -> bool:
    """Whether a new connection begins with a handshake of `/ws`, as far as can be seen already."""
    if isinstance(stream, SSLIOStream):
        return False
    try:
        begin = stream.socket.recv(_PEEKED, socket.MSG_PEEK)
    except OSError:  # nothing there yet, or gone again
        return False
    _, _, target = begin.partition(b"\r\n")[0].partition(b" ")
    return target.partition(b" ")[0].partition(b"?")[0].endswith(b"/ws")
