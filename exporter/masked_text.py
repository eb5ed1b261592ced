"""The text of the configuration as it is shown, without the values of secrets, and with them when it comes back.

Only these values are replaced, and they come back as they were written, so that nothing else changes by that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

from exporter import document
from exporter.document import Node, Place, Scalar, Sequence, Unreadable, compose
from exporter.faults import ConfigError, Fault
from exporter.rough_masking import RoughMasking
from exporter.secrets import MASK, NOTHING_BEHIND, UNSEEN, hides, is_mask
from exporter.settings import AuthProxy, Limits, Retention, ScriptSettings, Settings, Tls, Token, User
from exporter.yaml_text import scalar

_BOM = "\ufeff"
_WORD = re.compile(r"\w+")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_SAME_EVERYWHERE = re.compile(r"""[\w./~][\w./~@+=-]*|'[^'\n]*'|"[^"\n]*\"""")
"""A value that is the same between any brackets, and however far it stands in."""
_MENDED_ELSEWHERE = (
    f"{UNSEEN} stands for a part that was not shown: write what is to stand there, or mend the file itself where it is"
)
_ENV, _LABELS = ("scripts", "env"), ("scripts", "labels")
_STRUCTS = {
    (): Settings, ("tls",): Tls, ("auth_proxy",): AuthProxy, ("users",): User, ("tokens",): Token,
    ("retention",): Retention, ("scripts",): ScriptSettings, ("scripts", "limits"): Limits,
    ("scripts", "retention"): Retention,
}  # fmt: skip
"""Where the configuration's own keys are."""
_OWN = {(*at, name) for at, of in _STRUCTS.items() for name in of.__struct_fields__}
_Where: TypeAlias = tuple[str, ...]
"""Keys down to something, or one of:"""
_OWN_VALUE, _ELSEWHERE, _SECRET = ("the value of an own key",), ("where no own key is",), ("what a secret may be",)


class _Value(NamedTuple):
    """That of a variable of a script."""

    script: str
    number: int
    """Which of the scripts that is."""
    name: str
    node: Scalar
    place: Place

    def fault(self, path: Path) -> Fault:
        key, mark = f"scripts[{self.number}].env.{self.name}", self.node.mark
        message = f"{key}: {NOTHING_BEHIND}"
        return Fault(file=str(path), line=mark.line + 1, column=mark.column + 1, key=key, message=message)


