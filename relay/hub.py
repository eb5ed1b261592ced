"""Who gets what on `/ws`, when, and what happens to a slow reader.

Pure: events, answers and times come in, bytes and errands go out.  No socket, no clock, no event loop; whoever has
those calls `take` and `sent` for the bytes, and does what `errands` asks for.

What must arrive is never thinned out: a reader who lets it grow past its bound is disconnected, and resumes from the
ring of the latest events.  Samples are replaced by the latest.  Output is pulled: see `subscriptions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Literal, NamedTuple

from exporter.events import (
    Ack,
    FileChange,
    Hello,
    Instant,
    Output,
    Pong,
    Progress,
    Refusal,
    Snapshot,
    SystemMetrics,
    plain_data,
)
from exporter.journal import Entry
from relay.audience import Audience, Share
from relay.frames import (
    MAX_TOPICS,
    Frame,
    Id,
    Ping,
    Subscribe,
    Unsubscribe,
    own_frame,
    plain_frame,
    rich_frame,
)
from relay.lanes import BATCH_BYTES, LANE_BYTES, OUTPUT_BYTES, Client, Offer, take_nothing
from relay.ring import Resume, Ring
from relay.subscriptions import Fetch, Follow, Locate, Subscriptions, Unfollow

PROTOCOL = 1
PAGE_LINES = 500
"""Lines of output in a frame."""
STALL_SECONDS = 30.0
"""How long a reader may take for each `BATCH_BYTES`."""
LAG_SECONDS = 2.0
"""How long it may take before output is dropped for it."""

Disconnect = Literal["closed", "slow", "error", "limit", "shutdown", "access"]
"""Why a connection ended, as the metrics count it; `closed`: by the client."""


class Cause(Enum):
    """Why the service ends a connection: close code, its text, and how it counts."""

    SLOW = (4008, "reader too slow", "slow")
    MALFORMED = (4501, "malformed message", "error")
    SHUTDOWN = (1012, "service restart", "shutdown")
    ACCESS = (4503, "not signed in any more", "access")
    LIMIT = (1013, "too many clients", "limit")

    def __init__(self, code: int, text: str, disconnect: Disconnect) -> None:
        self.code = code
        self.text = text
        self.disconnect: Disconnect = disconnect


class Close(NamedTuple):
    """End a connection; the hub has already forgotten the client."""

    client: Client
    code: int | None
    """None: cut it off without a close frame, as the plain are."""
    text: str


Errand = Fetch | Locate | Follow | Unfollow | Close
"""What the hub asks of whoever holds the sockets."""


@dataclass(slots=True)
class Counts:
    """What happened since these were last emptied."""

    sent: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    disconnects: Counter[str] = field(default_factory=Counter)
    resumes: Counter[str] = field(default_factory=Counter)


class Hub:
    """All clients of `/ws`, and the ring of durable events for those who come back."""

    def __init__(
        self,
        *,
        version: str,
        epoch: str,
        seq: int,
        heartbeat_ms: int,
        snapshot: Callable[[], Snapshot],
        latest_sample: Callable[[], tuple[Instant, SystemMetrics]],
    ) -> None:
        """`seq`: number of the last event that `publish` will not be given."""
        self.counts = Counts()
        self._version = version
        self._heartbeat_ms = heartbeat_ms
        self._take_snapshot = snapshot
        self._take_sample = latest_sample
        self._snapshot: Frame | None = None
        """Good until the next event, so that a crowd that comes back at once shares one."""
        self._sample: tuple[Frame, Frame] | None = None
        """The latest, plain and rich."""
        self._ring = Ring(epoch, seq)
        self._plain, self._rich = self._audiences = Audience(), Audience()
        self._clients: dict[Client, None] = {}
        self._dirty: dict[Client, None] = {}
        """Those apart with something to `take`."""
        self._errands: list[Errand] = []
        self._subscriptions = Subscriptions(self._errands.append)

    def __len__(self) -> int:
        return len(self._clients)

    def __contains__(self, client: Client) -> bool:
        return client in self._clients

    @property
    def seq(self) -> int:
        """Number of the latest durable event."""
        return self._ring.seq

    def errands(self) -> list[Errand]:
        """What to do, in this order; each is named once."""
        errands = self._errands.copy()
        self._errands.clear()
        return errands

    # --- Coming and going --------------------------------------------------------------------------

    def has_happened(self, resume: Resume) -> bool:
        """False for an event of this epoch that nobody can have got yet."""
        return self._ring.has_happened(resume)

    def join(self, *, rich: bool, resume: Resume | None, now: Instant, offer: Offer = take_nothing) -> Client:
        """Register a client and give it its first frames in one step, so what is published later follows on them."""
        client = Client(offer=offer, rich=rich)
        if rich:
            self._greet(client, resume, now)
        else:
            client.push(self._sample_frames()[0])
        self._clients[client] = self._dirty[client] = self._audience(client).apart[client] = None
        return client

    def leave(self, client: Client, reason: Disconnect) -> None:
        """Forget a client, unless that was done already."""
        if client not in self._clients:
            return
        del self._clients[client]
        self._dirty.pop(client, None)
        self._audience(client).remove(client)
        for subscription in tuple(client.subscriptions.values()):
            self._subscriptions.end(subscription)
        client.clear()
        self.counts.disconnects[reason] += 1

    def close(self, client: Client, cause: Cause) -> None:
        """Forget a client and have its connection ended."""
        if client in self._clients:
            self.leave(client, cause.disconnect)
            told = client.rich or cause is Cause.ACCESS  # which is no reason to come back
            self._errands.append(Close(client, cause.code if told else None, cause.text))

    def close_all(self, cause: Cause) -> None:
        for client in tuple(self._clients):
            self.close(client, cause)

    def _greet(self, client: Client, resume: Resume | None, now: Instant) -> None:
        missed = self._ring.missed(resume, now) if resume else None
        if resume:
            self.counts.resumes["snapshot" if missed is None else "resumed"] += 1
        hello = Hello(
            protocol=PROTOCOL, version=self._version, epoch=self._ring.epoch, seq=self.seq, resumed=missed is not None,
            heartbeat_ms=self._heartbeat_ms, now=now,
        )  # fmt: skip
        client.push(own_frame(hello, now))
        if missed is None:
            client.push(self._snapshot_frame(now))
        else:
            for frame in missed:
                client.push(frame)
            client.replace_sample(self._sample_frames()[1])

    def _snapshot_frame(self, now: Instant) -> Frame:
        if self._snapshot is None:
            self._snapshot = own_frame(self._take_snapshot(), now)
        return self._snapshot

    def _sample_frames(self) -> tuple[Frame, Frame]:
        if self._sample is None:
            timestamp, sample = self._take_sample()
            self._sample = _sample_frames(Entry(None, timestamp, sample))
        return self._sample

    # --- Events ------------------------------------------------------------------------------------

    def publish(self, entry: Entry, now: Instant) -> None:
        """Give an event to every client that it is for; it is encoded once for the plain and once for the rich."""
        self._snapshot = None
        if isinstance(entry.event, SystemMetrics):
            self._sample = _sample_frames(entry)
            for audience, frame in zip(self._audiences, self._sample, strict=True):
                self._replace_sample(audience, frame)
            return
        rich = rich_frame(entry)
        data = plain_data(entry.event)
        plain = plain_frame(entry, data) if data else None
        if entry.seq is not None:
            self._ring.add(entry.seq, rich, now)
        passing = isinstance(entry.event, (Progress, FileChange))
        self._tell(self._rich, rich, passing)
        if plain:
            self._tell(self._plain, plain, passing)

    def _tell(self, audience: Audience, frame: Frame, passing: bool) -> None:
        """Add a frame for every client of a stream; a passing one only where there is room."""
        room = LANE_BYTES // 4
        if audience.in_step:
            if passing and audience.durable.size > room:
                self.counts.dropped[frame.kind] += audience.in_step
            else:
                audience.durable.append(frame)
        for client in tuple(audience.apart):
            if passing and client.durable.size > room:
                self.counts.dropped[frame.kind] += 1
            else:
                self._push(client, frame)

    def _replace_sample(self, audience: Audience, frame: Frame) -> None:
        if audience.in_step and audience.replace_sample(frame):
            self.counts.dropped[frame.kind] += audience.in_step
        for client in audience.apart:
            if client.replace_sample(frame):
                self.counts.dropped[frame.kind] += 1
            self._mark(client)

    def _push(self, client: Client, frame: Frame) -> None:
        if client not in self._clients:
            return
        self._audience(client).part(client)
        client.push(frame)
        self._mark(client)
        if client.overdue:
            self.close(client, Cause.SLOW)

    # --- Messages of rich clients ------------------------------------------------------------------

    def answer(self, client: Client, request: Subscribe | Unsubscribe | Ping, now: Instant) -> None:
        """Do what a client asked for.  That the runs of a `Subscribe` exist has been checked."""
        if client not in self._clients:
            return
        reply: Ack | Pong | Refusal = Ack(id=request.id)
        match request:
            case Ping():
                reply = Pong(id=request.id)
            case Subscribe():
                if not self._subscriptions.subscribe(client, request):
                    reply = Refusal(id=request.id, message=f"at most {MAX_TOPICS} topics at a time")
            case Unsubscribe():
                self._subscriptions.unsubscribe(client, request.run_ids)
        self._push(client, own_frame(reply, now))

    def refuse(self, client: Client, id: Id, message: str, now: Instant) -> None:
        """Tell a client that what it asked for is not to be had."""
        self._push(client, own_frame(Refusal(id=id, message=message), now))

    # --- Output ------------------------------------------------------------------------------------

    def grown(self, run_id: str) -> None:
        """A followed run's output grew or ended."""
        self._subscriptions.grown(run_id)

    def deliver(self, fetch: Fetch, page: Output, now: Instant) -> None:
        """Here is the page that was to be fetched; empty where there is no such line yet."""
        frame = own_frame(page, now, run_id=page.run_id)
        for client in self._subscriptions.deliver(fetch, page, frame):
            self._mark(client)

    def fail(self, fetch: Fetch, message: str, now: Instant) -> None:
        """The page cannot be had, now or later."""
        for subscription in self._subscriptions.fail(fetch):
            self.refuse(subscription.client, subscription.id, message, now)

    def move_ahead(self, locate: Locate, line: int, now: Instant) -> None:
        """`line` is near the end of the output; `locate.first` where that is near already."""
        if gap := self._subscriptions.move_ahead(locate, line):
            client, run_id = locate.subscription.client, locate.subscription.run_id
            client.output.append(own_frame(gap, now, run_id=run_id))
            self._mark(client)
            self.counts.dropped["output"] += -(-gap.dropped // PAGE_LINES)

    # --- Bytes -------------------------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether anybody has something to `take`."""
        return bool(self._dirty) or self._plain.waiting or self._rich.waiting

    def share(self, limit: int) -> Share | None:
        """Bytes to write at once to each of up to `limit` clients in step; None where none of them waits.

        `fall_behind` must follow for each of them whose socket did not take everything.
        """
        share = self._plain.share(limit) or self._rich.share(limit)
        if share:
            for frame in share.frames:
                self.counts.sent[frame.kind] += len(share.clients)
        return share

    def fall_behind(self, client: Client, size: int) -> None:
        """Something of `size` bytes is under way to a client that was in step, or all sent; `sent` must follow."""
        if client in self._clients:
            self._audience(client).part(client)
            client.under_way(size)

    def ready(self, limit: int) -> list[Client]:
        """Up to `limit` clients apart to call `take` for, each named once; the rest stays for the next call."""
        ready = list(islice(self._dirty, limit))
        for client in ready:
            del self._dirty[client]
        return ready

    def take(self, client: Client) -> bytes:
        """Whole frames to write at once; `sent` must follow.  Empty where nothing waits or a batch is under way."""
        if self._audience(client).waiting:
            self._audience(client).part(client)
        frames = client.take()
        for frame in frames:
            self.counts.sent[frame.kind] += 1
        if frames:
            self._subscriptions.want(client)
        return b"".join([frame.wire for frame in frames])

    def sent(self, client: Client) -> None:
        """The batch under way has left for the network: there may be more to `take`."""
        client.in_flight = 0
        self._audience(client).come_back(client)

    def sweep(self, seconds: float) -> None:
        """See to those who stopped reading.  `seconds`: how long they could have read since the last time."""
        for client in (*self._plain.apart, *self._rich.apart):
            if not client.in_flight:
                continue
            client.stalled += seconds
            if client.stalled >= STALL_SECONDS * max(1, client.in_flight / BATCH_BYTES):
                self.close(client, Cause.SLOW)
            elif client.stalled >= LAG_SECONDS and client.output.size >= OUTPUT_BYTES:
                self._subscriptions.locate(client)

    def _audience(self, client: Client) -> Audience:
        return self._rich if client.rich else self._plain

    def _mark(self, client: Client) -> None:
        self._audience(client).part(client)
        if not client.in_flight:
            self._dirty[client] = None


def _sample_frames(entry: Entry) -> tuple[Frame, Frame]:
    data = plain_data(entry.event)
    assert data is not None
    return plain_frame(entry, data), rich_frame(entry)
