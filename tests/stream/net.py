"""The service on a real port, and clients of its stream that do what a test tells them."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from exporter.events import Event, Instant, Output, Snapshot, Stream
from exporter.outputs import UnknownRun
from tests.fake_engine import FakeEngine
from tests.hub_client import RUN

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN = 0x80
SUBSCRIBE = json.dumps({"type": "subscribe", "id": 1, "data": {"topics": [f"output:{RUN}"]}})


class TalkingEngine(FakeEngine):
    """Says what a test says, and has one run, whose output grows as the test likes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.ended = False
        self.snapshots = 0
        self.followers: list[Callable[[], None]] = []
        self.pages: list[tuple[int, int]] = []
        """First line and limit of what was read."""
        self.output_fault: Exception | None = None

    def say(self, event: Event) -> None:
        self.journal.publish(event, Instant.now())

    def print(self, *lines: str, end: bool = False) -> None:
        self.lines += lines
        self.ended = end
        for follower in tuple(self.followers):
            follower()

    async def output(
        self, run_id: str, first: int = 0, limit: int = 1000, stream: Stream | None = None, q: str | None = None
    ) -> Output:
        if run_id != RUN:
            raise UnknownRun(f"no run has the id {run_id}")
        self.pages.append((first, limit))
        if self.output_fault is not None:
            raise self.output_fault
        await asyncio.sleep(0)
        lines: list[Any] = [(0, "stdout", line) for line in self.lines[first : first + limit]]
        end = self.ended and first + len(lines) >= len(self.lines)
        return Output(run_id=run_id, script_name="backup", first=first, lines=lines, end=end)

    def follow(self, run_id: str, grown: Callable[[], None]) -> Callable[[], None]:
        self.followers.append(grown)
        return lambda: self.followers.remove(grown)

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return super().snapshot()

    def count(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"cronscope_websocket_{metric}", labels) or 0.0


class Viewer:
    """A client by Tornado's own."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection

    async def next(self) -> Any:
        message = await self.connection.read_message()
        assert message is not None, f"closed: {self.connection.close_code}"
        return json.loads(message)

    async def seq(self) -> int:
        """The number of the next durable event."""
        while "seq" not in (message := await self.next()):
            pass
        number: int = message["seq"]
        return number

    async def closed(self) -> int | None:
        """Read to the end; the close code."""
        while await self.connection.read_message() is not None:
            pass
        return self.connection.close_code

    def break_off(self) -> None:
        """Cut the line, without a closing handshake."""
        assert self.connection.protocol is not None
        assert self.connection.protocol.stream is not None
        self.connection.protocol.stream.close()


def frame_of(opcode: int, payload: bytes, *, first: int = FIN, mask: bytes | None = bytes(4)) -> bytes:
    """A client's frame; `first` has the other bits of its first byte."""
    size, masked = len(payload), 0 if mask is None else 0x80
    if size < 126:
        head = bytes([first | opcode, masked | size])
    elif size < 1 << 16:
        head = bytes([first | opcode, masked | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first | opcode, masked | 127]) + size.to_bytes(8, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class Wire:
    """A client that does only what a test tells it to, down to single frames."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.buffer = b""

    async def send(self, opcode: int, payload: bytes, *, first: int = FIN, mask: bytes | None = bytes(4)) -> None:
        """One frame (RFC 6455, 5.2); the usual mask changes nothing, None leaves it out."""
        await self.write(frame_of(opcode, payload, first=first, mask=mask))

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def frame(self) -> tuple[int, bytes] | None:
        """Opcode and payload of the next frame; None where the connection ends."""
        head = await self._read(2)
        if head is None:
            return None
        size = head[1]
        if size > 125:
            size = int.from_bytes(await self._read(2 if size == 126 else 8) or b"", "big")
        payload = await self._read(size)
        return None if payload is None else (head[0] & 0xF, payload)

    async def message(self) -> Any:
        """The next message; pings are passed over."""
        while (frame := await self.frame()) is not None:
            if frame[0] == TEXT:
                return json.loads(frame[1])
            assert frame[0] == PING
        raise AssertionError("closed")

    async def end(self) -> int | None:
        """Read to the end; the close code, or None where there was no close frame."""
        while (frame := await self.frame()) is not None:
            if frame[0] == CLOSE:
                return int.from_bytes(frame[1][:2], "big")
        return None

    async def _read(self, size: int) -> bytes | None:
        while len(self.buffer) < size:
            try:
                data = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # a turn of the loop is what there is to wait for
        await asyncio.sleep(0)


class Net:
    """The service, and clients of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []

    async def view(self, path: str = "/ws") -> Viewer:
        return Viewer(await websocket_connect(f"ws://localhost:{self.port}{path}"))

    async def rich(self) -> Viewer:
        """One that has read its greeting."""
        viewer = await self.view("/ws?v=1")
        assert (await viewer.next())["type"] == "hello"
        assert (await viewer.next())["type"] == "snapshot"
        return viewer

    async def wire(self, path: str = "/ws", receive_buffer: int | None = None) -> Wire:
        connection = socket.socket()
        self.sockets.append(connection)
        connection.setblocking(False)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        await loop.sock_sendall(connection, UPGRADE.format(path=path).encode())
        wire = Wire(connection)
        while b"\r\n\r\n" not in wire.buffer:
            wire.buffer += await loop.sock_recv(connection, 1 << 16)
        head, _, wire.buffer = wire.buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert b"deflate" not in head
        return wire


class Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
