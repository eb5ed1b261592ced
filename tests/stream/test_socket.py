from __future__ import annotations

import asyncio
import json
import socket

import pytest
from tornado.httpclient import HTTPClientError

from exporter.events import Error
from relay.protocol import MAX_MESSAGE
from relay.relay import Relay
from tests.hub_client import RUN, changed, sample, split, started
from tests.stream.net import (
    BINARY,
    CLOSE,
    FIN,
    PING,
    PONG,
    SUBSCRIBE,
    TEXT,
    UPGRADE,
    Errors,
    Net,
    TalkingEngine,
    Viewer,
    until,
)

LINGER_ZERO = (1).to_bytes(4, "little") + bytes(4)
"""Of SO_LINGER, to close with RST: socket(7)."""

# --- Everybody gets everything ---------------------------------------------------------------------


@pytest.mark.gen_test
async def test_a_plain_client_gets_a_sample_at_once_then_what_happens(net: Net, engine: TalkingEngine) -> None:
    plain = await net.view()
    assert (await plain.next())["type"] == "system_metrics"
    engine.say(started())
    engine.say(Error(message="Größe 漢"))
    assert (await plain.next())["data"]["status"] == "running"
    assert (await plain.next())["data"] == {"message": "Größe 漢"}


@pytest.mark.gen_test
async def test_the_answer_to_a_late_subscriber_of_the_journal_is_complete(net: Net, engine: TalkingEngine) -> None:
    engine.say(started())
    viewer = await net.view("/ws?v=1")
    hello = await viewer.next()
    assert hello["data"]["epoch"] == engine.journal.epoch
    assert hello["data"]["seq"] == 1
    assert hello["data"]["heartbeat_ms"] == 15_000
    assert (await viewer.next())["type"] == "snapshot"


@pytest.mark.gen_test(timeout=30)
async def test_fifty_clients_get_every_event_in_order(net: Net, engine: TalkingEngine) -> None:
    rich = [await net.rich() for _ in range(25)]
    plain = [await net.view() for _ in range(25)]
    for viewer in plain:
        await viewer.next()
    assert engine.count("clients") == 50

    async def numbers(viewer: Viewer) -> list[int]:
        return [await viewer.seq() for _ in range(200)]

    async def statuses(viewer: Viewer) -> list[str]:
        return [(await viewer.next())["type"] for _ in range(200)]

    reading = asyncio.gather(*map(numbers, rich), *map(statuses, plain))
    for number in range(200):
        engine.say(started())
        if number % 7 == 0:
            await asyncio.sleep(0)
    got = await reading
    assert got[:25] == [list(range(1, 201))] * 25
    assert got[25:] == [["script_status"] * 200] * 25
    await until(lambda: engine.count("messages_sent_total", kind="script_status") == 50 * 200)


@pytest.mark.gen_test(timeout=30)
async def test_thirty_broken_connections_resume_without_a_lost_or_doubled_event(
    net: Net, engine: TalkingEngine
) -> None:
    viewer, got = await net.rich(), [0]
    for break_ in range(30):
        for _ in range(5):
            engine.say(started())
        got += [await viewer.seq() for _ in range(break_ % 6)]
        viewer.break_off()
        engine.say(started())
        viewer = await net.view(f"/ws?v=1&epoch={engine.journal.epoch}&after={got[-1]}")
        hello = await viewer.next()
        assert hello["data"]["resumed"] is True
        assert hello["data"]["seq"] == engine.journal.seq
    got += [await viewer.seq() for _ in range(engine.journal.seq - got[-1])]
    assert got == list(range(181))
    assert engine.count("resumes_total", result="resumed") == 30


