"""What is wrong with the service at large until somebody mends it: told when it begins, and to whoever asks later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from exporter.events import Error, Event, Instant

Of: TypeAlias = Literal["bounds", "certificate", "configuration"]


class Troubles:
    """One of a kind at a time.  Belongs to the event loop's thread."""

    def __init__(self, happened: Callable[[Event, Instant], None]) -> None:
        self._happened = happened
        self._standing: dict[Of, str] = {}

    def begin(self, of: Of, message: str) -> None:
        """Something is wrong, or another thing of its kind is."""
        self._standing[of] = message
        self._happened(Error(message=message), Instant.now())

    def end(self, of: Of) -> None:
        """It is mended, if it was wrong."""
        self._standing.pop(of, None)

    @property
    def messages(self) -> list[str]:
        return [*self._standing.values()]
