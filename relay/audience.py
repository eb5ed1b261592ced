"""The clients of one of the two streams, plain or rich: most have got the same, and share what comes next."""

from __future__ import annotations

from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from relay.frames import Frame
from relay.lanes import Client, Lanes


class Share(NamedTuple):
    """The same whole frames for each of some clients."""

    wire: bytes
    frames: list[Frame]
    clients: list[Client]


class Audience(Lanes):
    """Those in step have got everything up to here: what happens next is kept once for them all, and written as one.

    Its lanes are theirs, behind the batch under way.  Others are apart, with lanes of their own: new ones, those who
    read slowly, those for whom something is meant alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.apart: dict[Client, None] = {}
        self._in_step: dict[Client, None] = {}
        self._back: dict[Client, None] = {}
        """Those apart who may be in step as soon as nothing waits for the others."""
        self._batch: list[Frame] = []
        self._wire = b""
        self._unserved: dict[Client, None] = {}
        """Those in step who have not got the batch under way."""

    @property
    def in_step(self) -> int:
        """How many are."""
        return len(self._in_step)

    @property
    def waiting(self) -> bool:
        """Whether anybody in step has something to get."""
        return bool(self._unserved) or super().waiting

    def remove(self, client: Client) -> None:
        """Forget a client, and what waited for it."""
        for clients in (self.apart, self._back, self._in_step, self._unserved):
            clients.pop(client, None)
        if not self._in_step:
            self.clear()

    def part(self, client: Client) -> None:
        """From here on a client is apart; what it has not got yet is in its own lanes."""
        if client not in self._in_step:
            return
        if client in self._unserved:
            for frame in self._batch:
                client.push(frame)
        for frame in self.durable.frames:
            client.push(frame)
        if self.sample:
            client.replace_sample(self.sample)
        self.remove(client)
        self.apart[client] = None

    def come_back(self, client: Client) -> None:
        """A client may have got everything that there was."""
        if client in self.apart:
            self._back[client] = None
            self._let_in()

    def share(self, limit: int) -> Share | None:
        """The next batch for up to `limit` of those in step, who have got it then; None where none of them waits."""
        if not self._unserved:
            self._batch = self.next_batch()
            if not self._batch:
                return None
            self._wire = b"".join([frame.wire for frame in self._batch])
            self._unserved = self._in_step.copy()
        clients = list(islice(self._unserved, limit))
        for client in clients:
            del self._unserved[client]
        self._let_in()
        return Share(self._wire, self._batch, clients)

    def _let_in(self) -> None:
        if self._back and not self.waiting:
            for client in filter(attrgetter("idle"), self._back):
                del self.apart[client]
                self._in_step[client] = None
            self._back.clear()
