"""Backups of the real service, and what becomes of them when they are restored."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import socket
import sqlite3
import stat
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from exporter.backup import _copy
from exporter.backup_format import unpack
from exporter.config_file import ConfigFile
from exporter.events import Instant
from exporter.history import SCHEMA_VERSION, build
from exporter.restored_history import check
from exporter.staged_restore import StagedRestore
from tests.archives import Contents, altered, archive_of, contents, header, link, member
from tests.service import DEADLINE, Service, until

Start = Callable[..., Service]
CONFIG = """\
# Everything that has to run.
scripts:
  - name: job   # do not rename
    command: ./scripts/job.sh
"""
BACKUP, RESTORE = "/api/v1/backup", "/api/v1/restore"


def script(service: Service, path: str, text: str, mode: int = 0o755) -> Path:
    file = service.folder / "scripts" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def backup(service: Service) -> bytes:
    status, headers, body = service.fetch(BACKUP)
    assert (status, headers["Content-Type"]) == (200, "application/gzip")
    return body


def restore(service: Service, archive: bytes, status: int = 200) -> dict[str, Any]:
    found, _, body = service.fetch(RESTORE, method="POST", body=archive)
    assert found == status, body
    answer: dict[str, Any] = json.loads(body)
    return answer


def run_ids(service: Service, query: str = "") -> list[str]:
    return [run["run_id"] for run in service.get(f"/api/v1/runs?limit=1000{query}")["runs"]]


def state(service: Service) -> tuple[Any, ...]:
    """All that a restore could change."""
    root = service.folder / "scripts"
    files = {
        str(path.relative_to(root)): os.readlink(path)
        if path.is_symlink()
        else (path.read_bytes(), path.stat().st_mode)
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    return service.config.read_bytes(), files, run_ids(service), service.get("/api/v1/scripts")["scripts"]


def left_over(service: Service) -> set[str]:
    """What is in the data directory that need not be there."""
    usual = {"history.db", "search.db", "cronscope.lock", "etag.key", "reserve", "runs", "before-restore"}
    names = {path.name for path in (service.folder / "data").iterdir()}
    return {re.sub(r"(?<=\.db)-(wal|shm|journal)$", "", name) for name in names} - usual


@pytest.fixture
def service(start_service: Start) -> Service:
    """Has one script with one run."""
    service = start_service(CONFIG)
    script(service, "job.sh", "#!/bin/sh\necho needle\n", 0o750)
    service.ended(service.run("job"))
    return service


@pytest.fixture
def archive(service: Service) -> bytes:
    return backup(service)


# --- what is in a backup comes back ---


def test_a_backup_brings_everything_to_another_machine(service: Service, start_service: Start) -> None:
    script(service, "lib/größe.py", "import sys\n", 0o600)
    script(service, ".env", "SECRET=1\n", 0o400)
    scripts = service.folder / "scripts"
    (scripts / "lib/same").symlink_to("../job.sh")
    (scripts / "lib/absolute").symlink_to(scripts / "job.sh")
    (scripts / "out").symlink_to("/etc/passwd")
    os.mkfifo(scripts / "pipe")
    status, headers, archive = service.fetch(BACKUP)
    assert status == 200
    assert headers["Content-Disposition"].startswith('attachment; filename="cronscope-backup-20')
    old_runs, failed = run_ids(service), service.run("job")
    service.ended(failed)

    other = start_service("scripts: [{name: other, command: exit 1}]")
    script(other, "mine.sh", "#!/bin/sh\n")
    script(other, "job.sh", "# of this machine\n", 0o644)
    lost = other.run("other")
    other.ended(lost)
    with other.socket("?v=1") as frames:
        frames.wait("snapshot")
        told = restore(other, archive)
        assert told == {"scripts": 1, "files": 5, "runs": 1, "kept_files": ["mine.sh"], "changed_at_next_start": []}
        assert frames.wait("script_changed", op="deleted")["data"]["script"]["name"] == "other"
        assert frames.wait("script_changed", op="created")["data"]["script"]["last_run"]["run_id"] == old_runs[0]
    assert other.config.read_text() == CONFIG
    restored = other.folder / "scripts"
    modes = {name: stat.S_IMODE((restored / name).stat().st_mode) for name in ("job.sh", "lib/größe.py", ".env")}
    assert modes == {"job.sh": 0o750, "lib/größe.py": 0o600, ".env": 0o400}
    assert (restored / "lib/größe.py").read_text() == "import sys\n"
    assert [os.readlink(restored / name) for name in ("lib/same", "lib/absolute")] == ["../job.sh", "../job.sh"]
    assert not os.path.lexists(restored / "out")
    assert run_ids(other) == old_runs
    assert run_ids(other, "&q=needle") == old_runs
    assert other.get("/api/v1/scripts/job")["last_run"]["run_id"] == old_runs[0]
    assert other.metrics()['cronscope_script_last_run_success{script="job"}'] == 1
    assert other.ended(other.run("job"))["exit_code"] == 0
    before = other.folder / "data/before-restore"
    assert (before / "cronscope.yml").read_text() == "scripts: [{name: other, command: exit 1}]"
    assert (before / "scripts/job.sh").read_text() == "# of this machine\n"
    assert lost.encode() in (before / "history.db").read_bytes()
    assert left_over(other) == set()
    assert other.stop() == 0
    other.start()
    assert old_runs[0] in run_ids(other)


def test_a_restore_takes_back_what_came_after_the_backup(service: Service, archive: bytes) -> None:
    (old,) = run_ids(service)
    script(service, "job.sh", "#!/bin/sh\nexit 3\n")
    service.ended(service.run("job"))
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        restore(service, archive)
        changed = frames.wait("script_changed")["data"]
        assert (changed["op"], changed["script"]["last_run"]["run_id"]) == ("updated", old)
    assert run_ids(service) == [old]
    metrics = service.metrics()
    assert metrics['cronscope_script_last_run_exit_code{script="job"}'] == 0
    start = metrics['cronscope_script_last_start_timestamp_seconds{script="job"}']
    assert start < metrics['cronscope_script_last_completion_timestamp_seconds{script="job"}']
    assert metrics['cronscope_script_runs_total{script="job"}'] == 2  # those of this life of the service
    assert run_ids(service, "&q=needle") == [old]
    again = service.run("job")
    service.ended(again)
    until(lambda: run_ids(service, "&q=needle"), lambda found: found == [again, old])


def test_a_backup_of_an_older_version_is_restored_and_the_metrics_of_scripts_stay_as_they_are_shown(
    start_service: Start, tmp_path: Path
) -> None:
    publish = "echo x $(cat number) > $CRONSCOPE_METRICS_FILE"
    service = start_service(f"scripts: [{{name: job, command: '{publish}'}}]")

    def run(number: int) -> str:
        (service.folder / "number").write_text(str(number))
        run_id = service.run("job")
        service.ended(run_id)
        return run_id

    old = run(1)
    files = contents(backup(service))
    older = altered(
        files["history.db"], tmp_path, "DROP TABLE published", "DROP TABLE cleared",
        "DROP TABLE audit", "ALTER TABLE runs DROP COLUMN metrics_rejected", "PRAGMA user_version = 1", "ANALYZE",
    )  # fmt: skip
    run(2)
    restore(service, archive_of(files | {"history.db": older}, schema=1))
    assert run_ids(service) == [old]
    for _ in range(2):
        assert service.metrics()['x{script="job"}'] == 2
        service.kill()
        service.start()


def test_scripts_go_where_the_restored_configuration_says(service: Service, start_service: Start) -> None:
    settings = 'listen: 127.0.0.1:1\nscripts_dir: elsewhere\nscripts: [{name: job, command: "elsewhere/job.sh"}]\n'
    archive = archive_of(contents(backup(service)) | {"cronscope.yml": settings.encode()})
    other = start_service("")
    told = restore(other, archive)
    assert (told["files"], told["changed_at_next_start"]) == (1, [])  # a flag says where it listens
    assert (other.folder / "elsewhere/job.sh").read_text() == "#!/bin/sh\necho needle\n"


def test_what_the_service_has_of_its_own_is_no_script(start_service: Start) -> None:
    service = start_service("scripts_dir: .\n")
    (service.folder / "job.sh").write_text("true\n")
    names = set(contents(backup(service)))
    assert names == {"cronscope.yml", "history.db", "scripts/job.sh"}
    restore(service, backup(service))
    assert set(contents(backup(service))) == names


def test_a_configuration_that_was_deleted_by_hand_comes_back(service: Service, archive: bytes) -> None:
    service.config.unlink()
    restore(service, archive)
    assert service.config.read_text() == CONFIG


def test_scripts_in_the_data_directory_come_back(start_service: Start) -> None:
    service = start_service("scripts_dir: data/scripts\n")
    scripts = service.folder / "data/scripts"
    scripts.mkdir()
    (scripts / "job.sh").write_text("true\n")
    archive = backup(service)
    (scripts / "job.sh").unlink()
    assert restore(service, archive)["files"] == 1
    assert (scripts / "job.sh").read_text() == "true\n"
    service.config.write_text("scripts_dir: data\n")
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    assert set(contents(backup(service))) == {"cronscope.yml", "history.db"}


def test_a_restore_says_which_file_it_needs_first(service: Service, archive: bytes) -> None:
    for given, told in [
        (
            "users: [{name: a, role: edit, password_hash_file: /no/admin.hash}]",
            "/no/admin.hash cannot be used: No such",
        ),
        ("tokens: [{name: a, role: edit, sha256_file: ./t}]", f"{service.folder}/t cannot be used: No such file"),
        ("tls: {cert: /no/cert.pem, key: /no/key.pem}", "/no/cert.pem cannot be read: No such file or directory"),
    ]:
        config = f"scripts: []\n{given}\n".encode()
        answer = restore(service, archive_of(contents(archive) | {"cronscope.yml": config}), 422)
        assert answer["detail"].endswith("have to be on this machine first.")
        assert told in answer["errors"][0]["message"]


def test_there_is_no_backup_without_what_cannot_be_read(start_service: Start) -> None:
    service = start_service("scripts_dir: plain\n")
    (service.folder / "plain").write_text("a file\n")
    status, _, body = service.fetch(BACKUP)
    assert status == 409
    assert "cannot be read" in json.loads(body)["detail"]
    assert left_over(service) == set()


def test_a_configuration_that_is_broken_by_hand_is_backed_up_as_it_is_in_force(service: Service) -> None:
    service.config.write_text("scripts: 5")
    assert contents(backup(service))["cronscope.yml"] == CONFIG.encode()


SECRETS = """\
scripts:
  - name: job
    command: 'true'
    env: {DB_PASSWORD: hunter22}
    env_file: scripts/job.env
