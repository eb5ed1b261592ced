from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.events import Ack, Error, Instant, Output, Refusal
from exporter.journal import Entry
from exporter.settings import Role
from relay.frames import (
    MAX_TOPICS,
    Malformed,
    Ping,
    Refused,
    Subscribe,
    Unsubscribe,
    own_frame,
    plain_frame,
    read_message,
    rich_frame,
    text_frame,
)
from relay.roles import ROLES

RUN = "01JA0000000000000000000000"
AT = Instant.parse("2026-01-31T19:00:00.123Z")


def body(wire: bytes) -> Any:
    """What a frame with a header of two or four bytes says."""
    return json.loads(wire[4 if wire[1] == 126 else 2 :].decode())


def subscribe(**data: Any) -> str:
    return json.dumps({"type": "subscribe", "id": 1, "data": data})


@pytest.mark.parametrize("text", ["2026-01-31T19:00:00.123Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_an_instant_is_written_as_it_is_read(text: str) -> None:
    assert Instant.parse(text).rfc3339() == text


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_has_the_shortest_header_that_can_tell_its_length(size: int, header: bytes) -> None:
    assert text_frame(bytes(size)) == header + bytes(size)


def test_an_envelope_bears_the_time_of_the_event() -> None:
    frame = rich_frame(Entry(None, AT, Error(message="disk full")))
    assert body(frame.wire) == {
        "type": "error",
        "timestamp": "2026-01-31T19:00:00.123Z",
        "data": {"message": "disk full"},
    }


def test_only_the_rich_envelope_of_a_durable_event_has_a_number() -> None:
    entry = Entry(7, AT, Error(message="m"))
    assert body(rich_frame(entry).wire)["seq"] == 7
    assert body(plain_frame(entry, entry.event).wire).keys() == {"type", "timestamp", "data"}


def test_text_beyond_ascii_is_sent_as_utf_8() -> None:
    frame = rich_frame(Entry(None, AT, Error(message="Größe 漢 🙂", script_name="s")))
    assert body(frame.wire)["data"] == {"message": "Größe 漢 🙂", "script_name": "s"}


def test_a_file_name_that_is_no_utf_8_still_makes_a_valid_frame() -> None:
    frame = own_frame(Refusal(id=1, message="no such file: caf\udce9"), AT)
    assert body(frame.wire) == {
        "type": "error",
        "timestamp": "2026-01-31T19:00:00.123Z",
        "data": {"id": 1, "message": "no such file: caf?"},
    }


def test_a_frame_knows_how_the_metrics_count_it() -> None:
    page = Output(run_id=RUN, script_name="s", first=0, lines=[], end=True)
    assert own_frame(page, AT).kind == "output"
    assert own_frame(Ack(id=None), AT).kind == "other"


def test_a_subscription_begins_with_the_whole_backlog_unless_it_says_where() -> None:
    assert read_message(subscribe(topics=[f"output:{RUN}"]), "view") == Subscribe(1, {RUN: 0})
    topics = {"topics": [f"output:{RUN}"], "from": {f"output:{RUN}": 120}}
    assert read_message(subscribe(**topics), "view") == Subscribe(1, {RUN: 120})


def test_unsubscribe_and_ping_are_understood_with_any_id_or_none() -> None:
    assert read_message(
        f'{{"type":"unsubscribe","id":"a","data":{{"topics":["output:{RUN}"]}}}}', "view"
    ) == Unsubscribe("a", [RUN])
    assert read_message('{"type":"ping"}', "view") == Ping(None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        '{"type":1}',
        '{"type":"ping","id":1.5}',
        '{"type":"ping","id":[]}',
        '{"type":"ping","id":99999999999999999999}',
        '{"type":"ping","data":[]}',
        '{"type":"ping","id":"\\ud800"}',
        '{"type":"ping"}{"type":"ping"}',
        '{"type":"ping","data":' + "[" * 30_000,
        b'{"type":"ping"}',
    ],
)
def test_what_is_no_envelope_is_malformed(text: str | bytes) -> None:
    with pytest.raises(Malformed):
        read_message(text, "view")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type":"run","id":1}', "unknown type"),
        (subscribe(), "topics"),
        (subscribe(topics="output"), "topics"),
        (subscribe(topics=["output:1"]), "unknown topic"),
        (subscribe(topics=[f"output:{RUN}\n"]), "unknown topic"),
        (subscribe(topics=[f"metrics:{RUN}"]), "unknown topic"),
        (subscribe(**{"topics": [f"output:{RUN}"], "from": {f"output:{RUN}": -1}}), "from"),
        (subscribe(**{"topics": [f"output:{RUN}"], "from": {f"output:{RUN}": 1.5}}), "from"),
        (subscribe(topics=[f"output:{RUN}"] * (MAX_TOPICS + 1)), "at most 32"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_under_its_id(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        read_message(text, "view")
    assert refused.value.id == 1


WORDS = [
    "subscribe",
    "unsubscribe",
    "ping",
    "view",
    f"output:{RUN}",
    "output:1",
    "type",
    "id",
    "data",
    "topics",
    "from",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(WORDS[:4])}, optional={"id": VALUES, "data": VALUES, "from": VALUES}
)


@pytest.mark.fuzz
@given(st.text() | st.binary() | (VALUES | MESSAGES).map(json.dumps), st.sampled_from([None, *ROLES]))
def test_any_message_is_understood_refused_or_malformed(text: str | bytes, role: Role | None) -> None:
    with suppress(Malformed, Refused):
        read_message(text, role)
