"""How much of each script's history is kept: by number, by age, and by bytes of output.

What is beyond the limits is looked for on a reader's thread and deleted a little at a time; the space that it took is
given back by `exporter.sweeper`.  Spared, whatever the limits, are runs under way, and a script's latest run that
succeeded and its latest that failed: what the metrics tell of the last run is restored from them after a restart.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from exporter.events import Instant, to_json
from exporter.history import History, HistoryError
from exporter.records import NEWEST_FIRST, RunQuery, last_ended
from exporter.scripts import UnknownScript
from exporter.settings import Duration, Retention

log = logging.getLogger(__name__)

INTERVAL = Duration(60_000)
"""How often the histories of scripts that ran are looked at."""
ALL_INTERVAL = Duration(3_600_000)
"""How often those of all scripts are: records get too old even where nothing runs."""
_STEP = 500
"""Records deleted in one transaction."""

_FINISHED = "script_name = :script AND status != 'running'"
_SPARED = """
    run_id IN (SELECT run_id FROM (SELECT run_id FROM runs WHERE script_name = :script AND status = 'completed'
                                   ORDER BY ended_at DESC, run_id DESC LIMIT 1)
               UNION ALL
               SELECT run_id FROM (SELECT run_id FROM runs WHERE script_name = :script AND status = 'failed'
                                   ORDER BY ended_at DESC, run_id DESC LIMIT 1))
"""
_ALL = f"SELECT run_id FROM runs WHERE {_FINISHED}"  # noqa: S608
_TOO_OLD = f"SELECT run_id FROM runs WHERE {_FINISHED} AND begun_at < :oldest AND NOT {_SPARED}"  # noqa: S608
_TOO_MANY = f"""
    SELECT run_id FROM runs WHERE {_FINISHED} AND (status = 'skipped') = :skipped AND NOT {_SPARED}
        AND (begun_at, run_id) < (SELECT begun_at, run_id FROM runs WHERE script_name = :script
            AND (status = 'skipped') = :skipped {NEWEST_FIRST} LIMIT 1 OFFSET :runs - 1)
"""  # noqa: S608
"""Skipped starts are counted by themselves: many of them must not push out the runs."""
_TOO_LARGE = f"""
    SELECT run_id, {_SPARED} FROM (
        SELECT run_id, status, size, row_number() OVER newest AS number, sum(size) OVER newest AS total FROM (
            SELECT run_id, status, begun_at, (SELECT coalesce(sum(length(data)), 0) FROM output_chunks
                WHERE output_chunks.run_id = runs.run_id) AS size
            FROM runs WHERE script_name = :script AND run_id NOT IN (SELECT run_id FROM output_garbage))
        WINDOW newest AS ({NEWEST_FIRST}))
    WHERE total > :bytes AND number > 1 AND status != 'running'
"""  # noqa: S608
"""The latest run's output is kept, whatever its size; of a record that is spared only the output goes."""


class _Beyond(NamedTuple):
    """What is beyond the limits, by run ids."""

    records: list[str]
    outputs: list[str]
    """Of records that stay."""


