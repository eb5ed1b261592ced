"""`/api/v1/schedule/preview`: what a schedule means, before anything runs by it."""

from __future__ import annotations

import asyncio

from exporter import preview
from exporter.preview import PreviewError, PreviewQuery
from relay.handler import Handler
from relay.operation import Answer, operation
from relay.problem import FieldError, Problem, pointer


class Preview(Handler):
    @operation(
        "What a schedule means, and its next five starts",
        {200: Answer(of=preview.Preview, headers=("Content-Language", "Vary"))}, body=PreviewQuery, spoken=True,
    )  # fmt: skip
    async def post(self) -> None:
        query, language = self.body(PreviewQuery), self.speak()
        try:
            self.answer(await asyncio.to_thread(preview.preview, query, self.engine.settings.timezone, language))
        except PreviewError as error:
            faults = [FieldError(pointer=pointer(key), message=message) for key, message in error.faults.items()]
            raise Problem(422, "The schedule has faults.", faults) from error