@pytest.mark.gen_test(timeout=30)
async def test_a_stalled_reader_is_disconnected_and_can_resume_while_others_get_everything(
    net: Net, engine: TalkingEngine
) -> None:
    stalled, plain = await net.wire("/ws?v=1", receive_buffer=4096), await net.wire(receive_buffer=4096)
    other = await net.rich()
    await until(lambda: engine.count("clients") == 3)
    while engine.count("disconnects_total", reason="slow") < 2:
        engine.say(changed("x" * 50_000))
        engine.say(Error(message="x" * 50_000))
        assert await other.seq() == engine.journal.seq
    assert engine.count("clients") == 1

    assert await plain.end() is None
    assert (await stalled.message())["type"] == "hello"
    assert (await stalled.message())["type"] == "snapshot"
    last = 0
    while (frame := await stalled.frame()) is not None and frame[0] == TEXT:
        if "seq" in (message := json.loads(frame[1])):
            assert message["seq"] == last + 1
            last += 1
    assert frame is not None
    assert (frame[0], int.from_bytes(frame[1][:2], "big")) == (CLOSE, 4008)
    back = await net.view(f"/ws?v=1&epoch={engine.journal.epoch}&after={last}")
    assert (await back.next())["data"]["resumed"] is True
    missed = engine.journal.seq - last
    assert [await back.seq() for _ in range(missed)] == list(range(last + 1, engine.journal.seq + 1))


@pytest.mark.gen_test(timeout=30)
async def test_samples_for_a_stalled_reader_are_replaced_and_the_latest_arrives(
    net: Net, engine: TalkingEngine
) -> None:
    stalled = await net.wire(receive_buffer=4096)
    engine.say(Error(message="x" * 2_000_000))
    count = 0
    while engine.count("messages_dropped_total", kind="system_metrics") < 50:
        count += 1
        engine.say(sample(float(count)))
        await asyncio.sleep(0)
    seen = [await stalled.message() for _ in range(3)]
    while seen[-1]["data"].get("cpu_percent") != count:
        seen.append(await stalled.message())
    assert len(seen) <= 2 + count - 50


@pytest.mark.gen_test
async def test_what_comes_together_leaves_together(net: Net, engine: TalkingEngine) -> None:
    wire = await net.wire()
    assert (await wire.message())["type"] == "system_metrics"
    for _ in range(10):
        engine.say(started())
    data = await asyncio.get_running_loop().sock_recv(wire.socket, 1 << 16)
    assert len(list(split(data))) == 10


# --- Output ----------------------------------------------------------------------------------------


@pytest.mark.gen_test
async def test_a_subscriber_gets_the_backlog_then_what_is_printed_then_one_end(net: Net, engine: TalkingEngine) -> None:
    engine.print(*(str(number) for number in range(1200)))
    viewer = await net.rich()
    await viewer.connection.write_message(SUBSCRIBE)
    assert (await viewer.next())["data"] == {"id": 1}
    lines: list[str] = []

    async def read(count: int) -> bool:
        while len(lines) < count:
            page = (await viewer.next())["data"]
            assert page["from"] == len(lines)
            lines.extend(text for _, _, text in page["lines"])
        end: bool = page["end"]
        return end

    assert await read(1200) is False
    engine.print("last words")
    assert await read(1201) is False
    engine.print("bye", end=True)
    assert await read(1202) is True
    assert lines == [*(str(number) for number in range(1200)), "last words", "bye"]
    assert engine.followers == []
    engine.say(started())
    assert (await viewer.next())["type"] == "script_status", "no second end"


@pytest.mark.gen_test(timeout=30)
async def test_a_crowd_at_the_same_line_reads_the_output_once(net: Net, engine: TalkingEngine) -> None:
    viewers = [await net.rich() for _ in range(30)]
    for viewer in viewers:
        await viewer.connection.write_message(SUBSCRIBE)
        assert (await viewer.next())["type"] == "ack"
    await until(lambda: engine.pages.count((0, 500)) >= 1)
    engine.pages.clear()
    engine.print("hello", end=True)
    for viewer in viewers:
        assert (await viewer.next())["data"]["lines"] == [[0, "stdout", "hello"]]
    assert engine.pages == [(0, 500)]


