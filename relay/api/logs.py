"""`/api/v1/logs`: the history with all that the runs wrote, to be read by programs or kept in a file.

A record may have gigabytes of output, and a download any number of records: both are sent piece by piece.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from msgspec import structs

from exporter.events import Run, to_json
from exporter.history import RunPage, RunQuery
from relay.api.parameters import Parameters, one_of
from relay.api.runs import RunListing, run_query
from relay.handler import Handler
from relay.log_forms import CSV, JSON, LINES, Form, log_record, only_begun


class Logs(RunListing):
    async def get(self) -> None:
        parameters = Parameters(self.request.query_arguments)
        limited = bool(self.request.query_arguments.get("limit", [b""])[0])
        query = only_begun(run_query(parameters))
        form = parameters.take("format", one_of(("json", "jsonl", "csv")), "json")
        page = await self.page(parameters, query)
        if form == "json":
            await self.answer_pieces(JSON.content_type, self._object(page))
        else:
            written = CSV if form == "csv" else LINES
            self.name_download(f"{query.script or 'cronscope'}-logs.{form}")
            await self.answer_pieces(written.content_type, self._download(written, query, page, whole=not limited))

    async def _object(self, page: RunPage) -> AsyncGenerator[bytes, None]:
        separator = b'{"logs":['
        for run in page.runs:
            yield separator
            async for piece in self._record(JSON, run):
                yield piece
            separator = b","
        yield (b"" if page.runs else separator) + b'],"next":' + to_json(page.next) + b"}\n"

    async def _download(
        self, form: Form, query: RunQuery, page: RunPage, *, whole: bool
    ) -> AsyncGenerator[bytes, None]:
        """All records that the query is about, or as many as its limit."""
        yield form.title
        left = query.limit
        while True:
            for run in page.runs:
                async for piece in self._record(form, run):
                    yield piece
            left -= len(page.runs)
            if page.next is None or not (whole or left):
                return
            query = structs.replace(query, before=page.next, limit=query.limit if whole else left)
            page = await self.engine.runs(query)

    async def _record(self, form: Form, run: Run) -> AsyncGenerator[bytes, None]:
        yield form.head(log_record(run))
        async for text in self.engine.output_text(run.run_id, "stdout"):
            yield form.text(text)
        yield form.between
        async for text in self.engine.output_text(run.run_id, "stderr"):
            yield form.text(text)
        yield form.end


class ScriptLogs(Handler):
    async def delete(self, name: str) -> None:
        self.answer({"deleted": await self.engine.clear_logs(name)})
