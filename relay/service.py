"""One service from start to stop: socket, engine, application and signals put together."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from tornado.netutil import bind_sockets

from exporter.config import ConfigError, LoadedConfig
from exporter.config_file import ConfigFile
from exporter.engine import Engine
from exporter.staged_restore import resume
from relay.app import App
from relay.descriptors import Listener, raise_limit, shares
from relay.handler import MAX_BODY, Site
from relay.relay import Relay
from relay.server import Server
from relay.systemd import Systemd

log = logging.getLogger(__name__)

BACKLOG = 4096
IDLE_SECONDS = 300.0
"""How long a connection may stay open without a request; longer than the usual pause between two scrapes."""
BODY_SECONDS = 60.0
"""How long a request's body may take."""

SWITCH_SECONDS = 0.0005
"""How long a worker thread may keep the interpreter's lock from the event loop: Python's own 5 ms add up."""


class ListenError(Exception):
    """The service can't listen where it should; the message says why and what to do."""


async def serve(file: ConfigFile, loaded: LoadedConfig, ready: Callable[[str], None]) -> None:
    """Run until a signal ends it.  `ready` gets the page's address once everything is up.

    SIGTERM and SIGINT stop cleanly, a second one at once; SIGHUP reads the configuration again.
    Raises ListenError, `exporter.data_dir.StartError`, and ConfigError where a restore was cut short.
    """
    systemd = Systemd(os.environ)
    loaded = resume(file, loaded)
    host, sockets = listen(loaded.settings.listen)
    port = sockets[0].getsockname()[1]
    engine = Engine(file, loaded)
    limit = raise_limit()
    connections, clients = shares(limit, loaded.settings.max_concurrent_runs)
    log.info("at most %d files may be open, so at most %d clients are served at a time", limit, clients)
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.getLogger().addHandler(engine.metrics.log_handler)
    site = Site(engine, host)
    server = Server(App(site), max_body_size=MAX_BODY, idle_connection_timeout=IDLE_SECONDS, body_timeout=BODY_SECONDS)
    server.add_sockets(Listener.of(each, connections) for each in sockets)
    stopping = asyncio.Event()
    _handle_signals(engine, systemd, stopping)
    await engine.start()
    gc.freeze()  # what is there now stays: looking for cycles in it took 15 ms and more each time
    # Only now: nobody is there yet to be told of what the last life left, which may be a lot.
    site.relay = relay = Relay(engine, client_limit=clients)
    origin = f"http://{host}:{port}"
    engine.listens(origin, site.access.local_token)
    url = f"{origin}{engine.settings.prefix}/"
    ready(url)
    systemd.ready(url)
    await stopping.wait()
    systemd.stopping()
    await engine.stop()
    relay.stop()
    server.stop()
    await server.close_all_connections()


def listen(address: str) -> tuple[str, list[socket.socket]]:
    """Host as in a URL, and listening sockets, of `HOST:PORT`.  Raises ListenError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        sockets = bind_sockets(int(port), host, backlog=BACKLOG)
    except OSError as error:
        hint = "; is Cronscope running already? --listen takes another port" if error.errno == errno.EADDRINUSE else ""
        raise ListenError(f"cannot listen on {address}: {error.strerror}{hint}") from error
    return f"[{host}]" if ":" in host else host, sockets


def _handle_signals(engine: Engine, systemd: Systemd, stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def stop(number: int) -> None:
        if stopping.is_set():
            loop.remove_signal_handler(number)
            os.kill(os.getpid(), number)
        log.info("stopping")
        stopping.set()

    def reload() -> None:
        if engine.ready:
            task = loop.create_task(_reload(engine, systemd))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(engine: Engine, systemd: Systemd) -> None:
    with systemd.reloading(), suppress(ConfigError):  # which is told
        await engine.config.reload()
        log.info("the configuration was read again")
