"""Tornado's side of `/ws`: connections, and the errands of the hub."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import typing
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from exporter.events import Instant, Output, Snapshot, SystemMetrics
from exporter.journal import Entry, Journal
from exporter.metrics import Metrics
from exporter.outputs import UnknownRun
from exporter.settings import Role
from relay.access import Identity
from relay.frames import Malformed, Refused, Subscribe, read_message
from relay.heartbeat import Heartbeat
from relay.hub import PAGE_LINES, Cause, Close, Errand, Hub, Resume
from relay.lanes import Client
from relay.problem import Problem
from relay.protocol import MAX_MESSAGE, Protocol
from relay.roles import needed, suffices
from relay.subscriptions import LAG_LINES, Fetch, Follow, Locate, Unfollow

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
FLUSH_SECONDS = 0.004
"""What comes within this time of the last write goes out as one."""
BURST = 256
"""Clients written to between two turns of the event loop."""
SWEEP_SECONDS = 1.0
SEND_BUFFER = 256 << 10
"""Bytes that the kernel may hold for a client: left alone that grows to 4 MiB (tcp(7)), full of old samples."""
NEAR_LINES = 1_000
"""A reader that is moved ahead goes on at most this many lines from the end."""
_EPOCH = re.compile(r"[0-9a-f]{32}")
_NO_HEADERS = HTTPHeaders()
_SEQ = re.compile(r"[0-9]{1,19}")


class Engine(typing.Protocol):
    """What the relay needs of `exporter.engine.Engine`."""

    @property
    def version(self) -> str: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def metrics(self) -> Metrics: ...
    def snapshot(self) -> Snapshot: ...
    def latest_sample(self) -> tuple[Instant, SystemMetrics]: ...
    async def output(self, run_id: str, first: int = 0, limit: int = 1000) -> Output: ...
    def follow(self, run_id: str, grown: Callable[[], None]) -> Callable[[], None]: ...


class Relay:
    """Hands the journal's entries to the hub, and the hub's bytes to the connections, on the event loop's thread."""

    def __init__(self, engine: Engine, *, client_limit: int, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._engine = engine
        self._client_limit = client_limit
        self._hub = Hub(
            version=engine.version,
            epoch=engine.journal.epoch,
            seq=engine.journal.seq,
            heartbeat_ms=round(heartbeat_seconds * 1000),
            snapshot=engine.snapshot,
            latest_sample=engine.latest_sample,
        )
        self._unsubscribe = engine.journal.subscribe(self._heard)
        self._stopped = False
        self._sockets: dict[Client, SocketHandler] = {}
        self._following: dict[str, Callable[[], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._sweep_seconds = min(SWEEP_SECONDS, heartbeat_seconds)
        self._heartbeat = Heartbeat(round(heartbeat_seconds / self._sweep_seconds))
        self._sweeping: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """End every connection; what waits is written as far as the network takes it at once."""
        if self._stopped:
            return
        self._stopped = True
        self._unsubscribe()
        while self._write_some(len(self._hub)):
            pass
        self._hub.close_all(Cause.SHUTDOWN)
        self._react()
        for task in self._tasks:
            task.cancel()
        for timer in (self._flushing, self._sweeping):
            if timer is not None:
                timer.cancel()

    # --- What the connections tell -----------------------------------------------------------------

    def turn_away(self) -> Cause | None:
        """Why nobody can join now, which is counted; None where one can."""
        cause = Cause.SHUTDOWN if self._stopped else Cause.LIMIT if len(self._hub) >= self._client_limit else None
        if cause is not None:
            self._engine.metrics.websocket_disconnects.labels(cause.disconnect).inc()
        return cause

    def has_happened(self, resume: Resume) -> bool:
        """False for an event of this epoch that nobody can have got yet."""
        return self._hub.has_happened(resume)

    def join(self, handler: SocketHandler, *, rich: bool, resume: Resume | None) -> Client:
        client = self._hub.join(rich=rich, resume=resume, now=Instant.now())
        self._sockets[client] = handler
        self.heard(client)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)
        self._react()
        return client

    def leave(self, client: Client, *, broken: bool) -> None:
        """The connection has ended; `broken`: by an error of the network, or of the client's."""
        self._forget(client)
        self._hub.leave(client, "error" if broken else "closed")
        self._react()

    def heard(self, client: Client) -> None:
        """The client is alive."""
        if client in self._sockets:
            self._heartbeat.heard(client)

    def _forget(self, client: Client) -> SocketHandler | None:
        self._heartbeat.forget(client)
        return self._sockets.pop(client, None)

    async def receive(self, client: Client, message: str | bytes, role: Role | None) -> None:
        """Do what a rich client of a role asks; text, or bytes for a binary frame."""
        try:
            request = read_message(message, role)
            if isinstance(request, Subscribe):
                await self._check_runs(request)
        except Malformed:
            self._hub.close(client, Cause.MALFORMED)
        except Refused as refused:
            self._hub.refuse(client, refused.id, str(refused), Instant.now())
        else:
            self._hub.answer(client, request, Instant.now())
        self._react()

    async def _check_runs(self, request: Subscribe) -> None:
        """One that somebody follows exists, without a look."""
        for run_id in request.first_lines:
            if run_id not in self._following and isinstance(page := await self._read(run_id, 0, 1), str):
                raise Refused(request.id, page)

    # --- What the engine tells ---------------------------------------------------------------------

    def _heard(self, entry: Entry) -> None:
        self._hub.publish(entry, Instant.now())
        self._react()

    def _grown(self, run_id: str) -> None:
        self._hub.grown(run_id)
        self._react()

    # --- What the hub asks for ---------------------------------------------------------------------

    def _react(self) -> None:
        """Do the hub's errands; see that what waits is written soon, and counted."""
        for errand in self._hub.errands():
            self._do(errand)
        if self._hub.dirty and self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_at(max(loop.time(), self._flushed_at + FLUSH_SECONDS), self._flush)
        self._count()

    def _do(self, errand: Errand) -> None:
        match errand:
            case Close(client=client, code=code, text=text):
                if handler := self._forget(client):
                    handler.end(code, text)
            case Fetch():
                self._spawn(self._fetch(errand))
            case Locate():
                self._spawn(self._move_ahead(errand))
            case Follow(run_id=run_id):
                self._following[run_id] = self._engine.follow(run_id, partial(self._grown, run_id))
            case Unfollow(run_id=run_id):
                self._following.pop(run_id)()

    async def _read(self, run_id: str, first: int, limit: int) -> Output | str:
        """A page of a run's output, or why it cannot be had."""
        try:
            return await self._engine.output(run_id, first, limit)
        except UnknownRun as error:
            return str(error)
        except Exception:
            log.exception("output of run %s cannot be read", run_id)
            return "the output cannot be read"

    async def _fetch(self, fetch: Fetch) -> None:
        page = await self._read(fetch.run_id, fetch.first, PAGE_LINES)
        if isinstance(page, str):
            self._hub.fail(fetch, page, Instant.now())
        else:
            self._hub.deliver(fetch, page, Instant.now())
        self._react()

    async def _move_ahead(self, locate: Locate) -> None:
        """Find the end by pages of one line: in steps that double, then halve."""
        run_id, line, step = locate.subscription.run_id, locate.first, LAG_LINES
        while await self._has_line(run_id, line + step):
            line += step
            step *= 2
        while line > locate.first and step > NEAR_LINES:
            step //= 2
            if await self._has_line(run_id, line + step):
                line += step
        self._hub.move_ahead(locate, line, Instant.now())
        self._react()

    async def _has_line(self, run_id: str, line: int) -> bool:
        page = await self._read(run_id, line, 1)
        return isinstance(page, Output) and bool(page.lines)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self) -> None:
        self._flushing = None
        self._write_some(BURST)
        if not self._hub.dirty:
            self._flushed_at = asyncio.get_running_loop().time()
        self._react()

    def _write_some(self, limit: int) -> bool:
        """Write to up to `limit` clients in step, and as many apart; whether there were any."""
        apart = self._hub.ready(limit)
        for client in apart:
            self._pump(client)
        share = self._hub.share(limit)
        if share:
            wire, size = share.wire, len(share.wire)
            for client in share.clients:
                handler = self._sockets[client]
                if (taken := handler.offer(wire)) < size:
                    self._hub.fall_behind(client, size)
                    self._write_rest(client, handler, wire, taken)
        return bool(apart or share)

    def _pump(self, client: Client) -> None:
        """Write what waits for a client, a batch at a time, until the network takes no more."""
        handler = self._sockets.get(client)
        while handler is not None and (batch := self._hub.take(client)):
            if (taken := handler.offer(batch)) < len(batch):
                self._write_rest(client, handler, batch, taken)
                return
            self._hub.sent(client)

    def _write_rest(self, client: Client, handler: SocketHandler, batch: bytes, taken: int) -> None:
        with suppress(StreamClosedError):  # `leave` follows
            written = handler.stream.write(memoryview(batch)[taken:])
            written.add_done_callback(partial(self._written, client))

    def _written(self, client: Client, written: asyncio.Future[None]) -> None:
        handler = self._sockets.get(client)
        if handler is None or written.exception() is not None:
            return
        self.heard(client)
        self._hub.sent(client)
        self._pump(client)
        self._react()

    def _sweep(self) -> None:
        self._sweeping = None
        self._hub.sweep(self._sweep_seconds)
        self._turn_out()
        beat = self._heartbeat.beat()
        for client in beat.gone:
            # Where a batch is under way a ping waits behind it; how long that may take is for the hub to say.
            if not client.in_flight and (handler := self._forget(client)):
                self._hub.leave(client, "error")
                handler.end(None)
        self._ping(beat.silent)
        self._react()
        if self._sockets:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)

    def _turn_out(self) -> None:
        """End the connections of those who may not have them any more; they are many more than their identities."""
        need = needed("/ws", "GET")
        roles = {handler.identity: handler for handler in self._sockets.values()}
        gone = {identity for identity, handler in roles.items() if not suffices(handler.role, need)}
        if gone:
            for client, handler in tuple(self._sockets.items()):
                if handler.identity in gone:
                    self._hub.close(client, Cause.ACCESS)

    def _ping(self, clients: list[Client]) -> None:
        for client in clients[:BURST]:
            if handler := self._sockets.get(client):
                with suppress(WebSocketClosedError):
                    handler.ping()
        if rest := clients[BURST:]:
            asyncio.get_running_loop().call_soon(self._ping, rest)

    def _count(self) -> None:
        counts, metrics = self._hub.counts, self._engine.metrics
        for metric, numbers in (
            (metrics.websocket_messages_sent, counts.sent),
            (metrics.websocket_messages_dropped, counts.dropped),
            (metrics.websocket_disconnects, counts.disconnects),
            (metrics.websocket_resumes, counts.resumes),
        ):
            for label, number in numbers.items():
                metric.labels(label).inc(number)
            numbers.clear()
        metrics.websocket_clients.set(len(self._hub))


