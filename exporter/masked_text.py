"""The text of the configuration as it is shown, without the values of secrets, and with them when it comes back.

Only these values are replaced, and they come back as they were written, so that nothing else changes by that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from exporter import document
from exporter.document import Node, Place, Scalar, Sequence, Unreadable, compose
from exporter.faults import ConfigError, Fault
from exporter.secrets import MASK, NOTHING_BEHIND, hides
from exporter.yaml_text import scalar

_BOM = "\ufeff"
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_SAME_EVERYWHERE = re.compile(r"""[\w./~][\w./~@+=-]*|'[^'\n]*'|"[^"\n]*\"""")
"""A value that is the same between any brackets, and however far it stands in."""
_VARIABLE = re.compile(
    r"""((?<![\w-])([A-Z_][A-Z0-9_]*)["']?[ \t]*:[ \t]+(?:&[\w-]+[ \t]+)*)"""
    r"""(?:"[^"\n]*"|'[^'\n]*'|(?![|>])[^\s,}#][^\n,}#]*)"""
)
"""One with its value in the same line, in a text that is no YAML."""


class _Value(NamedTuple):
    """That of a variable of a script."""

    script: str
    number: int
    """Which of the scripts that is."""
    name: str
    node: Scalar
    place: Place

    @property
    def is_mask(self) -> bool:
        """Also one of several lines, each of which was masked."""
        return {*self.node.text.split("\n")} <= {MASK, ""} and self.node.text != ""

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
        if (root := compose(self.plain)) is not None:
            self._locate(root, set())
            scripts = _merged(root).get("scripts")
            for number, item in enumerate(scripts.items if isinstance(scripts, Sequence) else ()):
                self._look(number, _merged(item))

    def _locate(self, node: Node, seen: set[int]) -> None:
        if isinstance(node, Scalar) or id(node) in seen:
            return
        seen.add(id(node))
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
        name, declared = entry.get("name"), entry.get("secrets")
        if isinstance(declared, Sequence):
            self.declared.update(item.text for item in declared.items if isinstance(item, Scalar))
        for variable, node in _merged(entry.get("env")).items():
            if isinstance(node, Scalar):
                script = name.text if isinstance(name, Scalar) else ""
                self.values.append(_Value(script, number, variable, node, self._bare(self._places[id(node)])))

    def hidden(self, declared: set[str]) -> list[_Value]:
        hiding = (value for value in self.values if hides(value.name, declared))
        return [value for value in hiding if value.node.text or self.plain.startswith("&", value.place.start)]

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
        said = _Text(text)
    except Unreadable:
        return _roughly_masked(text, known)
    return said.with_({id(value.node): (value.place, f'"{MASK}"') for value in said.hidden(said.declared)})


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
    before = _readable(*known)
    masks = [value for value in said.hidden(said.declared | before.declared) if value.is_mask]
    behind = _Behind(said, before)
    found = {id(mask.node): (mask.place, value) for mask in masks if (value := behind.value(mask)) is not None}
    if missing := [mask.fault(path) for mask in masks if id(mask.node) not in found]:
        raise ConfigError(missing)
    meant = [
        found[id(value.node)][1].node.text if id(value.node) in found else value.node.text for value in said.values
    ]
    raw = {node: before.plain[value.place.start : value.place.end] for node, (_, value) in found.items()}
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


def _roughly_masked(text: str, known: str) -> str:
    """Values in the line of their variable, and lines of those of several lines that are known."""
    before = _readable(known)
    lines = {line.strip() for value in before.hidden(before.declared) for line in value.node.text.split("\n")} - {""}
    kept = [line.replace(line.strip(), MASK) if line.strip() in lines else line for line in text.split("\n")]

    def masked(found: re.Match[str]) -> str:
        return f'{found[1]}"{MASK}"' if hides(found[2], before.declared) else found[0]

    return _VARIABLE.sub(masked, "\n".join(kept))
