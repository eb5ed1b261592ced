"""What the page shows beside the snapshot, of every script at once: how it went lately, and when it starts next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta, Struct

from exporter.events import Instant, PlannedScript, RecentScript
from exporter.settings import Duration, Name
from relay.answering import PIECE
from relay.handler import Handler
from relay.operation import operation
from relay.parameters import Time
from relay.problem import FieldError, Problem

MAX_RUNS = 100
MAX_STARTS = 1000
FARTHEST = Duration(31 * 86_400_000)
_NEAR = Duration(6 * 3_600_000)
_STARTS_AT_A_TIME = 10_000
"""That are worked out in one go, over all scripts."""


class RecentQuery(Struct, frozen=True, kw_only=True):
    runs: Annotated[int, Meta(ge=0, le=MAX_RUNS)] = 30
    """The latest ones of each script."""


class PlannedQuery(Struct, frozen=True, kw_only=True):
    script: Name | None = None
    until: Time | None = None
    """At most 31 days ahead; 6 hours unless given."""
    limit: Annotated[int, Meta(ge=1, le=MAX_STARTS)] = 100
    """Starts of each script."""


class RecentList(Struct, frozen=True):
    scripts: list[RecentScript]


class PlannedList(Struct, frozen=True):
    scripts: list[PlannedScript]


class Recent(Handler):
    @operation("Every script's last success and latest runs that ended", {200: RecentList}, query=RecentQuery)
    async def get(self) -> None:
        await self.answer_batches("scripts", self._scripts(self.query(RecentQuery).runs))

    async def _scripts(self, runs: int) -> AsyncIterator[list[RecentScript]]:
        for names in _batches(self.engine.script_names(), PIECE):
            yield await self.engine.recent(names, runs)


class Planned(Handler):
    @operation("When the enabled scripts, or one of them, start next", {200: PlannedList}, query=PlannedQuery,
               problems=(404,))  # fmt: skip
    async def get(self) -> None:
        query, now = self.query(PlannedQuery), Instant.now()
        until = Instant(now + _NEAR) if query.until is None else query.until
        if until > now + FARTHEST:
            fault = FieldError(pointer="#/until", message="expected a time at most 31 days ahead")
            raise Problem(422, "The query has faults.", [fault])
        names = self.engine.script_names() if query.script is None else [self.engine.script(query.script).name]
        await self.answer_batches("scripts", self._scripts(names, until, query.limit))

    async def _scripts(self, names: list[str], until: Instant, limit: int) -> AsyncIterator[list[PlannedScript]]:
        for some in _batches(names, min(PIECE, _STARTS_AT_A_TIME // limit)):
            yield await self.engine.planned_starts(some, until, limit)


def _batches(names: list[str], size: int) -> list[list[str]]:
    return [names[at : at + size] for at in range(0, len(names), size)]
