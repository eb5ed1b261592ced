from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from exporter.events import Instant, Run
from exporter.history import CursorError, History, HistoryError, Rows, RunQuery, TimetableEntry, build, read_only
from exporter.output import Chunk
from exporter.records import COLUMNS, to_row
from tests.service import until

NOON = Instant.parse("2026-06-01T12:00:00Z")


def run(number: int, **fields: Any) -> Run:
    """A completed run, `number` minutes after noon."""
    at = Instant(NOON + number * 60_000)
    values: dict[str, Any] = {
        "run_id": f"{number:026}", "script_name": "job", "trigger": "schedule", "status": "completed", "exit_code": 0,
        "scheduled_at": at, "started_at": at, "ended_at": Instant(at + 1500), "duration": 1500,
    }  # fmt: skip
    return Run(**values | fields)


def with_history(path: Path, test: Callable[[History], Awaitable[None]]) -> list[str]:
    """Run `test` on an open history; answers the failures it told."""
    failures: list[str] = []

    def write_failed(reason: str, first: bool) -> None:
        failures.append(reason)

    async def main() -> None:
        history = History(path / "history.db", write_failed=write_failed)
        try:
            await test(history)
        finally:
            await history.close()

    asyncio.run(main())
    return failures


def test_a_record_is_read_back_as_it_was_stored(tmp_path: Path) -> None:
    record = run(1, cpu_seconds=0.25, max_rss_bytes=4096, stdout_bytes=10, dropped_bytes=3, attempt=2, trigger="retry")

    async def test(history: History) -> None:
        assert await history.record(record)
        assert await history.run(record.run_id) == record
        assert await history.run("nothing") is None

    assert with_history(tmp_path, test) == []


def test_a_stored_record_survives_the_process_that_stored_it(tmp_path: Path) -> None:
    async def store(history: History) -> None:
        await history.record(run(1, status="running", ended_at=None), worked_off=TimetableEntry("cron x", NOON))

    async def look(history: History) -> None:
        assert [r.run_id for r in await history.executing()] == [run(1).run_id]
        assert await history.timetable() == {"job": TimetableEntry("cron x", NOON)}

    with_history(tmp_path, store)
    with_history(tmp_path, look)


