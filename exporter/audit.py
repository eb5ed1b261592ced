"""The audit trail: who did what, when and from where, with hashes of what was changed before and after.

Entries are rows of the history's table `audit`, which the schema lets grow only, and lines of JSON on standard output.
Nothing changes one, and only the oldest go.  Those of attempts that changed nothing are counted by themselves, and so
are those of what one need not be an editor for, so that no number of either pushes out what editors did.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct, structs

from exporter.events import Instant, from_json, to_json
from exporter.history import CursorError, History
from exporter.secrets import without_credentials
from exporter.settings import Duration, Role
from exporter.ulid import PATTERN, UlidSource, time_of

MAX_AGE = Duration(400 * 86_400_000)
"""For how long entries are kept."""
MAX_KEPT = (10_000, 100_000, 100_000)
"""How many entries are kept of attempts that were refused or failed, of what was done for which one need not be an
editor, and of what editors did: by `kind`, which the schema tells."""
_TRIMMED_EVERY = 500
"""Entries between two looks at how many there are."""
MAX_TEXT = 1000
"""Longest target, detail or path that is kept, in characters: whoever is refused may have sent any."""

ActorKind = Literal["user", "token", "proxy", "local", "anonymous", "disk"]
AuditOutcome = Literal["done", "refused", "failed"]
AuditAction = Literal[
    "sign-in", "sign-out",
    "script.run", "script.stop", "script.create", "script.update", "script.rename", "script.delete",
    "script.enable", "script.disable", "script.import", "script.batch",
    "config.save", "config.reload", "config.change",
    "file.write", "file.delete", "file.restore", "file.change",
    "logs.delete", "backup.download", "backup.restore",
]  # fmt: skip
"""`config.change` and `file.change` are what somebody else did on the disk, and was found there; `script.batch` is a
batch that does not say what is to be done."""
AuditChoice = Literal[AuditAction, "script", "config", "file", "backup", "logs"]
"""What a listing may be of: an action, or all that begin with what is before the dot."""
_OF_CONFIG = ("script.", "config.", "backup.restore")
"""What actions begin with of which the hashes are those of the configuration file."""


class Actor(Struct, frozen=True, kw_only=True):
    """Who did it."""

    kind: ActorKind
    """`proxy`: a user whom a trusted proxy names; `local`: a command of the user who runs the service; `anonymous`:
    whoever shows no credentials; `disk`: nobody who asked the service, but somebody who changed its files."""
    name: str | None = None
    """Of the user or the token."""
    role: Role | None = None
    """The one that they had then; null: none."""


DISK = Actor(kind="disk")
LOCAL = Actor(kind="local", role="edit")


class Deed(Struct, frozen=True, kw_only=True):
    """What somebody did, or tried to do."""

    actor: Actor
    address: str | None = None
    """Where the request came from; null where there was none."""
    action: AuditAction
    target: str | None = None
    """Name of the script, path of the file, or name of the account to sign in to, where there is such a one."""
    detail: str | None = None
    """What else there is to be said: ids of runs, the new name of a script, number of a version, how many
    attempts to sign in had to wait, or what the configuration says something else of since: `users, scripts: sync`."""
    before: str | None = None
    """Hash of the file, or of the configuration file: the first 32 hex digits of its SHA-256.
    Null where it was not there, or where nothing was changed that has one."""
    after: str | None = None
    """The same of what it was afterwards."""
    outcome: AuditOutcome = "done"
    """`refused`: they may not do so; `failed`: it could not be done."""
    status: int | None = None
    """Of the answer; null where there was no request."""
    method: str | None = None
    path: str | None = None
    """Path of the request."""


class AuditEntry(Deed, frozen=True, kw_only=True):
    """An entry of the audit trail."""

    id: str
    """ULID, 26 characters: entries sort by it."""
    at: Instant


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Filters of a listing, all of which must hold; None: any."""

    since: Instant | None = None
    """At or after."""
    until: Instant | None = None
    """Before."""
    actor: str | None = None
    """Name or kind."""
    action: str | None = None
    """An action, or what all of some begin with up to the dot, such as `script`."""
    target: str | None = None
    """Text in the target or the detail, in any case of letters A to Z."""
    limit: int = 50
    before: str | None = None
    """Cursor: `next` of the page before."""


class AuditPage(Struct, frozen=True):
    audit: list[AuditEntry]
    """Newest first."""
    next: str | None
    """Cursor of the following page; null on the last."""


class _Line(Struct, frozen=True, kw_only=True):
    """An entry on standard output."""

    time: Instant
    level: Literal["info", "warning"]
    event: Literal["audit"] = "audit"
    audit: AuditEntry


