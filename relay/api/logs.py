"""`/api/v1/logs`: the history with all that the runs wrote, to be read by programs or kept in a file.

A record may have gigabytes of output, and a download any number of records: both are sent piece by piece.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from exporter.events import SKIP_REASONS, FailureReason, Instant, Run, SkipReason, Status, to_json
from exporter.history import RunPage, RunQuery
from relay.api.runs import RunFilters, RunListing
from relay.handler import Handler
from relay.operation import Answer, operation


class LogFilters(RunFilters, frozen=True, kw_only=True):
    format: Literal["json", "jsonl", "csv"] = "json"
    """`jsonl` and `csv` are downloads of every record that matches, unless `limit` is given."""


class LogHead(Struct, frozen=True, kw_only=True):
    """What comes before a run's output in its record."""

    timestamp: Instant
    """The run's start; of a start that did not happen when it was planned."""
    script_name: str
    run_id: str
    exit_code: int | None
    status: Status
    reason: FailureReason | SkipReason | None
    duration_ms: int | None


class LogRecord(LogHead, frozen=True, kw_only=True):
    """One record of the logs, with all that the run wrote, as text.

    Bytes that are no UTF-8 are U+FFFD in it, and where the middle was dropped is the line that says so.
    """

    stdout: str
    stderr: str


class LogPage(Struct, frozen=True):
    logs: list[LogRecord]
    next: str | None
    """Cursor of the following page; null on the last.  A search may end a page early: only null is the end."""


class DeletedLogs(Struct, frozen=True):
    deleted: int
    """Records, with their output."""


class _Form(NamedTuple):
    """How a record is written: its head, its stdout in pieces, what is between, its stderr in pieces, its end."""

    content_type: str
    head: Callable[[LogHead], bytes]
    text: Callable[[str], bytes]
    between: bytes
    end: bytes
    title: bytes = b""


def _json_head(record: LogHead) -> bytes:
    return to_json(record)[:-1] + b',"stdout":"'


def _json_text(text: str) -> bytes:
    return to_json(text)[1:-1]


def _csv_head(record: LogHead) -> bytes:
    """None of these fields ever needs quotes."""
    values = (value.rfc3339() if isinstance(value, Instant) else value for value in structs.astuple(record))
    return (",".join("" if value is None else str(value) for value in values) + ',"').encode()


def _csv_text(text: str) -> bytes:
    # Programs take a NUL for the end.  All else is as it was written: who opens it in a spreadsheet imports it as text.
    return text.replace("\0", "\ufffd").replace('"', '""').encode()


_JSON = _Form("application/json", _json_head, _json_text, b'","stderr":"', b'"}')
_LINES = _JSON._replace(content_type="application/x-ndjson", end=b'"}\n')
_TITLES = ",".join(LogRecord.__struct_fields__).encode() + b"\r\n"
_CSV = _Form("text/csv; charset=utf-8", _csv_head, _csv_text, b'","', b'"\r\n', _TITLES)
"""RFC 4180."""


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
        begun = asked.status != "skipped" and asked.reason not in SKIP_REASONS
        query = RunQuery(**filters, begun=begun)
        page = await self.page(query)
        if form == "json":
            await self.answer_pieces(_JSON.content_type, self._object(page))
        else:
            written = _CSV if form == "csv" else _LINES
            self.name_download(f"{query.script or 'cronscope'}-logs.{form}")
            pieces = self._download(written, query, page, whole=asked.limit is None)
            await self.answer_pieces(written.content_type, pieces)

    async def _object(self, page: RunPage) -> AsyncGenerator[bytes, None]:
        separator = b'{"logs":['
        for run in page.runs:
            yield separator
            async for piece in self._record(_JSON, run):
                yield piece
            separator = b","
        yield (b"" if page.runs else separator) + b'],"next":' + to_json(page.next) + b"}\n"

    async def _download(
        self, form: _Form, query: RunQuery, page: RunPage, *, whole: bool
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

    async def _record(self, form: _Form, run: Run) -> AsyncGenerator[bytes, None]:
        head = LogHead(
            timestamp=run.started_at or run.scheduled_at, script_name=run.script_name, run_id=run.run_id,
            exit_code=run.exit_code, status=run.status, reason=run.reason, duration_ms=run.duration,
        )  # fmt: skip
        yield form.head(head)
        async for text in self.engine.output_text(run.run_id, "stdout"):
            yield form.text(text)
        yield form.between
        async for text in self.engine.output_text(run.run_id, "stderr"):
            yield form.text(text)
        yield form.end


class ScriptLogs(Handler):
    @operation("Delete the records and outputs of a script's finished runs", {200: DeletedLogs}, problems=(404,))
    async def delete(self, name: str) -> None:
        self.answer(DeletedLogs(await self.engine.clear_logs(name)))
