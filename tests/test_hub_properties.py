"""Whatever clients and network do: each durable event once and in order, each line of output once or in a gap."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter.events import Instant, Output
from relay.frames import Subscribe
from relay.hub import Close
from relay.lanes import LANE_BYTES, OUTPUT_BYTES
from relay.subscriptions import Fetch, Locate
from tests.hub_client import EPOCH, NOW, RUN, Reader, TestHub, changed, sample, split, started

PAGE_LINES = 1_000
PAGE_BYTES = 130_000
"""At least a page of so many lines."""
CROWD = 4
picks = st.integers(0, 1000)


class Visitor:
    """A rich client, and what it has got over all its connections."""

    def __init__(self, hub: TestHub, now: Instant) -> None:
        self.hub = hub
        self.seq: int | None = None
        self.line = 0
        self.output_ended = False
        self.connect(now)

    def connect(self, now: Instant = NOW) -> None:
        self.code: int | None = None
        self.greeted = False
        self.subscribed = False
        self.reader = Reader(self.hub, epoch=None if self.seq is None else EPOCH, after=self.seq or 0, now=now)

    @property
    def connected(self) -> bool:
        return self.reader.client in self.hub

    def subscribe(self) -> None:
        if not (self.subscribed or self.output_ended):
            self.subscribed = True
            self.hub.answer(self.reader.client, Subscribe(1, {RUN: self.line}), NOW)

    def got(self, messages: list[Any]) -> None:
        for message in messages:
            assert self.greeted or message["type"] == "hello"
            self.greeted = True
            if "seq" in message:
                assert self.seq is not None
                assert message["seq"] == self.seq + 1, "lost or doubled"
                self.seq += 1
            elif message["type"] == "snapshot":
                told = int(message["data"]["scripts"][0]["description"])
                assert self.seq is None or told >= self.seq
                self.seq = told
            elif message["type"] == "gap":
                self.line += message["data"]["dropped"]
            elif message["type"] == "output":
                assert not self.output_ended
                assert message["data"]["from"] == self.line
                self.line += len(message["data"]["lines"])
                self.output_ended = message["data"]["end"]


class World(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.hub = TestHub()
        self.visitors: list[Visitor] = []
        self.fetches: list[Fetch | Locate] = []
        self.lines = 0
        self.run_ended = False
        self.now = NOW

    # --- events ---

    @rule(seconds=st.integers(-100_000, 100_000))
    def the_clock_steps(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds * 1000)

    @rule(count=st.integers(1, 60))
    def things_happen(self, count: int) -> None:
        for _ in range(count):
            self.hub.say(started(), self.now)
        self.errands()

    @rule(size=st.integers(1, 2 * LANE_BYTES // 3))
    def something_large_happens(self, size: int) -> None:
        self.hub.say(changed("x" * size), self.now)
        self.errands()

    @rule()
    def a_sample_is_taken(self) -> None:
        self.hub.say(sample(), self.now)

    # --- clients ---

    @precondition(lambda self: len(self.visitors) < CROWD)
    @rule()
    def one_comes(self) -> None:
        self.visitors.append(Visitor(self.hub, self.now))

    @precondition(lambda self: self.visitors)
    @rule(pick=picks)
    def one_loses_its_connection_and_comes_back(self, pick: int) -> None:
        visitor = self.pick(pick)
        self.hub.leave(visitor.reader.client, "error")
        visitor.connect(self.now)
        visitor.subscribe()
        self.errands()

    @precondition(lambda self: self.visitors)
    @rule(pick=picks)
    def one_takes_a_batch(self, pick: int) -> None:
        visitor = self.pick(pick)
        self.hub.sent(visitor.reader.client)
        visitor.got(visitor.reader.take())
        self.errands()

    @rule(limit=st.integers(0, CROWD), slow=st.sets(st.integers(0, CROWD)))
    def those_in_step_get_their_share(self, limit: int, slow: set[int]) -> None:
        """Some of them do not take all of it at once."""
        if share := self.hub.share(limit):
            for number, client in enumerate(share.clients):
                (visitor,) = [visitor for visitor in self.visitors if visitor.reader.client is client]
                visitor.got(list(split(share.wire)))
                if number in slow:
                    self.hub.fall_behind(client, len(share.wire))
        self.errands()

    @precondition(lambda self: self.visitors)
    @rule(pick=picks)
    def one_subscribes(self, pick: int) -> None:
        self.pick(pick).subscribe()
        self.errands()

    @rule(seconds=st.floats(0.5, 40))
    def time_passes(self, seconds: float) -> None:
        self.hub.sweep(seconds)
        self.errands()

    @rule(lines=st.integers(1, 30 * PAGE_LINES))
    def nobody_reads_for_a_while(self, lines: int) -> None:
        self.lines += 0 if self.run_ended else lines
        self.hub.grown(RUN)
        self.errands()
        self.everything_asked_for_is_there()
        self.time_passes(2.0)

    # --- output ---

    @precondition(lambda self: not self.run_ended)
    @rule(lines=st.integers(1, 30 * PAGE_LINES), ends=st.sampled_from([False] * 9 + [True]))
    def the_script_prints(self, lines: int, ends: bool) -> None:
        self.lines += lines
        self.run_ended = ends
        self.hub.grown(RUN)
        self.errands()

    @precondition(lambda self: self.fetches)
    @rule(pick=picks)
    def something_asked_for_is_there(self, pick: int) -> None:
        asked = self.fetches.pop(pick % len(self.fetches))
        if isinstance(asked, Locate):
            self.hub.move_ahead(asked, max(asked.first, self.lines - 1), NOW)
        else:
            self.hub.deliver(asked, self.page(asked.first), NOW)
        self.errands()

    @rule()
    def everything_asked_for_is_there(self) -> None:
        while self.fetches:
            self.something_asked_for_is_there(0)

    def page(self, first: int) -> Output:
        last = min(first + PAGE_LINES, self.lines)
        lines: list[Any] = [(0, "stdout", "x" * 100)] * (last - first)
        end = self.run_ended and last >= self.lines
        return Output(run_id=RUN, script_name="backup", first=first, lines=lines, end=end)

    # --- what holds ---

    def pick(self, pick: int) -> Visitor:
        return self.visitors[pick % len(self.visitors)]

    def errands(self) -> None:
        for errand in self.hub.errands():
            if isinstance(errand, Fetch | Locate):
                self.fetches.append(errand)
            elif isinstance(errand, Close):
                (visitor,) = [visitor for visitor in self.visitors if visitor.reader.client is errand.client]
                visitor.code = errand.code

    @invariant()
    def whoever_is_gone_was_told_to_come_back(self) -> None:
        for visitor in getattr(self, "visitors", ()):
            assert visitor.connected or visitor.code == 4008

    @invariant()
    def what_waits_for_a_slow_reader_is_bounded(self) -> None:
        for visitor in getattr(self, "visitors", ()):
            client = visitor.reader.client
            if client.in_flight:
                assert client.durable.size <= LANE_BYTES + client.allowance
            assert client.output.size <= OUTPUT_BYTES + 2 * PAGE_BYTES

    def teardown(self) -> None:
        """Once the network is well again everybody has got everything."""
        if not hasattr(self, "visitors"):
            return
        for visitor in self.visitors:
            if not visitor.connected:
                visitor.connect(self.now)
            visitor.got(visitor.reader.read())
            visitor.subscribe()
        self.run_ended = True
        self.hub.grown(RUN)
        self.errands()
        while self.fetches or self.hub.dirty or any(visitor.reader.client.in_flight for visitor in self.visitors):
            self.hub.ready(len(self.visitors))
            for visitor in self.visitors:
                visitor.got(visitor.reader.read())
            self.errands()
            self.everything_asked_for_is_there()
        for visitor in self.visitors:
            assert visitor.seq == self.hub.seq
            assert visitor.line == self.lines
            assert visitor.output_ended


World.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestWorld = World.TestCase
