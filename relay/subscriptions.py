"""Who reads which run's output, and from where: the pull side of `/ws`.

Pages are asked for as a client's output lane has room, one at a time, and one read serves all who stand at the same
line.  So a slow reader costs no memory and holds up nobody; one who has stopped taking anything while the script
prints on is moved ahead.  Pure, like the hub that owns it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.events import Gap, Output
from relay.frames import MAX_TOPICS, Frame, Subscribe
from relay.lanes import OUTPUT_BYTES, Client, Subscription

LAG_LINES = 10_000
"""A reader that takes nothing is moved ahead where it is at least this far behind."""


class Fetch(NamedTuple):
    """Read a page of a run's output; then `Hub.deliver` it, or `Hub.fail`."""

    run_id: str
    first: int


class Locate(NamedTuple):
    """Find a line near the end of the output, at or after `first`; then `Hub.move_ahead` to it."""

    subscription: Subscription
    first: int


class Follow(NamedTuple):
    """From now on say by `Hub.grown` that the run's output grew or ended."""

    run_id: str


class Unfollow(NamedTuple):
    run_id: str


@dataclass(eq=False, slots=True)
class _Page:
    """A page being read."""

    readers: list[Subscription] = field(default_factory=list)
    stale: bool = False
    """Whether the output may have grown since the reading began; then an empty page is not the end."""


class Subscriptions:
    """All subscriptions, and the pages being read for them."""

    def __init__(self, ask: Callable[[Fetch | Locate | Follow | Unfollow], None]) -> None:
        self._ask = ask
        self._runs: dict[str, dict[Subscription, None]] = {}
        self._pages: dict[Fetch, _Page] = {}

    def subscribe(self, client: Client, request: Subscribe) -> bool:
        """False, and nothing done, where the client would have too many.  One it has already stays as it is."""
        new = {run_id: first for run_id, first in request.first_lines.items() if run_id not in client.subscriptions}
        if len(client.subscriptions) + len(new) > MAX_TOPICS:
            return False
        for run_id, first in new.items():
            subscription = Subscription(client, run_id, request.id, first)
            client.subscriptions[run_id] = subscription
            client.hungry[subscription] = None
            if run_id not in self._runs:
                self._runs[run_id] = {}
                self._ask(Follow(run_id))
                self._outdate(run_id)
            self._runs[run_id][subscription] = None
        self.want(client)
        return True

    def unsubscribe(self, client: Client, run_ids: Iterable[str]) -> None:
        """Also drops what waits in the lane: no line comes after the answer."""
        for run_id in run_ids:
            if subscription := client.subscriptions.get(run_id):
                self.end(subscription)
                client.output.remove(run_id)
        self.want(client)

    def end(self, subscription: Subscription) -> None:
        client, run_id = subscription.client, subscription.run_id
        del client.subscriptions[run_id]
        client.hungry.pop(subscription, None)
        if client.fetching is subscription:
            client.fetching = None
        readers = self._runs[run_id]
        del readers[subscription]
        if not readers:
            del self._runs[run_id]
            self._ask(Unfollow(run_id))

    def grown(self, run_id: str) -> None:
        self._outdate(run_id)
        for subscription in self._runs.get(run_id, ()):
            subscription.client.hungry[subscription] = None
            self.want(subscription.client)

    def want(self, client: Client) -> None:
        """Ask for a client's next page, if it has room and lines to come."""
        if client.fetching or not client.hungry or client.output.size >= OUTPUT_BYTES:
            return
        client.fetching = subscription = next(iter(client.hungry))
        del client.hungry[subscription]
        fetch = Fetch(subscription.run_id, subscription.next)
        if fetch not in self._pages:
            self._pages[fetch] = _Page()
            self._ask(fetch)
        self._pages[fetch].readers.append(subscription)

    def deliver(self, fetch: Fetch, page: Output, frame: Frame) -> list[Client]:
        """Hand a page to all who waited for it; returns those who got it."""
        fetched = self._pages.pop(fetch)
        end = page.first + len(page.lines)
        served = []
        for subscription in self._arrived(fetched):
            client = subscription.client
            if page.lines or page.end or page.partial != subscription.partial:
                subscription.partial = page.partial
                client.output.append(frame)
                served.append(client)
            if page.end:
                self.end(subscription)
            elif end > subscription.next or fetched.stale:
                subscription.next = max(end, subscription.next)
                client.hungry[subscription] = None
            self.want(client)
        return served

    def fail(self, fetch: Fetch) -> list[Subscription]:
        """End the subscriptions that waited for a page which cannot be had; returns them."""
        failed = self._arrived(self._pages.pop(fetch))
        for subscription in failed:
            self.end(subscription)
            self.want(subscription.client)
        return failed

    def locate(self, client: Client) -> None:
        """A reader with a full lane takes nothing: see how far behind it is."""
        for subscription in client.hungry:
            if not subscription.locating:
                subscription.locating = True
                self._ask(Locate(subscription, subscription.next))

    def move_ahead(self, locate: Locate, line: int) -> Gap | None:
        """Go on at `line`, unless the reader has moved since or is near; returns what it misses."""
        subscription, first = locate
        subscription.locating = False
        moving = not subscription.live or subscription.client.fetching is subscription or subscription.next != first
        if moving or line - first < LAG_LINES:
            return None
        subscription.next = line
        return Gap(topic=f"output:{subscription.run_id}", dropped=line - first)

    def _outdate(self, run_id: str) -> None:
        for fetch, page in self._pages.items():
            if fetch.run_id == run_id:
                page.stale = True

    def _arrived(self, page: _Page) -> list[Subscription]:
        readers = [subscription for subscription in page.readers if subscription.live]
        for subscription in readers:
            subscription.client.fetching = None
        return readers