def test_a_run_has_one_row_however_often_it_is_recorded(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        history.record(run(1, status="running", exit_code=None, ended_at=None))
        await history.record(run(1))
        assert (await history.runs(RunQuery())).runs == [run(1)]

    with_history(tmp_path, test)


def test_pages_are_newest_first_and_lose_and_double_nothing(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        for number in range(25):
            await history.record(run(number // 2, run_id=f"{number:026}"))  # pairs that began at the same time
        seen: list[Run] = []
        before = None
        while True:
            page = await history.runs(RunQuery(limit=10, before=before))
            seen += page.runs
            if page.next is None:
                break
            before = page.next
        assert [r.run_id for r in seen] == [f"{number:026}" for number in reversed(range(25))]

    with_history(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"script": "other"}, [3]),
        ({"status": "failed"}, [2]),
        ({"reason": "overlap"}, [4]),
        ({"exit_code": 7}, [2]),
        ({"since": Instant(NOON + 3 * 60_000)}, [4, 3]),
        ({"until": Instant(NOON + 2 * 60_000)}, [1]),
        ({"script": "job", "status": "completed"}, [1]),
    ],
)
def test_filters_hold_together(tmp_path: Path, query: dict[str, Any], numbers: list[int]) -> None:
    async def test(history: History) -> None:
        history.record(run(1))
        history.record(run(2, status="failed", reason="exit_code", exit_code=7))
        history.record(run(3, script_name="other"))
        await history.record(
            run(4, status="skipped", reason="overlap", exit_code=None, started_at=None, ended_at=None, duration=None)
        )
        assert [int(r.run_id) for r in (await history.runs(RunQuery(**query))).runs] == numbers

    with_history(tmp_path, test)


def test_planned_starts_recorded_ahead_of_the_timetable_are_known(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        for number in range(4):
            await history.record(run(number), worked_off=TimetableEntry("cron x", run(1).scheduled_at))
        history.record(run(5, trigger="manual"))
        await history.record(run(6, script_name="other"))
        assert await history.recorded_slots() == {"job": {run(2).scheduled_at, run(3).scheduled_at}}

    with_history(tmp_path, test)


@pytest.mark.parametrize("cursor", ["", "x", "12", "-1.A", "9" * 400 + ".A"])
def test_a_cursor_nobody_handed_out_is_refused(tmp_path: Path, cursor: str) -> None:
    async def test(history: History) -> None:
        with pytest.raises(CursorError, match="is not a cursor"):
            await history.runs(RunQuery(before=cursor))

    with_history(tmp_path, test)


def test_the_last_end_and_the_last_success_of_each_script_are_told(tmp_path: Path) -> None:
    failed = run(2, status="failed", reason="exit_code", exit_code=1)

    async def test(history: History) -> None:
        history.record(run(1))
        history.record(failed)
        history.record(run(3, status="running", exit_code=None, ended_at=None))
        history.record(run(4, status="skipped", reason="overlap"))
        await history.record(run(5, script_name="never", status="failed", reason="lost"))
        last = (await history.past(())).last_ended
        assert last["job"] == (failed, run(1).ended_at)
        assert last["never"][1] is None

    with_history(tmp_path, test)


def test_a_slot_worked_off_never_comes_back_under_the_same_schedule(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        for slot in (5, 3):
            await history.set_slots([("job", TimetableEntry("every 1m", Instant(slot)))])
        assert (await history.timetable())["job"].last_slot == 5
        await history.set_slots([("job", TimetableEntry("every 2m", Instant(4)))])
        assert (await history.timetable())["job"] == TimetableEntry("every 2m", Instant(4))

    with_history(tmp_path, test)


def test_what_a_full_disk_refuses_is_told_and_stored_when_there_is_room(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        # Another connection that holds the write lock stands for any reason why a commit may fail.
        blocker = sqlite3.connect(history.path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        assert await history.record(run(1)) is False
        assert history.failure
        assert await history.run(run(1).run_id) is None
        blocker.execute("ROLLBACK")
        assert await history.record(run(2)) is True
        assert await history.run(run(1).run_id) == run(1)

    failures = with_history(tmp_path, test)
    assert failures
    assert "locked" in failures[0]


def test_a_change_that_can_never_be_stored_holds_up_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(history: History) -> None:
        history.write(lambda connection: connection.execute("INSERT INTO facts VALUES (NULL, NULL)"))
        assert await history.record(run(1))

    assert with_history(tmp_path, test) == []
    assert "refused by the history" in caplog.text


def test_a_database_of_an_older_version_is_brought_up_to_date_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        build(connection, 0, 1)
        names, values = COLUMNS[:-1], to_row(run(1))[:-1]
        connection.execute(f"INSERT INTO runs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)  # noqa: S608
    with pytest.raises(sqlite3.DatabaseError, match="an older version wrote it, and the next start"):
        read_only(path)

    async def test(history: History) -> None:
        assert await history.record(run(2, metrics_rejected="too many"))
        assert await history.run(run(1).run_id) == run(1)
        assert await history.run(run(2).run_id) == run(2, metrics_rejected="too many")

    assert with_history(tmp_path, test) == []
    read_only(path).close()


def test_metrics_of_the_run_that_ended_last_are_kept_whichever_is_stored_last(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        for number, families in ((2, b"two"), (1, b"one")):
            await history.record(run(number), published=families)
        await history.record(run(0, script_name="other"), published=b"other")
        await history.record(run(3))
        ended = run(2).ended_at
        assert await history.published() == [("other", run(0).ended_at, b"other"), ("job", ended, b"two")]
        await history.forget_published(["other"])
        assert await history.published() == [("job", ended, b"two")]
        await history.forget(["job"])
        assert await history.published() == []

    assert with_history(tmp_path, test) == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "history.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(HistoryError, match="a newer version wrote it"):
        with_history(tmp_path, lambda history: asyncio.sleep(0))


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("precious" * 1000)
    with pytest.raises(HistoryError, match="not a database"):
        with_history(tmp_path, lambda history: asyncio.sleep(0))
    assert (tmp_path / "history.db").read_text() == "precious" * 1000


def test_a_run_changed_later_keeps_its_output(tmp_path: Path) -> None:
    chunk = Chunk(first_line=0, lines=1, segments=b"", data=b"")

    async def test(history: History) -> None:
        await history.record(run(1))
        await history.keep_output(run(1).run_id, chunk)
        await history.record(structs.replace(run(1), attempt=2))
        rows = await history.read(lambda c: c.execute("SELECT count(*) FROM output_chunks").fetchone())
        assert rows == (1,)

    with_history(tmp_path, test)


def test_rows_that_are_not_to_be_tried_again_are_forgotten_where_they_are_not_stored(tmp_path: Path) -> None:
    def fact(name: str) -> Rows:
        return lambda connection: connection.execute("INSERT INTO facts VALUES (?, '')", (name,))

    async def test(history: History) -> None:
        blocker = sqlite3.connect(history.path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        assert not await history.write(fact("once"), retried=False)
        assert not await history.write(fact("retried"))
        blocker.execute("ROLLBACK")
        assert await history.write(fact("now"))
        assert await history.fact("retried") is not None
        assert await history.fact("once") is None

    with_history(tmp_path, test)


def test_while_another_database_takes_its_place_reading_and_writing_wait(tmp_path: Path) -> None:
    async def make(history: History) -> None:
        await history.record(run(1))

    async def test(history: History) -> None:
        await history.record(run(2))
        entered, leave = threading.Event(), threading.Event()

        def swap() -> None:
            assert list(tmp_path.glob("history.db-*")) == []
            (tmp_path / "other/history.db").rename(tmp_path / "history.db")
            entered.set()
            leave.wait()

        exchanging = asyncio.ensure_future(history.exchange(swap))
        await asyncio.to_thread(entered.wait)
        written, read = history.record(run(3)), asyncio.ensure_future(history.runs(RunQuery()))
        await asyncio.sleep(0)
        assert [written.done(), read.done()] == [False, False]
        leave.set()
        await exchanging
        await read
        assert await written
        assert [each.run_id for each in (await history.runs(RunQuery())).runs] == [f"{3:026}", f"{1:026}"]

    (tmp_path / "other").mkdir()
    assert with_history(tmp_path / "other", make) == []
    assert with_history(tmp_path, test) == []


def test_a_database_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    def swap() -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    async def test(history: History) -> None:
        await history.record(run(1))
        with pytest.raises(OSError, match="Read-only"):
            await history.exchange(swap)
        assert await history.run(f"{1:026}") == run(1)
        assert await history.record(run(2))

    assert with_history(tmp_path, test) == []


def test_the_file_shrinks_too_where_somebody_was_reading_when_it_was_to_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.db"

    def free_pages() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    async def test(history: History) -> None:
        await history.write(lambda c: c.execute("CREATE TABLE bulk AS SELECT randomblob(8388608) AS data"))
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM runs").fetchone()
            await history.write(lambda c: c.execute("DROP TABLE bulk"))
            await asyncio.to_thread(until, free_pages, lambda pages: pages <= 256)  # swept, but for the cut
            assert size(path) > 8 << 20
        await asyncio.to_thread(until, lambda: size(path), lambda now: now < 4 << 20)

    with_history(tmp_path, test)


def size(path: Path) -> int:
    return sum(path.with_name(name).stat().st_size for name in ("history.db", "history.db-wal"))