"""


def test_a_backup_has_secrets_only_if_that_is_asked_for_and_brings_back_all_the_same(start_service: Start) -> None:
    service = start_service("scripts: []")
    assert service.fetch("/api/v1/files/job.env", method="PUT", body=b"A_TOKEN=hunter22")[0] == 201
    (service.folder / "scripts/job.env").chmod(0o600)
    os.link(service.folder / "scripts/job.env", service.folder / "scripts/hard")
    assert service.fetch("/api/v1/files/hard")[0] == 200
    assert service.fetch("/api/v1/config", method="PUT", body=SECRETS.encode())[0] == 200
    masked, whole = backup(service), service.fetch(f"{BACKUP}?secrets=include")[2]
    assert contents(masked)["cronscope.yml"] == SECRETS.replace("hunter22", '"***"').encode()
    assert not {"scripts/job.env", "scripts/hard"} & contents(masked).keys()
    assert contents(whole)["scripts/hard"] == b"A_TOKEN=hunter22"
    versions = [
        sqlite3.connect(":memory:"), sqlite3.connect(":memory:"),
    ]  # fmt: skip
    for database, archive in zip(versions, (masked, whole), strict=True):
        database.deserialize(contents(archive)["history.db"])
    assert [database.execute("SELECT count(*) FROM file_versions").fetchone() for database in versions] == [(0,), (2,)]
    changed = SECRETS.replace("'true'", "'false'").replace("hunter22", "hunter23")
    service.config.write_text(changed)
    assert restore(service, masked)["kept_files"] == ["hard", "job.env"]
    assert service.config.read_text() == SECRETS.replace("hunter22", "hunter23")

    other = start_service("scripts: []")
    problem = restore(other, masked, 422)
    assert "made without secrets" in problem["detail"]
    assert problem["errors"][0]["message"].startswith("scripts[0].env.DB_PASSWORD: *** stands for a value")
    assert other.config.read_text() == "scripts: []"
    restore(other, whole)
    assert other.config.read_text() == SECRETS
    assert (other.folder / "scripts/job.env").read_text() == "A_TOKEN=hunter22"


def test_nothing_is_shown_of_the_environment_file_of_a_script_under_scripts_dir(start_service: Start) -> None:
    service = start_service(SECRETS)
    script(service, "job.env", "A_TOKEN=hunter22\n", 0o600)
    (service.folder / "scripts/link").symlink_to("job.env")
    os.link(service.folder / "scripts/job.env", service.folder / "scripts/hard")
    assert service.get("/api/v1/files")["files"] == []
    for path in ("job.env", "link", "hard", "job.env/versions", "hard/versions", "job.env/versions/1"):
        status, _, body = service.fetch(f"/api/v1/files/{path}")
        assert (status, b"hunter22" in body) == (400, False)
    for path in ("job.env", "hard"):
        assert service.fetch(f"/api/v1/files/{path}", method="PUT", body=b"A=b")[0] == 400
    assert service.fetch("/api/v1/files/link", method="DELETE")[0] == 400


def test_the_copy_of_the_history_is_its_owners_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as history, _copy(history, tmp_path / "copy", ()) as copy:
        assert os.fstat(copy.fileno()).st_mode & 0o777 == 0o600


# --- runs and starts ---


def test_runs_under_way_go_on_and_end_in_the_restored_history(start_service: Start) -> None:
    service = start_service(
        "{max_concurrent_runs: 1, scripts: [{name: job, command: 'echo begun; read x < gate; echo done; exit 5'},"
        " {name: late, command: 'true'}]}"
    )
    os.mkfifo(service.folder / "gate")
    archive = backup(service)
    running = service.run("job")
    until(lambda: service.get("/api/v1/scripts/job")["running"], bool)
    waiting = service.run("late")
    with_both = backup(service)
    restore(service, archive)
    assert service.record(running)["status"] == "running"
    assert service.record(waiting)["status"] == "running"
    assert service.metrics()['cronscope_script_runs_in_progress{script="job"}'] == 1
    (service.folder / "gate").write_text("go\n")
    assert service.ended(running)["exit_code"] == 5
    until(lambda: service.get(f"/api/v1/runs/{running}/output")["end"], bool)
    assert service.fetch(f"/api/v1/runs/{running}/output.txt")[2] == b"begun\ndone\n"
    assert service.get("/api/v1/scripts/job")["last_run"]["run_id"] == running

    # Under way when the backup was made, and ended since: the history that is replaced knows how.
    restore(service, with_both)
    record = service.record(running)
    assert (record["status"], record["exit_code"]) == ("failed", 5)
    assert service.fetch(f"/api/v1/runs/{running}/output.txt")[2] == b"begun\ndone\n"
    # On another machine nobody knows.
    other = start_service("")
    restore(other, with_both)
    assert (other.record(running)["reason"], other.record(waiting)["reason"]) == ("lost", "missed")


def test_starts_planned_since_the_backup_are_neither_made_up_for_nor_repeated(
    start_service: Start, tmp_path: Path
) -> None:
    config = "scripts: [{name: often, command: 'true', cron: '* * * * * *', missed: all}, " \
             "{name: booted, command: 'true', cron: '@reboot'}]"  # fmt: skip
    service = start_service(config)
    until(lambda: service.get("/api/v1/runs?script=often&status=completed")["runs"], bool)
    files = contents(backup(service))
    files["history.db"] = altered(
        files["history.db"], tmp_path, "UPDATE timetable SET last_slot = last_slot - 86400000",
        "UPDATE facts SET value = 'another' WHERE name = 'boot'",
    )  # fmt: skip
    restore(service, archive_of(files))
    service.kill()
    service.start()
    until(lambda: service.get("/api/v1/runs?script=often&status=completed")["runs"], lambda runs: len(runs) > 2)
    runs = service.get("/api/v1/runs?limit=1000")["runs"]
    slots = [run["scheduled_at"] for run in runs if run["script_name"] == "often"]
    assert len(slots) == len(set(slots)) < 30
    assert len([run for run in runs if run["script_name"] == "booted"]) == 1


# --- archives that are not restored ---


def unpacks_to_the_same(one: bytes | bytearray, other: bytes) -> bool:
    """As where a zero among many is copied from another place."""
    try:
        return gzip.decompress(one) == gzip.decompress(other)
    except (OSError, EOFError, zlib.error):
        return False


def damaged(archive: bytes) -> list[bytes]:
    choose = random.Random(1)  # noqa: S311
    cut = [archive[:length] for length in (1, 9, 10, 200, len(archive) // 2, len(archive) - 9, len(archive) - 1)]
    flipped = []
    for place in [10, 50, *choose.sample(range(100, len(archive)), 40)]:
        one = bytearray(archive)
        one[place] ^= 1 << choose.randrange(8)
        if not unpacks_to_the_same(one, archive):
            flipped.append(bytes(one))
    return [*cut, *flipped, archive + b"more", archive + archive]


def test_a_damaged_archive_changes_nothing(service: Service, archive: bytes) -> None:
    service.ended(service.run("job"))
    before = state(service)
    for each in damaged(archive):
        assert restore(service, each, 422)["detail"]
    assert state(service) == before
    assert left_over(service) == set()
    assert "Traceback" not in "".join(service.errors)


def foreign() -> dict[str, bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        tar.addfile(header("etc/passwd"))
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("cronscope.yml", "")
    return {
        "nothing": b"", "zip": packed.getvalue(), "tar": plain.getvalue(), "tar.gz": gzip.compress(plain.getvalue()),
        "text": b"scripts: []", "text.gz": gzip.compress(b"scripts: []"), "empty.gz": gzip.compress(b""),
        "zeros": gzip.compress(bytes(1 << 20)),
        "form": b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n\x1f\x8b\r\n--x--\r\n',
    }  # fmt: skip


def test_what_is_no_backup_is_refused(start_service: Start) -> None:
    service = start_service(CONFIG)
    for what, content in foreign().items():
        assert "no backup of Cronscope" in restore(service, content, 422)["detail"], what
    assert service.config.read_text() == CONFIG


def in_utf_16(folder: Path) -> bytes:
    path = folder / "utf-16.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        build(connection, 0, SCHEMA_VERSION)
    return path.read_bytes()


FIRST = "0" * 26


def entry(**values: Any) -> str:
    """Puts an entry into the audit trail."""
    sound = {"id": FIRST, "at": 0, "actor_kind": "user", "action": "script.run", "outcome": "done"}
    return insertion("audit", sound | values)


def cleared(**values: Any) -> str:
    """Puts in a script of which the record of this run is deleted, but for what is told of it."""
    sound = {"run_id": FIRST, "script_name": "job", "trigger": "manual", "status": "skipped"}
    record = sound | {"scheduled_at": "2026-01-31T19:00:00.000Z"} | values
    return insertion("cleared", {"script_name": "job", "last_run": json.dumps(record)})


def insertion(table: str, values: dict[str, Any]) -> str:
    told = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values.values())
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({told})"  # noqa: S608


ROWS = [
    "UPDATE runs SET run_id = '../../x'",
    "UPDATE runs SET status = 'odd'",
    "UPDATE runs SET script_name = CAST(x'ff' AS TEXT)",
    "UPDATE runs SET script_name = CAST(zeroblob(9000000) AS TEXT)",
    "UPDATE runs SET script_name = '../../etc'",
    "UPDATE runs SET script_name = ''",
    "UPDATE runs SET script_name = hex(zeroblob(40))",
    "UPDATE runs SET metrics_rejected = hex(zeroblob(9000))",
    "UPDATE runs SET started_at = NULL",
    "UPDATE output_chunks SET run_id = ''",
    "INSERT INTO output_garbage VALUES ('../x')",
    "UPDATE output_chunks SET data = x'00'",
    "UPDATE output_chunks SET data = zeroblob(9000000)",
    "UPDATE output_chunks SET lines = 9000000000000000000",
    "UPDATE output_chunks SET segments = x'92'",
    "INSERT INTO file_versions VALUES ('a', 1, 0, 'written', 420, 9, '', x'00')",
    "INSERT INTO file_versions VALUES ('a', 1, 0, 'deleted', 2541, NULL, NULL, NULL)",
    "INSERT INTO file_versions VALUES ('a', 1, 0, 'odd', 420, NULL, NULL, NULL)",
    "INSERT INTO file_versions VALUES (hex(zeroblob(600)), 1, 0, 'deleted', 420, NULL, NULL, NULL)",
    "INSERT INTO file_versions VALUES ('a', 1, -1, 'deleted', 420, NULL, NULL, NULL)",
    "INSERT INTO cleared VALUES ('job', '{}', NULL)",
    cleared(run_id="x"),
    cleared(script_name="../x"),
    cleared(metrics_rejected="x" * 9000),
    cleared(more="x" * 90_000),
    cleared().replace("'job'", "'../x'"),
    "INSERT INTO facts VALUES ('a', hex(zeroblob(100)))",
    entry(id=""),
    entry(id="!00206"),
    entry(id="00000000000000000000000abc"),
    entry(id=FIRST, at=1),
    entry(actor_kind="odd"),
    entry(actor_role="odd"),
    entry(action="file.odd"),
    entry(outcome="odd"),
    entry(target="x" * 1001),
    entry(actor_name="x" * 1001),
    entry(address="x" * 1001),
    "INSERT INTO facts VALUES ('a', CAST(x'ff' AS TEXT))",
]
"""What makes a sound history one with a row that there cannot be."""


def hostile(files: Contents, folder: Path) -> dict[str, tuple[int, str, bytes]]:
    """Archives with an answer's status, and what it says."""
    told = [member(*each) for each in files.items()]
    deep = "scripts/" + "d/" * 40_000 + "x"

    def named(name: str) -> bytes:
        return archive_of(files | {name: b"x"})

    def linked(*links: tuple[str, str], extra: Contents | None = None) -> bytes:
        all_files = files | (extra or {})
        headers = [header(name, 0, tarfile.SYMTYPE, target) for name, target in links]
        members = [*(member(*each) for each in all_files.items()), *(link(*each) for each in links)]
        return archive_of(all_files, members=members, headers=headers)

    def with_history(*statements: str) -> bytes:
        return archive_of(files | {"history.db": altered(files["history.db"], folder, *statements)})

    def special(kind: bytes) -> bytes:
        return archive_of(
            files, members=[*told, member("scripts/x", b"")], headers=[header("scripts/x", 0, kind, "/x")]
        )

    torn = bytearray(files["history.db"])
    torn[5000:9000] = os.urandom(4000)
    long_name = tarfile.TarInfo("x")
    long_name.type, long_name.size = tarfile.XHDTYPE, 1 << 32
    return {
        "traversal": (422, "cannot be", named("scripts/../../x")),
        "absolute": (422, "cannot be", named("/etc/cron.d/x")),
        "absolute below": (422, "cannot be", named("scripts//etc/x")),
        "beside": (422, "no part of a backup", named("runs/x")),
        "dot": (422, "cannot be", named("scripts/./x")),
        "NUL": (422, "cannot be", archive_of(files, members=[*told, member("scripts/a\0b", b"")])),
        "folder": (422, "cannot be", named("scripts/")),
        "deep": (422, "cannot be", archive_of(files, members=[*told, member(deep, b"")])),
        "long": (422, "cannot be", named("scripts/" + "x" * 256)),
        "file and folder": (422, "cannot be", archive_of(files | {"scripts/job.sh/x": b""})),
        "link out": (422, "leads out", linked(("scripts/x", "/etc/passwd"))),
        "link up": (422, "leads out", linked(("scripts/x", "../../../x"))),
        "links that lead out together": (
            422, "leads out", linked(("scripts/x", "a/b/../.."), ("scripts/a/b", ".."), extra={"scripts/a/c": b""})
        ),
        "through a link": (422, "cannot be", linked(("scripts/x", "."), extra={"scripts/x/y": b""})),
        "link as configuration": (
            422, "no part",
            archive_of({"history.db": files["history.db"]}, members=[told[1], link("cronscope.yml", "/etc/passwd")])
        ),
        "device": (422, "is not the file", special(tarfile.CHRTYPE)),
        "hard link": (422, "is not the file", special(tarfile.LNKTYPE)),
        "pipe": (422, "is not the file", special(tarfile.FIFOTYPE)),
        "undeclared": (422, "does not name", archive_of(files | {"scripts/x": b"x"}, members=told)),
        "missing": (422, "lacks scripts/x", archive_of(files, members=[*told, member("scripts/x", b"x")])),
        "twice": (422, "twice", archive_of(files, members=[*told, told[0]])),
        "no history": (422, "no history.db", archive_of({"cronscope.yml": b""})),
        "other content": (422, "damaged", archive_of(files | {"scripts/job.sh": b"x" * 22}, members=told)),
        "other size": (422, "is not the file", archive_of(files | {"scripts/job.sh": b"longer" * 22}, members=told)),
        "bomb": (507, "may take", archive_of(files, members=[*told, {**member("scripts/x", b""), "size": 1 << 60}])),
        "undeclared bomb": (422, "nonsense", archive_of(files, headers=[long_name])),
        "negative": (422, "cannot be", archive_of(files, members=[*told, {**member("scripts/x", b""), "size": -1}])),
        "newer format": (422, "another format", archive_of(files, format=2)),
        "nonsense": (422, "damaged", archive_of(files, created_at="yesterday")),
        "newer history": (422, "schema 9", archive_of(files, schema=9)),
        "configuration": (422, "has faults", archive_of(files | {"cronscope.yml": b"scripts: [{name: x}]"})),
        "history of another version": (422, "has schema 7", with_history("PRAGMA user_version = 7")),
        "torn history": (422, "damaged", archive_of(files | {"history.db": bytes(torn)})),
        "empty history": (422, "has schema 0", archive_of(files | {"history.db": b""})),
        "no database": (422, "damaged", archive_of(files | {"history.db": b"x" * 5000})),
        "trigger": (
            422, "other tables",
            with_history("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END")
        ),
        "other tables": (422, "other tables", with_history("DROP TABLE timetable")),
        "trigger by a name of SQLite's": (
            422, "other tables",
            with_history(
                "PRAGMA writable_schema = ON",
                "INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_t', 'audit', 0, 'CREATE TRIGGER sqlite_t BEFORE"
                " INSERT ON audit BEGIN SELECT RAISE(IGNORE); END')",
            ),
        ),
        "table by a name of SQLite's": (
            422, "other tables",
            with_history(
                "CREATE TABLE t (a)", "PRAGMA writable_schema = ON",
                "UPDATE sqlite_schema SET name = 'sqlite_t', tbl_name = 'sqlite_t', sql = 'CREATE TABLE sqlite_t (a)'"
                " WHERE name = 't'",
            ),
        ),
        "another encoding": (422, "another encoding", archive_of(files | {"history.db": in_utf_16(folder)})),
        "time of a run": (422, "a time that", with_history("UPDATE runs SET started_at = 9000000000000000000")),
        "time of an entry": (
            422, "a time that",
            with_history("INSERT INTO audit (id, at, actor_kind, action, outcome) VALUES ('0', -1, '', '', '')"),
        ),
        **{
            f"row of {statement.split()[1]} {number}": (422, "damaged", with_history(statement))
            for number, statement in enumerate(ROWS)
        },
        "place of the staging": (409, "lead out", named("scripts/.cronscope.restore")),
    }  # fmt: skip


