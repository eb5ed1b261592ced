"""`/api/v1/schedule/preview`: what a schedule means, before anything runs by it."""

from __future__ import annotations

import asyncio

from exporter.preview import PreviewError, PreviewQuery, preview
from relay.handler import Handler
from relay.problem import FieldError, Problem, pointer


class Preview(Handler):
    async def post(self) -> None:
        query = self.body(PreviewQuery)
        try:
            self.answer(await asyncio.to_thread(preview, query, self.engine.settings.timezone))
        except PreviewError as error:
            faults = [FieldError(pointer=pointer(key), message=message) for key, message in error.faults.items()]
            raise Problem(422, "The schedule has faults.", faults) from error
