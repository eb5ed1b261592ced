"""Thousands of clients in one process, which read whatever comes and note how old it is.

`python -m tests.fanout.crowd PORT COUNT PATH` connects them, says so, and ends when its standard input does, with one
line of JSON: how many frames came since the last empty line, and their ages in milliseconds at some quantiles.
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
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TIMESTAMP = re.compile(rb'"timestamp":"([^"]+)"')


class Crowd:
    """`connections`, and what came over them since `forget`."""

    def __init__(self, port: int, count: int, path: str) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._dates: dict[bytes, list[float]] = {}
        """When the frames of a chunk were dated; many clients get the same bytes."""
        self.ages: list[float] = []
        upgrade = UPGRADE.format(path=path).encode()
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(upgrade)
            self._await_upgrade(client)
            client.setblocking(False)
            self._sockets[client.fileno()] = client
            self._poll.register(client, select.EPOLLIN)

    def _await_upgrade(self, client: socket.socket) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            if not (chunk := client.recv(4096)):
                raise ConnectionError(f"closed in the handshake, after {answer!r}")
            answer += chunk
        head, _, rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionError(head.decode())
        if rest:
            self._rest[client.fileno()] = rest

    def forget(self) -> None:
        self.ages.clear()
        self._dates.clear()

    def listen(self) -> None:
        """Until the standard input ends; an empty line in it makes forget what came."""
        self._poll.register(sys.stdin, select.EPOLLIN)
        stdin = sys.stdin.fileno()
        while True:
            for number, _ in self._poll.poll():
                if number != stdin:
                    self._read(number)
                elif sys.stdin.readline():
                    self.forget()
                    print("forgotten", flush=True)
                else:
                    return

    def _read(self, number: int) -> None:
        chunk = self._sockets[number].recv(1 << 16)
        now = time.time()
        if not chunk:
            raise ConnectionError("the server ended a connection")
        if number in self._rest:
            chunk = self._rest.pop(number) + chunk
        dates = self._dates.get(chunk)
        if dates is None:
            dates, rest = _dates(chunk)
            if rest:
                self._rest[number] = rest
            else:
                self._dates[chunk] = dates
        self.ages += [now - date for date in dates]


def _dates(chunk: bytes) -> tuple[list[float], bytes]:
    """When each text frame was dated, and what is left of one that is not whole.  Frames of a server: RFC 6455, 5.2."""
    dates = []
    while len(chunk) >= 4:
        size, head = chunk[1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(chunk[2:head])
        if len(chunk) < head + size:
            break
        if found := TIMESTAMP.search(chunk, head, head + size):
            dates.append(datetime.fromisoformat(found[1].decode()).timestamp())
        chunk = chunk[head + size :]
    return dates, chunk


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port, count, path = sys.argv[1:]
    crowd = Crowd(int(port), int(count), path)
    print("connected", flush=True)
    crowd.listen()
    ages = sorted(crowd.ages)
    told = {f"p{part}": ages[len(ages) * part // 100] * 1000 for part in (50, 99)} if ages else {}
    print(json.dumps({"frames": len(ages), **told}), flush=True)


if __name__ == "__main__":
    main()
