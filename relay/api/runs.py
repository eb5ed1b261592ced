"""`/api/v1/runs`: the history, runs under way included, and what they wrote."""

from __future__ import annotations

from typing import get_args

from exporter.events import FAILURE_REASONS, SKIP_REASONS, Instant, Status, Stream
from exporter.history import CursorError, RunPage, RunQuery
from exporter.settings import NAME_PATTERN
from relay.api.parameters import Parameters, matching, moment, one_of, text, whole
from relay.handler import Handler
from relay.problem import FieldError, Problem

DEFAULT_RUNS = 50
MAX_RUNS = 1000
MAX_LINES = 10_000


def run_query(parameters: Parameters) -> RunQuery:
    """The filters that listings of runs have in common."""
    take, when = parameters.take, moment(Instant.now())
    return RunQuery(
        script=take("script", matching(NAME_PATTERN, "the name of a script")),
        status=take("status", one_of(get_args(Status))),
        reason=take("reason", one_of(FAILURE_REASONS + SKIP_REASONS)),
        exit_code=take("exit_code", whole(-1, 255)),
        since=take("since", when),
        until=take("until", when),
        q=take("q", text),
        limit=take("limit", whole(1, MAX_RUNS), DEFAULT_RUNS),
        before=take("before", text),
    )


class RunListing(Handler):
    """What answers with runs that a query asks for."""

    async def page(self, parameters: Parameters, query: RunQuery) -> RunPage:
        """Raises a 422 problem with every fault of the query."""
        parameters.done()
        try:
            return await self.engine.runs(query)
        except CursorError as error:
            raise Problem(422, "The query has faults.", [FieldError(pointer="#/before", message=str(error))]) from error


class Runs(RunListing):
    async def get(self) -> None:
        parameters = Parameters(self.request.query_arguments)
        self.answer(await self.page(parameters, run_query(parameters)))


class Run(Handler):
    async def get(self, run_id: str) -> None:
        self.answer(await self.engine.run(run_id))


class RunStop(Handler):
    success = 202

    async def post(self, run_id: str) -> None:
        await self.engine.stop_run(run_id)
        self.answer({"run_id": run_id})


class RunOutput(Handler):
    async def get(self, run_id: str) -> None:
        parameters = Parameters(self.request.query_arguments)
        take = parameters.take
        first = take("from", whole(0, 2**53), 0)
        limit = take("limit", whole(1, MAX_LINES), 1000)
        stream: Stream | None = take("stream", one_of(get_args(Stream)))
        q = take("q", text)
        parameters.done()
        self.answer(await self.engine.output_page(run_id, first, limit, stream, q))


class RunOutputText(Handler):
    """The whole output as a download, both streams in the order in which they were written."""

    async def get(self, run_id: str) -> None:
        run = await self.engine.run(run_id)
        self.name_download(f"{run.script_name}-{run_id}.txt")
        await self.answer_pieces("text/plain; charset=utf-8", self.engine.raw_output(run_id))