@pytest.mark.gen_test(timeout=30)
async def test_what_a_chatty_run_prints_is_read_once_and_sent_to_all_fifty_who_look_on(
    net: Net, engine: TalkingEngine
) -> None:
    viewers = [await net.rich() for _ in range(50)]
    for viewer in viewers:
        await viewer.connection.write_message(SUBSCRIBE)
        assert (await viewer.next())["type"] == "ack"
    await until(lambda: engine.pages.count((0, 500)) >= 1)
    assert engine.pages.count((0, 1)) == 1, "whether the run exists is looked at once"
    engine.pages.clear()

    async def read(viewer: Viewer) -> list[str]:
        lines: list[str] = []
        while not (page := (await viewer.next())["data"])["end"]:
            assert page["from"] == len(lines)
            lines += [text for _, _, text in page["lines"]]
        return lines + [text for _, _, text in page["lines"]]

    reading = asyncio.gather(*map(read, viewers))
    for burst in range(100):
        engine.print(*(f"{burst}.{line}" for line in range(20)), end=burst == 99)
        await asyncio.sleep(0)
    assert await reading == [[f"{burst}.{line}" for burst in range(100) for line in range(20)]] * 50
    firsts = [first for first, _ in engine.pages]
    assert len(firsts) <= 200
    assert max(firsts.count(first) for first in set(firsts)) <= 2, "a page, and once more where it was empty"


@pytest.mark.gen_test
async def test_an_unknown_run_is_refused_under_the_clients_id(net: Net) -> None:
    viewer = await net.rich()
    await viewer.connection.write_message(SUBSCRIBE.replace(RUN, RUN[:-1] + "7"))
    answer = await viewer.next()
    assert answer["type"] == "error"
    assert answer["data"] == {"id": 1, "message": f"no run has the id {RUN[:-1]}7"}


@pytest.mark.gen_test
async def test_output_that_cannot_be_read_is_told_and_the_connection_lives(
    net: Net, engine: TalkingEngine, errors: Errors
) -> None:
    viewer = await net.rich()
    engine.output_fault = OSError("disk on fire")
    await viewer.connection.write_message(SUBSCRIBE)
    assert (await viewer.next())["data"] == {"id": 1, "message": "the output cannot be read"}
    engine.output_fault = None
    await viewer.connection.write_message(SUBSCRIBE)
    assert (await viewer.next())["type"] == "ack"
    engine.output_fault = OSError("disk on fire")
    engine.print("hello")
    assert (await viewer.next())["data"] == {"id": 1, "message": "the output cannot be read"}
    assert engine.followers == []
    assert errors.messages == [f"output of run {RUN} cannot be read"] * 2
    errors.messages.clear()


@pytest.mark.gen_test(timeout=30)
async def test_a_subscriber_that_stalls_is_moved_near_the_end_and_told_of_the_gap(
    net: Net, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.relay.SWEEP_SECONDS", 0.02)
    monkeypatch.setattr("relay.hub.LAG_SECONDS", 0.05)
    wire = await net.wire("/ws?v=1", receive_buffer=4096)
    await wire.send(TEXT, SUBSCRIBE.encode())
    engine.print(*["x" * 100] * 100_000)
    await until(lambda: engine.count("messages_dropped_total", kind="output") > 0)
    engine.print("last", end=True)
    line, gaps = 0, 0
    while True:
        message = await wire.message()
        if message["type"] == "gap":
            gaps += 1
            line += message["data"]["dropped"]
            assert line > 98_000
        elif message["type"] == "output":
            assert message["data"]["from"] == line
            line += len(message["data"]["lines"])
            if message["data"]["end"]:
                break
    assert (line, gaps) == (100_001, 1)


# --- What clients send -----------------------------------------------------------------------------


@pytest.mark.gen_test
async def test_pings_of_both_kinds_are_answered(net: Net) -> None:
    wire = await net.wire("/ws?v=1")
    await wire.send(PING, b"are you there")
    await wire.send(TEXT, b'{"type":"ping","id":"a"}')
    frames = [await wire.frame() for _ in range(4)]
    assert (PONG, b"are you there") in frames
    pong = json.loads(frames[-1][1]) if frames[-1] else {}
    assert (pong["type"], pong["data"]) == ("pong", {"id": "a"})


@pytest.mark.gen_test
async def test_a_message_in_pieces_is_put_together(net: Net) -> None:
    wire = await net.wire("/ws?v=1")
    await wire.send(TEXT, b'{"type":', first=0)
    await wire.send(PING, b"")
    await wire.send(0, b'"ping"', first=0)
    await wire.send(0, b"}")
    assert [(await wire.message())["type"] for _ in range(2)] == ["hello", "snapshot"]
    assert await wire.frame() == (PONG, b"")
    assert (await wire.message())["type"] == "pong"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(TEXT, b"hello"), (TEXT, b"[]"), (TEXT, b'{"type":1}'), (BINARY, b'{"type":"ping"}'), (TEXT, b"[" * 60_000)],
)
async def test_what_is_malformed_ends_a_rich_connection(
    net: Net, engine: TalkingEngine, opcode: int, payload: bytes
) -> None:
    wire = await net.wire("/ws?v=1")
    await wire.send(opcode, payload)
    assert await wire.end() == 4501
    assert engine.count("disconnects_total", reason="error") == 1


