"""Connections that nobody will miss: the first to go where there is no room for others.

On these a request is still to come, or somebody without credentials takes the answer to one, and may never read it.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from tornado.iostream import BaseIOStream


class Arriving:
    """Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._streams: WeakKeyDictionary[BaseIOStream, None] = WeakKeyDictionary()
        """In the order in which they began to wait; those that were closed meanwhile go by themselves."""

    def expect(self, stream: BaseIOStream) -> None:
        """The next request, or the rest of one, is waited for."""
        self.come(stream)
        self._streams[stream] = None

    def come(self, stream: BaseIOStream) -> None:
        """The request is of somebody who is known, or the stream is another's to see to."""
        self._streams.pop(stream, None)

    def close_one(self) -> bool:
        """Close the connection that waits longest; False where none does."""
        while (stream := next(iter(self._streams), None)) is not None:
            self.come(stream)
            if not stream.closed():
                stream.close()
                return True
        return False
