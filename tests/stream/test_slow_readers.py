from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from relay.hub import Hub
from relay.lanes import Client
from relay.protocol import FAREWELL_SECONDS
from relay.relay import Relay
from tests.hub_client import changed
from tests.stream.net import CLOSE, TEXT, Net, TalkingEngine, Wire, until

CROWD = 980
READERS = 19
EVENT_BYTES = 60_000


@pytest.fixture
def relay(engine: TalkingEngine) -> Relay:
    return Relay(engine, client_limit=2 * CROWD)


@asynccontextmanager
async def crowd(net: Net) -> AsyncIterator[None]:
    """Clients that read everything, in a process of their own."""
    command = ["-m", "tests.crowd", str(net.port), str(CROWD), "?v=1"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=-1, stdout=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    yield
    process.stdin.close()
    assert await process.wait() == 0


async def rest_of(wire: Wire, last: int) -> tuple[int, int | None]:
    """Read to the end: the number of the last event, after `last` without a gap, and the close code."""
    while (frame := await wire.frame()) is not None:
        if frame[0] == CLOSE:
            return last, int.from_bytes(frame[1][:2], "big")
        if frame[0] == TEXT and "seq" in (message := json.loads(frame[1])):
            assert message["seq"] == last + 1
            last += 1
    return last, None


@pytest.mark.gen_test(timeout=60)
async def test_one_stalled_reader_among_a_thousand_costs_the_others_nothing_and_the_service_little(
    net: Net, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[Client] = []
    join = Hub.join

    def noting(hub: Hub, **arguments: Any) -> Client:
        joined.append(join(hub, **arguments))
        return joined[-1]

    monkeypatch.setattr(Hub, "join", noting)
    async with crowd(net):
        readers = [await net.rich() for _ in range(READERS)]
        stalled = await net.wire("/ws?v=1", receive_buffer=4096)
        await until(lambda: len(joined) == CROWD + READERS + 1)
        client = joined[-1]
        waits, most = [], 0
        while not engine.count("disconnects_total", reason="slow"):
            begun = time.monotonic()
            engine.say(changed("x" * EVENT_BYTES))
            most = max(most, client.durable.size + client.output.size + client.in_flight)
            assert {await reader.seq() for reader in readers} == {engine.journal.seq}
            waits.append(time.monotonic() - begun)
        assert most < 2 << 20
        assert sorted(waits)[len(waits) // 2] < 0.5
        assert engine.count("clients") == CROWD + READERS
        assert (
            engine.count("disconnects_total", reason="closed") == engine.count("disconnects_total", reason="error") == 0
        )

        last, code = await rest_of(stalled, 0)
        assert code == 4008
        back = await net.view(f"/ws?v=1&epoch={engine.journal.epoch}&after={last}")
        assert (await back.next())["data"]["resumed"] is True
        assert [await back.seq() for _ in range(engine.journal.seq - last)] == [
            *range(last + 1, engine.journal.seq + 1)
        ]
        for reader in (*readers, back):
            reader.connection.close()
        await until(lambda: engine.count("clients") == CROWD)
    await until(lambda: engine.count("clients") == 0)


async def stall(net: Net, engine: TalkingEngine) -> Wire:
    """A reader that has been disconnected for having read nothing."""
    wire = await net.wire("/ws?v=1", receive_buffer=4096)
    while not engine.count("disconnects_total", reason="slow"):
        engine.say(changed("x" * 50_000))
        await asyncio.sleep(0)
    return wire


def pass_by(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if so much time had passed on the event loop."""
    now = time.monotonic
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now() + seconds)


@pytest.mark.gen_test(timeout=120)  # of which a minute passes at once
async def test_who_reads_again_within_a_minute_is_told_why_it_was_disconnected(
    net: Net, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await stall(net, engine)
    pass_by(FAREWELL_SECONDS - 5, monkeypatch)
    for _ in range(10):
        await asyncio.sleep(0)
    last, code = await rest_of(wire, 0)
    assert code == 4008
    assert last > 0


@pytest.mark.gen_test(timeout=120)  # of which a minute passes at once
async def test_who_never_reads_again_is_cut_off_then(
    net: Net, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await stall(net, engine)
    pass_by(FAREWELL_SECONDS + 1, monkeypatch)
    for _ in range(10):
        await asyncio.sleep(0)
    assert (await rest_of(wire, 0))[1] is None
