"""What travels on the wire, byte for byte: RFC 6455 as clients keep to it, and as they do not."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.iostream import SSLIOStream
from tornado.websocket import websocket_connect

from relay.app import App
from relay.protocol import MAX_MESSAGE
from relay.relay import Relay
from tests.effort import TIMES
from tests.hub_client import changed, started
from tests.programs import program
from tests.stream.net import BINARY, CLOSE, FIN, PING, PONG, TEXT, Net, TalkingEngine, Viewer, Wire, frame_of, until

MASK = b"\x01\xfe\x7f\x80"


async def next_of(wire: Wire, opcode: int) -> bytes:
    """The payload of the next frame of a kind."""
    while (frame := await wire.frame()) is not None:
        if frame[0] == opcode:
            return frame[1]
    raise AssertionError("closed")


async def greeted(net: Net, path: str = "/ws?v=1") -> Wire:
    wire = await net.wire(path)
    for _ in range(2 if "v=1" in path else 1):
        await wire.message()
    return wire


# --- As clients keep to it -------------------------------------------------------------------------


@pytest.mark.gen_test
async def test_a_masked_message_in_pieces_with_control_frames_between_them_is_one_message(net: Net) -> None:
    wire = await greeted(net)
    message = b'{"type":"ping","id":"\xe6\xbc\xa2"}'
    for number, byte in enumerate(message):
        last = FIN if number == len(message) - 1 else 0
        await wire.send(0 if number else TEXT, bytes([byte]), first=last, mask=MASK)
        await wire.send(PING, bytes([number]), mask=MASK)
        await wire.send(PONG, b"unasked", mask=MASK)
    got = [await wire.frame() for _ in range(len(message) + 1)]
    assert [frame[1] for frame in got if frame and frame[0] == PONG] == [bytes([n]) for n in range(len(message))]
    [answer] = [json.loads(frame[1]) for frame in got if frame and frame[0] == TEXT]
    assert answer["data"] == {"id": "漢"}


@pytest.mark.gen_test
async def test_the_longest_message_is_taken_and_so_are_frames_that_come_byte_by_byte(net: Net) -> None:
    wire = await greeted(net)
    begin = b'{"type":"ping","id":1'
    await wire.send(TEXT, begin + b" " * (MAX_MESSAGE - len(begin) - 1) + b"}", mask=MASK)
    assert (await wire.message())["type"] == "pong"
    for byte in frame_of(TEXT, begin + b"}", mask=MASK):
        await wire.write(bytes([byte]))
        await asyncio.sleep(0)
    assert (await wire.message())["type"] == "pong"


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/ws", "/ws?v=1"])
@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""), (b"\x03\xe8", b"\x03\xe8"), (b"\x03\xe9going away", b"\x03\xe9"), (b"\x0b\xb8", b"\x0b\xb8"),
        (b"\x0f\xa0\xe6\xbc\xa2", b"\x0f\xa0"), (b"\x13\x87", b"\x13\x87"),
    ],
)  # fmt: skip
async def test_a_close_is_answered_by_its_code_and_counts_as_the_clients(
    net: Net, engine: TalkingEngine, path: str, sent: bytes, answered: bytes
) -> None:
    wire = await greeted(net, path)
    await wire.send(CLOSE, sent, mask=MASK)
    assert await next_of(wire, CLOSE) == answered
    assert await wire.frame() is None
    await until(lambda: engine.count("clients") == 0)
    assert engine.count("disconnects_total", reason="closed") == 1


@pytest.mark.gen_test
async def test_what_comes_after_a_close_is_not_looked_at(net: Net, engine: TalkingEngine) -> None:
    wire = await greeted(net)
    ping = frame_of(TEXT, b'{"type":"ping"}')
    await wire.write(frame_of(CLOSE, b"\x03\xe8") + ping + b"garbage")
    assert await wire.end() in (1000, None)  # what was sent too late makes the kernel reset the connection
    await until(lambda: engine.count("clients") == 0)
    assert engine.count("messages_sent_total", kind="other") == 2  # the greeting


# --- As they do not --------------------------------------------------------------------------------


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/ws", "/ws?v=1"])
@pytest.mark.parametrize(
    "data",
    [
        frame_of(TEXT, b'{"type":"ping"}', mask=None), frame_of(PING, b"", mask=None), frame_of(CLOSE, b"", mask=None),
        frame_of(TEXT, b"\xff\xfe"), frame_of(TEXT, b"\xed\xa0\x80"),
        frame_of(TEXT, b"\xe6", first=0) + frame_of(0, b"x"),
        *(frame_of(TEXT, b"", first=FIN | bit) for bit in (0x40, 0x20, 0x10)),
        *(frame_of(opcode, b"") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        frame_of(PING, b"x" * 126), frame_of(PONG, b"x" * 70_000), frame_of(PING, b"", first=0),
        frame_of(CLOSE, b"", first=0),
        frame_of(0, b""), frame_of(0, b"", first=0), frame_of(TEXT, b"", first=0) + frame_of(TEXT, b""),
        frame_of(TEXT, b"", first=0) + frame_of(BINARY, b"", first=0),
        frame_of(TEXT, b"x" * MAX_MESSAGE, first=0) + frame_of(0, b"x"),
        b"\x81\xff" + (1 << 63).to_bytes(8, "big"), b"\x81\xff" + ((1 << 64) - 1).to_bytes(8, "big"),
        frame_of(CLOSE, b"\x03"), frame_of(CLOSE, b"\x03\xe8\xff"),
    ],
    ids=lambda data: data[:12].hex(),
)  # fmt: skip
async def test_what_breaks_the_protocol_ends_that_connection_at_once_and_no_other(
    net: Net, engine: TalkingEngine, path: str, data: bytes
) -> None:
    other, wire = await net.rich(), await greeted(net, path)
    await wire.write(data)
    # A plain client gets no close frame: it comes back.
    assert await wire.end() in ((None, 4501) if "v=1" in path else (None,))
    await until(lambda: engine.count("clients") == 1)
    assert engine.count("disconnects_total", reason="error") == 1
    engine.say(started())
    assert await other.seq() == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, 65_535])
async def test_a_code_that_nobody_may_send_is_not_echoed(net: Net, engine: TalkingEngine, code: int) -> None:
    wire = await greeted(net)
    await wire.send(CLOSE, code.to_bytes(2, "big"))
    assert await wire.end() == 1002
    await until(lambda: engine.count("clients") == 0)


PAYLOADS = st.one_of(
    st.binary(max_size=130),
    st.sampled_from(
        [b'{"type":"ping"}', b'{"type":"subscribe","data":{"topics":["output:x"]}}', b"[" * 500, b"\x03\xe8"]
    ),
)
FRAMES = st.builds(
    frame_of,
    st.integers(0, 15),
    PAYLOADS,
    first=st.sampled_from([FIN, FIN, FIN, 0, 0, FIN | 0x40, 0x20, 0x10]),
    mask=st.one_of(st.just(bytes(4)), st.binary(min_size=4, max_size=4), st.none()),
)


@pytest.mark.fuzz
def test_whatever_frames_come_nothing_goes_wrong_and_the_service_goes_on(
    io_loop: IOLoop, net: Net, engine: TalkingEngine
) -> None:
    """The log is looked at by a fixture of all these tests."""

    @settings(max_examples=300 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.sampled_from(["/ws", "/ws?v=1"]), st.lists(st.one_of(FRAMES, FRAMES, st.binary(max_size=40)), max_size=12)
    )
    def send(path: str, frames: list[bytes]) -> None:
        async def to_the_end() -> None:
            wire = await net.wire(path)
            try:
                await wire.write(b"".join(frames))
                wire.socket.shutdown(socket.SHUT_WR)
            except OSError:  # ended already
                pass
            await wire.end()
            wire.socket.close()

        io_loop.run_sync(to_the_end, timeout=10)

    send()

    async def look() -> None:
        await until(lambda: engine.count("clients") == 0)
        await net.rich()

    io_loop.run_sync(look, timeout=10)


# --- Order and completeness of what is written past the stream's buffer ------------------------------


@pytest.mark.gen_test(timeout=30)
async def test_nothing_is_written_past_a_pong_that_the_network_has_not_taken_whole(
    net: Net, engine: TalkingEngine, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.socket.SEND_BUFFER", 4096)
    wire = await net.wire("/ws?v=1", receive_buffer=2048)
    for number in range(500):  # more than the network holds; only the latest of those that wait is answered
        await wire.send(PING, b"%0125d" % number)
    await next_of(wire, PONG)
    while wire.socket in select.select([wire.socket], [], [], 0.1)[0]:  # not a turn of the loop
        wire.buffer += wire.socket.recv(1 << 16)
    engine.say(started())
    relay.stop()
    pongs = []
    while (frame := await wire.frame()) is not None and frame[0] == PONG:
        pongs.append(frame[1])
    assert pongs == sorted(pongs)
    assert frame is not None
    assert frame[0] == CLOSE


class TestFewBytesAtATime:
    @pytest.fixture
    def relay(self, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch) -> Relay:
        monkeypatch.setattr("relay.socket.SEND_BUFFER", 4096)
        return Relay(engine, client_limit=100, heartbeat_seconds=0.05)

    @pytest.mark.gen_test(timeout=30)
    async def test_frames_come_whole_and_in_order_with_pings_pongs_and_a_close_between_them(
        self, net: Net, engine: TalkingEngine
    ) -> None:
        wire = await net.wire("/ws?v=1", receive_buffer=2048)
        events, pongs, pings, last = 0, 0, 0, 300
        await wire.send(PING, b"0")
        while (frame := await wire.frame()) is not None and frame[0] != CLOSE:
            opcode, payload = frame
            if opcode == PING:
                pings += 1
                await wire.send(PONG, payload)
            elif opcode == PONG:
                assert payload == b"%d" % pongs
                pongs += 1
                await wire.send(PING, b"%d" % pongs)
            elif "seq" in (message := json.loads(payload)):
                events += 1
                assert message["seq"] == events
                assert message["data"]["script"]["description"] == "x" * events * 37
                if events == last:
                    await wire.send(CLOSE, b"\x03\xe8")
            while engine.journal.seq < min(last, events + 3):
                engine.say(changed("x" * (engine.journal.seq + 1) * 37))
        assert frame == (CLOSE, b"\x03\xe8")
        assert events == last
        assert pongs > 10
        assert pings > 1

    @pytest.fixture
    def secure(self, io_loop: IOLoop, app: App, tmp_path: Path) -> Iterator[int]:
        """The port of the service by TLS."""
        openssl = program("openssl", "openssl")
        make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -subj /CN=x"
        subprocess.run([openssl, *make.split()], cwd=tmp_path, check=True, capture_output=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
        server = HTTPServer(app, ssl_options=context)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            server.add_sockets([listening])
            yield listening.getsockname()[1]
            server.stop()
            io_loop.run_sync(server.close_all_connections)

    @pytest.mark.gen_test(timeout=30)
    async def test_by_tls_everything_goes_through_the_streams_buffer(
        self, secure: int, engine: TalkingEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        past: list[int] = []
        write = SSLIOStream.write_to_fd

        def watched(stream: SSLIOStream, data: memoryview) -> int:
            if not stream.writing():
                past.append(len(data))
            return write(stream, data)

        monkeypatch.setattr(SSLIOStream, "write_to_fd", watched)
        request = HTTPRequest(f"https://localhost:{secure}/ws?v=1".replace("https", "wss"), validate_cert=False)
        viewer = Viewer(await websocket_connect(request))
        for _ in range(100):
            engine.say(changed("x" * 20_000))
        assert [await viewer.seq() for _ in range(100)] == list(range(1, 101))
        assert past == []
        viewer.connection.close()
        await until(lambda: engine.count("clients") == 0)
