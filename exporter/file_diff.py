"""What has changed between two contents of a file, as a unified diff.

Large ones are compared in a process of their own, for which this file is the script: here the interpreter's lock would
be held too long.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from difflib import unified_diff

MAX_PAIRS = 4_000_000
"""Up to here changed lines before, times those after, are compared line by line, which takes about a second."""
_CONTEXT = 3
"""Lines that stay the same around a change."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_START = re.compile(r"(?<=[-+])\d+")


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
    same = _common(old, new)
    same_behind = _common(old[same:][::-1], new[same:][::-1])
    skipped, dropped = max(0, same - _CONTEXT), max(0, same_behind - _CONTEXT)
    old, new = old[skipped : len(old) - dropped], new[skipped : len(new) - dropped]
    compare = unified_diff if len(old) * len(new) <= MAX_PAIRS else _replacement
    lines = [f"--- {before_name}\n", f"+++ {after_name}\n"]
    for line in list(compare(old, new))[2:]:
        if line.startswith("@@"):
            line = _START.sub(lambda start: str(int(start[0]) + skipped), line)
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


def _common(one: list[str], other: list[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (line, against) in pairs if line != against), min(len(one), len(other)))


def _replacement(old: list[str], new: list[str]) -> Iterator[str]:
    """As `difflib.unified_diff` for lists that have no line in common."""
    yield from ("--- \n", "+++ \n", f"@@ -1,{len(old)} +1,{len(new)} @@\n")
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _main() -> None:
    length, *names = sys.argv[1:]
    both = sys.stdin.buffer.read()
    sys.stdout.buffer.write(diff(both[: int(length)], both[int(length) :], *names).encode())


if __name__ == "__main__":
    _main()
