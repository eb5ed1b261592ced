"""What is shown, and what is told, while the files of a certificate change one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporter import certificates, watching
from exporter.certificates import Certificate, Unusable
from exporter.events import Error, Instant
from exporter.journal import Entry
from exporter.settings import Settings, Tls
from relay import renewal
from relay.renewal import Renewal
from tests.certificates import make
from tests.fake_engine import FakeEngine


class Watched:
    """A certificate under a renewal, and what comes of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cert, self.key = make(folder)
        self.tls = Tls(cert=self.cert, key=self.key)
        self.engine = FakeEngine()
        self.engine.config.configure(Settings(tls=self.tls))
        self.shown: asyncio.Queue[str] = asyncio.Queue()
        """Fingerprints, each once another certificate is shown."""
        self.told: list[str] = []
        self._new_refusal = asyncio.Event()
        self._new_trouble = asyncio.Event()
        self.engine.journal.subscribe(self._heard)
        loop = asyncio.get_running_loop()
        load = certificates.load

        def noting(tls: Tls) -> Certificate:
            try:
                return load(tls)
            except Unusable:
                loop.call_soon_threadsafe(self._new_refusal.set)
                raise

        monkeypatch.setattr(certificates, "load", noting)
        monkeypatch.setattr(watching, "LOOK_MILLISECONDS", 10)
        monkeypatch.setattr(watching, "SETTLED_MILLISECONDS", 10)
        self._load = load

    def _heard(self, entry: Entry) -> None:
        if isinstance(entry.event, Error):
            self.told.append(entry.event.message)
            self._new_trouble.set()

    @asynccontextmanager
    async def renewing(self, ends_at: Instant | None = None) -> AsyncIterator[None]:
        """`ends_at` is the end of the certificate that is shown first, if it is another than what it says."""
        first = self._load(self.tls)
        first = replace(first, ends_at=ends_at or first.ends_at)
        renewing = Renewal(self.engine, self.tls, first, lambda new: self.shown.put_nowait(new.fingerprint))
        yield
        renewing.stop()

    async def trouble(self) -> str:
        """What is told to be wrong next."""
        await self._new_trouble.wait()
        self._new_trouble.clear()
        return self.told[-1]

    async def refused(self, times: int) -> None:
        """Wait until the files were found to be of no use so often."""
        for _ in range(times):
            self._new_refusal.clear()
            await self._new_refusal.wait()
        await asyncio.sleep(0)  # for what is said of it


def test_halves_of_a_pair_are_waited_for_and_what_stays_broken_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renew() -> None:
        watched = Watched(tmp_path, monkeypatch)
        async with watched.renewing():
            monkeypatch.setattr(renewal, "PATIENCE_SECONDS", 600.0)
            cert, key = make(tmp_path / "new")
            cert.rename(watched.cert)
            await watched.refused(3)
            assert (watched.shown.empty(), watched.told) == (True, [])
            monkeypatch.setattr(renewal, "PATIENCE_SECONDS", 0.0)
            await watched.refused(4)
            assert watched.shown.empty()
            (told,) = watched.told
            assert told.startswith("the certificate of before stays, as the new one cannot be used: tls.key: ")
            key.rename(watched.key)
            assert await watched.shown.get() == certificates.load(watched.tls).fingerprint
            assert (watched.shown.empty(), len(watched.told)) == (True, 1)

    asyncio.run(asyncio.wait_for(renew(), 60))


def test_a_certificate_that_ends_while_it_is_shown_is_told_until_there_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renew() -> None:
        watched = Watched(tmp_path, monkeypatch)
        async with watched.renewing(ends_at=Instant(Instant.now() + 100)):
            told = await watched.trouble()
            assert told == f"clients refuse the certificate that is shown: tls.cert {watched.cert}: it has expired"
            assert watched.engine.troubles.messages == [told]
            make(tmp_path)
            await watched.shown.get()
            assert (watched.engine.troubles.messages, len(watched.told)) == ([], 1)

    asyncio.run(asyncio.wait_for(renew(), 60))
