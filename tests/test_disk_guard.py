from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter import history, search_index
from exporter.disk_guard import DiskGuard, Room, least_free
from exporter.history import History
from tests.service import Service, leave_free, until

MIB = 1 << 20
GIB = 1 << 30


@pytest.mark.parametrize(
    ("total", "least"),
    [(4 * MIB, 4 * MIB // 10), (2 * GIB, 64 * MIB), (50 * GIB, GIB // 2), (1000 * GIB, GIB), (0, 0)],
)
def test_a_hundredth_of_a_file_system_stays_free_within_reason(total: int, least: int) -> None:
    assert least_free(total) == least


def test_too_little_room_is_told_once_and_is_over_once_there_is_clearly_more() -> None:
    room = Room(200 * MIB, 10 * GIB)
    guard = DiskGuard(Path("/data"), lambda path: room)
    assert (guard.look(), guard.warning) == (False, None)
    told = []
    for free in (102, 110, 101, 120, 128, 110, 102):
        room = Room(free * MIB, 10 * GIB)
        told.append((guard.look(), guard.low))
    assert told == [
        (True, True), (False, True), (False, True), (False, True), (False, False), (False, False), (True, True),
    ]  # fmt: skip
    assert guard.warning is not None
    assert "102MiB free where /data is, of which 102MiB are to stay free" in guard.warning


def test_a_file_system_that_tells_nothing_changes_nothing(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path / "gone")
    assert (guard.look(), guard.low) == (False, False)


# --- through the service ---


def text(service: Service, run_id: str) -> str:
    return service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2].decode()


def test_output_is_not_stored_while_the_disk_is_almost_full_and_scripts_go_on(
    start_service: Callable[..., Service], disk: Path
) -> None:
    service = start_service(
        f"{{data_dir: {disk}/data, scripts: [{{name: job, command: echo out; exit 3}}, "
        f'{{name: talk, command: "seq 1 300000; read x < gate; echo end"}}]}}'
    )
    os.mkfifo(service.folder / "gate")
    kept = service.ended(service.run("job"))
    talk = service.run("talk")
    until(lambda: service.get(f"/api/v1/runs/{talk}/output?from=299000&limit=10000")["lines"], lambda s: len(s) == 1000)
    with service.socket() as plain:
        leave_free(disk, 4 * MIB)
        assert "almost full" in plain.wait("error")["data"]["message"]
    status, _, body = service.fetch("/-/healthy")
    assert (status, b"output is not stored" in body) == (503, True)
    assert service.metrics()["cronscope_store_output_suspended"] == 1

    until(lambda: text(service, talk), lambda text: "lines dropped here: the disk was almost full]" in text)
    assert text(service, talk).startswith("1\n2\n3\n")
    assert text(service, talk).endswith("\n300000\n")
    poor = service.ended(service.run("job"))
    assert (poor["exit_code"], poor["stdout_bytes"], poor["dropped_bytes"]) == (3, 4, 4)
    assert text(service, poor["run_id"]) == "[cronscope: 4 B, 1 line dropped here: the disk was almost full]\n"
    assert text(service, kept["run_id"]) == "out\n"

    (disk / "fill").unlink()
    until(lambda: service.fetch("/-/healthy")[0], lambda status: status == 200)
    assert service.metrics()["cronscope_store_output_suspended"] == 0
    assert text(service, service.ended(service.run("job"))["run_id"]) == "out\n"
    (service.folder / "gate").write_text("go\n")
    record = service.ended(talk)
    assert record["dropped_bytes"] > MIB
    assert text(service, talk).endswith("\n300000\nend\n")
    service.stop()


def test_what_scripts_print_on_a_full_disk_goes_into_memory(disk: Path, start_service: Callable[..., Service]) -> None:
    scripts = [{"name": "hello", "command": "echo hello"}, {"name": "much", "command": "seq 1 400000"}]
    service = start_service(json.dumps({"data_dir": str(disk / "data"), "scripts": scripts}))
    service.ended(service.run("much"))
    until(lambda: list((disk / "data/runs").iterdir()), lambda left: not left)  # so that the database has room in it
    leave_free(disk, 0)
    run = service.ended(service.run("hello"))
    assert (run["status"], run["stdout_bytes"]) == ("completed", 6), run


def test_the_search_index_leaves_the_last_of_the_disk_to_what_cannot_be_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def scarce(path: Path) -> bool:
        looked.append(path)
        return True

    steps: list[bool] = []
    monkeypatch.setattr(search_index, "scarce", scarce)
    monkeypatch.setattr(search_index._Index, "step", lambda index: steps.append(True))
    monkeypatch.setattr(search_index, "POLL_SECONDS", 0.001)

    async def make() -> None:
        await History(tmp_path / "history.db", write_failed=lambda why, first: None).close()

    asyncio.run(make())
    indexer = search_index.Indexer(tmp_path / "history.db")
    until(lambda: len(looked), lambda count: count > 3)
    indexer.close()
    assert (looked[0], steps) == (tmp_path, [])
    assert not (tmp_path / search_index.FILE).exists()


def test_what_opening_the_history_takes_is_there_though_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve, there = tmp_path / "reserve", list[bool]()
    reserve.write_bytes(bytes(100))
    connect = history._connect

    def look(path: Path) -> sqlite3.Connection:
        there.append(reserve.exists())
        return connect(path)

    monkeypatch.setattr(history, "_connect", look)

    async def open_and_close() -> None:
        await History(tmp_path / "history.db", write_failed=lambda why, first: None).close()

    asyncio.run(open_and_close())
    assert (there[0], reserve.stat().st_size) == (False, history.RESERVE_BYTES)


MAPPING = """\
import asyncio, os, sqlite3, sys
from contextlib import suppress
from pathlib import Path
from exporter import backup_format, history, restored_history, search_index
from exporter.history import History

def index(history):
    with search_index._Index(history) as index:
        index.step()

async def opened(folder):
    await History(folder / "history.db", write_failed=lambda why, first: None).close()

opens = {
    "history": lambda folder: asyncio.run(opened(folder)),
    "read only": lambda folder: history.read_only(folder / "history.db").execute("SELECT * FROM facts").fetchall(),
    "index": lambda folder: index(folder / "history.db"),
    "restored": lambda folder: restored_history.check(folder / "restored.db"),
}
full = OSError, sqlite3.Error, history.HistoryError, backup_format.BadArchive
for spare in range(0, 80, 4):  # KiB
    folder = Path(sys.argv[2]) / str(spare)
    folder.mkdir()
    asyncio.run(opened(folder))
    if sys.argv[1] == "index":  # the service has the history open then
        held = sqlite3.connect(folder / "history.db")
        held.execute("SELECT * FROM facts").fetchall()
    (folder / "reserve").unlink()
    with sqlite3.connect(folder / "history.db") as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "restored.db"),))
    connection.close()
    (folder / "spare").write_bytes(bytes(spare << 10))
    with suppress(OSError), (folder / "fill").open("wb", buffering=0) as fill:
        while True:
            fill.write(bytes(1 << 10))
    os.sync()
    (folder / "spare").unlink()
    os.sync()
    print(spare, "KiB left", flush=True)
    with suppress(*full):
        opens[sys.argv[1]](folder)
    (folder / "fill").unlink()
"""


@pytest.mark.parametrize("what", ["history", "read only", "index", "restored"])
def test_no_database_is_mapped_where_the_disk_can_not_take_what_is_written_there(
    what: str, disk_of_small_blocks: Path
) -> None:
    """The system ends a process that writes into a mapped file for which there is no room (mmap(2), SIGBUS)."""
    command = [sys.executable, "-c", MAPPING, what, str(disk_of_small_blocks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