@pytest.mark.gen_test
async def test_an_unknown_type_is_refused_and_the_connection_lives(net: Net) -> None:
    viewer = await net.rich()
    await viewer.connection.write_message('{"type":"run","id":5,"data":{"script_name":"backup"}}')
    answer = await viewer.next()
    assert (answer["type"], answer["data"]["id"]) == ("error", 5)
    await viewer.connection.write_message('{"type":"ping","id":6}')
    assert (await viewer.next())["type"] == "pong"


@pytest.mark.gen_test
async def test_what_a_plain_client_sends_is_ignored(net: Net, engine: TalkingEngine) -> None:
    plain = await net.view()
    await plain.next()
    for message in ("hello", '{"type":"ping"}', SUBSCRIBE):
        await plain.connection.write_message(message)
    await plain.connection.write_message(b"\x00", binary=True)
    plain.connection.ping(b"")
    engine.say(started())
    assert (await plain.next())["type"] == "script_status"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "frame",
    [
        (TEXT, b"x" * (MAX_MESSAGE + 1), FIN),
        (TEXT, b"\xff", FIN),
        (PING, b"x" * 126, FIN),
        (PING, b"", 0),
        (0, b"", FIN),
        (3, b"", FIN),
        (TEXT, b"", FIN | 0x40),
    ],
    ids=["too long", "no UTF-8", "long ping", "ping in pieces", "nothing to continue", "no opcode", "compressed"],
)
async def test_breaking_the_protocol_ends_that_connection_and_no_other(
    net: Net, engine: TalkingEngine, frame: tuple[int, bytes, int]
) -> None:
    other, wire = await net.rich(), await net.wire("/ws?v=1")
    opcode, payload, first = frame
    await wire.send(opcode, payload, first=first)
    assert await wire.end() in (None, 4501)
    await until(lambda: engine.count("clients") == 1)
    assert engine.count("disconnects_total", reason="error") == 1
    engine.say(started())
    assert await other.seq() == 1


@pytest.mark.gen_test
async def test_a_plain_client_that_sends_too_much_is_cut_off_so_that_it_comes_back(
    net: Net, engine: TalkingEngine
) -> None:
    wire = await net.wire("/ws")
    await wire.send(TEXT, b"x" * (MAX_MESSAGE + 1), first=FIN)
    assert await wire.end() is None
    await until(lambda: engine.count("disconnects_total", reason="error") == 1)


