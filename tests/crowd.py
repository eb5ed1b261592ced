"""Many clients of `/ws` that come at once and cost little, so that what is measured is the service.

    python -m tests.crowd PORT COUNT [QUERY [GREETING]]

connects all of them at once, and writes a line of JSON when each has its greeting whole (GREETING frames): how many
seconds that took, of each.  Then it throws away what comes until the first line on standard input.  For each line, a
number, it writes one when as many frames have come since the last: how old they were, in seconds.  It ends with
standard input.
"""

from __future__ import annotations

import json
import re
import resource
import select
import socket
import sys
import time
from datetime import datetime

UPGRADE = (
    "GET /ws{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_PING, _PONG = b"\x89\x00", b"\x8a\x80\0\0\0\0"
_TIMESTAMP = re.compile(rb'"timestamp":"([^"]+)"')


class Crowd:
    def __init__(self, port: int, count: int, query: str, greeting: int) -> None:
        """`greeting`: how many frames each client waits for before it counts as connected."""
        self._poll = select.epoll()
        self._clients: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        """Of those who have got less than a frame, or than their greeting."""
        self._ages: list[float] = []
        self._awaited: int | None = None
        self._looking = False
        self._dates: dict[bytes, list[float]] = {}
        """When the frames of a chunk were dated: many clients get the same bytes."""
        self._greet(port, count, UPGRADE.format(query=query).encode(), greeting)

    def _greet(self, port: int, count: int, request: bytes, greeting: int) -> None:
        begun = time.monotonic()
        for _ in range(count):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            self._clients[client.fileno()] = client
            self._poll.register(client, select.EPOLLOUT)
        waits: list[float] = []
        greeted: set[int] = set()
        while len(waits) < count:
            for number, events in self._poll.poll():
                if events & select.EPOLLOUT:
                    self._clients[number].sendall(request)
                    self._poll.modify(number, select.EPOLLIN)
                    self._rest[number] = b""
                elif number in greeted:
                    self._read(number)
                else:
                    self._rest[number] += self._clients[number].recv(1 << 16)
                    if _is_whole(self._rest[number], greeting):
                        del self._rest[number]
                        greeted.add(number)
                        waits.append(time.monotonic() - begun)
        _tell(waits)

    def listen(self) -> None:
        stdin = sys.stdin.fileno()
        self._poll.register(stdin, select.EPOLLIN)
        while True:
            for number, _ in self._poll.poll():
                if number != stdin:
                    self._read(number)
                elif line := sys.stdin.readline():
                    self._awaited = int(line)
                    self._looking = True
                else:
                    return
            if self._awaited is not None and len(self._ages) >= self._awaited:
                _tell(self._ages)
                self._awaited = None
                self._ages.clear()
                self._dates.clear()

    def _read(self, number: int) -> None:
        chunk = self._clients[number].recv(1 << 14)
        now = time.time()
        if not chunk:
            raise ConnectionError("cut off")
        if chunk.endswith(_PING):
            self._clients[number].send(_PONG)
        if not self._looking:
            return
        if number in self._rest:
            chunk = self._rest.pop(number) + chunk
        dates = self._dates.get(chunk)
        if dates is None:
            ends = _ends(chunk)
            found = (_TIMESTAMP.search(chunk, start, end) for start, end in zip([0, *ends], ends, strict=False))
            dates = [datetime.fromisoformat(date[1].decode()).timestamp() for date in found if date]
            if not ends or ends[-1] < len(chunk):
                self._rest[number] = chunk[ends[-1] if ends else 0 :]
            else:
                self._dates[chunk] = dates
        self._ages += [now - date for date in dates]


def _tell(values: list[float]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _is_whole(data: bytes, frames: int) -> bool:
    """Whether the answer to the handshake and so many frames are there.  Raises ConnectionError where it is refused."""
    if data and not data.startswith(b"HTTP/1.1 101"[: len(data)]):
        raise ConnectionError(data[:100].decode(errors="replace"))
    _, found, rest = data.partition(b"\r\n\r\n")
    return bool(found) and len(_ends(rest)) >= frames


def _ends(data: bytes) -> list[int]:
    """Where each whole frame of a server ends: RFC 6455, 5.2."""
    ends: list[int] = []
    at = 0
    while len(data) >= at + 2:
        size = data[at + 1]
        extended = 0 if size < 126 else 2 if size == 126 else 8
        if extended:
            size = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
        at += 2 + extended + size
        if len(data) < at:
            break
        ends.append(at)
    return ends


def main(port: str, count: str, query: str = "", greeting: str | None = None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Crowd(int(port), int(count), query, int(greeting or (2 if query else 1))).listen()


if __name__ == "__main__":
    main(*sys.argv[1:])
