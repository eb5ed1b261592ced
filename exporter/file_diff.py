"""What has changed between two contents of a file, as a unified diff.

Large ones are compared in a process of their own, for which this file is the script: here the interpreter's lock would
be held too long.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

MAX_PAIRS = 4_000_000
"""Up to here changed lines before, times those after, are compared line by line, which takes about a second."""
Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]
"""As of `difflib.SequenceMatcher.get_opcodes`."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def diff(before: bytes, after: bytes, before_name: str, after_name: str) -> str:
    """As of `diff -u` (POSIX); empty where both are the same.

    Past `MAX_PAIRS` everything from the first change to the last one is told as replaced.
    """
    if before == after:
        return ""
    try:
        old, new = _LINE.findall(before.decode()), _LINE.findall(after.decode())
    except UnicodeDecodeError:
        return f"Binary files {before_name} and {after_name} differ\n"
    lines = [f"--- {before_name}\n", f"+++ {after_name}\n"]
    for group in _Comparison(old, new).get_grouped_opcodes():
        lines += _hunk(old, new, group)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


class _Comparison(SequenceMatcher[str]):
    """Compares only what lies between the first change and the last one."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        self._head = _common(old, new)
        self._tail = _common(old[self._head :][::-1], new[self._head :][::-1])
        changed_old, changed_new = (lines[self._head : len(lines) - self._tail] for lines in (old, new))
        self._rows, self._columns = len(changed_old), len(changed_new)
        super().__init__(None, changed_old, changed_new)

    def get_opcodes(self) -> list[Opcode]:
        head, tail, rows, columns = self._head, self._tail, self._rows, self._columns
        few = rows * columns <= MAX_PAIRS
        codes: list[Opcode] = super().get_opcodes() if few else [("replace", 0, rows, 0, columns)]
        return [
            ("equal", 0, head, 0, head),
            *((tag, head + i, head + j, head + k, head + m) for tag, i, j, k, m in codes),
            ("equal", head + rows, head + rows + tail, head + columns, head + columns + tail),
        ]


def _hunk(old: list[str], new: list[str], group: Sequence[tuple[str, int, int, int, int]]) -> Iterator[str]:
    (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
    yield f"@@ -{_range(i, j)} +{_range(k, m)} @@\n"
    for tag, i, j, k, m in group:
        if tag == "equal":
            yield from (f" {line}" for line in old[i:j])
        else:
            yield from (f"-{line}" for line in old[i:j])
            yield from (f"+{line}" for line in new[k:m])


def _range(start: int, stop: int) -> str:
    """Of lines counted from 0, without the last, as POSIX has it."""
    count = stop - start
    return f"{start + 1}" if count == 1 else f"{start + bool(count)},{count}"


def _common(one: list[str], other: list[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (line, against) in pairs if line != against), min(len(one), len(other)))


def _main() -> None:
    length, *names = sys.argv[1:]
    both = sys.stdin.buffer.read()
    sys.stdout.buffer.write(diff(both[: int(length)], both[int(length) :], *names).encode())


if __name__ == "__main__":
    _main()