class _Text:
    """What a text says of variables.  Raises Unreadable."""

    def __init__(self, text: str) -> None:
        self.mark = _BOM if text.startswith(_BOM) else ""
        self.plain = text.removeprefix(_BOM)
        self._places: dict[int, Place] = {}
        """Of the scalars that are written there, by their identity."""
        self.declared: set[str] = set()
        """Variables that any script declares to be secret."""
        self.values: list[_Value] = []
        self._misplaced: list[Scalar] = []
        """What may be the value of a secret, or a part of it, perhaps not where such a one should stand."""
        if (root := compose(self.plain)) is not None:
            self._locate(root, set())
            self._suspect(root)
            scripts = _merged(root).get("scripts")
            for number, item in enumerate(scripts.items if isinstance(scripts, Sequence) else ()):
                self._look(number, _merged(item))

    def _locate(self, node: Node, seen: set[int]) -> None:
        if isinstance(node, Scalar) or id(node) in seen:
            return
        seen.add(id(node))
        for key, child in node.pairs if isinstance(node, document.Mapping) else ():
            if isinstance(key, Scalar) and key.text == "secrets":
                self.declared.update(item.text for item in _scalars(child))
        children = node.items if isinstance(node, Sequence) else [child for pair in node.pairs for child in pair]
        for child, place in zip(children, node.places, strict=True):
            if not isinstance(child, Scalar):
                self._locate(child, seen)
            elif not self.plain.startswith("*", place.start):  # else an alias, and what it stands for is elsewhere
                self._places[id(child)] = place

    def _bare(self, place: Place) -> Place:
        """Without what marks the value, unless that is perhaps meant as one, and the empty lines behind it."""
        found = _PROPERTIES.match(self.plain, place.start, place.end)
        start = found.end() if found and found.end() < place.end else place.start
        return Place(start, start + len(self.plain[start : place.end].rstrip()))

    def _look(self, number: int, entry: Mapping[str, Node]) -> None:
        name = entry.get("name")
        for variable, node in _merged(entry.get("env")).items():
            if isinstance(node, Scalar):
                script = name.text if isinstance(name, Scalar) else ""
                self.values.append(_Value(script, number, variable, node, self._bare(self._places[id(node)])))

    def _suspect(self, root: Node) -> None:
        seen: set[tuple[int, _Where]] = set()
        waiting: list[tuple[Node, _Where]] = [(root, ())]
        while waiting:
            node, where = waiting.pop()
            if (id(node), where) in seen:
                continue
            seen.add((id(node), where))
            match node:
                case Scalar():
                    if where == _SECRET or (where == _ELSEWHERE and self._assigns(node)):
                        self._misplaced.append(node)
                case Sequence(items):
                    waiting += [(item, where) for item in items]
                case document.Mapping(pairs):
                    named = where == _ELSEWHERE and any(
                        isinstance(value, Scalar) and hides(value.text, self.declared) for _, value in pairs
                    )
                    for key, value in pairs:
                        waiting += self._within(where, key, value, named)

    def _within(self, where: _Where, key: Node, value: Node, named: bool) -> Iterator[tuple[Node, _Where]]:
        """What a key and its value are; `named`: beside them stands the name of a secret."""
        name = key.text if isinstance(key, Scalar) else ""
        at = (*where, name)
        if where == _SECRET:
            yield key, _SECRET
            yield value, _SECRET
        elif name == "<<" and isinstance(value, document.Mapping | Sequence):
            yield value, where
        elif at in _OWN:
            lacks_names = at == _ENV and not isinstance(value, document.Mapping)
            yield value, _SECRET if lacks_names else at if at in _STRUCTS or at in (_ENV, _LABELS) else _OWN_VALUE
        else:
            alone = where == _ENV and isinstance(value, Scalar) and value.kind == "null"
            yield key, _SECRET if alone else _ELSEWHERE
            named = named and name == "value"
            secret = where != _LABELS and (named or not isinstance(key, Scalar) or self._hides(name))
            yield value, _SECRET if secret else _OWN_VALUE if where in (_ENV, _LABELS) else _ELSEWHERE

    def _assigns(self, node: Scalar) -> bool:
        """Whether it is such as API_TOKEN=value."""
        name, separator, _ = node.text.partition("=")
        return bool(separator) and self._hides(name)

    def _hides(self, name: str) -> bool:
        """Also where the name of a secret is only a word of it, as in ${API_KEY}."""
        return any(hides(word, self.declared) for word in _WORD.findall(name))

    def hidden(self, declared: set[str]) -> list[_Value]:
        hiding = (value for value in self.values if hides(value.name, declared))
        return [value for value in hiding if value.node.text or self.plain.startswith("&", value.place.start)]

    def raw(self, value: _Value) -> str:
        """As it is written."""
        return self.plain[value.place.start : value.place.end]

    def shown(self) -> str:
        """Without the values of secrets, and what may be some."""
        written = {id(value.node): (value.place, f'"{MASK}"') for value in self.hidden(self.declared)}
        for node in self._misplaced:
            if node.kind != "null" and node.text:
                written.setdefault(id(node), (self._bare(self._places[id(node)]), f'"{UNSEEN}"'))
        return self.with_(written)

    def with_(self, written: Mapping[int, tuple[Place, str]]) -> str:
        """The text with other values, by the identity of their nodes."""
        pieces, at = [self.mark], 0
        for place, value in sorted(written.values(), key=lambda each: each[0].start):
            pieces += [self.plain[at : place.start], value]
            at = place.end
        return "".join([*pieces, self.plain[at:]])


