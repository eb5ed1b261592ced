"""A YAML text as nodes that know their line and column.

Nodes are built here from libyaml's events.  ruamel's own composer takes six times as long, and nests without a
bound: a text of 100,000 brackets ends the whole process.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from exporter.secrets import is_credential

MAX_DEPTH = 32
"""Collections within collections."""
MAX_EVENTS = 1_000_000
"""Scalars, aliases, begins and ends of collections in one text; 10,000 scripts have about 150,000."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # YAML 1.1, 5.4, as libyaml counts lines
_PLAIN = re.compile(  # YAML 1.2, 10.3.2 (core schema)
    r"(?P<null>~|null|Null|NULL|)|(?P<bool>true|True|TRUE|false|False|FALSE)|(?P<int>[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_KINDS = {None: "", "!": "str"} | {
    f"tag:yaml.org,2002:{kind}": kind for kind in ("str", "int", "float", "bool", "null", "seq", "map")
}
_HINTS = {character: f"; a value that begins with {character} needs quotes" for character in "*@%`"}
_HINTS["\t"] = "; indent with spaces, not with tabs"


class Mark(Protocol):
    """Where something begins; both count from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Position(Struct, frozen=True):
    """A `Mark` of our own making."""

    line: int
    column: int


NOWHERE = Position(-1, -1)
"""Of what stands in no text."""


class Unreadable(Exception):
    """The text is no YAML document, or goes past a bound."""

    def __init__(self, message: str, mark: Mark) -> None:
        super().__init__(message)
        self.mark = mark


class Scalar(Struct, gc=False):
    text: str
    mark: Mark
    plain: bool = False
    """Written without quotes, so that the text says the kind."""
    tag: str | None = None

    @property
    def kind(self) -> str:
        """`str`, `int`, `float`, `bool` or `null`."""
        if self.tag is not None:
            return _KINDS[self.tag]
        match = _PLAIN.fullmatch(self.text) if self.plain else None
        return match.lastgroup or "" if match else "str"

    def builtin(self) -> str | int | float | bool | None:
        """The value as JSON has it.  A number stays one only where it loses nothing by that: `1.10` becomes text."""
        match self.kind:
            case "null":
                return None
            case "bool":
                return self.text.lower() == "true"
            case "int" | "float":
                for number in (int, float):
                    with suppress(ValueError):
                        if str(number(self.text)) == self.text:
                            return number(self.text)
        return self.text


class Place(Struct, gc=False):
    """Where something stands in the text, in characters from its beginning; of an alias, where the alias stands."""

    start: int
    end: int
    """Behind it; trailing blank lines belong to a block scalar."""


class Sequence(Struct):
    items: list[Node]
    mark: Mark
    flow: bool
    """In brackets."""
    place: Place
    places: list[Place]
    """Of the items."""


class Mapping(Struct):
    """Merge keys and keys given twice are all still there."""

    pairs: list[tuple[Node, Node]]
    mark: Mark
    flow: bool
    """In braces."""
    place: Place
    places: list[Place]
    """Of keys and values in turn."""


Node: TypeAlias = Scalar | Sequence | Mapping


class _Open(Struct):
    """A collection of which the end is still to come."""

    start: Any
    """The event that opened it."""
    children: list[Node]
    places: list[Place]

    def place(self, end: Any) -> Place:
        first = self.start.start_mark.index
        behind = end.end_mark.index if self.start.flow_style else self.places[-1].end if self.places else first
        return Place(first, behind)


def node_of(value: Any, depth: int = 0) -> Node:
    """A value of JSON as a node that stands in no text.  Raises Unreadable where it is nested too deep."""
    if depth > MAX_DEPTH:
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", NOWHERE)
    match value:
        case str():
            return Scalar(value, NOWHERE)
        case list():
            return Sequence([node_of(item, depth + 1) for item in value], NOWHERE, True, Place(0, 0), [])
        case dict():
            pairs = [(node_of(key), node_of(item, depth + 1)) for key, item in value.items()]
            return Mapping(pairs, NOWHERE, True, Place(0, 0), [])
    return Scalar(json.dumps(value), NOWHERE, plain=True)


def shown(node: Node, *, secret: bool = False) -> str:
    """What stands there, in a few words; nothing of a text or number that may be a `secret`."""
    match node:
        case Sequence(items):
            return "a list" if items else "an empty list"
        case Mapping():
            return "a mapping"
        case Scalar(text) if node.kind == "null":
            return "nothing"
        case Scalar() if secret:
            return "a value"
        case Scalar(text) if is_credential(text):
            return "what looks like a token or a hash"
        case Scalar(text):
            shortened = text if len(text) <= 60 else text[:59] + "…"
            return json.dumps(shortened, ensure_ascii=False) if node.kind == "str" else shortened


def compose(text: str) -> Node | None:
    """The text's one document; None where it is empty.  An alias is the very node it stands for, and there is no cycle.

    Raises Unreadable.
    """
    if found := _UNPRINTABLE.search(text, text.startswith("\ufeff")):
        raise Unreadable(f"the character U+{ord(found[0]):04X} may not stand in YAML", _position(text, found.start()))
    try:
        return _compose(YAML(typ="safe"), text)
    except YAMLError as error:
        if getattr(error, "problem", None) != "found unexpected ':'":
            raise _syntax_error(text, error) from error
    try:  # the libyaml that comes with ruamel is of YAML 1.1 and refuses [curl, http://localhost:8080]
        return _compose(YAML(typ="safe", pure=True), text)
    except YAMLError as error:
        raise _syntax_error(text, error) from error


def _compose(yaml: YAML, text: str) -> Node | None:
    anchors: dict[str, Node] = {}
    stack = [_Open(None, [], [])]
    for number, event in enumerate(yaml.parse(text)):
        if number == MAX_EVENTS:
            raise Unreadable(f"more than {MAX_EVENTS} values", event.start_mark)
        kind = type(event)
        anchor = None
        node: Node
        place = Place(event.start_mark.index, event.end_mark.index)
        if kind is events.ScalarEvent:
            _check_tag(event, stack)
            node, anchor = Scalar(event.value, event.start_mark, event.implicit[0], event.tag), event.anchor
        elif kind is events.SequenceStartEvent or kind is events.MappingStartEvent:
            _check_tag(event, stack)
            if len(stack) > MAX_DEPTH:
                raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
            stack.append(_Open(event, [], []))
            continue
        elif kind is events.SequenceEndEvent or kind is events.MappingEndEvent:
            ended = stack.pop()
            begin, place = ended.start, ended.place(event)
            where = (begin.start_mark, bool(begin.flow_style), place, ended.places)
            if kind is events.SequenceEndEvent:
                node = Sequence(ended.children, *where)
            else:
                children = iter(ended.children)
                node = Mapping(list(zip(children, children, strict=True)), *where)
            anchor = begin.anchor
        elif kind is events.AliasEvent:
            if event.anchor not in anchors:
                raise Unreadable(
                    f"nothing above is marked &{_named(event.anchor, stack)}{_HINTS['*']}", event.start_mark
                )
            node = anchors[event.anchor]
        else:
            continue
        if anchor is not None:
            anchors[anchor] = node
        stack[-1].children.append(node)
        stack[-1].places.append(place)
    documents = stack[0].children
    if len(documents) > 1:
        raise Unreadable("expected one YAML document; here a second one begins", documents[1].mark)
    return documents[0] if documents else None


def _check_tag(event: Any, stack: list[_Open]) -> None:
    if event.tag not in _KINDS:
        raise Unreadable(f"the tag {_named(event.tag, stack)} means nothing here", event.start_mark)


def _named(name: str, stack: list[_Open]) -> str:
    """What is marked by a name, but not where that is perhaps a secret which lacks its quotes."""
    keys = (level.children[-1] for level in stack if level.children)
    return "…" if any(isinstance(key, Scalar) and key.text == "env" for key in keys) else name


def _syntax_error(text: str, error: YAMLError) -> Unreadable:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Unreadable(f"not valid YAML: {error}", Position(0, 0))
    at, begun = error.problem_mark, error.context_mark
    message = " ".join(filter(None, ("not valid YAML:", error.problem, error.context)))
    if begun is not None and begun.line != at.line:
        message += f" that begins in line {begun.line + 1}"
    lines = [*_LINE_BREAK.split(text), ""]
    for mark in (begun, at):
        if mark is not None and (hint := _HINTS.get(lines[mark.line][mark.column : mark.column + 1])):
            return Unreadable(message + hint, mark)
    return Unreadable(message, begun if begun is not None and "end of stream" in str(error.problem) else at)


def _position(text: str, index: int) -> Position:
    return Position(text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1)
