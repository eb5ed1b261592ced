"""The latest durable events, for clients of `/ws` that come back."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from exporter.events import Instant
from relay.frames import Frame

RING_EVENTS = 2000
RING_AGE = 15 * 60 * 1000
"""Milliseconds."""


class Resume(NamedTuple):
    """What a returning client has: everything up to event `after` of `epoch`."""

    epoch: str
    after: int


class Ring:
    """The durable events up to `seq`, as far as they are neither too many nor too old."""

    def __init__(self, epoch: str, seq: int) -> None:
        """`seq`: number of the last event that will not be added."""
        self.epoch = epoch
        self.seq = seq
        self._frames: deque[tuple[Instant, Frame]] = deque()
        """When each came, and its rich frame."""

    def add(self, seq: int, frame: Frame, now: Instant) -> None:
        """Add the event that follows on the last."""
        self.seq = seq
        self._frames.append((now, frame))
        self._trim(now)

    def has_happened(self, resume: Resume) -> bool:
        """False for an event of this epoch that nobody can have got yet."""
        return resume.epoch != self.epoch or resume.after <= self.seq

    def missed(self, resume: Resume, now: Instant) -> list[Frame] | None:
        """The events after those that a client has; None where not all of them are here."""
        self._trim(now)
        count = self.seq - resume.after
        if resume.epoch != self.epoch or not 0 <= count <= len(self._frames):
            return None
        return [frame for _, frame in islice(self._frames, len(self._frames) - count, None)]

    def _trim(self, now: Instant) -> None:
        while self._frames and (len(self._frames) > RING_EVENTS or now - self._frames[0][0] > RING_AGE):
            self._frames.popleft()
