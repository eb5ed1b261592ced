"""Run ids: ULIDs (https://github.com/ulid/spec), 26 characters that sort by time."""

from __future__ import annotations

import os

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN = rf"[0-7][{_ALPHABET}]{{25}}"


def time_of(ulid: str) -> int:
    """When it was made, in milliseconds since the Unix epoch; or later, where the clock stepped back before."""
    milliseconds = 0
    for digit in ulid[:10]:
        milliseconds = milliseconds << 5 | _ALPHABET.index(digit)
    return milliseconds


class UlidSource:
    """Makes ids that rise strictly even within one millisecond or when the clock steps back."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, milliseconds: int) -> str:
        self._last = max(milliseconds << 80 | int.from_bytes(os.urandom(10), "big"), self._last + 1)
        return "".join(_ALPHABET[self._last >> shift & 31] for shift in range(125, -5, -5))
