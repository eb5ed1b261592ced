"""Changes to the scripts in a configuration's text that leave everything else in it as it is, byte for byte.

ruamel's round trip would keep comments too, but write quotes, indents and line breaks of the whole file anew.  Here
only what a change is about is written: a value, a line, an entry.  Pure; the text must be that of a sound
configuration.  YAML can be written in ways that this does not foresee: who uses the result reads it again first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from exporter import document
from exporter.document import Node, Place, Scalar, compose
from exporter.settings import SCHEDULES
from exporter.yaml_text import (
    INDENT,
    block_item,
    block_pair,
    inline,
    inline_pair,
    is_literal,
    literal_body,
    literal_header,
    scalar,
)

Entry: TypeAlias = Mapping[str, Any]
"""A script as it is written in the file: values that JSON can carry."""

_COMMENT = re.compile(r"(?<!\S)#[^\r\n]*")
_BLOCK_SCALAR = re.compile(r"(?:[&!]\S*\s+)*[|>][^\n]*\n")
_DASH = re.compile(r"[ \t]*-(?=\s|$)")


def same(one: Any, other: Any) -> bool:
    """Whether both are one value to JSON, where `true` is not 1; the order of keys does not count."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class Unforeseen(Exception):
    """The text is YAML of a form that cannot be edited here."""


class _Part(NamedTuple):
    """An item of a list, or a key with its value."""

    start: int
    end: int
    nodes: tuple[tuple[Node, Place], ...]


class _Change(NamedTuple):
    start: int
    end: int
    number: int
    """Of several in one place the first comes first."""
    text: str


def edited(
    text: str, entries: Mapping[str, Entry], wanted: Mapping[str, Entry], *, key: str = "scripts", blocks: bool = True
) -> str:
    """The text with the scripts `wanted` in place of `entries`, which were read from it, in its order.

    The same for the items of another list, by its `key`, that have names.

    A script is the one of the same key, whatever its entry says its name is.  New ones come last.  A removed one goes
    with the comments inside its entry; those above it stay, and so do those of everything else that goes.  Without
    `blocks` text of several lines is written in one: a comment below cannot be taken for a part of it.

    Raises Unforeseen, and Unreadable as `exporter.document.compose`.
    """
    return _Edits(text, entries, wanted, key, blocks).result()


