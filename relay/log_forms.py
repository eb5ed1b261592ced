"""How records of the logs are written: as JSON, JSON Lines and CSV, piece by piece, as outputs may be long."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct, structs

from exporter.events import SKIP_REASONS, FailureReason, Instant, Run, SkipReason, Status, to_json
from exporter.records import RunQuery


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


class Form(NamedTuple):
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


JSON = Form("application/json", _json_head, _json_text, b'","stderr":"', b'"}')
LINES = JSON._replace(content_type="application/x-ndjson", end=b'"}\n')
_TITLES = ",".join(LogRecord.__struct_fields__).encode() + b"\r\n"
CSV = Form("text/csv; charset=utf-8", _csv_head, _csv_text, b'","', b'"\r\n', _TITLES)
"""RFC 4180."""


def log_head(run: Run) -> LogHead:
    return LogHead(
        timestamp=run.begun_at, script_name=run.script_name, run_id=run.run_id,
        exit_code=run.exit_code, status=run.status, reason=run.reason, duration_ms=run.duration,
    )  # fmt: skip


def only_begun(query: RunQuery) -> RunQuery:
    """Starts that did not happen are in the logs only where they are asked for."""
    return structs.replace(query, begun=query.status != "skipped" and query.reason not in SKIP_REASONS)
