"""Nodes of a YAML document as the typed values of a `msgspec.Struct`: each fault where it stands, none hides another.

The struct is the schema.  What its types accept is derived from it, so that a new key needs no more than a new field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec.inspect as mi
from msgspec import Struct
from msgspec.structs import replace

from exporter.document import MAX_DEPTH, Mapping, Node, Scalar, Sequence, Unreadable, shown
from exporter.events import Instant
from exporter.settings import Account, Duration, Size

MAX_VALUES = 2_000_000
"""Values read from one text: with aliases a short text stands for more than fits into memory."""
Fields: TypeAlias = dict[str, tuple[Any, Node]]
"""Values with their nodes, by key."""
FAULTY = object()
"""Stands for a value of which the faults have been reported."""

_LONGEST_OPEN = 20
"""Characters of a text beside a secret that may be told where it is wrong: longer ones may be the secret."""
_KEY = re.compile(f"[a-z0-9_]{{1,{_LONGEST_OPEN}}}")
_NAME = re.compile(r"\w{1,64}", re.ASCII)
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")  # no program takes these as an argument, nor JSON the surrogates
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Shape(Struct, frozen=True):
    """What may stand as the value of a key: a node of any kind that has its field set here."""

    form: str
    """The accepted form in words, for `expected …`."""
    kinds: frozenset[str] = frozenset()
    parse: Callable[[str], Any] | None = None
    """Reads a scalar of one of `kinds`.  Raises ValueError."""
    item: Shape | None = None
    at_least: int = 0
    """Items that a list must have."""
    name: Shape | None = None
    """A mapping from names of this shape to text."""
    struct: bool = False
    """A mapping of known keys, which the caller reads by `Reader.fields`."""
    secret: bool = False
    """What stands there is not told where it is wrong."""
    optional: bool = False
    """`null` is a value of its own; elsewhere it is as if the key were absent."""


@cache
def shapes(struct: type[Struct]) -> dict[str, Shape]:
    """The shape of every key of a struct."""
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)
    return {field.encode_name: _shape(field.type) for field in info.fields}


def _shape(of: mi.Type) -> Shape:
    match of:
        case mi.Metadata(type=inner, extra_json_schema={"description": form}, extra=others):
            return replace(_shape(inner), form=form, **others or {})
        case mi.CustomType(cls=cls):
            return _CUSTOM[cls]
        case mi.StrType(pattern=pattern):
            return Shape("text", _TEXT, partial(_text, re.compile(pattern or ".*", re.DOTALL)))
        case mi.BoolType():
            return Shape("true or false", frozenset({"bool"}), _bool)
        case mi.IntType(ge=int(least), le=most):
            bounds = f" of {least} or more" if most is None else f" from {least} to {most}"
            return Shape(f"a whole number{bounds}", frozenset({"int"}), partial(_int, least, most))
        case mi.FloatType(gt=limit) if limit is not None:
            return Shape(f"a number above {limit}", frozenset({"int", "float"}), partial(_float, limit))
        case mi.LiteralType(values=values):
            choices = [str(value) for value in values]
            return Shape(f"one of {', '.join(choices)}", _TEXT, partial(_choice, choices))
        case mi.ListType(item_type=inner, min_length=at_least):
            item = _shape(inner)
            return Shape(f"a list, each item {item.form}", item=item, at_least=at_least or 0)
        case mi.DictType(key_type=inner):
            return Shape("a mapping from names to text", name=_shape(inner))
        case mi.StructType():
            return Shape("a mapping of keys to values", struct=True)
        case mi.UnionType(types=types):
            return _union([_shape(each) for each in types if not isinstance(each, mi.NoneType)], of.includes_none)
    raise NotImplementedError(f"no shape for {of}")


def _union(members: list[Shape], optional: bool) -> Shape:
    """Of one type and None, or of text and a list."""
    shape = replace(members[0], optional=optional)
    for other in members[1:]:
        shape = replace(shape, form=f"{shape.form}, or {other.form}", item=other.item)
    return shape


def _text(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


def _bool(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _int(least: int, most: int | None, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,16}", text) or not least <= int(text) <= (most or math.inf):
        raise ValueError
    return int(text)


def _float(limit: float, text: str) -> float:
    if not limit < float(text) < math.inf:
        raise ValueError
    return float(text)


def _choice(values: list[str], text: str) -> str:
    return values[values.index(text)]


def _instant(text: str) -> Instant:
    if not _RFC3339.fullmatch(text):
        raise ValueError
    instant = Instant.parse(text.upper())
    instant.rfc3339()  # beyond the years 1 to 9999 in UTC there is no such form
    return instant


def _path(text: str) -> Path:
    if not text:
        raise ValueError
    return Path(text)


_TEXT = frozenset({"str"})
_CUSTOM = {
    Duration: Shape(Duration.form, frozenset({"str", "int", "float"}), Duration.parse),
    Size: Shape(Size.form, frozenset({"str", "int"}), Size.parse),
    Account: Shape(Account.form, frozenset({"str", "int"}), Account.parse),
    Instant: Shape("a date and time with offset such as 2027-01-01T00:00:00+01:00", _TEXT, _instant),
    Path: Shape("a path", _TEXT, _path),
}
_WRITTEN_AS_TEXT = Shape("text", frozenset({"str", "int", "float", "bool"}), str)


def from_json(of: type, value: Any) -> Any:
    """A value of JSON as one of the types above, for msgspec.  Raises ValueError with the accepted form."""
    shape = _CUSTOM[of]
    assert shape.parse is not None
    kinds = {str: "str", int: "int", float: "float"}
    try:
        if kinds.get(type(value)) in shape.kinds and not _NOT_TEXT.search(str(value)):
            return shape.parse(value)
    except ValueError:
        pass
    raise ValueError(f"expected {shape.form}")


class Reader:
    """Reads one document's nodes.  What is wrong goes to `report` with node, key path and message."""

    def __init__(self, base: Path, report: Callable[[Node, str, str], None]) -> None:
        """`base` is what relative paths are relative to."""
        self._base = base
        self._report = report
        self._left = MAX_VALUES

    def fields(self, node: Mapping, struct: type[Struct], key: str) -> Fields:
        """Values of `struct`'s fields, or FAULTY, with their nodes; of fields that hold structs, the node twice.

        Keys without a value are left out, unless None is a value of theirs.

        Raises Unreadable where aliases stand for too much.
        """
        known = shapes(struct)
        beside_secret = any(each.secret for each in known.values())
        found: Fields = {}
        for name, (at, child) in self.pairs(node, key).items():
            shape = known.get(name)
            if shape is None and not _KEY.fullmatch(name) and beside_secret:
                self._report(at, key, "unknown key, which may be a part of a hash; a hash needs quotes")
            elif shape is None:
                guess = get_close_matches(name, known, 1)
                advice = f"did you mean {guess[0]}?" if guess else f"known here: {', '.join(known)}"
                self._report(at, _join(key, name), f"unknown key; {advice}")
            elif isinstance(child, Scalar) and child.kind == "null":
                if shape.optional:
                    found[name] = None, child
            elif shape.struct or (shape.item and shape.item.struct):
                found[name] = child, child
            else:
                if beside_secret and isinstance(child, Scalar) and len(child.text) > _LONGEST_OPEN:
                    shape = replace(shape, secret=True)
                found[name] = self.value(shape, child, _join(key, name)), child
        return found

    def sound(self, node: Mapping, struct: type[Struct], key: str) -> dict[str, Any]:
        """The sound values of `fields`."""
        return {name: value for name, (value, _) in self.fields(node, struct, key).items() if value is not FAULTY}

    def value(self, shape: Shape, node: Node, key: str) -> Any:
        """The value, or FAULTY."""
        match node:
            case Scalar() if shape.parse is not None:
                return self._scalar(shape, shape.parse, node, key)
            case Sequence(items) if shape.item is not None and len(items) >= shape.at_least:
                self._count(node, len(items))
                each = replace(shape.item, secret=shape.secret or shape.item.secret)
                values = [self.value(each, item, f"{key}[{index}]") for index, item in enumerate(items)]
                return FAULTY if FAULTY in values else values
            case Mapping() if shape.name is not None:
                return self._named(replace(shape.name, secret=shape.secret), node, key)
        self._report(node, key, f"expected {shape.form}, not {shown(node, secret=shape.secret)}")
        return FAULTY

    def _scalar(self, shape: Shape, parse: Callable[[str], Any], node: Scalar, key: str) -> Any:
        if found := _NOT_TEXT.search(node.text):
            self._report(node, key, f"expected {shape.form}, without the character U+{ord(found[0]):04X}")
            return FAULTY
        hint = ""
        try:
            value = parse(node.text)
        except (ValueError, KeyError):
            pass
        else:
            if node.kind in shape.kinds:
                return self._base / value if isinstance(value, Path) else value
            hint = "; put it in quotes" if node.plain else "; write it without quotes"
        if node.kind == "null":
            hint = '; empty text is written ""'
        other = "another text" if shape.secret and node.kind != "null" else shown(node)
        self._report(node, key, f"expected {shape.form}, not {other}{hint}")
        return FAULTY

    def _named(self, name: Shape, node: Mapping, key: str) -> Any:
        pairs = self.pairs(node, key, secret=name.secret)
        assert name.parse is not None
        values = {}
        for text, (at, child) in pairs.items():
            try:
                name.parse(text)
            except ValueError:
                self._report(at, _told(key, text, child, name.secret), f"expected {name.form}")
                values[text] = FAULTY
            else:
                values[text] = self.value(_WRITTEN_AS_TEXT, child, _told(key, text, child, name.secret))
        return FAULTY if FAULTY in values.values() else values

    def pairs(self, node: Mapping, key: str, depth: int = 0, secret: bool = False) -> dict[str, tuple[Scalar, Node]]:
        """Keys and values by key, own ones first, then those that `<<` adds (https://yaml.org/type/merge.html).

        `secret`: nothing is told that may be a value.
        """
        self._count(node, len(node.pairs) + 1)
        pairs: dict[str, tuple[Scalar, Node]] = {}
        for at, child in node.pairs:
            if not isinstance(at, Scalar):
                self._report(at, key, f"expected text as a key, not {shown(at, secret=secret)}")
            elif at.text in pairs:
                first = pairs[at.text][0].mark.line + 1
                self._report(at, _told(key, at.text, child, secret), f"given twice, first in line {first}")
            else:
                pairs[at.text] = at, child
        if "<<" in pairs:
            at, source = pairs.pop("<<")
            if depth == MAX_DEPTH:
                raise Unreadable(f"merge keys nested deeper than {MAX_DEPTH} levels", at.mark)
            for each in source.items if isinstance(source, Sequence) else [source]:
                if isinstance(each, Mapping):
                    for name, pair in self.pairs(each, key, depth + 1, secret).items():
                        pairs.setdefault(name, pair)
                else:
                    form = "a mapping, or a list of mappings, to take keys from"
                    self._report(each, _join(key, "<<"), f"expected {form}, not {shown(each, secret=True)}")
        return pairs

    def as_written(self, node: Node) -> Any:
        """The node as values that JSON can carry."""
        match node:
            case Sequence(items):
                return [self.as_written(item) for item in items]
            case Mapping():
                return {name: self.as_written(child) for name, (_, child) in self.pairs(node, "").items()}
            case Scalar():
                return node.builtin()

    def _count(self, node: Node, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise Unreadable(f"more than {MAX_VALUES} values, counting each use of an alias", node.mark)


def _told(key: str, name: str, value: Node, secret: bool) -> str:
    """The path of a name, or of what it is in, where it may be a secret or have one in it, such as PASSWORD=value."""
    alone = isinstance(value, Scalar) and value.kind == "null"
    return key if secret and (alone or not _NAME.fullmatch(name)) else _join(key, name)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