def test_an_archive_of_a_hostile_hand_changes_nothing(service: Service, archive: bytes, tmp_path: Path) -> None:
    before = state(service)
    for name, (status, message, each) in hostile(contents(archive), tmp_path).items():
        answer = restore(service, each, status)
        assert message in answer["detail"], name
        if name == "configuration":
            assert [fault["pointer"] for fault in answer["errors"]] == ["#/scripts/0/command"]
    assert state(service) == before
    assert left_over(service) == set()
    assert not (service.folder / "x").exists()
    assert "Traceback" not in "".join(service.errors)
    assert restore(service, archive)["files"] == 1


def test_what_there_can_be_in_a_history_is_restored(archive: bytes, tmp_path: Path) -> None:
    rows = (
        entry(), entry(id="7" + "0" * 25, at=1),  # after the clock stepped back
        entry(id="0" * 25 + "1", target="x" * 1000, path="x" * 1000, method="PUT"),
        cleared(metrics_rejected="\x01" * 1000),
        "UPDATE runs SET script_name = 'cst_0123456789abcdef'",  # as earlier versions took
        "INSERT INTO file_versions VALUES (hex(zeroblob(512)), 1, 0, 'deleted', 420, NULL, NULL, NULL)",
    )  # fmt: skip
    altered(contents(archive)["history.db"], tmp_path, *rows)
    assert check(tmp_path / "altered.db") == 1