class Trail:
    """Belongs to the event loop's thread."""

    def __init__(self, history: History, write_line: Callable[[bytes], None]) -> None:
        self._history = history
        self._write_line = write_line
        self._ids = UlidSource()
        self._stored: asyncio.Future[bool] | None = None
        """Done once all that was noted is in the history, as far as the disk takes it."""
        self._untrimmed = 0

    async def begin(self, config_hash: str) -> None:
        """Note it where the configuration is another one than the trail tells of: it was changed meanwhile."""
        last = await self._history.read(_last_config_hash)
        if last != config_hash:
            self.note(Deed(actor=DISK, action="config.change", before=last, after=config_hash))
        self.trim()

    def note(self, *deeds: Deed) -> None:
        """Add entries.  Nobody waits for that.

        Where the disk does not take them, those of what was done are tried again; memory is not for any number of
        others.
        """
        at = Instant.now()
        entries = [_entry(self._ids.new(at), at, deed) for deed in deeds]
        if not entries:
            return
        for entry in entries:
            level: Literal["info", "warning"] = "info" if entry.outcome == "done" else "warning"
            self._write_line(to_json(_Line(time=at, level=level, audit=entry)) + b"\n")
        rows = [_to_row(entry) for entry in entries]
        done = any(entry.outcome == "done" for entry in entries)
        self._stored = self._history.write(lambda connection: connection.executemany(_INSERT, rows), retried=done)
        self._untrimmed += len(entries)
        if self._untrimmed >= _TRIMMED_EVERY:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest entries beyond the limits."""
        self._untrimmed = 0
        oldest = Instant.now() - MAX_AGE
        self._history.write(lambda connection: _trim(connection, oldest), retried=False)

    async def page(self, query: AuditQuery) -> AuditPage:
        """What was done before the question is in the answer.  Raises CursorError."""
        if self._stored is not None:
            await asyncio.wait([self._stored])
        return await self._history.read(lambda connection: page(connection, query))


COLUMNS = (
    "id", "at", "actor_kind", "actor_name", "actor_role", "address", "action", "target", "detail",
    "hash_before", "hash_after", "outcome", "status", "method", "path",
)  # fmt: skip
"""Of the table `audit`."""
_INSERT = f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM audit"  # noqa: S608
_BEYOND = "kind = ? AND id <= (SELECT id FROM audit WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"
_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def page(connection: sqlite3.Connection, query: AuditQuery) -> AuditPage:
    """A page of the trail, newest first.  Raises CursorError."""
    if query.before is not None and not re.fullmatch(PATTERN, query.before):
        raise CursorError(f"{query.before!r} is not a cursor: pass `next` of the page before")
    text = None if query.target is None else f"%{query.target.translate(_LIKE)}%"
    conditions: list[tuple[str, object]] = [
        ("at >= ?", query.since), ("at < ?", query.until), ("id < ?", query.before),
        ("? IN (actor_name, actor_kind)", query.actor),
        ("? IN (action, substr(action, 1, instr(action, '.') - 1))", query.action),
        (r"coalesce(target, '') || char(10) || coalesce(detail, '') LIKE ? ESCAPE '\'", text),
    ]  # fmt: skip
    where = " AND ".join(condition for condition, value in conditions if value is not None) or "TRUE"
    values = [value for _, value in conditions if value is not None]
    rows = connection.execute(f"{_SELECT} WHERE {where} ORDER BY id DESC LIMIT ?", (*values, query.limit + 1))
    entries = [_to_entry(row) for row in rows]
    more = len(entries) > query.limit
    entries = entries[: query.limit]
    return AuditPage(entries, entries[-1].id if more else None)


def check(row: tuple[Any, ...]) -> None:
    """Raises ValueError, which msgspec's is, where no entry has these values of COLUMNS."""
    entry = _to_entry(row)
    from_json(to_json(entry), AuditEntry)
    if not re.fullmatch(PATTERN, entry.id):
        raise ValueError("its id is none")
    if time_of(entry.id) < entry.at:
        raise ValueError("its id is older than it is")
    if any(isinstance(value, str) and len(value) > MAX_TEXT for value in row):
        raise ValueError("it has a text that is too long")


def _trim(connection: sqlite3.Connection, oldest: int) -> None:
    for kind, most in enumerate(MAX_KEPT):
        connection.execute(f"DELETE FROM audit WHERE {_BEYOND}", (kind, kind, most))  # noqa: S608
        # In the order of the ids, as the schema asks, and only as far as all are too old: a clock may have been wrong.
        first_kept = "(SELECT min(id) FROM audit WHERE kind = ?1 AND at >= ?2)"
        statement = f"DELETE FROM audit WHERE kind = ?1 AND at < ?2 AND id < coalesce({first_kept}, '~')"  # noqa: S608
        connection.execute(statement, (kind, oldest))


def _last_config_hash(connection: sqlite3.Connection) -> str | None:
    where = " OR ".join(f"action LIKE '{begin}%'" for begin in _OF_CONFIG)
    statement = f"SELECT hash_after FROM audit WHERE hash_after IS NOT NULL AND ({where}) ORDER BY id DESC LIMIT 1"  # noqa: S608
    row = connection.execute(statement).fetchone()
    return None if row is None else str(row[0])


def _entry(entry_id: str, at: Instant, deed: Deed) -> AuditEntry:
    said = structs.asdict(deed)
    for name in ("target", "detail", "path"):
        said[name] = None if said[name] is None else _storable(said[name])
    return AuditEntry(id=entry_id, at=at, **said)


def _storable(text: str) -> str:
    """What fits, is text to SQLite as halves of surrogate pairs are not, and no token that was put there by mistake."""
    return without_credentials(text)[:MAX_TEXT].encode(errors="replace").decode()


def _to_row(entry: AuditEntry) -> tuple[object, ...]:
    """The values of COLUMNS."""
    actor = entry.actor
    return (
        entry.id, entry.at, actor.kind, actor.name, actor.role, entry.address, entry.action, entry.target,
        entry.detail, entry.before, entry.after, entry.outcome, entry.status, entry.method, entry.path,
    )  # fmt: skip


def _to_entry(row: tuple[Any, ...]) -> AuditEntry:
    said = dict(zip(COLUMNS, row, strict=True))
    actor = Actor(kind=said.pop("actor_kind"), name=said.pop("actor_name"), role=said.pop("actor_role"))
    before, after, at = said.pop("hash_before"), said.pop("hash_after"), Instant(said.pop("at"))
    return AuditEntry(actor=actor, before=before, after=after, at=at, **said)
