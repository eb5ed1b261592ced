"""The audit trail as the history keeps it: it grows, and loses its oldest entries only."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter import audit
from exporter.audit import DISK, Actor, AuditEntry, AuditQuery, Deed, Trail
from exporter.events import Instant
from exporter.history import CursorError, History
from exporter.restored_history import carry_over
from tests.service import leave_free
from tests.test_history import with_history

ALICE = Actor(kind="user", name="alice", role="edit")
BOB = Actor(kind="token", name="bob", role="view")
SAVED = Deed(
    actor=ALICE, address="192.0.2.7", action="file.write", target="jobs/backup.sh", before="a" * 32, after="b" * 32,
    status=200, method="PUT", path="/api/v1/files/jobs/backup.sh",
)  # fmt: skip


def run(**fields: Any) -> Deed:
    return Deed(**{"actor": ALICE, "action": "script.run", "target": "backup", **fields})


def refused(number: int) -> Deed:
    return run(actor=BOB, outcome="refused", status=403, target=f"{number}")


class Noted:
    """A trail in a history of its own, and the lines that it writes."""

    def __init__(self, history: History) -> None:
        self.lines: list[dict[str, Any]] = []
        self.trail = Trail(history, lambda line: self.lines.append(json.loads(line)))

    async def entries(self, **query: Any) -> list[AuditEntry]:
        return (await self.trail.page(AuditQuery(**{"limit": 1000, **query}))).audit

    async def targets(self, **query: Any) -> list[str | None]:
        """Oldest first."""
        return [entry.target for entry in await self.entries(**query)][::-1]


def test_an_entry_is_read_back_and_written_as_it_was_noted(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        before = Instant.now()
        noted.trail.note(SAVED, run(actor=DISK, target=None, outcome="failed"))
        failed, saved = await noted.entries()
        assert before <= saved.at <= Instant.now()
        assert (saved.id < failed.id, len(saved.id)) == (True, 26)
        assert saved == AuditEntry(
            **{key: getattr(SAVED, key) for key in SAVED.__struct_fields__}, id=saved.id, at=saved.at
        )
        first, second = noted.lines
        assert (first["event"], first["level"], second["level"]) == ("audit", "info", "warning")
        assert first["time"] == first["audit"]["at"] == saved.at.rfc3339()
        assert first["audit"]["actor"] == {"kind": "user", "name": "alice", "role": "edit"}
        assert (first["audit"]["before"], first["audit"]["after"]) == ("a" * 32, "b" * 32)

    assert with_history(tmp_path, test) == []


def test_entries_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(*(run(target=f"{number}") for number in range(5)))
        found: list[str | None] = []
        cursor = None
        while True:
            page = await noted.trail.page(AuditQuery(limit=2, before=cursor))
            found += [entry.target for entry in page.audit]
            cursor = page.next
            if cursor is None:
                break
        assert found == ["4", "3", "2", "1", "0"]
        with pytest.raises(CursorError):
            await noted.trail.page(AuditQuery(before="yesterday"))

    with_history(tmp_path, test)


def test_entries_are_filtered(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(
            SAVED, run(detail="01ARZ3NDEKTSV4RRFFQ69G5FAV"), run(actor=BOB, target="100%_sync"), run(actor=DISK)
        )
        assert await noted.targets(actor="alice") == ["jobs/backup.sh", "backup"]
        assert await noted.targets(actor="disk") == ["backup"]
        assert await noted.targets(action="file.write") == await noted.targets(action="file") == ["jobs/backup.sh"]
        assert len(await noted.targets(action="script")) == 3
        assert await noted.targets(action="scr") == []
        assert await noted.targets(target="BACKUP.sh") == ["jobs/backup.sh"]
        assert await noted.targets(target="0%_s") == ["100%_sync"]
        assert await noted.targets(target="q69g") == ["backup"]
        now = (await noted.entries())[0].at
        assert len(await noted.targets(since=now, until=Instant(now + 1))) == 4
        assert await noted.targets(until=now) == await noted.targets(since=Instant(now + 1)) == []

    with_history(tmp_path, test)


def test_what_a_stranger_sends_is_kept_as_text_of_bounded_length(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(run(target="x" * 5000, path="/\ud800"))
        [entry] = await noted.entries()
        assert (entry.target, entry.path) == ("x" * audit.MAX_TEXT, "/?")

    assert with_history(tmp_path, test) == []


def test_what_is_too_old_or_too_much_goes_and_pushes_out_nothing_that_took_a_higher_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_KEPT", (2, 3, 1))

    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(SAVED)
        for number in range(4):
            noted.trail.note(run(target=f"{number}"), refused(number), refused(number))
        noted.trail.trim()
        entries = await noted.entries()
        assert [entry.target for entry in entries if entry.outcome == "done"] == ["3", "2", "1", SAVED.target]
        assert [entry.target for entry in entries if entry.outcome == "refused"] == ["3", "3"]
        monkeypatch.setattr(audit, "MAX_AGE", -1000)
        noted.trail.trim()
        noted.trail.note(SAVED)
        assert await noted.targets() == [SAVED.target]

    assert with_history(tmp_path, test) == []


def test_a_trail_is_kept_short_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MAX_KEPT", (2, 3, 3))
    monkeypatch.setattr(audit, "_TRIMMED_EVERY", 10)

    async def test(history: History) -> None:
        noted = Noted(history)
        for number in range(10):
            noted.trail.note(refused(number))
        assert await noted.targets() == ["8", "9"]

    with_history(tmp_path, test)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor_name = 'mallory'",
        "DELETE FROM audit WHERE target = '1'",
        "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
    ],
)
def test_the_history_itself_refuses_to_change_the_trail(tmp_path: Path, statement: str) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(*(run(target=f"{number}") for number in range(3)))
        assert await noted.targets() == ["0", "1", "2"]

    with_history(tmp_path, test)
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
            connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM audit WHERE actor_name = 'alice'").fetchone() == (3,)


def test_a_configuration_that_was_changed_while_no_service_ran_is_told_at_the_start(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        for _ in range(2):
            await noted.trail.begin("1" * 32)
            assert len(await noted.entries()) == 1
        noted.trail.note(run(action="script.update", before="1" * 32, after="2" * 32), SAVED)
        assert len(await noted.entries()) == 3
        await noted.trail.begin("3" * 32)
        told = [(entry.actor, entry.before, entry.after) for entry in await noted.entries(action="config.change")]
        assert told == [(DISK, "2" * 32, "3" * 32), (DISK, None, "1" * 32)]

    with_history(tmp_path, test)


def test_noting_waits_for_nothing(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted, held = Noted(history), asyncio.Event()
        release = _held(history, held)
        await held.wait()
        noted.trail.note(SAVED)
        asked = asyncio.create_task(noted.entries())
        await asyncio.sleep(0)
        assert (len(noted.lines), asked.done()) == (1, False)
        release()
        assert len(await asked) == 1

    with_history(tmp_path, test)


def test_while_nothing_can_be_stored_only_what_was_done_waits_for_better_times(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        noted = Noted(history)
        with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            noted.trail.note(refused(1))
            noted.trail.note(run())
            assert await noted.entries() == []  # it has been tried
        assert await history.set_fact("any", "thing")
        assert await noted.targets() == ["backup"]
        assert len(noted.lines) == 2

    assert len(with_history(tmp_path, test)) >= 1


def _held(history: History, held: asyncio.Event) -> Callable[[], None]:
    """Have the writer thread wait; answers what lets it go."""
    loop, gate = asyncio.get_running_loop(), threading.Event()

    def rows(_: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(held.set)
        gate.wait(30)

    history.write(rows)
    return gate.set


def _trail(path: Path, *deeds: Deed) -> None:
    path.mkdir(exist_ok=True)

    async def test(history: History) -> None:
        noted = Noted(history)
        noted.trail.note(*deeds)
        await noted.entries()

    with_history(path, test)


def _targets(path: Path) -> list[str | None]:
    with closing(sqlite3.connect(path / "history.db")) as connection:
        return [entry.target for entry in audit.page(connection, AuditQuery(limit=1000)).audit][::-1]


def test_a_restore_takes_nothing_from_the_trail_and_puts_nothing_into_it_but_what_is_older(tmp_path: Path) -> None:
    before, archive = tmp_path / "before", tmp_path / "archive"
    _trail(archive, run(target="of the archive"), refused(1))
    _trail(before, run(target="own"), refused(2), run(target="own, too"))
    _trail(archive, run(target="forged"))
    with closing(sqlite3.connect(before / "history.db")) as connection:
        (own,) = connection.execute("SELECT max(id) FROM audit").fetchone()
    with closing(sqlite3.connect(archive / "history.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO audit (id, at, actor_kind, action, target, outcome)"
                           " VALUES (?, 1, 'user', 'script.run', 'in its place', 'done')", (own,))  # fmt: skip
    for _ in range(2):  # as after a crash in the middle
        carry_over(before / "history.db", archive / "history.db", 0)
        assert _targets(archive) == ["of the archive", "1", "own", "2", "own, too"]


def test_a_restore_takes_nothing_from_the_trail_on_a_full_disk_but_waits_for_room(disk: Path) -> None:
    before, archive = disk / "before", disk / "archive"
    _trail(archive, run(target="of the archive"))
    _trail(before, run(target="own"))
    leave_free(disk, 0)
    with pytest.raises(sqlite3.OperationalError):
        carry_over(before / "history.db", archive / "history.db", 0)
    (disk / "fill").unlink()
    carry_over(before / "history.db", archive / "history.db", 0)
    assert _targets(archive) == ["of the archive", "own"]


def test_an_entry_of_an_archive_is_older_than_the_trail_by_its_time_too(tmp_path: Path) -> None:
    before, archive = tmp_path / "before", tmp_path / "archive"
    _trail(archive)
    _trail(before, run(target="own"))
    with closing(sqlite3.connect(archive / "history.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO audit (id, at, actor_kind, action, target, outcome)"
                           " VALUES (?, ?, 'user', 'script.run', 'forged', 'done')",
                           ("0" * 26, Instant.now() + 1000))  # fmt: skip
    carry_over(before / "history.db", archive / "history.db", 0)
    assert _targets(archive) == ["own"]


def test_where_there_was_no_trail_that_of_the_archive_is_taken_over(tmp_path: Path) -> None:
    before, archive = tmp_path / "before", tmp_path / "archive"
    _trail(before)
    _trail(archive, run(), refused(1))
    carry_over(before / "history.db", archive / "history.db", 0)
    assert _targets(archive) == ["backup", "1"]
