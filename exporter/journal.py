"""Everything that happens passes here once and is numbered; history's readers, metrics and sockets listen.

The journal belongs to the event loop's thread.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from msgspec import Struct

from exporter.events import Event, Instant

log = logging.getLogger(__name__)


class Entry(Struct, frozen=True):
    seq: int | None
    """Number of a durable event, counted from 1 in each epoch; None for the others."""
    timestamp: Instant
    """When the event happened."""
    event: Event


Listener = Callable[[Entry], None]


class Journal:
    """Numbers events and hands them to every subscriber, in order, in the caller's step of the event loop."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(16)
        """32 hex digits, new in every life of the service: sequence numbers mean nothing outside their epoch."""
        self.seq = 0
        """Number of the last durable event; 0 before the first."""
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every entry from now on; returns the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, event: Event, timestamp: Instant) -> None:
        """A listener that raises is logged and keeps no other from hearing the event."""
        if event.durable:
            self.seq += 1
        entry = Entry(self.seq if event.durable else None, timestamp, event)
        for listener in tuple(self._listeners):
            try:
                listener(entry)
            except Exception:
                log.exception("a reader of the journal failed on %s", event.type)
