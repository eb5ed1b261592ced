"""What a server under measurement is told by its standard input: `KIND COUNT INTERVAL`, a line an order."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Callable


async def follow_orders(port: int, broadcast: Callable[[str], object]) -> None:
    """Tell the port; then broadcast `COUNT` messages of `KIND`, one every `INTERVAL` seconds, for each order.

    Ends with the standard input.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()
    _say(port)
    while order := await asyncio.to_thread(sys.stdin.readline):
        kind, count, interval = order.split()
        begun = loop.time()
        for number in range(int(count)):
            await asyncio.sleep(begun + number * float(interval) - loop.time())
            broadcast(kind)
        _say("done")


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()
