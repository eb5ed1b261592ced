"""Many clients of `/ws` that come at once and cost little, so that what is measured is the service.

    python -m tests.crowd PORT COUNT [QUERY]

connects all of them at once, and writes a line of JSON when each has its greeting whole: how many seconds that took,
of each.  Then it reads on, and throws away what comes, until standard input ends.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time

UPGRADE = (
    "GET /ws{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PONG = b"\x8a\x80\0\0\0\0"
"""That nobody asked for, as a sign of life: RFC 6455, 5.5.3."""
HEARTBEAT_SECONDS = 10.0


def main(port: int, count: int, query: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    poll.register(sys.stdin, select.EPOLLIN)
    begun = time.monotonic()
    clients = dict(_connect(poll, port) for _ in range(count))
    request = UPGRADE.format(query=query).encode()
    greeting: dict[int, bytes] = {}
    waits: list[float] = []
    heard = begun
    while True:
        if time.monotonic() - heard > HEARTBEAT_SECONDS and not greeting:
            heard = time.monotonic()
            for client in clients.values():
                client.send(PONG)
        for number, events in poll.poll(HEARTBEAT_SECONDS):
            if number == sys.stdin.fileno():
                return
            client = clients[number]
            if events & select.EPOLLOUT:
                client.sendall(request)
                poll.modify(number, select.EPOLLIN)
                greeting[number] = b""
            elif number in greeting:
                greeting[number] += client.recv(1 << 20)
                if _whole(greeting[number], 2 if query else 1):
                    del greeting[number]
                    waits.append(time.monotonic() - begun)
                    if len(waits) == count:
                        sys.stdout.write(json.dumps(waits) + "\n")
                        sys.stdout.flush()
            elif not client.recv(1 << 20):
                raise ConnectionError("cut off")


def _connect(poll: select.epoll, port: int) -> tuple[int, socket.socket]:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    poll.register(client, select.EPOLLOUT)
    return client.fileno(), client


def _whole(data: bytes, frames: int) -> bool:
    """Whether the answer to the handshake and so many frames are there.  Raises ConnectionError where it is refused."""
    if data and not data.startswith(b"HTTP/1.1 101"[: len(data)]):
        raise ConnectionError(data[:100].decode(errors="replace"))
    at = data.find(b"\r\n\r\n") + 4
    if at < 4:
        return False
    for _ in range(frames):
        if len(data) < at + 2:
            return False
        size = data[at + 1]
        extended = 0 if size < 126 else 2 if size == 126 else 8
        if extended:
            size = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
        at += 2 + extended + size
        if len(data) < at:
            return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