# --- Who may come, and how they go -----------------------------------------------------------------


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "query",
    [
        "v=2",
        "v=",
        "v=1&v=1",
        "epoch=EPOCH&after=0",
        "v=1&epoch=EPOCH",
        "v=1&after=0",
        "v=1&epoch=EPOCH&after=",
        "v=1&epoch=EPOCH&after=-1",
        "v=1&epoch=EPOCH&after=1.0",
        "v=1&epoch=EPOCH&after=+1",
        "v=1&epoch=EPOCH&after=%D9%A1",
        "v=1&epoch=EPOCH&after=1",
        "v=1&epoch=" + "F" * 32 + "&after=0",
        "v=1&epoch=" + "f" * 31 + "&after=0",
        "v=1&epoch=&after=0",
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_before_the_upgrade(
    net: Net, engine: TalkingEngine, query: str
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await net.view(f"/ws?{query.replace('EPOCH', engine.journal.epoch)}")
    assert refused.value.code == 400


@pytest.mark.gen_test
async def test_another_life_of_the_service_gives_a_snapshot(net: Net, engine: TalkingEngine) -> None:
    viewer = await net.view("/ws?v=1&epoch=" + "f" * 32 + "&after=99")
    assert (await viewer.next())["data"]["resumed"] is False
    assert (await viewer.next())["type"] == "snapshot"
    assert engine.count("resumes_total", result="snapshot") == 1


@pytest.mark.gen_test(timeout=30)
async def test_past_the_limit_the_rich_are_told_to_try_later_and_the_plain_are_refused(
    net: Net, engine: TalkingEngine
) -> None:
    viewers = [await net.view() for _ in range(100)]
    assert await (await net.view("/ws?v=1")).closed() == 1013
    with pytest.raises(HTTPClientError) as refused:
        await net.view()
    assert refused.value.code == 503
    assert engine.count("disconnects_total", reason="limit") == 2
    viewers[0].connection.close()
    await until(lambda: engine.count("clients") == 99)
    await (await net.view()).next()


@pytest.mark.gen_test
async def test_when_the_service_stops_the_rich_are_told_and_the_plain_are_cut_off_with_all_that_happened(
    net: Net, engine: TalkingEngine, relay: Relay
) -> None:
    rich, plain = await net.wire("/ws?v=1"), await net.wire()
    await until(lambda: engine.count("clients") == 2)
    engine.say(started())
    relay.stop()
    for wire in (rich, plain):
        while (await wire.message())["type"] != "script_status":
            pass
    assert await rich.end() == 1012
    assert await plain.end() is None
    assert engine.count("disconnects_total", reason="shutdown") == 2
    assert await (await net.view("/ws?v=1")).closed() == 1012


@pytest.mark.gen_test
@pytest.mark.parametrize("clean", [True, False])
async def test_a_client_that_goes_leaves_nothing_behind(net: Net, engine: TalkingEngine, clean: bool) -> None:
    engine.print("hello")
    viewer = await net.rich()
    await viewer.connection.write_message(SUBSCRIBE)
    assert (await viewer.next())["type"] == "ack"
    if clean:
        viewer.connection.close()
    else:
        viewer.break_off()
    await until(lambda: engine.count("clients") == 0)
    assert engine.followers == []
    assert engine.count("disconnects_total", reason="closed") == 1


@pytest.mark.gen_test
async def test_who_is_gone_before_the_answer_to_the_handshake_upsets_nothing(net: Net, engine: TalkingEngine) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", net.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            client.sendall(UPGRADE.format(path="/ws?v=1").encode())
    await net.rich()
    await until(lambda: engine.count("clients") == 1)


@pytest.mark.gen_test
async def test_a_connection_that_was_reset_counts_as_an_error(net: Net, engine: TalkingEngine) -> None:
    wire = await net.wire()
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    await until(lambda: engine.count("clients") == 1)
    wire.socket.close()
    await until(lambda: engine.count("disconnects_total", reason="error") == 1)


@pytest.mark.gen_test
async def test_a_client_that_leaves_while_its_subscription_is_looked_into_leaves_nothing_behind(
    net: Net, engine: TalkingEngine
) -> None:
    wire = await net.wire("/ws?v=1")
    await wire.send(TEXT, SUBSCRIBE.encode())
    wire.socket.close()
    assert engine.count("clients") == 1
    await until(lambda: engine.count("clients") == 0)
    assert engine.followers == []


class TestHeartbeat:
    @pytest.fixture
    def relay(self, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch) -> Relay:
        monkeypatch.setattr("relay.relay.SWEEP_SECONDS", 0.02)
        return Relay(engine, client_limit=100, heartbeat_seconds=0.1)

    @pytest.mark.gen_test
    @pytest.mark.parametrize("path", ["/ws", "/ws?v=1"])
    async def test_a_client_that_no_longer_answers_is_cut_off_and_another_stays(
        self, net: Net, engine: TalkingEngine, path: str
    ) -> None:
        silent, other = await net.wire(path), await net.rich()
        assert await silent.end() is None
        assert engine.count("clients") == 1
        assert engine.count("disconnects_total", reason="error") == 1
        engine.say(started())
        while (await other.next())["type"] != "script_status":
            pass
