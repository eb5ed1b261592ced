"""`/api/v1/config`: the configuration file as text, for editors.  Values of secrets are `***` in it, both ways."""

from __future__ import annotations

import asyncio

from msgspec import Struct, structs

from exporter.config import MAX_BYTES
from exporter.etag import etag_of
from exporter.faults import ConfigError, Fault
from exporter.named_files import warnings
from exporter.sentences import Language
from exporter.settings import Settings
from relay.handler import Handler
from relay.operation import YAML, Answer, operation
from relay.problem import Problem
from relay.translation import in_language


class Replaced(Struct, frozen=True):
    changed_at_next_start: list[str]
    """Keys that were changed, and that a running service does not heed."""


class ToldFault(Fault, frozen=True, kw_only=True):
    language: Language
    """Of the message."""


class Faults(Struct, frozen=True, kw_only=True):
    faults: list[ToldFault]
    """For these it would be refused."""
    warnings: list[ToldFault] = []
    """What is unwise in a text without faults."""


class Config(Handler):
    max_body = MAX_BYTES

    @operation("The configuration file", {200: Answer(media=(YAML,), headers=("ETag",))}, conditional=True)
    async def get(self) -> None:
        try:
            content, etag = await self.engine.config.shown()
        except ConfigError as error:
            raise Problem(503, str(error)) from error
        self.answer_tagged(content, YAML, self.tag(etag))

    @operation(
        "Replace the whole configuration file", {200: Answer(of=Replaced, headers=("ETag",))},
        takes=YAML, takes_struct=Settings, conditional=True, problems=(409, 422, 507),
    )  # fmt: skip
    async def put(self) -> None:
        if not self.engine.ready:
            raise Problem(503, "The service is stopping: nothing is changed any more.")
        change = await self.engine.config.replace(self.request.body, self.precondition())
        self.note.configured(change)
        self.note.detail = change.told
        self.set_header("ETag", self.tag(etag_of(change.after.text.encode())))
        self.answer(Replaced(self.engine.changed_at_next_start()))


class ConfigCheck(Handler):
    max_body = MAX_BYTES

    @operation(
        "The faults that a text would have as the configuration file, and what is unwise in it",
        {200: Answer(of=Faults, headers=("Content-Language", "Vary"))}, takes=YAML, spoken=True,
    )  # fmt: skip
    async def post(self) -> None:
        """No faults where it is sound."""
        language = self.speak()
        try:
            loaded = await self.engine.config.check_new(self.request.body)
            unwise = await asyncio.to_thread(lambda: [*warnings(loaded)])
        except ConfigError as error:
            self.answer(Faults(faults=[_told(fault, language) for fault in error.faults]))
        else:
            self.answer(Faults(faults=[], warnings=[_told(warning, language) for warning in unwise]))


def _told(fault: Fault, language: Language) -> ToldFault:
    message = in_language(fault.message, language)
    return ToldFault(**{**structs.asdict(fault), "message": message.text, "language": message.language})
