"""What can be told of the scripts while no service runs: by the configuration and the history.

It answers as the engine does; whatever it reads it reads at once, on the caller's thread.
"""

from __future__ import annotations

import sqlite3
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from msgspec import structs

from exporter import audit, records
from exporter.archive import LineReader
from exporter.audit import AuditPage, AuditQuery
from exporter.config import LoadedConfig
from exporter.events import Instant, OutputPage, Run, Script, Stream
from exporter.history import HistoryError, RunPage, RunQuery, read_only
from exporter.outputs import PIECE_BYTES, UnknownRun, output_page
from exporter.scheduler import next_planned, taken_up
from exporter.scripts import Scripts
from exporter.triggers import timing

T = TypeVar("T")


class Stored:
    """Its methods raise HistoryError where the history cannot be read."""

    def __init__(self, loaded: LoadedConfig) -> None:
        """Where there is no history yet, it is empty, and none is made."""
        self._loaded = loaded
        self._data_dir = loaded.settings.data_dir
        self._path = self._data_dir / "history.db"
        self._connection: sqlite3.Connection | None = None

    def scripts(self) -> list[Script]:
        """All configured scripts, in the order of the file, with the start that comes next if a service runs then."""
        now = Instant.now()
        starts: dict[str, Instant | None] = {}
        scripts = Scripts(starts.get)
        known = self._read(records.timetable)
        past = self._read(lambda connection: records.past(connection, self._loaded.entries.keys() - known.keys()))
        for script in self._loaded.settings.scripts:
            name, when = script.name, timing(script, self._loaded.settings.timezone)
            scripts.configure(script, self._loaded.entries[name], when)
            entry = taken_up(
                script, when, known.get(name), now, has_run=name in past.last_ended,
                last_planned=past.last_planned.get(name),
            )  # fmt: skip
            starts[name] = next_planned(script, when, entry, now)
            if name in past.last_ended:
                scripts.restore(name, past.last_ended[name][0])
        for run in self._read(records.executing):
            if not run.waits:
                scripts.adopted(run)
        return [scripts.view(name) for name in scripts]

    def runs(self, query: RunQuery) -> RunPage:
        """A page of the history, latest begun first.  Raises CursorError too."""
        return self._read(lambda connection: records.page(connection, query))

    def run(self, run_id: str) -> Run:
        """Raises UnknownRun too."""
        run = self._read(lambda connection: records.one(connection, "WHERE run_id = ?", run_id))
        if run is None:
            raise UnknownRun(f"no run has the id {run_id}")
        return run

    def output(self, run_id: str, first: int = 0) -> OutputPage:
        """Lines of a run's output from number `first` on.  Raises UnknownRun too.

        Of an output that is still in files there are none, and no end: the next start of the service takes it up.
        """
        run = self.run(run_id)
        page, total = self._look(run_id, lambda lines: (lines.page(first, limit=1000), lines.count()))
        end = page.end and not (self._data_dir / "runs" / run_id).is_dir()
        return output_page(run, structs.replace(page, end=end), total)

    def text(self, run_id: str, stream: Stream) -> Iterator[str]:
        """The whole stored output of one stream, in pieces."""
        decoder = getincrementaldecoder("utf-8")("replace")
        piece, line = b"", 0
        while line == 0 or piece:
            piece, line = self._look(run_id, partial(LineReader.raw, first=line, size=PIECE_BYTES, stream=stream))
            yield decoder.decode(piece, final=not piece)

    def audit(self, query: AuditQuery) -> AuditPage:
        """A page of the audit trail, newest first.  Raises CursorError too."""
        return self._read(lambda connection: audit.page(connection, query))

    def _look(self, run_id: str, look: Callable[[LineReader], T]) -> T:
        return self._read(lambda connection: look(records.archive(connection, run_id)))

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = read_only(self._path)
            return query(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"cannot read the history {self._path}: {error}") from error