class Keeper:
    """Keeps the histories of all scripts, configured or removed, within their limits.

    Belongs to the event loop's thread.
    """

    def __init__(self, history: History, retention_of: Callable[[str], Retention]) -> None:
        self._history = history
        self._retention_of = retention_of
        self._due: set[str] = set()
        """Scripts whose history may be longer than it is to be."""
        self._looked_at = self._looked_at_all = Instant(0)
        self._work: asyncio.Task[None] | None = None

    def grown(self, script_name: str) -> None:
        """The script has a record more."""
        self._due.add(script_name)

    def changed(self) -> None:
        """Some limits may be other ones now: see after all histories with the next tick."""
        self._looked_at_all = Instant(0)

    def tick(self, now: Instant) -> None:
        """To be called every second or so."""
        if self._work is not None and not self._work.done():
            return
        every = abs(now - self._looked_at_all) >= ALL_INTERVAL  # clocks are set back at times
        if every or abs(now - self._looked_at) >= INTERVAL:
            self._looked_at = now
            if every:
                self._looked_at_all = now
            self._work = asyncio.get_running_loop().create_task(self._keep(every, now))

    async def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def _keep(self, every: bool, now: Instant) -> None:
        names = set(await self._history.read(_script_names)) if every else self._due
        self._due = set()
        for name in names:
            try:
                await self.retain(name, self._retention_of(name), now)
            except (sqlite3.Error, HistoryError) as error:  # the disk is full, or failing: another time
                log.debug("the history of %s is not kept within its limits now: %s", name, error)
                self._due.add(name)

    async def retain(self, script_name: str, retention: Retention, now: Instant) -> None:
        """Drop a script's oldest records, with their output, beyond its limits.  Raises HistoryError."""
        # What one script has stored can't be more than the whole: spares counting it.
        count = retention.bytes is not None and self._history.size_bytes() > retention.bytes
        beyond = await self._history.read(lambda c: _beyond(c, script_name, retention, now, count_bytes=count))
        await self._delete(beyond.records)
        if beyond.outputs:
            statement = "INSERT OR IGNORE INTO output_garbage SELECT value FROM json_each(?)"
            await self._write(statement, json.dumps(beyond.outputs))

    async def clear(self, script_name: str, *, configured: bool) -> int:
        """Drop all of a script's records but those of runs under way; how many.

        What is told of the last run of a configured script is kept apart.  Raises HistoryError, and UnknownScript where
        it is neither configured nor recorded.
        """
        finished = await self._history.read(lambda connection: _ids(connection, _ALL, script_name))
        last = await self._history.read(lambda connection: last_ended(connection, script_name))
        if not finished and not configured and not (await self._history.runs(RunQuery(script=script_name))).runs:
            raise UnknownScript(f"no script is named {script_name}, and none was of which there are logs")
        if configured and last is not None:
            await self._write(
                "INSERT OR REPLACE INTO cleared VALUES (?, ?, ?)", script_name, to_json(last[0]).decode(), last[1]
            )
        await self._delete(finished)
        return len(finished)

    async def _delete(self, run_ids: list[str]) -> None:
        for start in range(0, len(run_ids), _STEP):
            statement = "DELETE FROM runs WHERE run_id IN (SELECT value FROM json_each(?))"
            await self._write(statement, json.dumps(run_ids[start : start + _STEP]))

    async def _write(self, statement: str, *values: object) -> None:
        if not await self._history.write(lambda connection: connection.execute(statement, values), retried=False):
            raise HistoryError(f"the history cannot be written: {self._history.failure}")


def _beyond(
    connection: sqlite3.Connection, script_name: str, retention: Retention, now: Instant, *, count_bytes: bool
) -> _Beyond:
    records: set[str] = set()
    if retention.days is not None:
        oldest = max(0, now - round(retention.days * 86_400_000))
        records.update(_ids(connection, _TOO_OLD, script_name, oldest=oldest))
    if retention.runs is not None:
        for skipped in (False, True):
            records.update(_ids(connection, _TOO_MANY, script_name, runs=retention.runs, skipped=skipped))
    outputs = []
    if count_bytes and retention.bytes is not None:
        values = {"script": script_name, "bytes": int(retention.bytes)}
        for run_id, spared in connection.execute(_TOO_LARGE, values).fetchall():
            if spared:
                outputs.append(run_id)
            else:
                records.add(run_id)
    return _Beyond(sorted(records), outputs)


def _ids(connection: sqlite3.Connection, statement: str, script_name: str, **values: object) -> list[str]:
    return [run_id for (run_id,) in connection.execute(statement, {"script": script_name, **values})]


def _script_names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT DISTINCT script_name FROM runs")]
