"""One service from start to stop: socket, engine, application and signals put together."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from exporter.certificates import Certificate
from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile
from exporter.engine import Engine
from exporter.faults import ConfigError
from exporter.staged_restore import resume
from relay.descriptors import raise_limit, shares
from relay.listening import Listening, OnceAMinute
from relay.relay import Relay
from relay.renewal import Renewal
from relay.site import Site
from relay.systemd import Systemd

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""How long a worker thread may keep the interpreter's lock from the event loop: Python's own 5 ms add up."""


async def serve(file: ConfigFile, loaded: LoadedConfig, ready: Callable[[str], None]) -> None:
    """Run until a signal ends it.  `ready` gets the page's address once everything is up.

    SIGTERM and SIGINT stop cleanly, a second one at once; SIGHUP reads the configuration again.
    Raises `relay.listening.ListenError`, `exporter.data_dir.StartError`, and ConfigError where a restore was cut short.
    """
    systemd = Systemd(os.environ)
    loaded = resume(file, loaded)
    listening = Listening(loaded.settings)
    engine = Engine(file, loaded)
    limit = raise_limit()
    connections, clients = shares(limit, loaded.settings.max_concurrent_runs)
    log.info("at most %d files may be open, so at most %d clients are served at a time", limit, clients)
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.getLogger().addHandler(engine.metrics.log_handler)
    logging.getLogger("tornado.general").addFilter(OnceAMinute())
    site = Site(engine, listening.host)
    sites = listening.serve(site, connections)
    stopping = asyncio.Event()
    _handle_signals(engine, systemd, stopping)
    await engine.start()
    gc.freeze()  # what is there now stays: looking for cycles in it took 15 ms and more each time
    # Only now: nobody is there yet to be told of what the last life left, which may be a lot.
    relay = Relay(engine, client_limit=clients)
    for each in sites:
        each.relay = relay
    engine.listens(listening.origin, site.access.local_token, listening.fingerprint)
    renewal = _renewal(engine, listening, site)
    url = f"{listening.origin}{engine.settings.prefix}/"
    ready(url)
    systemd.ready(url)
    await stopping.wait()
    systemd.stopping()
    await engine.stop()
    relay.stop()
    if renewal is not None:
        renewal.stop()
    await listening.stop()


def _renewal(engine: Engine, listening: Listening, site: Site) -> Renewal | None:
    tls, first = engine.begun_with.tls, listening.certificate
    if tls is None or first is None:
        return None

    def show(certificate: Certificate) -> None:
        listening.show(certificate)
        engine.listens(listening.origin, site.access.local_token, listening.fingerprint)

    return Renewal(engine, tls, first, show)


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
        engine.changed_by_hand(await engine.config.reload())
        log.info("the configuration was read again")
