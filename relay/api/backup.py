"""`/api/v1/backup` and `/api/v1/restore`: configuration, scripts and history in one archive, of any size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct, structs
from tornado.web import stream_request_body

from exporter.restore import Restored, Upload
from relay.handler import Handler
from relay.operation import GZIP, Answer, operation
from relay.problem import Problem, problem_of
from relay.too_large import ANY_LENGTH, MAX_DISCARDED, Discarding

_UPLOAD_SECONDS = 6 * 3600.0
"""How long an archive may take to arrive."""
IDLE_SECONDS = 60.0
"""How long nothing of it may arrive: others could not restore anything meanwhile."""


class Outcome(Restored, frozen=True, kw_only=True):
    """What a restore has brought back."""

    changed_at_next_start: list[str]
    """Keys of the configuration that have changed, but are in force from the next start of the service on."""


class Choice(Struct, frozen=True):
    secrets: Literal["masked", "include"] = "masked"
    """Whether the archive has the values of secrets, and the files of environments.  One that does not leaves those be
    where it is restored."""


class Backup(Handler):
    @operation(
        "Configuration, scripts and history as they are now, in one archive",
        {200: Answer(media=(GZIP,), headers=("Content-Disposition",))}, query=Choice, problems=(409, 507),
    )  # fmt: skip
    async def get(self) -> None:
        secrets = self.query(Choice).secrets == "include"
        self.name_download(f"cronscope-backup-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
        await self.answer_pieces(GZIP, self.engine.backup(secrets=secrets))


@stream_request_body
class Restore(Discarding):
    max_body = 1 << 40  # what the disk takes is looked at meanwhile
    streams = True

    _upload: Upload | None = None
    _refusal: Problem | None = None
    _restoring = False
    _idle: asyncio.TimerHandle | None = None

    def prepare(self) -> Awaitable[None] | None:
        self.connection.set_max_body_size(ANY_LENGTH)
        if self.request.method != "POST":
            return super().prepare()
        try:
            super().prepare()  # at once, as no password goes with it
            if not self.engine.ready:
                raise Problem(503, "The service is stopping: nothing is changed any more.")
            self._upload = self.engine.begin_restore()
        except Exception as error:
            problem = problem_of(error)
            if problem is None or self.announced > MAX_DISCARDED:
                raise
            self._refusal = problem  # told once the body has come: before that its sender might not listen
            self.site.arriving.expect(self.connection.stream)
            return None
        self.connection.set_max_body_size(self.max_body)
        self.connection.set_body_timeout(_UPLOAD_SECONDS)
        self._expect_more()
        return None

    def _expect_more(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.connection.stream.close)

    async def data_received(self, chunk: bytes) -> None:
        if self._refusal is not None:
            self.discard(chunk, self._refusal)
        elif self._upload is not None:
            self._expect_more()
            await self._upload.write(chunk)

    @operation(
        "Bring back what is in a backup, whole or not at all", {200: Outcome}, takes=GZIP, problems=(409, 422, 507)
    )
    async def post(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        assert self._upload is not None
        self._stop_expecting()
        self._restoring = True
        restored, change = await self._upload.restore()
        self.note.configured(change)
        self.note.detail = change.told
        told = self.engine.changed_at_next_start()
        self.answer(Outcome(**structs.asdict(restored), changed_at_next_start=told))

    def on_finish(self) -> None:
        self._let_go()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if not self._restoring:  # a restore that has begun is done, whoever listens
            self._let_go()

    def _stop_expecting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()

    def _let_go(self) -> None:
        self._stop_expecting()
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.close()
