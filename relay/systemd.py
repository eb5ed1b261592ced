"""What the service tells systemd about itself, by the protocol of sd_notify(3); to be told nothing is the usual case.

The variables that ask for it are taken out of the environment, so that no script speaks in the service's name.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from exporter.pulse import Pulse

log = logging.getLogger(__name__)

SEND_SECONDS = 1.0
"""How long systemd may be too busy to take a message that it does not get again."""


class Systemd:
    """The service's end of `NOTIFY_SOCKET`."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of `environ`."""
        self._address = _address(environ.pop("NOTIFY_SOCKET", ""))
        self._watchdog = _watchdog(environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", ""))

    def ready(self, url: str) -> None:
        """The service has started.  From now on a beat of the event loop keeps the watchdog quiet.

        That says no more than that the loop turns: a full disk or a faulty configuration is no reason to be killed.
        See sd_watchdog_enabled(3).
        """
        self._tell("READY=1", f"STATUS=The page is at {url}")
        if self._address and self._watchdog:
            Pulse(self._watchdog / 2, lambda _late: self._tell("WATCHDOG=1", patience=0)).start()

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """While the configuration is read again, whatever comes of it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, *assignments: str, patience: float = SEND_SECONDS) -> None:
        if self._address:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                    sender.settimeout(patience)
                    sender.sendto("\n".join(assignments).encode(), self._address)
            except OSError as error:
                log.warning("systemd could not be told %s: %s", assignments[0], error.strerror or error)


def _address(text: str) -> str:
    """Of a socket as in NOTIFY_SOCKET: a path, or `@` and a name in the abstract namespace, unix(7).  Empty: none."""
    if text and text[0] not in "/@":
        log.warning("NOTIFY_SOCKET is %r, which is no path: systemd is told nothing", text)
        return ""
    return f"\0{text[1:]}" if text.startswith("@") else text


def _watchdog(microseconds: str, pid: str) -> float:
    """Seconds within which systemd wants to hear of the service; 0 where it does not watch this process."""
    ours = not pid or pid == str(os.getpid())
    return int(microseconds) / 1_000_000 if ours and microseconds.isdecimal() else 0.0
