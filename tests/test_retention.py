from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.events import Instant, Run
from exporter.history import History, RunQuery
from exporter.output import Chunk
from exporter.retention import ALL_INTERVAL, INTERVAL, Keeper
from exporter.settings import Retention, Size
from tests.service import Service, until
from tests.test_history import NOON, run, with_history


def failed(number: int, **fields: Any) -> Run:
    return run(number, **{"status": "failed", "reason": "exit_code", "exit_code": 1} | fields)


async def numbers(history: History) -> list[int]:
    """Of the records that are left, oldest first."""
    return sorted(int(record.run_id) for record in (await history.runs(RunQuery(script="job"))).runs)


async def outputs(history: History) -> list[int]:
    """Of the runs whose output is left, once what was to go is gone."""
    while await history.read(lambda c: c.execute("SELECT count(*) FROM output_garbage").fetchone()) != (0,):
        await history.write(lambda connection: None)
    rows = await history.read(lambda c: c.execute("SELECT DISTINCT run_id FROM output_chunks ORDER BY 1").fetchall())
    return [int(run_id) for (run_id,) in rows]


@pytest.mark.parametrize(
    ("retention", "kept"),
    [
        (Retention(), [0, 1, 2, 3, 4, 5]),
        (Retention(runs=2), [4, 5]),
        (Retention(runs=100), [0, 1, 2, 3, 4, 5]),
        (Retention(days=2 / 24 / 60), [3, 4, 5]),
        (Retention(bytes=Size(250_000)), [4, 5]),
        (Retention(bytes=Size(1)), [5]),
        (Retention(runs=4, bytes=Size(350_000)), [3, 4, 5]),
    ],
)
def test_a_history_is_kept_within_each_of_its_limits(tmp_path: Path, retention: Retention, kept: list[int]) -> None:
    async def test(history: History) -> None:
        for number in range(6):  # the last one begins five minutes after noon
            await history.record(run(number))
            await history.keep_output(run(number).run_id, Chunk(0, 1, b"", bytes(100_000)))
        await history.record(run(10, script_name="other"))
        await history.record(run(0, run_id="RUNNING", script_name="job", status="running"))
        await Keeper(history, lambda name: Retention()).retain("job", retention, Instant(NOON + 5 * 60_000))
        left = {record.run_id for record in (await history.runs(RunQuery())).runs}
        assert left == {"RUNNING", run(10).run_id, *(run(number).run_id for number in kept)}
        assert await outputs(history) == kept

    with_history(tmp_path, test)


