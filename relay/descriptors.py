"""Open files: the service takes all that it may have, and keeps connections from taking those that runs need."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from tornado.ioloop import IOLoop

from exporter.machine import FILES_PER_RUN
from relay.problem import CONTENT_TYPE, Problem

log = logging.getLogger(__name__)

CLIENT_LIMIT = 10_000
"""Clients of `/ws` at a time, where there are descriptors for them."""
_FREE = 64
"""Descriptors that no connection gets, beside those for runs: for the history, for files that are read."""
_UNREAD = 64 << 10
"""Bytes that are read of a request that is refused."""
_PAUSE_SECONDS = 1.0
_QUIET_SECONDS = 60.0
"""How long nothing more is said of connections that cannot be served."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Reasons of accept(2) that do not go away by asking again at once."""
_BUSY, _ = Problem(503, "Too many connections; try again later.").spoken("en")
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    + f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(_BUSY)}\r\n\r\n".encode()
    + _BUSY
)


class Shares(NamedTuple):
    """Who may have how many descriptors."""

    connections: int
    """Descriptors below this number are for connections too; the others are kept for the service itself."""
    clients: int
    """Clients of `/ws` at a time; what else connections may have is for requests."""


def raise_limit() -> int:
    """Have the kernel let the process open all that it may; how many that are.

    Every connection takes a descriptor, and the usual soft limit of 1024 is meant for programs that use select(2).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has limits that it does not take
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * CLIENT_LIMIT if soft == resource.RLIM_INFINITY else soft


def shares(limit: int, runs: int) -> Shares:
    """Of `limit` descriptors, with at most `runs` at a time."""
    connections = limit - min(limit // 4, _FREE + runs * FILES_PER_RUN)
    return Shares(connections, min(CLIENT_LIMIT, connections * 3 // 4))


class Listener(socket.socket):
    """A listening socket that stays calm where descriptors run out.

    Tornado calls `accept` until it raises BlockingIOError, and passes over ConnectionAbortedError.
    """

    connections: int
    """As in `Shares`: the kernel gives the lowest number that is free (POSIX, 2.14), so a connection with this one
    comes when all below are taken."""
    refusal: bytes
    """What is said to whoever cannot be served; by TLS that would be nothing a client understands."""
    make_room: Callable[[], bool]
    """Closes a connection that nobody will miss; False where there is none."""
    _told_at = -_QUIET_SECONDS

    @classmethod
    def of(
        cls, listening: socket.socket, connections: int, make_room: Callable[[], bool], *, secure: bool = False
    ) -> Listener:
        """Takes over the descriptor of `listening`; `secure`: for TLS."""
        listener = cls(fileno=listening.detach())
        listener.setblocking(False)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):  # then what a connection asks for is there when it is accepted: tcp(7)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
        listener.connections = connections
        listener.refusal = b"" if secure else _REFUSAL
        listener.make_room = make_room
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._tell("no connection can be accepted: %s; trying again every second", error.strerror)
            self._pause()
            raise BlockingIOError from error
        if connection.fileno() >= self.connections and self.make_room():
            with connection:
                connection = connection.dup()  # which takes the place of the one that was closed
        if connection.fileno() < self.connections:
            return connection, address
        self._tell("too many connections: new ones are refused (the limit on open files is what allows more)")
        with connection, suppress(OSError):
            connection.setblocking(False)
            connection.send(self.refusal)
            connection.recv(_UNREAD)  # what is left unread would have the kernel take back the answer
            connection.shutdown(socket.SHUT_WR)
        raise ConnectionAbortedError

    def _tell(self, message: str, *details: object) -> None:
        if time.monotonic() - self._told_at >= _QUIET_SECONDS:
            self._told_at = time.monotonic()
            log.warning(message, *details)

    def _pause(self) -> None:
        """Who connects meanwhile waits in the kernel's queue."""
        loop = IOLoop.current()
        loop.update_handler(self, 0)
        loop.call_later(_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self.fileno() != -1:  # not closed meanwhile
            IOLoop.current().update_handler(self, IOLoop.READ)
