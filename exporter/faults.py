"""What is wrong with a configuration: each fault with its place, and all of them at once."""

from __future__ import annotations

from msgspec import Struct

from exporter.document import Node, Unreadable

MAX_FAULTS = 10_000
"""That are told of one file."""


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with one value."""

    file: str
    """The file as it was named; `environment` or `command line` for what was given there."""
    line: int = 0
    """Counted from 1; 0 where there is no line, as for a file that cannot be read."""
    column: int = 0
    """Counted from 1, in characters; 0 where there is no line."""
    key: str = ""
    """Path of the key, such as `scripts[3].cron`; items count from 0."""
    message: str
    """Names the key, the variable or the flag, says what is wrong and which form is accepted."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(Exception):
    """The configuration has faults: all of them, in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Faults:
    """Those of one source.  What is wrong in a place that scripts share by an alias is told once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[tuple[int, int, str, str], Fault] = {}

    def add(self, at: Node, key: str, message: str) -> None:
        """Raises Unreadable where there are too many."""
        if len(self._found) == MAX_FAULTS:
            raise Unreadable(f"more than {MAX_FAULTS} faults; the rest is not told", at.mark)
        self.note(at, key, message)

    def note(self, at: Node | Unreadable, key: str, message: str) -> None:
        line, column = at.mark.line + 1, at.mark.column + 1
        place = (line, column, "" if line else key, message)
        full = f"{key}: {message}" if key else message
        self._found.setdefault(place, Fault(file=self._source, line=line, column=column, key=key, message=full))

    def in_order(self) -> list[Fault]:
        return [self._found[place] for place in sorted(self._found)]
