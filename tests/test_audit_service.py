"""The audit trail of the real service: every kind of change with its hashes, asked for, shipped and kept."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exporter.config import load
from tests.service import DEADLINE, Service, until

Start = Callable[..., Service]
FILE = """\
scripts:
  - name: job   # do not rename
    command: echo ran
  - {name: other, command: "sleep 1000"}
"""
SCRIPTS = "/api/v1/scripts"


@pytest.fixture
def service(start_service: Start) -> Service:
    return start_service(FILE)


def ask(service: Service, method: str, path: str, body: Any = b"") -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
    return service.fetch(path, method=method, body=content, headers=headers)[0]


def entries(service: Service, query: str = "") -> list[dict[str, Any]]:
    """Newest first."""
    found: list[dict[str, Any]] = service.get(f"/api/v1/audit?limit=1000{query}")["audit"]
    return found


def newest(service: Service) -> dict[str, Any]:
    return entries(service)[0]


def told(entry: dict[str, Any]) -> tuple[Any, ...]:
    return entry["action"], entry["target"], entry["outcome"], entry["before"], entry["after"]


def hash_of(content: bytes | Path) -> str:
    """As `sha256sum FILE | cut -c -32` has it."""
    data = content if isinstance(content, bytes) else content.read_bytes()
    return sha256(data).hexdigest()[:32]


def test_every_change_of_scripts_and_configuration_is_told_with_the_file_before_and_after(service: Service) -> None:
    new = {"name": "new", "command": "true"}
    batch = {"action": "disable", "scripts": ["job", "other"]}
    imported = {"action": "import", "scripts": [new, {**new, "name": "third"}], "on_conflict": "skip"}
    reports = 0
    changes: list[tuple[str, str, Any, list[tuple[str, str | None, str | None]]]] = [
        ("POST", SCRIPTS, new, [("script.create", "new", None)]),
        ("PATCH", f"{SCRIPTS}/new", {"every": "1h"}, [("script.update", "new", None)]),
        ("PUT", f"{SCRIPTS}/new", {**new, "name": "newer"}, [("script.rename", "new", "newer")]),
        ("POST", f"{SCRIPTS}/newer/disable", b"", [("script.disable", "newer", None)]),
        ("POST", f"{SCRIPTS}/newer/disable", b"", [("script.disable", "newer", None)]),
        ("POST", f"{SCRIPTS}/newer/enable", b"", [("script.enable", "newer", None)]),
        ("DELETE", f"{SCRIPTS}/newer", b"", [("script.delete", "newer", None)]),
        ("POST", f"{SCRIPTS}/batch", batch, [("script.disable", "job", None), ("script.disable", "other", None)]),
        (
            "POST",
            f"{SCRIPTS}/batch",
            {**batch, "action": "enable", "scripts": ["job"]},
            [("script.enable", "job", None)],
        ),
        ("POST", f"{SCRIPTS}/batch", imported, [("script.import", "new", None), ("script.import", "third", None)]),
        ("POST", f"{SCRIPTS}/batch", imported, [("script.import", None, None)]),
        ("PUT", "/api/v1/config", FILE.encode(), [("config.save", None, "scripts: job, other, new, third")]),
        ("POST", "/-/reload", b"", [("config.reload", None, None)]),
    ]
    for method, path, body, expected in changes:
        before = hash_of(service.config)
        assert ask(service, method, path, body) < 300
        after = hash_of(service.config)
        found = entries(service)[: len(expected)][::-1]
        assert [(entry["action"], entry["target"], entry["detail"]) for entry in found] == expected
        for entry in found:
            assert (entry["before"], entry["after"], entry["outcome"]) == (before, after, "done")
            assert entry["actor"] == {"kind": "anonymous", "name": None, "role": "edit"}
            assert (entry["address"], entry["method"], entry["path"]) == ("127.0.0.1", method, path)
        reports += len(expected)
    start, *rest = entries(service)[::-1]
    assert (start["action"], start["actor"]["kind"], start["before"]) == ("config.change", "disk", None)
    assert (start["after"], len(rest)) == (hash_of(FILE.encode()), reports)


def test_what_was_not_done_is_told_without_hashes(service: Service) -> None:
    for method, path, body, status, action in [
        ("PATCH", f"{SCRIPTS}/nothing", {"every": "1h"}, 404, "script.update"),
        ("POST", SCRIPTS, {"name": "job", "command": "true"}, 409, "script.create"),
        ("POST", SCRIPTS, {"name": "bad"}, 422, "script.create"),
        ("PUT", "/api/v1/config", b"scripts: {", 422, "config.save"),
        ("POST", f"{SCRIPTS}/batch", {"action": "explode"}, 422, "script.batch"),
        ("PUT", "/api/v1/files/..%2Fescape", b"x", 400, "file.write"),
        ("DELETE", "/api/v1/files/nothing.sh", b"", 404, "file.delete"),
        ("POST", "/api/v1/restore", b"no archive", 422, "backup.restore"),
    ]:
        assert ask(service, method, path, body) == status
        entry = newest(service)
        assert (entry["action"], entry["outcome"], entry["status"]) == (action, "failed", status)
        assert (entry["before"], entry["after"]) == (None, None)


def test_runs_and_logs_are_told(service: Service) -> None:
    run_id = service.run("other")
    assert (newest(service)["action"], newest(service)["target"], newest(service)["detail"]) == (
        "script.run",
        "other",
        run_id,
    )
    service.post(f"/api/v1/runs/{run_id}/stop")
    assert (newest(service)["action"], newest(service)["target"], newest(service)["detail"]) == (
        "script.stop",
        "other",
        run_id,
    )
    service.ended(run_id)
    assert ask(service, "DELETE", "/api/v1/logs/other") == 200
    assert (newest(service)["action"], newest(service)["target"], newest(service)["detail"]) == (
        "logs.delete",
        "other",
        "1",
    )


def test_every_change_of_a_file_is_told_with_its_hashes_that_on_the_disk_too(service: Service) -> None:
    path, file = "/api/v1/files/jobs/a.sh", service.folder / "scripts/jobs/a.sh"
    one, two, three = (f"#!/bin/sh\necho {number}\n".encode() for number in (1, 2, 3))
    assert ask(service, "PUT", path, one) == 201
    assert told(newest(service)) == ("file.write", "jobs/a.sh", "done", None, hash_of(one))
    file.write_bytes(two)
    assert ask(service, "PUT", path, three) == 200
    saved, found = entries(service)[:2]
    assert told(found) == ("file.change", "jobs/a.sh", "done", hash_of(one), hash_of(two))
    assert (found["actor"]["kind"], found["address"]) == ("disk", None)
    assert told(saved) == ("file.write", "jobs/a.sh", "done", hash_of(two), hash_of(three))
    assert ask(service, "POST", f"{path}/versions/1/restore") == 200
    assert told(newest(service)) == ("file.restore", "jobs/a.sh", "done", hash_of(three), hash_of(one))
    assert newest(service)["detail"] == "1"
    assert ask(service, "DELETE", path) == 204
    assert told(newest(service)) == ("file.delete", "jobs/a.sh", "done", hash_of(one), None)
    (service.folder / "scripts/there.sh").write_bytes(one)
    service.fetch("/api/v1/files/there.sh")  # which nobody has looked at before: who knows since when it is there
    assert newest(service)["action"] == "file.delete"


def test_the_configuration_is_a_chain_whoever_changes_it(service: Service) -> None:
    def changes() -> list[dict[str, Any]]:
        return [entry for entry in entries(service) if entry["action"].startswith(("config.", "script.", "backup.r"))]

    service.config.write_text(FILE + "timezone: UTC\n")
    until(lambda: changes()[0]["after"], lambda found: found == hash_of(service.config))
    ask(service, "POST", f"{SCRIPTS}/job/disable")
    service.config.write_text(FILE + "  - {name: by-hand, command: x}\n")
    service.signal(signal.SIGHUP)
    until(lambda: changes()[0]["after"], lambda found: found == hash_of(service.config))
    assert changes()[0]["detail"] == "timezone, scripts: job, by-hand"
    service.stop()
    service.config.write_text(FILE)
    service.start()
    archive = service.fetch("/api/v1/backup")[2]
    ask(service, "DELETE", f"{SCRIPTS}/job")
    assert ask(service, "POST", "/api/v1/restore", archive) == 200
    chain = changes()[::-1]
    assert [entry["before"] for entry in chain] == [None, *(entry["after"] for entry in chain[:-1])]
    assert [entry["action"] for entry in chain] == [
        "config.change", "config.change", "script.disable", "config.change", "config.change", "script.delete",
        "backup.restore",
    ]  # fmt: skip
    assert chain[-1]["after"] == hash_of(service.config)
    assert "job" in load(service.config, environ={}, flags={}).entries


def test_a_restore_and_a_crash_take_nothing_from_the_trail(service: Service, start_service: Start) -> None:
    archive = service.fetch("/api/v1/backup")[2]
    service.run("job")
    assert ask(service, "DELETE", "/api/v1/logs/job") == 200
    before = entries(service)
    assert ask(service, "POST", "/api/v1/restore", archive) == 200
    restored, *rest = entries(service)
    assert (restored["action"], rest) == ("backup.restore", before)
    service.kill()
    service.start()
    assert entries(service) == [restored, *rest]
    other = start_service(FILE + "# of another machine\n")
    own = entries(other)
    assert ask(other, "POST", "/api/v1/restore", archive) == 200
    brought = entries(other)
    assert brought[1 : 1 + len(own)] == own
    assert [entry["id"] for entry in brought[1 + len(own) :]] == [entry["id"] for entry in rest[-1:]]


def test_who_does_not_wait_for_the_answer_is_told_of_too(service: Service) -> None:
    body = FILE.encode() + b"# changed\n"
    head = f"PUT /api/v1/config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as gone:
        gone.sendall(head + body)
    entry = until(lambda: newest(service), lambda entry: entry["after"] == hash_of(body))
    assert (entry["action"], entry["outcome"]) == ("config.save", "done")


def test_the_trail_is_downloaded_and_shipped_line_by_line(service: Service) -> None:
    assert service.process is not None
    assert service.process.stdout is not None
    for name in ("job", "nothing"):
        service.fetch(f"{SCRIPTS}/{name}/run", method="POST", body=b"")
    _, headers, text = service.fetch("/api/v1/audit?format=jsonl")
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["Content-Disposition"] == 'attachment; filename="cronscope-audit.jsonl"'
    downloaded = [json.loads(line) for line in text.splitlines()]
    assert downloaded == entries(service)
    assert len(service.fetch("/api/v1/audit?format=jsonl&limit=1")[2].splitlines()) == 1
    shipped = [json.loads(service.process.stdout.readline()) for _ in downloaded]
    assert [line["audit"] for line in shipped] == downloaded[::-1]
    assert {(line["event"], line["level"]) for line in shipped} == {("audit", "info"), ("audit", "warning")}


def test_a_download_has_every_entry_however_many(service: Service) -> None:
    names = [f"job-{number}" for number in range(1200)]
    new = [{"name": name, "command": "true"} for name in names]
    assert ask(service, "POST", f"{SCRIPTS}/batch", {"action": "import", "scripts": new}) == 200
    lines = service.fetch("/api/v1/audit?format=jsonl&action=script.import")[2].splitlines()
    assert [json.loads(line)["target"] for line in lines] == names[::-1]
    first = service.get("/api/v1/audit?limit=1000")
    assert len(service.get(f"/api/v1/audit?before={first['next']}&limit=1000")["audit"]) == 201


def test_no_entry_and_no_line_has_a_secret(start_service: Start) -> None:
    service = start_service("scripts: [{name: job, command: x, env: {API_TOKEN: hunter2}}]")
    secret = {"name": "new", "command": "x", "env": {"PASSWORD": "hunter2"}}
    ask(service, "POST", SCRIPTS, secret)
    ask(service, "POST", SCRIPTS, {**secret, "every": "hunter2"})
    ask(service, "PATCH", f"{SCRIPTS}/job", {"env": {"API_TOKEN": "hunter22"}})
    ask(service, "PUT", "/api/v1/config?token=hunter2", b"scripts: [{name: hunter2")
    assert len(entries(service)) == 5
    for misplaced in (f"cst_{'hunter2-' * 5}xyz", "ab" * 32):
        assert ask(service, "POST", SCRIPTS, {"name": misplaced, "command": "x"}) == 422
        assert ask(service, "PATCH", f"{SCRIPTS}/job", {"name": misplaced}) == 422
        assert ask(service, "POST", f"{SCRIPTS}/batch", {"action": "delete", "scripts": ["x", misplaced]}) == 404
    assert ask(service, "POST", f"{SCRIPTS}/cst_{'hunter2-' * 5}xyz/run") == 404
    assert [entry["target"] for entry in entries(service)[:4]] == ["***", "x, ***", "job", "***"]
    assert "abab" not in json.dumps(entries(service)) + "".join(service.errors)
    assert "hunter2" not in json.dumps(entries(service)) + "".join(service.errors)