def test_what_the_metrics_are_restored_from_outlives_every_limit(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        keeper = Keeper(history, lambda name: Retention())
        history.record(run(0))
        for number in range(1, 5):
            await history.record(failed(number))
        await history.record(run(9, status="skipped", reason="overlap", ended_at=None))
        for limits in (Retention(runs=2, days=1e9), Retention(runs=1, days=1e-9)):
            await keeper.retain("job", limits, run(10).scheduled_at)
        assert await numbers(history) == [0, 4]
        assert (await history.past(())).last_ended["job"] == (failed(4), run(0).ended_at)

    with_history(tmp_path, test)


def test_the_latest_run_is_the_one_that_ended_last_not_the_one_that_began_last(tmp_path: Path) -> None:
    long = run(0, ended_at=Instant(NOON + 3_600_000), duration=3_600_000)

    async def test(history: History) -> None:
        await history.record(long, run(1), run(2))
        await Keeper(history, lambda name: Retention()).retain("job", Retention(runs=1), run(2).scheduled_at)
        assert await numbers(history) == [0, 2]
        assert (await history.past(())).last_ended["job"] == (long, long.ended_at)

    with_history(tmp_path, test)


def test_a_limit_of_bytes_takes_the_output_of_a_record_that_is_spared(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        for record in (run(0), failed(1), failed(2), failed(3)):
            await history.record(record)
            await history.keep_output(record.run_id, Chunk(0, 1, b"", bytes(100_000)))
        keeper = Keeper(history, lambda name: Retention())
        await keeper.retain("job", Retention(bytes=Size(150_000)), run(3).scheduled_at)
        assert await numbers(history) == [0, 3]
        assert await outputs(history) == [3]

    with_history(tmp_path, test)


def test_skipped_starts_do_not_push_out_runs(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        await history.record(*(run(number) for number in range(3)))
        await history.record(*(run(number, status="skipped", reason="overlap") for number in range(10, 20)))
        await Keeper(history, lambda name: Retention()).retain("job", Retention(runs=2), run(20).scheduled_at)
        assert await numbers(history) == [1, 2, 18, 19]

    with_history(tmp_path, test)


def test_all_histories_are_seen_to_at_first_and_hourly_and_those_that_grew_every_minute(tmp_path: Path) -> None:
    async def test(history: History) -> None:
        asked: asyncio.Queue[str] = asyncio.Queue()

        def retention_of(name: str) -> Retention:
            asked.put_nowait(name)
            return Retention(runs=1)

        async def seen(now: int) -> set[str]:
            keeper.tick(Instant(now))
            if keeper._work is not None:
                await asyncio.wait([keeper._work])
            return {asked.get_nowait() for _ in range(asked.qsize())}

        keeper = Keeper(history, retention_of)
        await history.record(run(1))
        await history.record(run(2, script_name="removed"))
        assert await seen(NOON) == {"job", "removed"}
        keeper.grown("job")
        assert await seen(NOON + INTERVAL - 1) == set()
        assert await seen(NOON + INTERVAL) == {"job"}
        assert await seen(NOON + ALL_INTERVAL) == {"job", "removed"}
        keeper.changed()
        assert await seen(NOON + ALL_INTERVAL + 1) == {"job", "removed"}
        await keeper.stop()

    with_history(tmp_path, test)


# --- through the service ---


def test_a_lowered_limit_acts_on_what_is_stored_and_the_file_shrinks(start_service: Callable[..., Service]) -> None:
    command = "head -c 700000 /dev/urandom | od -An -v -tx1"
    scripts = [{"name": "big", "command": command, "max_output": "4MiB"}, {"name": "gone", "command": command}]
    service = start_service(json.dumps({"scripts": scripts}))
    for _ in range(3):
        ended = [service.ended(service.run(script["name"])) for script in scripts]
    until(lambda: os.listdir(service.folder / "data/runs"), lambda left: not left)
    before = size(service)
    assert before > 5 << 20
    service.config.write_text(json.dumps({"retention": {"runs": 1, "bytes": 1000}, "scripts": scripts[:1]}))
    service.fetch("/-/reload", method="POST", body=b"")
    until(lambda: len(service.get("/api/v1/runs")["runs"]), lambda count: count == 2)
    until(lambda: size(service), lambda now: now < before / 2)
    assert service.record(ended[0]["run_id"])["status"] == "completed"


def size(service: Service) -> int:
    return sum((service.folder / "data" / name).stat().st_size for name in ("history.db", "history.db-wal"))


def test_what_is_told_of_the_last_run_outlives_its_record_and_a_restart(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: job, command: 'exit $(cat code)'}, {name: other, command: 'true'}]")
    for code in (0, 3):
        (service.folder / "code").write_text(str(code))
        service.ended(service.run("job"))

    names = {name for name in service.metrics() if re.search("_last_[a-z_]+{script=.job", name)}

    def last() -> list[object]:
        shown = service.metrics()
        return [service.get("/api/v1/scripts/job")["last_run"], *(shown[name] for name in sorted(names))]

    before = last()
    assert len(before) == 1 + 7
    assert service.fetch("/api/v1/logs/job", method="DELETE")[0] == 200
    assert service.fetch("/api/v1/logs/job", method="DELETE")[0] == 200
    for _ in range(2):
        assert service.get("/api/v1/runs?script=job")["runs"] == []
        assert last() == before
        service.kill()
        service.start()
    (service.folder / "code").write_text("4")
    run_id = service.run("job")
    service.ended(run_id)
    service.kill()
    service.start()
    assert service.get("/api/v1/scripts/job")["last_run"]["run_id"] == run_id
    success = sorted(names).index('cronscope_script_last_success_timestamp_seconds{script="job"}')
    assert last()[1 + success] == before[1 + success]


def test_of_a_script_that_is_removed_nothing_is_left_of_what_was_deleted(start_service: Callable[..., Service]) -> None:
    config = "scripts: [{name: job, command: 'true'}]"
    service = start_service(config)
    service.ended(service.run("job"))
    assert service.fetch("/api/v1/logs/job", method="DELETE")[0] == 200
    for text in ("scripts: []", config):
        service.config.write_text(text)
        assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    assert service.get("/api/v1/scripts/job")["last_run"] is None
