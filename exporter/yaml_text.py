"""Values of JSON as YAML: in one line, or in lines of their own.

Everything is written so that YAML 1.1 and 1.2 read it as the same value, within brackets too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from exporter.document import NOWHERE, Scalar

INDENT = 2
"""Columns by which what belongs to a key stands further in."""
_WIDTH = 100
_PLAIN = re.compile(r"[\w./~](?:[^\t\n\r:#,\[\]{}\"`?*]*[^\s:#,\[\]{}\"`?*])?")
_OTHERWISE_TYPED = re.compile(r"[-+.0-9_]+|0[xo].*|y|n|yes|no|on|off|~.*|\d+e\d+", re.IGNORECASE)  # YAML 1.1's too
_LITERAL = re.compile(r"\S(?:.*\S)?\n?", re.DOTALL)
_ESCAPED = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029\ud800-\udfff]")


def inline(value: Any, quoted: bool = False) -> str:
    """The value in one line; `quoted`: as JSON has it."""
    match value:
        case str():
            return scalar(value, quoted)
        case Mapping():
            return "{" + ", ".join(inline_pair(*pair, quoted) for pair in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(inline(item, quoted) for item in value) + "]"
    return json.dumps(value)


def inline_pair(key: str, value: Any, quoted: bool = False) -> str:
    return f"{scalar(key, quoted)}: {inline(value, quoted)}"


def scalar(text: str, quoted: bool = False) -> str:
    """Without quotes only where no reader of any YAML takes it for anything but text."""
    if (
        not quoted
        and _PLAIN.fullmatch(text)
        and text.isprintable()
        and not _OTHERWISE_TYPED.fullmatch(text)
        and Scalar(text, NOWHERE, plain=True).kind == "str"
    ):
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def is_literal(value: Any) -> bool:
    if not (isinstance(value, str) and "\n" in value.rstrip("\n")):
        return False
    return _LITERAL.fullmatch(value) is not None and _ESCAPED.search(value) is None


def literal_header(text: str) -> str:
    return "|" if text.endswith("\n") else "|-"


def literal_body(text: str, column: int) -> str:
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(" " * column + line if line else "" for line in lines)


def block_pair(key: str, value: Any, column: int) -> str:
    """A key with its value, as lines of their own."""
    head = " " * column + scalar(key) + ":"
    if is_literal(value):
        return f"{head} {literal_header(value)}\n{literal_body(value, column + INDENT)}\n"
    line = f"{head} {inline(value)}\n"
    if isinstance(value, Mapping) and value and len(line) > _WIDTH:
        return f"{head}\n" + "".join(block_pair(*pair, column + INDENT) for pair in value.items())
    return line


def block_item(entry: Mapping[str, Any], column: int, indent: int) -> str:
    """An item of the list of scripts, with its dash in `column` and its keys `indent` further in."""
    keys = column + max(indent, 2)
    lines = "".join(block_pair(*pair, keys) for pair in entry.items())
    return " " * column + "-" + lines[column + 1 :]
