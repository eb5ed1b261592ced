"""The `broadcast` of Python's websockets."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.bench.servers.message import message
from tests.bench.servers.orders import follow_orders

clients: set[ServerConnection] = set()


async def stay(connection: ServerConnection) -> None:
    clients.add(connection)
    try:
        await connection.wait_closed()
    finally:
        clients.discard(connection)


async def main() -> None:
    async with serve(stay, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await follow_orders(port, lambda kind: broadcast(clients, message(kind)))


if __name__ == "__main__":
    asyncio.run(main())
