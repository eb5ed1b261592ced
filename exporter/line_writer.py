"""Lines for a descriptor that may be slow, such as standard output with a log collector behind it.

They are written by a thread of its own, from a queue that is bounded: what finds no room in it is dropped and counted,
and told in the stream itself once there is room again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

QUEUE_BYTES = 4 << 20
CLOSE_SECONDS = 2.0
"""How long what is left may take to be written at the end."""
_WRITE_BYTES = 64 << 10


class LineWriter:
    """Belongs to the event loop's thread."""

    def __init__(self, descriptor: int, dropped: Callable[[int], None], tell_dropped: Callable[[int], bytes]) -> None:
        """`dropped` hears how many lines were lost, and `tell_dropped` makes the line that says so."""
        self._descriptor = descriptor
        self._dropped = dropped
        self._tell_dropped = tell_dropped
        self._loop = asyncio.get_running_loop()
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        """Lines dropped that the stream was not told of yet."""
        self._changed = threading.Condition()  # guards these three, and `_closing`
        self._closing = False
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._thread = threading.Thread(target=self._write_all, name="line-writer", daemon=True)

    def start(self) -> None:
        """Begin to write; until then lines gather."""
        self._thread.start()

    def put(self, *lines: bytes) -> None:
        """Have whole lines written, as far as there is room for them."""
        with self._changed:
            taken = 0
            for line in lines:
                if self._closing or self._size + len(line) > QUEUE_BYTES:
                    break
                self._lines.append(line)
                self._size += len(line)
                taken += 1
            if self._size > QUEUE_BYTES // 2:
                self._roomy.clear()
            self._changed.notify()
        if taken < len(lines):
            self.drop(len(lines) - taken)

    def drop(self, lines: int) -> None:
        """Count lines that could not even be made."""
        with self._changed:
            self._lost += lines
            self._changed.notify()
        self._dropped(lines)

    async def room(self) -> None:
        """Wait until at least half of the queue is free."""
        while not self._roomy.is_set():  # others who waited may have taken it
            await self._roomy.wait()

    async def close(self) -> None:
        """Write what is left, unless that takes too long."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

    # --- the thread ---

    def _write_all(self) -> None:
        try:
            while piece := self._take():
                self._write(piece)
        except OSError as error:  # whoever read them is gone
            log.error("standard output cannot be written, so nothing is shipped any more: %s", error)
            with self._changed:
                self._closing = True
                lost = len(self._lines)
                self._lines.clear()
                self._size = 0
            self._loop.call_soon_threadsafe(self._dropped, lost)
            self._loop.call_soon_threadsafe(self._roomy.set)

    def _take(self) -> bytes:
        """The next whole lines to write; none at the end."""
        with self._changed:
            while not (self._lines or self._lost or self._closing):
                self._changed.wait()
            piece = bytearray()
            while self._lines and len(piece) < _WRITE_BYTES:
                piece += self._lines.popleft()
            self._size -= len(piece)
            if not self._lines and self._lost:
                piece += self._tell_dropped(self._lost)
                self._lost = 0
            if self._size <= QUEUE_BYTES // 2 and not self._closing:
                self._loop.call_soon_threadsafe(self._roomy.set)
        return bytes(piece)

    def _write(self, piece: bytes) -> None:
        left = memoryview(piece)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # another program made it so: they share it
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll()
