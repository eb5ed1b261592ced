"""Tornado's side of RFC 6455, where the service wants it stricter, or says goodbye in another way."""

from __future__ import annotations

from asyncio import Future

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from relay.hub import Cause

MAX_MESSAGE = 64 << 10
"""Longest message of a client, in bytes."""
FAREWELL_SECONDS = 60.0
"""How long a reader that was too slow may take to read what it is sent last: that it was."""
_MASKED = 0x80
_CLOSE = 8
_TOO_BIG = 1009
"""Tornado's code for a message that is too long: RFC 6455, 7.4.1."""
_PROTOCOL_ERROR = 1002


class Handler(WebSocketHandler):
    """What the protocol needs of one."""

    def held_up(self) -> None:
        """The network did not take at once what the protocol has written."""
        raise NotImplementedError


class Protocol(WebSocketProtocol13):
    """One connection."""

    handler: Handler
    rich = False
    broken = False
    """Whether the client did not keep to RFC 6455, and the connection was ended for that."""
    _at_header = False

    def _write_frame(self, fin: bool, opcode: int, data: bytes, flags: int = 0) -> Future[None]:
        assert self.stream is not None
        written = super()._write_frame(fin, opcode, data, flags)
        if self.stream.writing():
            self.handler.held_up()
        return written

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if code != _TOO_BIG:
            if self.client_terminated and code is not None and not _may_be_sent(code):
                code = _PROTOCOL_ERROR  # Tornado would echo it
            super().close(code, reason)
        elif self.rich:
            super().close(Cause.MALFORMED.code, f"message longer than {MAX_MESSAGE} bytes")
        # A plain client is cut off, as Tornado does next: without a close frame it comes back.
        if code == Cause.SLOW.code and self._waiting is not None:
            self.stream.io_loop.remove_timeout(self._waiting)
            self._waiting = self.stream.io_loop.call_later(FAREWELL_SECONDS, self._abort)

    def _abort(self) -> None:
        """What Tornado does about every fault, and when the client has gone anyway."""
        self.broken = self.broken or not (self.client_terminated or self.stream is None or self.stream.closed())
        super()._abort()

    async def _receive_frame(self) -> None:
        self._at_header = True
        await super()._receive_frame()

    async def _read_bytes(self, n: int) -> bytes:
        """Refuses what is not masked (RFC 6455, 5.1), for which Tornado does not look."""
        data = await super()._read_bytes(n)
        if self._at_header:
            self._at_header = False
            if not data[1] & _MASKED:
                self._abort()
                raise StreamClosedError
        return data

    def _handle_message(self, opcode: int, data: bytes) -> Future[None] | None:
        """A close frame has no payload, or a code and UTF-8 (RFC 6455, 5.5.1): Tornado would raise."""
        if opcode == _CLOSE and not _is_goodbye(data):
            self._abort()
            return None
        return super()._handle_message(opcode, data)


def _is_goodbye(payload: bytes) -> bool:
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        return False
    return len(payload) != 1


def _may_be_sent(code: int) -> bool:
    """Codes that are registered, or free for use: RFC 6455, 7.4."""
    return code in range(3000, 5000) or (code in range(1000, 1015) and code not in (1004, 1005, 1006))