class SocketHandler(WebSocketHandler):
    """`/ws`.  To be combined with a handler whose `prepare` has the guard decide, and whose `initialize` sets `relay`.

    That handler also knows the `identity` of who asks, and the `role` that this one has now.

    Raises `Problem` for a query that makes no sense, before the upgrade.
    """

    relay: Relay
    identity: Identity
    stream: IOStream
    _socket: socket.socket | None = None
    """Of the stream, where it may be written to directly."""
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
        if self._rich and (cause := self.relay.turn_away()):
            self.close(cause.code, cause.text)
            return
        self.stream = self.ws_connection.stream
        self.stream.set_nodelay(True)
        self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._socket = None if isinstance(self.stream, SSLIOStream) else self.stream.socket
        self.request.headers.clear()  # nobody looks at headers any more, and they take up to a few kilobytes
        self.request.headers = self._headers = _NO_HEADERS
        self._client = self.relay.join(self, rich=self._rich, resume=self._resume)

    def offer(self, frames: bytes) -> int:
        """How many bytes of whole frames the network took at once.  The rest is to be written to the stream.

        Past `write_message`, which would wrap each frame anew for every client, and past the stream's buffer, whose
        bound is of no use, as long as that is empty.  This is sound because

        - only whole frames are handed over, and what the kernel did not take of them goes to the stream at once, so
          that whatever Tornado writes next (ping, pong, close, all through the same stream) comes after it;
        - while anything is in the stream's buffer, nothing is written past it;
        - no compression is negotiated, which Tornado does only where `get_compression_options` says so;
        - with TLS everything goes to the stream: a record that the kernel did not take must be offered again as it is
          (SSL_write(3)), and that is the stream's business.
        """
        if self._socket is None or self.stream.writing():
            return 0
        try:
            return self._socket.send(frames)
        except OSError:  # full, broken, or closed: the stream sees to it
            return 0

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
