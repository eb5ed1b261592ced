"""Runs and their output as lines of JSON on standard output, for Loki, Vector, journald and the like.

A reader of the journal; what runs print is read as the subscribers of `/ws` do.  One that takes lines slowly gets them
later, since the output waits in its file; records of runs that find no room are dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Literal

from msgspec import Struct

from exporter.events import (
    FailureReason,
    Instant,
    OutputPage,
    Run,
    RunEnded,
    RunSkipped,
    RunStarted,
    SkipReason,
    Status,
    Stream,
    Trigger,
    to_json,
)
from exporter.journal import Entry
from exporter.line_writer import CLOSE_SECONDS, LineWriter
from exporter.outputs import Outputs, UnknownRun
from exporter.settings import LogOutput

log = logging.getLogger(__name__)

MOST_FOLLOWED = 1000
"""Runs whose output is read at a time; of more than that it is dropped."""
_PAGE_LINES = 1000


Level = Literal["info", "warning", "error"]


class _Line(Struct, frozen=True, kw_only=True):
    time: Instant
    level: Level


class _RunLine(_Line, frozen=True, kw_only=True):
    """A run that has ended, or a planned start that did not happen."""

    event: Literal["run"] = "run"
    script: str
    run_id: str
    trigger: Trigger
    attempt: int
    status: Status
    reason: FailureReason | SkipReason | None
    exit_code: int | None
    scheduled_at: Instant
    started_at: Instant | None
    duration_ms: int | None
    cpu_seconds: float | None
    max_rss_bytes: int | None
    stdout_bytes: int
    stderr_bytes: int
    dropped_bytes: int


class _OutputLine(_Line, frozen=True, kw_only=True):
    """A line that a run printed."""

    event: Literal["output"] = "output"
    script: str
    run_id: str
    stream: Stream
    line: int
    """Its number in the run's output, from 0."""
    text: str


class _DroppedLine(_Line, frozen=True, kw_only=True):
    event: Literal["dropped"] = "dropped"
    lines: int


def tell_dropped(lines: int) -> bytes:
    return _json(_DroppedLine(time=Instant.now(), level="warning", lines=lines))


class Shipping:
    """Belongs to the event loop's thread."""

    def __init__(self, outputs: Outputs, writer: LineWriter, what: LogOutput) -> None:
        self.what = what
        """May be changed; for output it counts when a run starts."""
        self._outputs = outputs
        self._writer = writer
        self._following: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()
        """Runs among them that have ended, but whose output was not read to its end yet."""

    def heard(self, entry: Entry) -> None:
        match entry.event:
            case RunStarted(run=run):
                self.follow(run)
            case RunEnded(run=run) | RunSkipped(run=run):
                if run.run_id in self._following:
                    self._ended.add(run.run_id)
                if self.what != "none":
                    self._writer.put(_json(_run_line(run, entry.timestamp)))
            case _:
                return

    def follow(self, run: Run) -> None:
        """Ship what a run prints, if that is asked for; one taken up again from its first line."""
        if self.what != "json+output":
            return
        if len(self._following) >= MOST_FOLLOWED:
            self._writer.drop(1)  # nobody knows how many
            return
        task = asyncio.get_running_loop().create_task(self._follow(run))
        self._following[run.run_id] = task
        task.add_done_callback(partial(self._read, run.run_id))

    def _read(self, run_id: str, task: asyncio.Task[None]) -> None:
        del self._following[run_id]
        self._ended.discard(run_id)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the output of run %s cannot be shipped", run_id, exc_info=error)

    async def _follow(self, run: Run) -> None:
        grown = asyncio.Event()
        end = self._outputs.follow(run.run_id, grown.set)
        try:
            line: int | None = 0
            while line is not None:
                grown.clear()
                page = await self._outputs.page(run.run_id, line, _PAGE_LINES)
                if not page.lines and page.next is not None:
                    await grown.wait()
                for text in await asyncio.to_thread(_output_lines, run, page):
                    await self._writer.room()
                    self._writer.put(text)
                line = page.next
        except UnknownRun:  # deleted meanwhile
            return
        finally:
            end()

    async def stop(self) -> None:
        """Ship what is left of runs that have ended, unless that takes too long."""
        if ended := [self._following[run_id] for run_id in self._ended]:
            await asyncio.wait(ended, timeout=CLOSE_SECONDS)
        for task in self._following.values():
            task.cancel()
        await self._writer.close()


_LEVELS: dict[Status, Level] = {"completed": "info", "failed": "error", "skipped": "warning"}


def _run_line(run: Run, at: Instant) -> _RunLine:
    return _RunLine(
        time=at, level=_LEVELS[run.status], script=run.script_name,
        run_id=run.run_id, trigger=run.trigger, attempt=run.attempt, status=run.status, reason=run.reason,
        exit_code=run.exit_code, scheduled_at=run.scheduled_at, started_at=run.started_at, duration_ms=run.duration,
        cpu_seconds=run.cpu_seconds, max_rss_bytes=run.max_rss_bytes, stdout_bytes=run.stdout_bytes,
        stderr_bytes=run.stderr_bytes, dropped_bytes=run.dropped_bytes,
    )  # fmt: skip


def _output_lines(run: Run, page: OutputPage) -> list[bytes]:
    began = run.started_at or run.scheduled_at
    return [
        _json(_OutputLine(
            time=Instant(began + offset), level="info", script=run.script_name, run_id=run.run_id, stream=stream,
            line=number, text=text,
        ))
        for number, (offset, stream, text) in enumerate(page.lines, page.first)
    ]  # fmt: skip


def _json(line: _Line) -> bytes:
    return to_json(line) + b"\n"
