"""The bytes of `/ws`: envelopes with their WebSocket header out, clients' messages in.

Pure.  Frames are built here and not by Tornado so that one encoding serves every client.
"""

from __future__ import annotations

import re
import struct
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from exporter.events import (
    Ack,
    Gap,
    Hello,
    Instant,
    Output,
    Pong,
    Refusal,
    Snapshot,
    rich_data,
    to_json,
)
from exporter.journal import Entry
from exporter.settings import Role
from exporter.ulid import PATTERN
from relay.roles import MESSAGES, TOPICS, Need, suffices

Kind = Literal["script_status", "script_changed", "run_skipped", "system_metrics", "output", "other"]
"""How the metrics count a frame."""

_KINDS: dict[str, Kind] = {
    "script_status": "script_status",
    "script_changed": "script_changed",
    "run_skipped": "run_skipped",
    "system_metrics": "system_metrics",
    "output": "output",
}
_TYPES: dict[type[Struct], str] = {
    Hello: "hello",
    Snapshot: "snapshot",
    Output: "output",
    Gap: "gap",
    Ack: "ack",
    Pong: "pong",
    Refusal: "error",
}
_FIN_TEXT = 0x81
"""FIN bit and opcode 1: a text message in one piece."""

MAX_TOPICS = 32
"""Topics that one client may follow at a time."""
_TOPIC = re.compile(f"output:({PATTERN})")
"""`output:` and a ULID."""


class Frame(NamedTuple):
    """One message, ready for the wire; shared by every client that gets it."""

    kind: Kind
    wire: bytes
    run_id: str | None = None
    """Of output: the run whose it is."""


class _Envelope(Struct, kw_only=True):
    type: str
    seq: int | UnsetType
    timestamp: Instant
    data: Struct


def text_frame(payload: bytes) -> bytes:
    """`payload` as one text frame, unmasked as a server's must be: RFC 6455 §5.1, §5.2."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", _FIN_TEXT, size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", _FIN_TEXT, 126, size)
    else:
        header = struct.pack("!BBQ", _FIN_TEXT, 127, size)
    return header + payload


def plain_frame(entry: Entry, data: Struct) -> Frame:
    """The frame of an event on the plain stream, which knows no sequence numbers."""
    return _frame(entry.event.type, entry.timestamp, data)


def rich_frame(entry: Entry) -> Frame:
    """The frame of an event on the rich stream."""
    return _frame(entry.event.type, entry.timestamp, rich_data(entry.event), UNSET if entry.seq is None else entry.seq)


def own_frame(data: Struct, timestamp: Instant, run_id: str | None = None) -> Frame:
    """A frame that comes of no event: greetings, answers, output."""
    return _frame(_TYPES[type(data)], timestamp, data, run_id=run_id)


def _frame(
    type_: str, timestamp: Instant, data: Struct, seq: int | UnsetType = UNSET, run_id: str | None = None
) -> Frame:
    envelope = _Envelope(type=type_, seq=seq, timestamp=timestamp, data=data)
    try:
        payload = to_json(envelope)
    except UnicodeEncodeError:
        payload = to_json(_utf8(msgspec.to_builtins(envelope, builtin_types=(Instant,))))
    return Frame(_KINDS.get(type_, "other"), text_frame(payload), run_id)


def _utf8(value: Any) -> Any:
    """`value` with every lone surrogate (a file name that is no UTF-8, PEP 383) replaced by `?`."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_utf8(key): _utf8(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_utf8(item) for item in value]
    return value


# --- What rich clients send ------------------------------------------------------------------------

Id = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)] | Annotated[str, Meta(max_length=64)] | None
"""A client's name for its message; integers as far as JSON readers agree on them (RFC 8259 §6)."""


class Malformed(ValueError):
    """Not JSON, or not of the envelope's shape: the connection is closed."""


class Refused(ValueError):
    """A message that is well formed but asks for what there is not; str() tells the client."""

    def __init__(self, id: Id, message: str) -> None:
        super().__init__(message)
        self.id = id


class Subscribe(NamedTuple):
    id: Id
    first_lines: dict[str, int]
    """The line to begin with, by run id."""


class Unsubscribe(NamedTuple):
    id: Id
    run_ids: list[str]


class Ping(NamedTuple):
    id: Id


class _Message(Struct):
    type: str
    id: Id = None
    data: dict[str, Any] = {}


class _Topics(Struct):
    topics: list[str]
    first: dict[str, Annotated[int, Meta(ge=0, le=2**53 - 1)]] = msgspec.field(name="from", default_factory=dict)


_decoder = msgspec.json.Decoder(_Message)


def read_message(text: str | bytes, role: Role | None) -> Subscribe | Unsubscribe | Ping:
    """Read what a rich client of a role sent; bytes stand for a binary frame.  Raises Malformed and Refused."""
    if isinstance(text, bytes):
        raise Malformed("a binary frame")
    try:
        message = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None
    if (need := MESSAGES.get(message.type)) is None:
        raise Refused(message.id, f"unknown type: expected {', '.join(MESSAGES)}")
    _check_role(message, role, need)
    match message.type:
        case "ping":
            return Ping(message.id)
        case "subscribe":
            topics = _read_topics(message, role)
            first_lines = {_run_id(message, topic): topics.first.get(topic, 0) for topic in topics.topics}
            return Subscribe(message.id, first_lines)
        case "unsubscribe":
            return Unsubscribe(message.id, [_run_id(message, topic) for topic in _read_topics(message, role).topics])
        case _:
            raise NotImplementedError(message.type)


def _check_role(message: _Message, role: Role | None, need: Need | None) -> None:
    if not suffices(role, need):
        raise Refused(message.id, f"this takes the role {need}" if need else "nobody may have this")


def _read_topics(message: _Message, role: Role | None) -> _Topics:
    try:
        topics = msgspec.convert(message.data, _Topics)
    except msgspec.ValidationError as error:
        raise Refused(message.id, f"data: {error}") from None
    if len(topics.topics) > MAX_TOPICS:
        raise Refused(message.id, f"at most {MAX_TOPICS} topics at a time")
    for topic in topics.topics:
        if _TOPIC.fullmatch(topic):
            _check_role(message, role, TOPICS.get(topic.partition(":")[0]))
    return topics


def _run_id(message: _Message, topic: str) -> str:
    if found := _TOPIC.fullmatch(topic):
        return found[1]
    raise Refused(message.id, "unknown topic: expected output:RUN_ID")
