"""What waits for a client of `/ws`, in three lanes, and how it leaves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from exporter.events import Stream
from relay.frames import Frame, Id

LANE_BYTES = 1 << 20
"""What may gather in the durable lane while a batch is under way."""
OUTPUT_BYTES = 256 << 10
"""From here on no further page of output is read for a client: the lane holds at most one page more."""
BATCH_BYTES = 64 << 10
"""What is handed to the socket at a time, unless one frame is longer."""

Offer = Callable[[bytes], int]
"""How many bytes of whole frames the network took at once; where it raises OSError, none."""


def take_nothing(_: bytes) -> int:
    """Everything is to be written in another way."""
    return 0


class Lane:
    """Frames that wait, oldest first."""

    __slots__ = ("frames", "size")

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.size = 0
        """Bytes."""

    def append(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.size += len(frame.wire)

    def move(self, batch: list[Frame], size: int) -> int:
        """Move the oldest frames to the end of a batch of `size` bytes, as many as it takes; returns its new size.

        A batch takes `BATCH_BYTES`, or one frame that is longer.
        """
        count, before = len(batch), size
        for frame in self.frames:
            if batch and size + len(frame.wire) > BATCH_BYTES:
                break
            size += len(frame.wire)
            batch.append(frame)
        del self.frames[: len(batch) - count]
        self.size -= size - before
        return size

    def remove(self, run_id: str) -> None:
        """Throw away the output of one run."""
        self.frames = [frame for frame in self.frames if frame.run_id != run_id]
        self.size = sum(len(frame.wire) for frame in self.frames)

    def clear(self) -> None:
        self.frames.clear()
        self.size = 0


@dataclass(eq=False, slots=True)
class Lanes:
    """What waits, in the order in which it is taken."""

    durable: Lane = field(default_factory=Lane)
    """What must arrive: greeting, durable events, answers."""
    sample: Frame | None = None
    """The latest sample."""
    output: Lane = field(default_factory=Lane)

    @property
    def waiting(self) -> bool:
        return bool(self.durable.frames or self.sample or self.output.frames)

    def replace_sample(self, frame: Frame) -> bool:
        """Whether there was one before, which nobody gets now."""
        replaced = self.sample is not None
        self.sample = frame
        return replaced

    def next_batch(self) -> list[Frame]:
        batch: list[Frame] = []
        size = self.durable.move(batch, 0)
        if self.sample and not self.durable.frames and (not batch or size + len(self.sample.wire) <= BATCH_BYTES):
            batch.append(self.sample)
            size += len(self.sample.wire)
            self.sample = None
        if not (self.durable.frames or self.sample):
            self.output.move(batch, size)
        return batch

    def clear(self) -> None:
        self.durable.clear()
        self.sample = None
        self.output.clear()


@dataclass(eq=False, slots=True)
class Client(Lanes):
    """One connection.  Made by `Hub.join`; everything in it belongs to the hub."""

    offer: Offer = field(default=take_nothing, kw_only=True)
    """For whoever holds the sockets, who writes to thousands in a row."""
    rich: bool = field(kw_only=True)
    allowance: int = 0
    """Bytes that came while nothing was under way: a snapshot, resumed events, a burst.  They are not the reader's
    fault, so they are allowed on top of the bound until the durable lane has been empty."""
    in_flight: int = 0
    """Bytes taken and not yet reported as sent."""
    stalled: float = 0.0
    """Seconds that the batch under way has been so."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By run id."""
    hungry: dict[Subscription, None] = field(default_factory=dict)
    """Those with lines to fetch, the one that has waited longest first."""
    fetching: Subscription | None = None
    """One page at a time, in turn: no topic starves another, and the output lane's bound holds."""

    @property
    def idle(self) -> bool:
        """Whether it has got all that there was, and the network too."""
        return not (self.in_flight or self.waiting)

    @property
    def overdue(self) -> bool:
        """Whether the durable lane has outgrown its bound and the reader is to blame."""
        return self.in_flight > 0 and self.durable.size > LANE_BYTES + self.allowance

    def push(self, frame: Frame) -> None:
        """Add to the durable lane."""
        self.durable.append(frame)
        if not self.in_flight:
            self.allowance += len(frame.wire)

    def under_way(self, size: int) -> None:
        """So many bytes have been taken."""
        self.in_flight = size
        self.stalled = 0.0

    def take(self) -> list[Frame]:
        """The next batch, in the order of the lanes; empty while the last one is under way or when nothing waits."""
        if self.in_flight:
            return []
        batch = self.next_batch()
        self.under_way(sum(len(frame.wire) for frame in batch))
        if not self.durable.frames:
            self.allowance = 0
        return batch


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's place in one run's output."""

    client: Client
    run_id: str
    id: Id
    """That of the message that asked for it."""
    next: int
    """Number of the next line to fetch."""
    partial: list[tuple[Stream, str]] | UnsetType = UNSET
    """What it was told last of lines that are not finished."""
    locating: bool = False
    """Whether a place further on is being looked for."""

    @property
    def live(self) -> bool:
        """False once it has ended, also where the client has asked for the same topic again."""
        return self.client.subscriptions.get(self.run_id) is self
