"""`/api/v1/logs`: the history with all that the runs wrote, to be read by programs or kept in a file.

A record may have gigabytes of output, and a download any number of records: both are sent piece by piece.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from msgspec import Struct, structs

from exporter.events import Run, to_json
from exporter.history import RunPage, RunQuery
from relay.api.runs import RunFilters, RunListing
from relay.handler import Handler
from relay.log_forms import CSV, JSON, LINES, Form, LogRecord, log_head, only_begun
from relay.operation import Answer, operation


class LogFilters(RunFilters, frozen=True, kw_only=True):
    format: Literal["json", "jsonl", "csv"] = "json"
    """`jsonl` and `csv` are downloads of every record that matches, unless `limit` is given."""


class LogPage(Struct, frozen=True):
    logs: list[LogRecord]
    next: str | None
    """Cursor of the following page; null on the last.  A search may end a page early: only null is the end."""


class DeletedLogs(Struct, frozen=True):
    deleted: int
    """Records, with their output."""


class Logs(RunListing):
    @operation(
        "The history with all that the runs wrote",
        {200: Answer(of=LogPage, media=("application/x-ndjson", "text/csv"), headers=("Content-Disposition",))},
        query=LogFilters,
    )
    async def get(self) -> None:
        asked = self.query(LogFilters)
        filters, form = asked.asked(), asked.format
        del filters["format"]
        query = only_begun(RunQuery(**filters))
        page = await self.page(query)
        if form == "json":
            await self.answer_pieces(JSON.content_type, self._object(page))
        else:
            written = CSV if form == "csv" else LINES
            self.name_download(f"{query.script or 'cronscope'}-logs.{form}")
            pieces = self._download(written, query, page, whole=asked.limit is None)
            await self.answer_pieces(written.content_type, pieces)

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
        yield form.head(log_head(run))
        async for text in self.engine.output_text(run.run_id, "stdout"):
            yield form.text(text)
        yield form.between
        async for text in self.engine.output_text(run.run_id, "stderr"):
            yield form.text(text)
        yield form.end


class ScriptLogs(Handler):
    @operation("Delete the records and outputs of a script's finished runs", {200: DeletedLogs}, problems=(404,))
    async def delete(self, name: str) -> None:
        deleted = await self.engine.clear_logs(name)
        self.note.detail = str(deleted)
        self.answer(DeletedLogs(deleted))