def test_output_of_runs_that_a_restored_history_does_not_have_is_swept_away(
    service: Service, archive: bytes, tmp_path: Path
) -> None:
    files = contents(archive)
    stray = (
        "INSERT INTO output_chunks (run_id, first_line, lines, segments, data)"
        " SELECT hex(zeroblob(13)), first_line, lines, segments, data FROM output_chunks"
    )
    restore(service, archive_of(files | {"history.db": altered(files["history.db"], tmp_path, stray)}))

    def owners() -> list[str]:
        with closing(sqlite3.connect(service.folder / "data/history.db")) as connection:
            return [run_id for (run_id,) in connection.execute("SELECT run_id FROM output_chunks")]

    assert until(owners, lambda found: FIRST not in found) == run_ids(service)


def test_what_is_in_the_way_of_a_script_stays(service: Service, archive: bytes, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    files = contents(archive)
    scripts = service.folder / "scripts"
    (scripts / "out").symlink_to(outside)
    (scripts / "folder").mkdir()
    (scripts / "file").write_text("mine")
    for name, message in [
        ("out/x", "lead out"),
        ("folder", "in the way"),
        ("file/x", "in the way"),
        ("file/x/y", "in the way"),
    ]:
        told = restore(service, archive_of(files | {f"scripts/{name}": b"x"}), 409)["detail"]
        assert message in told
    assert list(outside.iterdir()) == []
    assert (scripts / "file").read_text() == "mine"
    assert left_over(service) == set()


# --- several at once, and clients that go away ---


def open_copies(service: Service) -> list[str]:
    """Files without a name that the service has open."""
    assert service.process is not None
    found = []
    for each in Path(f"/proc/{service.process.pid}/fd").iterdir():
        with suppress(OSError):
            found.append(os.readlink(each))
    return [each for each in found if "(deleted)" in each]


def test_a_second_restore_is_refused_until_the_first_is_over(service: Service, archive: bytes) -> None:
    head = f"POST {RESTORE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(archive)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as slow:
        slow.sendall(head + archive[:100])
        until(lambda: open_copies(service), bool)
        assert "under way" in restore(service, archive, 409)["detail"]
        slow.sendall(archive[100:])
        assert b"200 OK" in slow.recv(4096)
        until(lambda: open_copies(service), lambda found: not found)
        slow.sendall(head + archive[:100])
        until(lambda: open_copies(service), bool)
    # The client has gone away in the middle.
    until(lambda: open_copies(service), lambda found: not found)
    restore(service, archive)
    assert left_over(service) == set()


def test_a_run_that_ends_while_the_archive_is_on_its_way_stays_in_the_history(service: Service, archive: bytes) -> None:
    head = f"POST {RESTORE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(archive)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as slow:
        slow.sendall(head + archive[:100])
        until(lambda: open_copies(service), bool)
        run = service.ended(service.run("job"))
        slow.sendall(archive[100:])
        assert b"200 OK" in slow.recv(4096)
    assert service.record(run["run_id"]) == run
    assert service.fetch(f"/api/v1/runs/{run['run_id']}/output.txt")[2] == b"needle\n"
    assert run["run_id"] in run_ids(service, "&q=needle")


def test_edits_that_come_during_a_restore_are_made_to_what_was_restored_or_kept_aside(service: Service) -> None:
    for number in range(100):
        script(service, f"file{number}", f"old {number}")
    archive = backup(service)
    over = threading.Event()
    made: list[str] = []

    def edit() -> None:
        number = 0
        while not over.is_set():
            name, number = f"new{number}", number + 1
            body = json.dumps({"name": name, "command": "true"}).encode()
            assert service.fetch("/api/v1/scripts", method="POST", body=body)[0] == 201
            assert service.fetch(f"/api/v1/files/{name}", method="PUT", body=name.encode())[0] == 201
            made.append(name)

    editing = threading.Thread(target=edit)
    editing.start()
    until(lambda: len(made), lambda count: count > 3)
    restore(service, archive)
    over.set()
    editing.join()
    kept = service.folder / "data/before-restore"
    for name in made:
        assert any(f"name: {name}\n" in path.read_text() for path in (service.config, kept / "cronscope.yml")), name
        assert (service.folder / "scripts" / name).read_text() == name  # of those that the archive does not have


def test_backups_at_once_and_clients_that_go_away_leave_nothing(service: Service) -> None:
    script(service, "large", os.urandom(8 << 20).hex())
    with urllib.request.urlopen(service.url + BACKUP, timeout=DEADLINE) as answer:
        answer.read(1000)
        first, second = backup(service), backup(service)
    assert contents(first).keys() == contents(second).keys()
    status, headers, body = service.fetch(BACKUP, method="HEAD")
    assert (status, headers["Content-Type"], body) == (200, "application/gzip", b"")
    until(lambda: open_copies(service), lambda found: not found)
    assert left_over(service) == set()


def test_backups_while_scripts_run_are_all_sound(start_service: Start) -> None:
    service = start_service("scripts: [{name: busy, command: seq 1 2000, every: 100ms, overlap: allow}]")
    other = start_service("")
    until(lambda: run_ids(service), bool)
    for _ in range(5):
        restore(other, backup(service))
        restore(service, backup(service))


# --- crashes ---


def test_killed_in_the_middle_of_restores_the_service_has_all_of_one_state(start_service: Start) -> None:
    service = start_service("")
    archives = {}
    for name in ("one", "two"):
        service.config.write_text(f"# {name}\nscripts: [{{name: {name}, command: ./scripts/job.sh}}]\n")
        assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
        for number in range(20):
            script(service, f"{number}/job.sh", f"#!/bin/sh\necho {name}\n")
        script(service, "job.sh", f"#!/bin/sh\necho {name}\n")
        for _ in range(3):
            service.ended(service.run(name))
        service.fetch(f"/api/v1/logs/{'two' if name == 'one' else 'one'}", method="DELETE")
        archives[name] = backup(service)
    choose = random.Random(3)  # noqa: S311
    began = time.monotonic()
    restore(service, archives["one"])
    usual = time.monotonic() - began
    for round_number in range(16):
        archive = archives["one" if round_number % 2 else "two"]
        killer = threading.Timer(choose.uniform(0.1, 1.3) * usual, service.kill)
        killer.start()
        with suppress(urllib.error.URLError, ConnectionError):
            restore(service, archive)
        killer.join()
        service.start()
        (name,) = [each["name"] for each in service.get("/api/v1/scripts")["scripts"]]
        assert service.config.read_text().startswith(f"# {name}\n")
        files = list((service.folder / "scripts").rglob("*.sh"))
        assert len(files) == 21
        assert {path.read_text() for path in files} == {f"#!/bin/sh\necho {name}\n"}
        runs = service.get("/api/v1/runs?limit=1000")["runs"]
        assert [run["script_name"] for run in runs] == [name] * 3
        assert [path.name for path in (service.folder / "scripts").iterdir() if path.name.startswith(".")] == []
        assert left_over(service) == set()


STEPS = ("laid ready", "committed", "configuration", "history", "scripts")


@pytest.mark.parametrize("last", STEPS)
def test_a_restore_cut_short_after_any_step_is_done_or_never_was(service: Service, archive: bytes, last: str) -> None:
    (old,) = run_ids(service)
    script(service, "job.sh", "#!/bin/sh\necho new\n", 0o700)
    service.config.write_text(f"{CONFIG}    timeout: 5s\n")
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    service.ended(service.run("job"))
    before = state(service)
    service.kill()
    file = ConfigFile(service.config, environ={}, flags={})
    staged = StagedRestore(service.folder / "data")
    staged.begin(Instant.now())
    unpack(io.BytesIO(archive), staged.folder, lambda manifest: None)
    check(staged.folder / "history.db")
    staged.lay_ready(service.config, service.folder / "scripts")
    steps = [
        staged.commit,
        lambda: staged.write_config(file, file.load()),
        staged.swap_history,
        staged.place_scripts,
    ]
    for step in steps[: STEPS.index(last)]:
        step()
    service.start()
    if last == "laid ready":
        assert state(service) == before
        assert not (service.folder / "data/before-restore").exists()
    else:
        assert service.config.read_text() == CONFIG
        assert (service.folder / "scripts/job.sh").read_text() == "#!/bin/sh\necho needle\n"
        assert run_ids(service) == run_ids(service, "&q=needle") == [old]
        kept = service.folder / "data/before-restore"
        assert (kept / "cronscope.yml").read_text().endswith("timeout: 5s\n")
        assert (kept / "scripts/job.sh").read_text() == "#!/bin/sh\necho new\n"
    assert left_over(service) == set()
    assert [path.name for path in (service.folder / "scripts").iterdir()] == ["job.sh"]
