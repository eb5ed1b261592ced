"""Finding, in what a run tells, the values that it must not tell.

They are looked for as they stand, in bytes: not in other encodings, and not where something stands between.  A value of
several lines is looked for line by line, so that whole lines can be masked by themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from exporter.secrets import MASK

SHORTEST = 4
"""Characters that a value has at least: shorter ones would be found everywhere."""
_COMMON = {"true", "false", "null", "none"}
"""Values that are not looked for either, in any case."""
_LINE_ENDS = re.compile(r"[\r\n]+")

Span = tuple[int, int]


class Masking:
    """The values that one run must not tell."""

    def __init__(self, values: Iterable[bytes]) -> None:
        """None of `values` is empty, or has a line end in it."""
        self.values = sorted(set(values))
        self.longest = max(map(len, self.values))

    @classmethod
    def of(cls, values: Iterable[str]) -> Masking | None:
        """None where there is nothing to look for."""
        lines = {line.strip() for value in values for line in _LINE_ENDS.split(value)}
        worth = [line for line in lines if len(line) >= SHORTEST and line.lower() not in _COMMON]
        return cls(line.encode(errors="surrogateescape") for line in worth) if worth else None

    @classmethod
    def load(cls, path: Path) -> Masking | None:
        """What was saved there; None where nothing was."""
        try:
            return cls(msgspec.msgpack.decode(path.read_bytes(), type=list[bytes]))
        except FileNotFoundError:
            return None

    def save(self, path: Path) -> None:
        """Raises OSError, and then there is nothing."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(msgspec.msgpack.encode(self.values))
        fresh.replace(path)

    def told(self, data: bytes) -> bytes:
        """The data with `***` in place of each value, or of several that overlap."""
        found = _merged(self._found(data))
        if not found:
            return data
        pieces, position = [], 0
        for start, end in found:
            pieces += [data[position:start], MASK.encode()]
            position = end
        return b"".join([*pieces, data[position:]])

    def boundary(self, data: bytes) -> int:
        """How much of the data may be told before it is known what follows: the rest may be the beginning of a value.

        Cut there, both parts are masked as the whole is.
        """
        begun = max((_overlap(data, value) for value in self.values), default=0)
        if not begun:
            return len(data)
        return _merged([*self._found(data), (len(data) - begun, len(data))])[-1][0]

    def _found(self, data: bytes) -> Iterator[Span]:
        for value in self.values:
            at = data.find(value)
            while at >= 0:
                yield at, at + len(value)
                at = data.find(value, at + 1)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _overlap(data: bytes, value: bytes) -> int:
    """How many of the last bytes are the first ones of the value, which goes on after them."""
    at = data.find(value[:1], max(0, len(data) - len(value) + 1))
    while at >= 0:
        if value.startswith(data[at:]):
            return len(data) - at
        at = data.find(value[:1], at + 1)
    return 0
