"""A certificate that is renewed under a running service: noticed, tried, and shown to whoever connects from then on.

As long as what is in the files cannot be used, the certificate that could be used last stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from exporter import certificates
from exporter.certificates import Certificate, Unusable
from exporter.engine import Engine
from exporter.events import FileChange, Instant
from exporter.journal import Entry
from exporter.settings import Tls
from exporter.watching import looks

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 4.0
"""How long the two files may not go together before that is told: one is replaced after the other."""


class Renewal:
    """Belongs to the event loop's thread; the disk is waited for on others."""

    def __init__(self, engine: Engine, tls: Tls, first: Certificate, show: Callable[[Certificate], None]) -> None:
        """`first` is what is shown so far."""
        self._engine = engine
        self._tls = tls
        self._show = show
        self._shown = first
        self._read: tuple[bytes | None, bytes | None] = (None, None)
        self._broken_since: float | None = None
        self._told = False
        self._flaw_told = False
        self._turn = asyncio.Lock()
        loop = asyncio.get_running_loop()
        self._tasks = {loop.create_task(self._watch())}
        self._unsubscribe = engine.journal.subscribe(self._heard)
        _tell_of(tls, first)

    def stop(self) -> None:
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()

    def _heard(self, entry: Entry) -> None:
        """With another configuration the paths may be others."""
        if isinstance(entry.event, FileChange) and entry.event.path is None and self._wanted != self._tls:
            task = asyncio.get_running_loop().create_task(self._look())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @property
    def _wanted(self) -> Tls:
        """Where TLS was taken out of the configuration, it stays till the next start."""
        return self._engine.settings.tls or self._tls

    async def _watch(self) -> None:
        while True:
            watched = self._wanted
            async with aclosing(looks(watched.cert, watched.key)) as times:
                async for _ in times:
                    await self._look()
                    if self._wanted != watched:
                        break

    async def _look(self) -> None:
        async with self._turn:
            tls = self._wanted
            found = await asyncio.to_thread(lambda: (_content(tls.cert), _content(tls.key)))
            if (tls, found) != (self._tls, self._read) or self._broken_since is not None:
                self._tls, self._read = tls, found
                await self._try()
            self._tell_flaw()

    async def _try(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            certificate = await asyncio.to_thread(certificates.load, self._tls)
        except Unusable as error:
            self._broken_since = self._broken_since or now
            if now - self._broken_since >= PATIENCE_SECONDS and not self._told:
                self._told = True
                message = f"the certificate of before stays, as the new one cannot be used: tls.{error.key}: {error}"
                log.error("%s", message)
                self._engine.troubles.begin("certificate", message)
            return
        self._broken_since, self._told, self._flaw_told = None, False, False
        self._engine.troubles.end("certificate")
        await self._engine.config.look_again()
        if certificate.chain != self._shown.chain:
            log.info("another certificate is shown from now on")
            _tell_of(self._tls, certificate)
            self._shown = certificate
            self._show(certificate)

    def _tell_flaw(self) -> None:
        """A certificate may end while it is shown."""
        flaw, ends_at = self._shown.flaw, self._shown.ends_at
        if flaw is None and ends_at is not None and ends_at <= Instant.now():
            flaw = "it has expired"
        if flaw is not None and not self._flaw_told:
            self._flaw_told = True
            message = f"clients refuse the certificate that is shown: tls.cert {self._tls.cert}: {flaw}"
            log.error("%s", message)
            self._engine.troubles.begin("certificate", message)


def _tell_of(tls: Tls, certificate: Certificate) -> None:
    if certificate.ends_at is not None:
        log.info("tls.cert %s is valid until %s", tls.cert, certificate.ends_at.rfc3339())


def _content(path: Path) -> bytes | None:
    try:
        return certificates.content_of(path)
    except OSError:  # which is told where it is tried
        return None
