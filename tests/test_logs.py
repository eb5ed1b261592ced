"""The logs as the API hands them out, through the real service."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psutil
import pytest

from tests.service import Service, until

SCRIPTS = [
    {"name": "good", "command": "printf 'one\\ntwo\\n'; echo problem >&2"},
    {"name": "bad", "command": "echo failing; exit 3"},
    {"name": "odd", "command": """printf '=1+1,"x"\\r\\n\\000\\377 \\360\\237\\230\\200 no end'"""},
    {"name": "slow", "command": "echo begun; read x < gate; echo done"},
]
FIELDS = ["timestamp", "script_name", "run_id", "exit_code", "status", "reason", "duration_ms", "stdout", "stderr"]


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(json.dumps({"scripts": SCRIPTS}))


def run(service: Service, *names: str) -> list[dict[str, Any]]:
    return [service.ended(service.run(name)) for name in names]


def logs(service: Service, query: str = "") -> list[dict[str, Any]]:
    answer = service.get(f"/api/v1/logs?{query}")
    assert list(answer) == ["logs", "next"]
    records: list[dict[str, Any]] = answer["logs"]
    return records


def test_a_record_of_the_logs_has_all_of_a_run(service: Service) -> None:
    good, bad = run(service, "good", "bad")
    records = logs(service)
    assert [list(record) for record in records] == [FIELDS, FIELDS]
    assert records == [
        {
            "timestamp": bad["started_at"], "script_name": "bad", "run_id": bad["run_id"], "exit_code": 3,
            "status": "failed", "reason": "exit_code", "duration_ms": bad["duration"], "stdout": "failing\n",
            "stderr": "",
        },
        {
            "timestamp": good["started_at"], "script_name": "good", "run_id": good["run_id"], "exit_code": 0,
            "status": "completed", "reason": None, "duration_ms": good["duration"], "stdout": "one\ntwo\n",
            "stderr": "problem\n",
        },
    ]  # fmt: skip


def test_filters_and_pages_are_those_of_runs(service: Service) -> None:
    ids = [record["run_id"] for record in run(service, "good", "bad", "good")]
    first = service.get("/api/v1/logs?script=good&limit=1")
    assert [record["run_id"] for record in first["logs"]] == ids[2:]
    rest = service.get(f"/api/v1/logs?script=good&limit=1&before={first['next']}")
    assert ([record["run_id"] for record in rest["logs"]], rest["next"]) == (ids[:1], None)
    for query in ("status=failed", "exit_code=3", "reason=exit_code", "q=FAIL", "q=ng"):
        assert [record["run_id"] for record in logs(service, query)] == [ids[1]], query
    assert logs(service, "since=1h&until=30m") == []
    status, _, body = service.fetch("/api/v1/logs?format=xml&limit=1001&before=x&colour=1")
    assert status == 422
    assert {error["pointer"] for error in json.loads(body)["errors"]} == {"#/format", "#/limit", "#/colour"}
    status, headers, body = service.fetch("/api/v1/logs?format=csv&before=x")
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert json.loads(body)["errors"][0]["pointer"] == "#/before"


def test_json_lines_are_a_download_of_a_record_a_line(service: Service) -> None:
    run(service, *["good"] * 3, "odd")
    status, headers, body = service.fetch("/api/v1/logs?format=jsonl&script=good")
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    assert headers["Content-Disposition"] == 'attachment; filename="good-logs.jsonl"'
    assert [json.loads(line) for line in body.splitlines()] == logs(service, "script=good")
    assert body.count(b"\n") == 3
    assert len(service.fetch("/api/v1/logs?format=jsonl&limit=2")[2].splitlines()) == 2
    assert service.fetch("/api/v1/logs?format=jsonl&q=nothing")[2] == b""


def test_csv_is_a_download_with_the_names_of_its_fields(service: Service) -> None:
    run(service, "good", "bad", "odd")
    status, headers, body = service.fetch("/api/v1/logs?format=csv")
    assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert headers["Content-Disposition"] == 'attachment; filename="cronscope-logs.csv"'
    assert body.startswith(",".join(FIELDS).encode() + b"\r\n")
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    expected = [
        {name: "" if value is None else str(value) for name, value in record.items()} for record in logs(service)
    ]
    expected[0]["stdout"] = expected[0]["stdout"].replace("\0", "\ufffd")
    assert rows == expected


def test_bytes_that_are_no_text_do_no_harm(service: Service) -> None:
    run(service, "odd")
    assert logs(service)[0]["stdout"] == '=1+1,"x"\r\n\0\ufffd 😀 no end'


def test_downloads_have_every_record_and_json_has_pages(service: Service) -> None:
    run(service, *["bad"] * 60)
    assert len(logs(service)) == 50
    assert len(service.fetch("/api/v1/logs?format=jsonl")[2].splitlines()) == 60
    assert len(service.fetch("/api/v1/logs?format=jsonl&limit=50")[2].splitlines()) == 50
    assert service.fetch("/api/v1/logs?format=csv&q=failing")[2].count(b"failing") == 60


def test_a_run_under_way_has_what_it_wrote_so_far(service: Service) -> None:
    os.mkfifo(service.folder / "gate")
    run_id = service.run("slow")
    until(lambda: logs(service), lambda records: records and records[0]["stdout"])
    record = logs(service)[0]
    assert (record["status"], record["exit_code"], record["duration_ms"]) == ("running", None, None)
    assert record["stdout"] == "begun\n"
    (service.folder / "gate").write_text("go\n")
    service.ended(run_id)
    assert logs(service)[0]["stdout"] == "begun\ndone\n"


def test_starts_that_did_not_happen_are_told_only_to_who_asks(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: busy, command: sleep 1000, every: 100ms}]")
    record = until(lambda: logs(service, "reason=overlap"), bool)[0]
    assert (record["status"], record["reason"], record["stdout"]) == ("skipped", "overlap", "")
    assert record["timestamp"]
    assert {record["status"] for record in logs(service, "status=skipped")} == {"skipped"}
    assert [record["status"] for record in logs(service)] == ["running"]


def test_what_was_dropped_is_marked_in_its_stream(start_service: Callable[..., Service]) -> None:
    command = "seq -f 'line %06g' 1 5000; echo end >&2"
    service = start_service(json.dumps({"scripts": [{"name": "long", "command": command, "max_output": "10KiB"}]}))
    run(service, "long")
    record = logs(service)[0]
    lines = record["stdout"].splitlines()
    assert (lines[0], lines[-1], record["stderr"]) == ("line 000001", "line 005000", "end\n")
    assert [line for line in lines if "dropped here: over max_output 10KiB" in line]


def test_large_outputs_are_never_whole_in_memory(start_service: Callable[..., Service]) -> None:
    command = "head -c 30000000 /dev/zero | tr '\\0' x; head -c 20000000 /dev/zero | tr '\\0' '\\n' >&2"
    service = start_service(json.dumps({"scripts": [{"name": "big", "command": command, "max_output": "100MiB"}]}))
    run(service, *["big"] * 2)
    until(lambda: os.listdir(service.folder / "data/runs"), lambda left: not left)
    assert service.process is not None
    before = psutil.Process(service.process.pid).memory_info().rss
    for form, size in {"jsonl": 140_000_000, "csv": 100_000_000}.items():  # a line end is two bytes in JSON
        with urlopen(f"{service.url}/api/v1/logs?format={form}") as answer:
            assert size < sum(map(len, iter(partial(answer.read, 1 << 20), b""))) < size + 1000
    peak = peak_memory(service.process.pid)
    assert peak - before < 40 << 20


def peak_memory(pid: int) -> int:
    """Most memory that a process ever had resident, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