class _Edits:
    """Changes to one text, all of them as of its state before the first."""

    def __init__(
        self, text: str, entries: Mapping[str, Entry], wanted: Mapping[str, Entry], key: str, blocks: bool
    ) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._text = text.removeprefix("\ufeff")
        if self._text and not self._text.endswith("\n"):
            self._text += self._newline
        self._entries = entries
        self._wanted = wanted
        self._key = key
        self._blocks = blocks
        self._changes: list[_Change] = []
        self._quoted = _is_json(self._text)
        root = compose(self._text)
        self._root = root if isinstance(root, document.Mapping) else None
        listed = next((part.nodes[1][0] for each, part in self._pairs(self._root) if each == key), None)
        self._list = listed if isinstance(listed, document.Sequence) and listed.items else None
        self._parts = dict(zip(entries, self._items(self._list), strict=True)) if self._list else {}
        self._removed = entries.keys() - wanted.keys()
        self._added = [entry for key, entry in wanted.items() if key not in entries]

    def result(self) -> str:
        for name, part in self._parts.items():
            if name in self._wanted:
                self._set_entry(name, *part.nodes[0])
        if self._list is None:
            if self._added:
                self._begin_list()
        elif self._list.flow:
            kept = [name not in self._removed for name in self._parts]
            self._fit_flow(
                self._list.place, [*self._parts.values()], kept, [inline(entry, self._quoted) for entry in self._added]
            )
        else:
            self._fit_scripts()
        pieces, at = [self._mark], 0
        for start, end, _, text in sorted(self._changes):
            pieces += [self._text[at:start], text.replace("\n", self._newline)]
            at = end
        return "".join([*pieces, self._text[at:]])

    # --- the list of scripts ---

    def _fit_scripts(self) -> None:
        starts = [self._dash(part.start) for part in self._parts.values()]
        ends = [
            self._end_of_entry(part.end, self._column(start))
            for start, part in zip(starts, self._parts.values(), strict=True)
        ]
        for name, start, end in zip(self._parts, starts, ends, strict=True):
            if name in self._removed:
                line = self._line_start(start)
                before = self._line_start(line - 1)
                apart = self._blank(before) and (self._blank(end) or end == len(self._text))
                self._change(before if apart else line, end, "")
        if self._added:
            column, last = self._column(starts[-1]), [*self._parts.values()][-1].start
            keys = self._column(last) - column if self._line_start(last) <= starts[-1] else INDENT
            apart = len(starts) > 1 and self._stands_apart(starts[-1])
            entries = [block_item(entry, column, keys) for entry in self._added]
            self._change(ends[-1], ends[-1], "".join(("\n" if apart else "") + entry for entry in entries))

    def _stands_apart(self, start: int) -> bool:
        """Whether an empty line is above an entry and its comments."""
        line = self._line_start(self._line_start(start) - 1)
        while line and self._text[line : self._line_end(line)].lstrip().startswith("#"):
            line = self._line_start(line - 1)
        return self._blank(line)

    def _end_of_entry(self, end: int, column: int) -> int:
        """Comments right below something that are indented further than its `column` belong to it."""
        end = self._line_end(end)
        while re.match(rf"[ ]{{{column + 1},}}#", self._text[end : self._line_end(end)]):
            end = self._line_end(end)
        return end

    def _begin_list(self) -> None:
        """There are no items yet: the list is absent, or has no value, or is an empty list."""
        pairs = [*self._pairs(self._root)]
        given = next((part for key, part in pairs if key == self._key), None)
        block = "".join(block_item(entry, INDENT, INDENT) for entry in self._added)
        if self._root is not None and self._root.flow:
            if given is None:
                parts = [part for _, part in pairs]
                self._fit_flow(
                    self._root.place, parts, [True] * len(parts), [inline_pair(self._key, self._added, self._quoted)]
                )
            else:
                _, (node, place) = given.nodes
                self._replace(node, place, self._added, _Context(given.nodes[0][1].end, INDENT, flow=True))
        elif given is None:
            end = self._end_of_entry(pairs[-1][1].end, 0) if pairs else len(self._text)
            self._change(end, end, f"{self._key}:\n{block}")
        else:
            (_, key), (node, place) = given.nodes
            colon = self._colon(key.end)
            end = self._end_of_entry(given.end, 0)
            self._change(colon, max(colon, place.end), "")
            inside = self._comments(place.start, place.end, [(node, place)])
            self._change(end, end, "".join(f"{' ' * INDENT}{comment}\n" for comment in inside) + block)

    # --- values ---

    def _set_entry(self, name: str, node: Node, place: Place) -> None:
        assert self._list is not None
        context = _Context(None, self._column(place.start), self._list.flow)
        self._set(node, place, self._entries[name], self._wanted[name], context)

    def _set(self, node: Node, place: Place, old: Any, new: Any, context: _Context) -> None:
        """Make a value say `new` instead of `old`; an alias is replaced: what it stands for is somebody else's."""
        if same(old, new):
            return
        own = not isinstance(node, Scalar) and node.place == place
        if own and isinstance(node, document.Mapping) and isinstance(new, Mapping) and new and node.pairs:
            self._set_mapping(node, old, new, context)
        elif own and isinstance(node, document.Sequence) and isinstance(new, list) and new and node.items:
            self._set_sequence(node, old, new, context)
        else:
            self._replace(node, place, new, context)

    def _set_mapping(self, node: document.Mapping, old: Entry, new: Entry, context: _Context) -> None:
        """What a merge key brings is overruled."""
        pairs = [*self._pairs(node)]
        own = {key for key, _ in pairs}
        added = {key: value for key, value in new.items() if key not in own and not same(value, old.get(key))}
        added |= {key: None for key in old if key not in own and key not in new}
        flow = context.flow or node.flow
        column = self._column(pairs[0][1].start)
        kept = []
        for key, part in pairs:
            (_, at), (child, place) = part.nodes
            below = _Context(at.end, column, flow)
            kept.append(key in new or key == "<<" or old.get(key) is None)
            if key in new:
                self._set(child, place, old.get(key), new[key], below)
            elif not kept[-1] and (successor := _successor(key, added)):
                kept[-1] = True
                self._change(at.start, at.end, scalar(successor, self._quoted))
                self._replace(child, place, added.pop(successor), below)
        parts = [part for _, part in pairs]
        if node.flow:
            self._fit_flow(node.place, parts, kept, [inline_pair(*pair, self._quoted) for pair in added.items()])
        else:
            self._fit_block(parts, kept, column, "".join(block_pair(*pair, column) for pair in added.items()))

    def _set_sequence(self, node: document.Sequence, old: Sequence[Any], new: Sequence[Any], context: _Context) -> None:
        parts = [*self._items(node)]
        column = context.column if node.flow else self._column(self._dash(parts[0].start))
        for part, was, value in zip(parts, old, new, strict=False):
            self._set(*part.nodes[0], was, value, _Context(None, column, context.flow or node.flow))
        kept = [number < len(new) for number in range(len(parts))]
        added = [inline(value, self._quoted) for value in new[len(parts) :]]
        if node.flow:
            self._fit_flow(node.place, parts, kept, added)
        else:
            dashed = [part._replace(start=self._dash(part.start)) for part in parts]
            self._fit_block(dashed, kept, column, "".join(f"{' ' * column}- {value}\n" for value in added))

    def _replace(self, node: Node, place: Place, value: Any, context: _Context) -> None:
        """Write a value in place of another, in the line of its key; comments inside the old one stay."""
        start, end = place.start, max(place.start, self._trimmed(place))
        comments = self._comments(start, end, [(node, place)])
        rest = self._text[end : self._line_end(end)].strip()
        gap = "" if context.key_end is None else self._text[context.key_end : start]
        noted = "#" in gap  # comments between the key and its value, which stands below them
        literal = self._blocks and is_literal(value) and not (context.flow or noted or rest or context.key_end is None)
        written = literal_header(value) if literal else inline(value, self._quoted)
        if "\n" in gap:
            start -= len(gap) - len(gap.rstrip())
        moved = bool(comments) or noted
        if noted:
            colon = self._colon(start - len(gap.rstrip()))
            self._change(colon, colon, f" {written}")
            written = ""
        elif comments:
            written += f"  {comments.pop(0)}"
        if written and self._text[start - 1 : start] == ":":
            written = f" {written}"
        if literal:
            written += f"\n{literal_body(value, context.column + INDENT)}"
        written += "".join(f"\n{' ' * context.column}{comment}" for comment in comments)
        if moved and (rest or context.flow):
            written += f"\n{' ' * (context.column + INDENT)}"
        self._change(start, end, written)

    # --- items and keys that go and come ---

    def _fit_block(self, parts: list[_Part], kept: list[bool], column: int, added: str) -> None:
        for part, stays in zip(parts, kept, strict=True):
            if stays:
                continue
            line, end = self._line_start(part.start), self._end_of_entry(part.end, column)
            if self._text[line : part.start].strip():  # it stands behind a dash, which stays
                notes = self._comments(part.start, part.end, part.nodes)
                behind = part.end + len(self._text[part.end : end]) - len(self._text[part.end : end].lstrip(" \t"))
                self._change(part.start, behind, "".join(f"{note}\n{' ' * column}" for note in notes))
            else:
                notes = self._comments(part.start, end, part.nodes)
                self._change(line, end, "".join(f"{' ' * column}{note}\n" for note in notes))
        if added:
            last = parts[-1].end
            end = self._line_end(last) if kept[-1] else self._end_of_entry(last, column)
            self._change(end, end, added)

    def _fit_flow(self, place: Place, parts: list[_Part], kept: list[bool], added: list[str]) -> None:
        joined = ", ".join(added)
        if not parts:
            self._change(place.end - 1, place.end - 1, joined)
            return
        if True not in kept:
            self._drop(parts[0].start, parts[-1].end, parts, joined)
            return
        last = len(kept) - 1 - kept[::-1].index(True)
        if added:
            self._change(parts[last].end, parts[last].end, f", {joined}")
        for number, stays in enumerate(kept):
            if not stays and number < last:
                self._drop(parts[number].start, parts[number + 1].start, [parts[number]])
            elif not stays:
                self._drop(parts[number - 1].end, parts[number].end, [parts[number]])

    def _drop(self, start: int, end: int, parts: list[_Part], instead: str = "") -> None:
        notes = self._comments(start, end, [pair for part in parts for pair in part.nodes])
        line = self._text[self._line_start(start) :]
        indent = " " * (len(line) - len(line.lstrip()) + 1)
        self._change(start, end, instead + "".join(f"  {note}\n{indent}" for note in notes))

    # --- the text ---

    def _change(self, start: int, end: int, text: str) -> None:
        self._changes.append(_Change(start, end, len(self._changes), text))

    def _pairs(self, node: document.Mapping | None) -> Iterator[tuple[str, _Part]]:
        """The keys of a mapping, each with its part: the nodes of key and value."""
        if node is None:
            return
        places = iter(node.places)
        for (key, value), at, place in zip(node.pairs, places, places, strict=True):
            if not isinstance(key, Scalar):
                raise Unforeseen
            yield key.text, _Part(at.start, max(at.end, self._trimmed(place)), ((key, at), (value, place)))

    def _items(self, node: document.Sequence) -> Iterator[_Part]:
        for item, place in zip(node.items, node.places, strict=True):
            yield _Part(place.start, self._trimmed(place), ((item, place),))

    def _trimmed(self, place: Place) -> int:
        """The end of what stands there, without the empty lines that may follow."""
        return place.start + len(self._text[place.start : place.end].rstrip())

    def _comments(self, start: int, end: int, nodes: Sequence[tuple[Node, Place]]) -> list[str]:
        """The comments between and around the scalars of some nodes."""
        found, at = [], start
        for first, behind in [*(leaf for pair in nodes for leaf in self._leaves(*pair)), (end, end)]:
            found += [match[0].rstrip() for match in _COMMENT.finditer(self._text, at, max(at, min(first, end)))]
            at = max(at, behind)
        return found

    def _leaves(self, node: Node, place: Place) -> Iterator[tuple[int, int]]:
        """Where the scalars of a node stand; of a block scalar, what is below its first line."""
        if isinstance(node, Scalar) or node.place != place:
            header = _BLOCK_SCALAR.match(self._text, place.start, place.end)
            yield (header.end() if header else place.start), place.end
        else:
            children = node.items if isinstance(node, document.Sequence) else [n for pair in node.pairs for n in pair]
            for child, where in zip(children, node.places, strict=True):
                yield from self._leaves(child, where)

    def _dash(self, start: int) -> int:
        """Where the dash of an item is; the item may begin in a line below."""
        line = self._line_start(start)
        found = _DASH.match(self._text, line, start)
        while found is None and line:
            line = self._line_start(line - 1)
            found = _DASH.match(self._text, line)
        if found is None:
            raise Unforeseen
        return found.end() - 1

    def _colon(self, key_end: int) -> int:
        """Behind the colon of a key."""
        found = re.compile(r"\s*:").match(self._text, key_end)
        if found is None:
            raise Unforeseen
        return found.end()

    def _column(self, index: int) -> int:
        return index - self._line_start(index)

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, max(index, 0)) + 1

    def _line_end(self, index: int) -> int:
        """Where the next line begins."""
        found = self._text.find("\n", index)
        return found + 1 if found >= 0 else len(self._text)

    def _blank(self, line: int) -> bool:
        return line < len(self._text) and not self._text[line : self._line_end(line)].strip()


class _Context(NamedTuple):
    """Where a value stands."""

    key_end: int | None
    """None: it is an item of a list."""
    column: int
    """Of its key or dash."""
    flow: bool
    """Within brackets or braces."""


def _is_json(text: str) -> bool:
    """Whether others may read the file as JSON (RFC 8259) too, and go on doing so."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _successor(key: str, added: Entry) -> str | None:
    """A schedule that comes for another takes its place, and so its comment."""
    return next((name for name in SCHEDULES if key in SCHEDULES and name in added), None)
