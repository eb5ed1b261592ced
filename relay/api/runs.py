"""`/api/v1/runs`: the history, runs under way included, and what they wrote."""

from __future__ import annotations

from contextlib import aclosing
from typing import get_args

from tornado.iostream import StreamClosedError

from exporter.events import FAILURE_REASONS, SKIP_REASONS, Instant, Status, Stream
from exporter.history import CursorError, RunQuery
from exporter.settings import NAME_PATTERN
from relay.api.parameters import Parameters, matching, moment, one_of, text, whole
from relay.handler import Handler

MAX_RUNS = 1000
MAX_LINES = 10_000


class Runs(Handler):
    async def get(self) -> None:
        parameters = Parameters(self.request.query_arguments)
        take, when = parameters.take, moment(Instant.now())
        query = RunQuery(
            script=take("script", matching(NAME_PATTERN, "the name of a script")),
            status=take("status", one_of(get_args(Status))),
            reason=take("reason", one_of(FAILURE_REASONS + SKIP_REASONS)),
            exit_code=take("exit_code", whole(-1, 255)),
            since=take("since", when),
            until=take("until", when),
            q=take("q", text),
            limit=take("limit", whole(1, MAX_RUNS), 50),
            before=take("before", text),
        )
        parameters.done()
        try:
            page = await self.engine.runs(query)
        except CursorError as error:
            parameters.fault("before", str(error))
            parameters.done()
        else:
            self.answer(page)


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
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{run.script_name}-{run_id}.txt"')
        if self.request.method == "HEAD":
            await self.flush()
            return
        begun = False
        try:
            async with aclosing(self.engine.raw_output(run_id)) as pieces:
                async for piece in pieces:
                    self.write(piece)
                    begun = True
                    await self.flush()
        except StreamClosedError:
            return  # the client has what it wanted
        except Exception:
            if begun:
                self.detach().close()  # an orderly end would look as if this were all
            raise