# --- deleting ---


def test_deleted_logs_are_gone_with_their_space_and_runs_under_way_stay(service: Service) -> None:
    os.mkfifo(service.folder / "gate")
    run(service, "good", "bad", "good")
    under_way = service.run("slow")
    last = service.metrics()['cronscope_script_last_success_timestamp_seconds{script="good"}']
    status, _, body = service.fetch("/api/v1/logs/good", method="DELETE")
    assert (status, json.loads(body)) == (200, {"deleted": 2})
    assert {record["script_name"] for record in logs(service)} == {"bad", "slow"}
    assert service.metrics()['cronscope_script_last_success_timestamp_seconds{script="good"}'] == last
    assert service.get("/api/v1/scripts/good")["last_run"]["status"] == "completed"
    for name in ("good", "slow"):
        assert json.loads(service.fetch(f"/api/v1/logs/{name}", method="DELETE")[2]) == {"deleted": 0}
    (service.folder / "gate").write_text("go\n")
    assert service.ended(under_way)["status"] == "completed"


def test_what_was_deleted_is_gone_although_its_output_was_still_on_its_way(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("scripts: [{name: long, command: seq 1 1000000}]")
    run_id = service.run("long")
    service.ended(run_id)
    assert json.loads(service.fetch("/api/v1/logs/long", method="DELETE")[2]) == {"deleted": 1}
    assert service.fetch(f"/api/v1/runs/{run_id}")[0] == 404


@pytest.mark.parametrize("name", ["nobody", "no/body", "..", "%00", "a" * 300, "Größe"])
def test_logs_of_a_script_that_there_never_was_are_not_found(service: Service, name: str) -> None:
    status, headers, _ = service.fetch(f"/api/v1/logs/{quote(name, safe='%')}", method="DELETE")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")


def test_logs_of_a_removed_script_can_be_deleted(service: Service) -> None:
    run(service, "good")
    service.config.write_text("scripts: []")
    service.fetch("/-/reload", method="POST", body=b"")
    assert len(logs(service, "script=good")) == 1
    assert json.loads(service.fetch("/api/v1/logs/good", method="DELETE")[2]) == {"deleted": 1}
    assert service.fetch("/api/v1/logs/good", method="DELETE")[0] == 404


def test_output_on_its_way_into_the_history_goes_with_its_record(start_service: Callable[..., Service]) -> None:
    service = start_service(json.dumps({"scripts": [{"name": "big", "command": "seq 1 1000000"}]}))
    run(service, "big")
    assert json.loads(service.fetch("/api/v1/logs/big", method="DELETE")[2]) == {"deleted": 1}
    until(lambda: os.listdir(service.folder / "data/runs"), lambda left: not left)
    assert logs(service) == []
    assert not [line for line in service.errors if "ERROR" in line]


def test_who_listens_hears_that_logs_were_deleted(service: Service) -> None:
    run(service, "good")
    with service.socket("?v=1") as rich:
        rich.wait("snapshot")
        assert service.fetch("/api/v1/logs/good", method="DELETE")[0] == 200
        changed = rich.wait("script_changed", op="updated")
    assert changed["data"]["script"]["name"] == "good"
    assert changed["data"]["script"]["last_run"]["status"] == "completed"
