"""Tornado's `write_message`, once for each client."""

from __future__ import annotations

import asyncio

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.bench.servers.message import message
from tests.bench.servers.orders import follow_orders

clients: set[WebSocketHandler] = set()


class Client(WebSocketHandler):
    def open(self, *args: str, **kwargs: str) -> None:
        assert self.ws_connection is not None
        self.set_nodelay(True)
        clients.add(self)

    def on_close(self) -> None:
        clients.discard(self)


def broadcast(kind: str) -> None:
    text = message(kind)
    for client in clients:
        client.write_message(text)


async def main() -> None:
    sockets = bind_sockets(0, "127.0.0.1", backlog=4096)
    server = HTTPServer(Application([("/ws", Client)]))
    server.add_sockets(sockets)
    await follow_orders(sockets[0].getsockname()[1], broadcast)


if __name__ == "__main__":
    asyncio.run(main())
