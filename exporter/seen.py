"""What of a line of output is to be seen on a terminal: the page shows just that, and so it is what is searched."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # a control sequence: ECMA-48, 5.4
    r"|[\]PX^_][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)"  # one that carries a text up to its end
    r"|[ -/]*[0-~])"
)
_STYLE = re.compile(r"\x1b\[[\d;]*m")


def seen(line: str) -> str:
    """A line without escape sequences, and without what was written over after a carriage return."""
    if "\r" in line:
        pieces = line.split("\r")
        line = next((piece for piece in reversed(pieces) if _STYLE.sub("", piece)), "")
    return _SEQUENCE.sub("", line) if "\x1b" in line else line


def split(data: bytes) -> list[str]:
    """Whole lines as text, without their ends."""
    *lines, rest = data.decode(errors="replace").split("\n")
    return [line.removesuffix("\r") for line in lines] + ([rest] if rest else [])


def seen_lines(data: bytes) -> str:
    """What is to be seen of whole lines, with their ends."""
    if b"\x1b" in data or b"\r" in data:
        return "".join(f"{seen(line)}\n" for line in split(data))
    return data.decode(errors="replace")
