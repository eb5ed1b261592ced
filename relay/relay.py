"""Between the engine, the hub and the connections of `/ws`: hands on events, bytes and errands.

Bytes go past `write_message`, which would wrap each frame anew for every client, and past the stream's buffer, whose
bound is of no use, as long as that is empty: straight to the socket.  This is sound because

- only whole frames are handed over, and what the kernel did not take of them goes to the stream at once, so that
  whatever Tornado writes next (ping, pong, close, all through the same stream) comes after it;
- while anything is in the stream's buffer, the client counts as one with a batch under way, and gets nothing more: from
  `_write_rest` until `_written`, also where it is a frame of Tornado's own that the kernel did not take (`held_up`);
- no compression is negotiated, which Tornado does only where `get_compression_options` says so;
- with TLS everything goes to the stream: a record that the kernel did not take must be offered again as it is
  (SSL_write(3)), and that is the stream's business.
"""

from __future__ import annotations

import asyncio
import logging
import typing
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError

from exporter.events import Instant, Output, Snapshot, SystemMetrics
from exporter.journal import Entry, Journal
from exporter.metrics import Metrics
from exporter.outputs import UnknownRun
from exporter.settings import Role
from relay.access import Identity
from relay.frames import Malformed, Refused, Subscribe, read_message
from relay.heartbeat import Heartbeat
from relay.hub import PAGE_LINES, Cause, Close, Errand, Hub
from relay.lanes import Client, Offer
from relay.ring import Resume
from relay.roles import needed, suffices
from relay.subscriptions import LAG_LINES, Fetch, Follow, Locate, Unfollow

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
FLUSH_SECONDS = 0.004
"""What comes within this time of the last write goes out as one."""
BURST = 256
"""Clients written to between two turns of the event loop."""
SWEEP_SECONDS = 1.0
NEAR_LINES = 1_000
"""A reader that is moved ahead goes on at most this many lines from the end."""


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


class Connection(typing.Protocol):
    """What the relay needs of one."""

    stream: IOStream
    identity: Identity

    @property
    def role(self) -> Role | None: ...
    def end(self, code: int | None, text: str = "") -> None: ...
    def ping(self) -> None: ...


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
        self._connections: dict[Client, Connection] = {}
        self._clients: dict[Identity, dict[Client, None]] = {}
        """They are many more than their identities."""
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

    def join(self, connection: Connection, offer: Offer, *, rich: bool, resume: Resume | None) -> Client:
        """`offer`: past the stream, as long as nothing is in it."""
        client = self._hub.join(rich=rich, resume=resume, now=Instant.now(), offer=offer)
        self._connections[client] = connection
        self._clients.setdefault(connection.identity, {})[client] = None
        self.held_up(client)
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
        if client in self._connections:
            self._heartbeat.heard(client)

    def held_up(self, client: Client) -> None:
        """What Tornado writes of itself may be in the stream still: what is for the client waits behind it."""
        connection = self._connections.get(client)
        if connection and connection.stream.writing() and not client.in_flight:
            self._hub.fall_behind(client, 1)
            self._write_rest(client, connection, b"")

    def _forget(self, client: Client) -> Connection | None:
        self._heartbeat.forget(client)
        connection = self._connections.pop(client, None)
        if connection:
            of_it = self._clients[connection.identity]
            del of_it[client]
            if not of_it:
                del self._clients[connection.identity]
        return connection

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
                if connection := self._forget(client):
                    connection.end(code, text)
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
            for client in share.clients:  # thousands: what is done here, they all wait for
                try:
                    taken = client.offer(wire)
                except OSError:
                    taken = 0
                if taken < size:
                    self._hub.fall_behind(client, size)
                    self._write_rest(client, self._connections[client], memoryview(wire)[taken:])
        return bool(apart or share)

    def _pump(self, client: Client) -> None:
        """Write what waits for a client, a batch at a time, until the network takes no more."""
        connection = self._connections.get(client)
        while connection is not None and (batch := self._hub.take(client)):
            try:
                taken = client.offer(batch)
            except OSError:  # full, broken, or closed: the stream sees to it
                taken = 0
            if taken < len(batch):
                self._write_rest(client, connection, memoryview(batch)[taken:])
                return
            self._hub.sent(client)

    def _write_rest(self, client: Client, connection: Connection, rest: bytes | memoryview) -> None:
        """By the stream; empty to wait for what is in it."""
        with suppress(StreamClosedError):  # `leave` follows
            connection.stream.write(rest).add_done_callback(partial(self._written, client))

    def _written(self, client: Client, written: asyncio.Future[None]) -> None:
        connection = self._connections.get(client)
        if connection is None or written.exception() is not None:
            return
        self.heard(client)
        if connection.stream.writing():  # Tornado has added something
            self._write_rest(client, connection, b"")
            return
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
            if not client.in_flight and (connection := self._forget(client)):
                self._hub.leave(client, "error")
                connection.end(None)
        self._ping(beat.silent)
        self._react()
        if self._connections:
            self._sweeping = asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)

    def _turn_out(self) -> None:
        """End the connections of those who may not have them any more."""
        need = needed("/ws", "GET")
        for clients in self._clients.values():
            if not suffices(self._connections[next(iter(clients))].role, need):
                for client in clients:
                    self._hub.close(client, Cause.ACCESS)

    def _ping(self, clients: list[Client]) -> None:
        for client in clients[:BURST]:
            if connection := self._connections.get(client):
                with suppress(WebSocketClosedError):
                    connection.ping()
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
