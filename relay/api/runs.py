"""`/api/v1/runs`: the history, runs under way included, and what they wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field, structs

from exporter import events
from exporter.events import FailureReason, SkipReason, Status, Stream
from exporter.history import CursorError, RunPage, RunQuery
from exporter.settings import Name
from relay.handler import Handler
from relay.operation import TEXT, Answer, operation
from relay.parameters import Moment
from relay.problem import FieldError, Problem

MAX_RUNS = 1000
MAX_LINES = 10_000


class RunFilters(Struct, frozen=True, kw_only=True):
    """The filters that listings of runs have in common: all that are given must hold."""

    script: Name | None = None
    status: Status | None = None
    reason: Literal[FailureReason, SkipReason] | None = None
    exit_code: Annotated[int, Meta(ge=-1, le=255)] | None = None
    since: Moment | None = None
    """Begun at this time or after it."""
    until: Moment | None = None
    """Begun before this time."""
    q: str | None = None
    """Text anywhere in a line of the run's output, in any case."""
    limit: Annotated[int, Meta(ge=1, le=MAX_RUNS)] | None = None
    """Runs on a page; 50 unless given."""
    before: str | None = None
    """The `next` of the page before."""

    def asked(self) -> dict[str, Any]:
        """The filters that are given."""
        return {name: value for name, value in structs.asdict(self).items() if value is not None}


class OutputFilters(Struct, frozen=True, kw_only=True):
    first: Annotated[int, Meta(ge=0, le=2**53)] = field(name="from", default=0)
    """Number of the line to begin with."""
    limit: Annotated[int, Meta(ge=1, le=MAX_LINES)] = 1000
    stream: Stream | None = None
    q: str | None = None
    """Text anywhere in a line, in any case."""


class RunId(Struct, frozen=True):
    run_id: str


class RunListing(Handler):
    """What answers with runs that a query asks for."""

    async def page(self, query: RunQuery) -> RunPage:
        """Raises a 422 problem where the cursor is at fault."""
        try:
            return await self.engine.runs(query)
        except CursorError as error:
            raise Problem(422, "The query has faults.", [FieldError(pointer="#/before", message=str(error))]) from error


class Runs(RunListing):
    @operation("The history, newest start first, runs under way included", {200: RunPage}, query=RunFilters)
    async def get(self) -> None:
        self.answer(await self.page(RunQuery(**self.query(RunFilters).asked())))


class Run(Handler):
    @operation("A run's record", {200: events.Run}, problems=(404,))
    async def get(self, run_id: str) -> None:
        self.answer(await self.engine.run(run_id))


class RunStop(Handler):
    success = 202

    @operation("Stop a run, or what waits for its turn to become one", {202: RunId}, problems=(404, 409))
    async def post(self, run_id: str) -> None:
        self.note.targets, self.note.detail = [], run_id
        run = await self.engine.stop_run(run_id)
        self.note.targets = [run.script_name]
        self.answer(RunId(run_id))


class RunOutput(Handler):
    @operation("Lines of a run's output", {200: events.OutputPage}, query=OutputFilters, problems=(404,))
    async def get(self, run_id: str) -> None:
        asked = self.query(OutputFilters)
        self.answer(await self.engine.output_page(run_id, asked.first, asked.limit, asked.stream, asked.q))


class RunOutputText(Handler):
    """The whole output as a download, both streams in the order in which they were written."""

    @operation(
        "The whole output as a download",
        {200: Answer(media=(TEXT,), headers=("Content-Disposition",))},
        problems=(404,),
    )
    async def get(self, run_id: str) -> None:
        run = await self.engine.run(run_id)
        self.name_download(f"{run.script_name}-{run_id}.txt")
        await self.answer_pieces("text/plain; charset=utf-8", self.engine.raw_output(run_id))
