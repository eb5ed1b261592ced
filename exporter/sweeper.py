"""Giving space back: stored output that is to go, and pages of the database that nothing is on any more.

What takes long - a run may have a gigabyte of output - is done in small steps while nothing waits to be written, so
that no run's start waits for it.  A step ends as a transaction: a crash in between loses nothing and leaves nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3

_RUNS = 64
_CHUNKS = 32
"""Deleted in a step; each has at most about 256 KiB."""
_PAGES = 256
"""Given back in a step, 4 KiB each."""
_SPARE_PAGES = 256
"""Free pages that stay: what is written next takes them."""
_FIRST = f"(SELECT run_id FROM output_garbage ORDER BY run_id LIMIT {_RUNS})"  # noqa: S608


class Sweeper:
    """Belongs to the thread that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shrunk = False
        """The file is still as large as it was: it is cut when the write-ahead log is worked into it."""
        self.busy = True
        """Whether there may be something to sweep; to be set after every commit."""
        self.put_off = False
        """Whether a step has to be tried again: the disk took no change, or somebody was reading."""

    def sweep(self) -> None:
        """Do the next step."""
        self.busy, self.put_off = False, True
        with contextlib.suppress(sqlite3.OperationalError):
            self.busy = self._delete() or self._give_back()
            if not self.busy:
                self._cut()
            self.put_off = self._shrunk and not self.busy

    def _delete(self) -> bool:
        if self._value("SELECT EXISTS (SELECT 1 FROM output_garbage)") == 0:
            return False
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            deleted = connection.execute(
                f"DELETE FROM output_chunks WHERE id IN (SELECT id FROM output_chunks WHERE run_id IN {_FIRST}"  # noqa: S608
                f" LIMIT {_CHUNKS})"
            ).rowcount
            if deleted < _CHUNKS:
                connection.execute(f"DELETE FROM output_garbage WHERE run_id IN {_FIRST}")  # noqa: S608
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return True

    def _give_back(self) -> bool:
        if self._value("PRAGMA freelist_count") <= _SPARE_PAGES:
            return False
        self._connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()  # a page for each row fetched
        self._shrunk = True
        return True

    def _cut(self) -> None:
        if self._shrunk:
            self._connection.execute("PRAGMA busy_timeout = 0")  # while somebody reads it has to wait for another time
            try:
                self._shrunk = self._value("PRAGMA wal_checkpoint(TRUNCATE)") != 0
            finally:
                self._connection.execute("PRAGMA busy_timeout = 1000")

    def _value(self, statement: str) -> int:
        value: int = self._connection.execute(statement).fetchone()[0]
        return value
