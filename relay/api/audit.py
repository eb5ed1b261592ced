"""`/api/v1/audit`: who did what, when and from where.  It is only read here: what is done adds to it by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from exporter.audit import AuditChoice, AuditPage, AuditQuery
from exporter.events import to_json
from exporter.records import CursorError
from relay.handler import Handler
from relay.operation import Answer, operation
from relay.parameters import Moment
from relay.problem import FieldError, Problem

MAX_ENTRIES = 1000
_LINES = "application/x-ndjson"


class AuditFilters(Struct, frozen=True, kw_only=True):
    """All that are given must hold."""

    since: Moment | None = None
    """At this time or after it."""
    until: Moment | None = None
    """Before this time."""
    actor: str | None = None
    """Name of the user or token, or a kind such as `disk`."""
    action: AuditChoice | None = None
    """One, or all that begin with what is before the dot."""
    target: str | None = None
    """Text in the target or the detail, in any case of letters A to Z."""
    limit: Annotated[int, Meta(ge=1, le=MAX_ENTRIES)] | None = None
    """Entries on a page; 50 unless given."""
    before: str | None = None
    """The `next` of the page before."""
    format: Literal["json", "jsonl"] = "json"
    """`jsonl` is a download of every entry that matches, one a line, unless `limit` is given."""


class Audit(Handler):
    @operation(
        "The audit trail, newest first",
        {200: Answer(of=AuditPage, media=(_LINES,), headers=("Content-Disposition",))}, query=AuditFilters,
    )  # fmt: skip
    async def get(self) -> None:
        asked = self.query(AuditFilters)
        given = {name: value for name, value in structs.asdict(asked).items() if value is not None}
        del given["format"]
        query = AuditQuery(**given)
        try:
            page = await self.engine.audit.page(query)
        except CursorError as error:
            raise Problem(422, "The query has faults.", [FieldError(pointer="#/before", message=str(error))]) from error
        if asked.format == "json":
            self.answer(page)
        else:
            self.name_download("cronscope-audit.jsonl")
            await self.answer_pieces(_LINES, self._lines(query, page, whole=asked.limit is None))

    async def _lines(self, query: AuditQuery, page: AuditPage, *, whole: bool) -> AsyncGenerator[bytes, None]:
        """All entries that the query is about, or one page of them."""
        query = structs.replace(query, limit=MAX_ENTRIES)
        while True:
            yield b"".join(to_json(entry) + b"\n" for entry in page.audit)
            if page.next is None or not whole:
                return
            page = await self.engine.audit.page(structs.replace(query, before=page.next))
