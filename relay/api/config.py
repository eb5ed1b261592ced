"""`/api/v1/config`: the configuration file as text, for editors."""

from __future__ import annotations

import asyncio

from exporter.config import MAX_BYTES, ConfigError
from exporter.engine import NEXT_START
from exporter.etag import etag_of
from exporter.settings import Settings
from relay.handler import Handler
from relay.precondition import precondition
from relay.problem import Problem


class Config(Handler):
    max_body = MAX_BYTES

    async def get(self) -> None:
        try:
            content = await asyncio.to_thread(self.engine.config.file.content)
        except ConfigError as error:
            raise Problem(503, str(error)) from error
        self.set_header("Content-Type", "application/yaml")  # RFC 9512
        self.set_header("ETag", etag_of(content))
        self.finish(content)

    async def put(self) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        before = self.engine.settings
        await self.engine.config.replace(self.request.body, precondition(self.request.headers))
        self.set_header("ETag", etag_of(self.request.body))
        self.answer({"changed_at_next_start": changed_at_next_start(before, self.engine.settings)})


def changed_at_next_start(before: Settings, after: Settings) -> list[str]:
    """The keys of those that differ, but are not in force yet."""
    return [key for key in NEXT_START if getattr(before, key) != getattr(after, key)]


class ConfigCheck(Handler):
    max_body = MAX_BYTES

    async def post(self) -> None:
        """The faults that the body would have as the file; an empty list where it is sound."""
        try:
            await asyncio.to_thread(self.engine.config.file.check, self.request.body)
        except ConfigError as error:
            self.answer({"faults": error.faults})
        else:
            self.answer({"faults": []})
