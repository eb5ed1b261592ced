"""Something done again and again on the event loop, without drift."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Pulse:
    def __init__(self, seconds: float, beat: Callable[[float], None]) -> None:
        """`beat` is called with how late it is, in seconds: what the event loop was held up by other work."""
        self.seconds = seconds
        self._beat = beat
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The first beat comes one period from now."""
        self._plan(asyncio.get_running_loop().time() + self.seconds)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _plan(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._strike, due)

    def _strike(self, due: float) -> None:
        late = asyncio.get_running_loop().time() - due
        self._plan(due + self.seconds * (1 + late // self.seconds))
        self._beat(max(0.0, late))