def masked_text(text: str, known: str) -> str:
    """The text as it is shown.  Where it is no YAML, `known` is one that is, and has the same secrets perhaps."""
    try:
        return _Text(text).shown()
    except Unreadable:
        before = _readable(known)
    raw: dict[str, dict[str, str]] = {}
    for value in before.hidden(before.declared):
        raw.setdefault(value.name, {})[value.script] = before.raw(value)
    return RoughMasking(text, raw, before.declared, {*before.shown().splitlines()}).shown()


def whole_text(text: str, known: Iterable[str], path: Path) -> str:
    """The text with values that another one has in place of masks.

    That is the first one of `known` that is YAML.  Raises ConfigError where that has none; `path` is the file that the
    text is to be in.
    """
    if MASK not in text:
        return text
    try:
        said = _Text(text)
    except Unreadable:  # as whoever reads it next tells
        return text
    if UNSEEN in text:
        raise ConfigError([_unseen(text, path)])
    before = _readable(*known)
    masks = [value for value in said.hidden(said.declared | before.declared) if is_mask(value.node.text)]
    behind = _Behind(said, before)
    found = {id(mask.node): (mask.place, value) for mask in masks if (value := behind.value(mask)) is not None}
    if missing := [mask.fault(path) for mask in masks if id(mask.node) not in found]:
        raise ConfigError(missing)
    meant = [
        found[id(value.node)][1].node.text if id(value.node) in found else value.node.text for value in said.values
    ]
    raw = {node: before.raw(value) for node, (_, value) in found.items()}
    as_written = said.with_({node: (place, raw[node]) for node, (place, _) in found.items()})
    if (
        all(map(_SAME_EVERYWHERE.fullmatch, raw.values()))
        or [value.node.text for value in _readable(as_written).values] == meant
    ):
        return as_written
    # It stands in other brackets now, or further in.
    return said.with_({node: (place, scalar(value.node.text, True)) for node, (place, value) in found.items()})


class _Behind:
    """What masks of a text stand for in an earlier one."""

    def __init__(self, said: _Text, before: _Text) -> None:
        self._values = {(value.script, value.name): value for value in before.values}
        self._names = {value.number: value.script for value in before.values}
        self._said = {value.script for value in said.values}

    def value(self, mask: _Value) -> _Value | None:
        """That of the script of the same name, or of the one in its place that is no longer there."""
        if (mask.script, mask.name) in self._values:
            return self._values[mask.script, mask.name]
        renamed = self._names.get(mask.number, "")
        return None if renamed in self._said else self._values.get((renamed, mask.name))


def _merged(node: Node | None) -> dict[str, Node]:
    """The values of a mapping by their keys, with what `<<` brings."""
    if not isinstance(node, document.Mapping):
        return {}
    brought: dict[str, Node] = {}
    own = {key.text: value for key, value in node.pairs if isinstance(key, Scalar)}
    if (merge := own.pop("<<", None)) is not None:
        for source in merge.items if isinstance(merge, Sequence) else [merge]:
            brought = _merged(source) | brought
    return brought | own


def _readable(*texts: str) -> _Text:
    """The first one that is YAML; nothing where none is."""
    for text in texts:
        with suppress(Unreadable):
            return _Text(text)
    return _Text("")


def _scalars(node: Node) -> Iterator[Scalar]:
    """Those that stand there, keys too, with what aliases bring: each once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        match each:
            case Scalar():
                yield each
            case Sequence(items):
                waiting += items
            case document.Mapping(pairs):
                waiting += [child for pair in pairs for child in pair]


def _unseen(text: str, path: Path) -> Fault:
    at = text.index(UNSEEN)
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return Fault(file=str(path), line=line, column=column, message=_MENDED_ELSEWHERE)
