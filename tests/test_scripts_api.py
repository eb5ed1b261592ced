"""Scripts managed by the API of the real service: file, timetable, stream and metrics follow at once."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from exporter.config import load
from tests.service import Service, until

FILE = """\
# Everything that has to run.
scripts:
  # Nightly.
  - name: backup   # do not rename
    command: echo backup
    cron: "15 3 * * *"
  - name: sync
    command: echo sync   # cheap
    every: 1h
"""
SCRIPTS = "/api/v1/scripts"


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(FILE)


def ask(
    service: Service, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str
) -> dict[str, Any]:
    """The answer's JSON, with its headers under `headers`."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    found, answered, text = service.fetch(path, method=method, body=content, headers=given)
    assert found == status, text
    return {**(json.loads(text) if text else {}), "headers": answered}


def entries(service: Service) -> dict[str, dict[str, Any]]:
    return load(service.config, environ={}, flags={}).entries


def test_a_script_is_created_changed_and_deleted(service: Service) -> None:
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        entry = {"name": "check", "command": "echo checked; exit 3", "every": "2h", "labels": {"team": "ops"}}
        made = ask(service, "POST", SCRIPTS, entry, status=201)
        assert made["headers"]["Location"] == f"{SCRIPTS}/check"
        assert (made["name"], made["config"], made["schedule"]["kind"]) == ("check", entry, "every")
        assert made["next_run_at"]
        assert frames.wait("script_changed")["data"] == {
            "op": "created", "script": {key: value for key, value in made.items() if key != "headers"},
        }  # fmt: skip
        assert service.ended(service.run("check"))["exit_code"] == 3
        assert service.metrics()['cronscope_script_schedule_interval_seconds{script="check"}'] == 7200

        changed = ask(service, "PATCH", f"{SCRIPTS}/check", {"timeout": "5s", "cron": "@daily"})
        assert changed["config"] == {
            "name": "check", "command": "echo checked; exit 3", "cron": "@daily", "labels": {"team": "ops"},
            "timeout": "5s",
        }  # fmt: skip
        assert changed["last_run"]["exit_code"] == 3
        assert frames.wait("script_changed")["data"]["op"] == "updated"
        assert service.metrics()['cronscope_script_timeout_seconds{script="check"}'] == 5

        put = ask(service, "PUT", f"{SCRIPTS}/check", {"name": "check", "command": ["echo", "new"]})
        assert (put["config"], put["schedule"]["kind"]) == ({"name": "check", "command": ["echo", "new"]}, "manual")
        ask(service, "DELETE", f"{SCRIPTS}/check", status=204)
        ask(service, "GET", f"{SCRIPTS}/check", status=404)
        assert frames.wait("script_changed", op="deleted")["data"]["script"]["name"] == "check"
    assert not [name for name in service.metrics() if 'script="check"' in name]
    assert service.config.read_text() == FILE


def test_a_script_is_switched_off_and_on(service: Service) -> None:
    off = ask(service, "POST", f"{SCRIPTS}/backup/disable")
    assert (off["enabled"], off["next_run_at"]) == (False, None)
    assert service.config.read_text() == FILE.replace('3 * * *"\n', '3 * * *"\n    enabled: false\n')
    assert service.metrics()['cronscope_script_enabled{script="backup"}'] == 0
    on = ask(service, "POST", f"{SCRIPTS}/backup/enable")
    assert on["enabled"]
    assert on["next_run_at"]
    ask(service, "POST", f"{SCRIPTS}/sync/enable")  # as it was already
    ask(service, "POST", f"{SCRIPTS}/none/enable", status=404)


def test_a_renamed_script_is_another_one(service: Service) -> None:
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        assert ask(service, "PATCH", f"{SCRIPTS}/sync", {"name": "copy"})["name"] == "copy"
        assert frames.wait("script_changed")["data"]["op"] == "deleted"
        assert frames.wait("script_changed")["data"]["op"] == "created"
    assert service.config.read_text() == FILE.replace("name: sync", "name: copy")
    ask(service, "GET", f"{SCRIPTS}/sync", status=404)


def test_a_renamed_script_keeps_its_beat_and_is_not_renamed_while_it_runs(service: Service) -> None:
    ask(service, "POST", SCRIPTS, {"name": "daily", "command": "read x < gate", "every": "1d"}, status=201)
    os.mkfifo(service.folder / "gate")
    run_id = service.run("daily")
    until(lambda: service.get(f"{SCRIPTS}/daily")["running"], bool)
    refused = ask(service, "PATCH", f"{SCRIPTS}/daily", {"name": "nightly"}, status=409)
    assert "daily is running" in refused["detail"]
    (service.folder / "gate").write_text("go\n")
    service.ended(run_id)
    planned = until(lambda: service.get(f"{SCRIPTS}/daily")["next_run_at"], bool)
    assert (
        ask(service, "PUT", f"{SCRIPTS}/daily", {"name": "nightly", "command": "x", "every": "1d"})["next_run_at"]
        == planned
    )


def test_runs_of_a_script_that_was_removed_are_stopped_by_its_name(service: Service) -> None:
    ask(service, "POST", SCRIPTS, {"name": "long", "command": "sleep 1000"}, status=201)
    run_id = service.run("long")
    ask(service, "DELETE", f"{SCRIPTS}/long", status=204)
    assert ask(service, "POST", f"{SCRIPTS}/long/stop", status=202)["run_ids"] == [run_id]
    assert service.ended(run_id)["reason"] == "cancelled"
    ask(service, "POST", f"{SCRIPTS}/long/stop", status=404)


def test_a_batch_changes_the_file_that_was_meant_or_none(service: Service) -> None:
    seen = ask(service, "GET", SCRIPTS)["headers"]["Etag"]
    assert seen == service.fetch("/api/v1/config")[1]["Etag"]
    service.stop()
    service.start()
    batch = {"action": "disable", "scripts": ["sync", "sync"]}
    assert len(ask(service, "POST", f"{SCRIPTS}/batch", batch, If_Match=seen)["scripts"]) == 1
    ask(service, "POST", f"{SCRIPTS}/batch", {"action": "delete", "scripts": ["sync"]}, status=412, If_Match=seen)


def test_a_script_may_be_named_batch(service: Service) -> None:
    made = ask(service, "POST", SCRIPTS, {"name": "batch", "command": "echo"}, status=201)
    assert ask(service, "GET", made["headers"]["Location"])["name"] == "batch"
    ask(service, "PATCH", f"{SCRIPTS}/batch", {"timeout": 5})
    ask(service, "DELETE", f"{SCRIPTS}/batch", status=204)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("POST", "", {"name": "sync", "command": "x"}, 409, "named sync already"),
        ("POST", "", {"name": "a b", "command": "x"}, 422, "#/name"),
        ("POST", "", {"name": "a"}, 422, "#/command"),
        ("POST", "", {"name": "a", "command": "x", "cron": "61 * * * *"}, 422, "#/cron"),
        ("POST", "", {"name": "a", "command": "x", "env": {"1A": "x"}}, 422, "#/env/1A"),
        ("POST", "", {"name": "a", "command": "x", "success_codes": [0, 256]}, 422, "#/success_codes/1"),
        ("POST", "", {"name": "a", "command": "x", "shedule": "x"}, 422, "#/shedule"),
        ("POST", "", [], 422, "#"),
        ("POST", "", b"{", 400, "JSON"),
        ("POST", "", b"\xff", 400, "JSON"),
        ("PUT", "/none", {"command": "x"}, 404, "none"),
        ("PUT", "/sync", {"name": "backup", "command": "x"}, 409, "named backup already"),
        ("PATCH", "/sync", {"every": "soon"}, 422, "#/every"),
        ("PATCH", "/sync", {"every": 1, "cron": "@daily"}, 422, "#/"),
        ("DELETE", "/none", None, 404, "none"),
        ("POST", "/batch", {"action": "enable"}, 422, "scripts"),
        ("POST", "/batch", {"action": "destroy", "scripts": []}, 422, "destroy"),
        ("POST", "/batch", {"action": "disable", "scripts": ["sync", "x", "y"]}, 404, "x, y"),
        ("POST", "/batch", {"action": "update", "scripts": ["sync"], "config": {"every": "x"}}, 422, "#/config/every"),
        ("POST", "/batch", {"action": "update", "scripts": ["sync"], "config": {"name": "x"}}, 422, "#/config/name"),
        ("POST", "/batch", {"action": "import", "scripts": [{"name": "a", "command": "x"}, {"name": "b"}]}, 422,
         "#/scripts/1/command"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_changes_nothing(
    service: Service, method: str, path: str, body: Any, status: int, told: str
) -> None:
    answer = ask(service, method, SCRIPTS + path, body, status=status)
    assert told in json.dumps(answer)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert service.config.read_text() == FILE


def test_who_saw_an_older_script_overwrites_nothing(service: Service) -> None:
    path = f"{SCRIPTS}/sync"
    seen = ask(service, "GET", path)["headers"]["Etag"]
    service.ended(service.run("sync"))
    assert ask(service, "GET", path, If_None_Match=seen)["headers"]["Etag"] == seen  # live state is no change of it
    new = ask(service, "PATCH", path, {"timeout": "5s"}, If_Match=seen)["headers"]["Etag"]
    assert new != seen
    for method, body in (("PATCH", {"timeout": "6s"}), ("PUT", {"command": "x"}), ("DELETE", None)):
        assert "sync" in ask(service, method, path, body, status=412, If_Match=seen)["detail"]
    ask(service, "POST", f"{path}/disable", status=412, If_Match=seen)
    assert entries(service)["sync"]["timeout"] == "5s"
    ask(service, "DELETE", path, status=204, If_Match=f'"other", {new}')


def test_changes_of_no_scripts_change_nothing_whatever_they_are(service: Service) -> None:
    for config in ({"every": "5m"}, {"every": [1]}):
        action: dict[str, Any] = {"action": "update", "scripts": [], "config": config}
        assert ask(service, "POST", f"{SCRIPTS}/batch", action)["scripts"] == []
    assert service.config.read_text() == FILE


def test_many_scripts_are_changed_by_one_write(service: Service) -> None:
    batch = f"{SCRIPTS}/batch"
    exported = ask(service, "POST", batch, {"action": "export"})["scripts"]
    assert exported == [*entries(service).values()]
    both = ["backup", "sync"]
    changed = ask(service, "POST", batch, {"action": "update", "scripts": both, "config": {"every": "5m"}})["scripts"]
    assert [script["schedule"]["kind"] for script in changed] == ["every", "every"]
    off = ask(service, "POST", batch, {"action": "disable", "scripts": both})["scripts"]
    assert [script["enabled"] for script in off] == [False, False]
    ask(service, "POST", batch, {"action": "enable", "scripts": both})
    assert ask(service, "POST", batch, {"action": "delete", "scripts": both})["deleted"] == both
    assert ask(service, "GET", SCRIPTS)["scripts"] == []
    ask(service, "POST", batch, {"action": "import", "scripts": exported})
    assert [*entries(service).values()] == exported
    new = [{"name": "sync", "command": "other"}, {"name": "third", "command": "x"}]
    ask(service, "POST", batch, {"action": "import", "scripts": new}, status=409)
    ask(service, "POST", batch, {"action": "import", "scripts": new, "on_conflict": "skip"})
    assert (entries(service)["sync"], entries(service)["third"]) == (exported[1], new[1])
    ask(service, "POST", batch, {"action": "import", "scripts": new, "on_conflict": "replace"})
    assert entries(service)["sync"] == new[0]
    assert service.config.read_text().startswith("# Everything that has to run.\nscripts:\n  # Nightly.\n")


# --- the file, as a whole and by hand ---


def test_a_change_made_by_hand_is_noticed(service: Service) -> None:
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        service.config.write_text(FILE.replace("1h", "2h"))
        assert frames.wait("script_changed")["data"]["script"]["config"]["every"] == "2h"
        new = service.config.with_suffix(".new")  # as editors do that write a new file
        new.write_text(FILE + "  - {name: third, command: x}\n")
        new.rename(service.config)
        assert frames.wait("script_changed", op="created")["data"]["script"]["name"] == "third"
        service.config.write_text("scripts: [")
        assert "the old one stays in force" in frames.wait("error")["data"]["message"]
        assert len(ask(service, "GET", SCRIPTS)["scripts"]) == 3
        assert service.metrics()["cronscope_config_last_reload_successful"] == 0
        refused = ask(service, "PATCH", f"{SCRIPTS}/sync", {"every": "3h"}, status=409)
        assert refused["errors"][0]["line"] == 2
        assert service.config.read_text() == "scripts: ["
        service.config.write_text("")  # as while somebody copies another one there, slowly
        assert "empty" in frames.wait("error")["data"]["message"]
        service.config.unlink()
        assert "cannot be read" in frames.wait("error")["data"]["message"]
        service.config.write_text(FILE)
        assert frames.wait("script_changed", op="deleted")["data"]["script"]["name"] == "third"
        until(service.metrics, lambda samples: samples["cronscope_config_last_reload_successful"] == 1)


def test_a_file_behind_a_link_is_watched_and_written_where_it_is(start_service: Callable[..., Service]) -> None:
    service = start_service(FILE)
    service.stop()
    real = service.folder / "elsewhere" / "real.yml"
    real.parent.mkdir()
    service.config.rename(real)
    service.config.symlink_to(real)
    service.start()
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        real.write_text(FILE.replace("1h", "2h"))
        frames.wait("script_changed")
        ask(service, "DELETE", f"{SCRIPTS}/sync", status=204)
    assert service.config.is_symlink()
    assert "sync" not in real.read_text()


def test_the_whole_file_is_read_and_written(service: Service) -> None:
    path = "/api/v1/config"
    status, headers, text = service.fetch(path)
    assert (status, headers["Content-Type"], text.decode()) == (200, "application/yaml", FILE)
    new = FILE.replace("1h", "2h") + "sample_interval: 5s  # slow\n"
    assert service.fetch(path, headers={"If-None-Match": headers["Etag"]})[::2] == (304, b"")
    put = ask(service, "PUT", path, new.encode(), If_Match=headers["Etag"])
    assert put["changed_at_next_start"] == ["sample_interval"]
    assert put["headers"]["Etag"] == service.fetch(path)[1]["Etag"]
    assert service.config.read_text() == new
    assert service.get(f"{SCRIPTS}/sync")["config"]["every"] == "2h"
    ask(service, "PUT", path, FILE.encode(), status=412, If_Match=headers["Etag"])
    faulty = ask(service, "PUT", path, FILE.replace("every: 1h", "every: soon").encode(), status=422)
    assert (faulty["errors"][0]["line"], faulty["errors"][0]["column"]) == (9, 12)
    assert faulty["errors"][0]["pointer"] == "#/scripts/1/every"
    ask(service, "PUT", path, b"\xff\xfe", status=422)
    ask(service, "PUT", path, b"", status=422)
    ask(service, "PUT", path, b"#" * (9 << 20), status=413)
    assert service.config.read_text() == new
    back = ask(service, "PUT", path, (FILE + "#" * (2 << 20)).encode())
    assert back["changed_at_next_start"] == []


def test_a_text_is_checked_before_it_is_the_file(service: Service) -> None:
    path = "/api/v1/config/check"
    assert ask(service, "POST", path, FILE.encode())["faults"] == []
    [fault] = ask(service, "POST", path, b"scripts:\n- {name: a, command: x, every: 0}\n")["faults"]
    assert (fault["line"], fault["column"], fault["key"]) == (2, 32, "scripts[0].every")
    assert "100ms or longer" in fault["message"]
    assert "empty" in ask(service, "POST", path, b"")["faults"][0]["message"]
    assert service.config.read_text() == FILE


def test_no_foreign_page_and_no_stopping_service_changes_anything(service: Service) -> None:
    ask(service, "DELETE", f"{SCRIPTS}/sync", status=403, Origin="https://evil.example")
    ask(service, "PUT", "/api/v1/config", b"", status=403, Origin="https://evil.example")
    assert service.config.read_text() == FILE


# --- nothing is lost ---


def test_fifty_edits_at_once_are_all_in_the_file_with_every_comment(service: Service) -> None:
    def create(number: int) -> int:
        entry = {"name": f"job{number}", "command": f"echo {number}"}
        return service.fetch(SCRIPTS, method="POST", body=json.dumps(entry).encode())[0]

    def patch(number: int) -> int:
        return service.fetch(f"{SCRIPTS}/sync", method="PATCH", body=json.dumps({"env": {f"V{number}": "x"}}).encode())[
            0
        ]

    with ThreadPoolExecutor(50) as pool:
        created = pool.map(create, range(25))
        patched = pool.map(patch, range(25))
        assert {*created, *patched} == {200, 201}
    found = entries(service)
    assert found.keys() == {"backup", "sync", *(f"job{number}" for number in range(25))}
    assert found["sync"]["env"].keys() == {f"V{number}" for number in range(25)}
    for comment in ("# Everything that has to run.", "# Nightly.", "# do not rename", "# cheap"):
        assert comment in service.config.read_text()
    assert {script["name"] for script in service.get(SCRIPTS)["scripts"]} == found.keys()


def test_of_edits_of_the_same_state_exactly_one_is_made(service: Service) -> None:
    seen = ask(service, "GET", f"{SCRIPTS}/sync")["headers"]["Etag"]

    def patch(number: int) -> int:
        body = json.dumps({"timeout": number + 1}).encode()
        return service.fetch(f"{SCRIPTS}/sync", method="PATCH", body=body, headers={"If-Match": seen})[0]

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(patch, range(20))) == [200] + [412] * 19


def test_killed_in_a_loop_of_edits_every_acknowledged_edit_is_in_a_sound_file(service: Service, tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for life in range(8):
        enough = threading.Event()

        def edit(life: int = life, enough: threading.Event = enough) -> None:
            for number in range(1000):
                name = f"job-{life}-{number}"
                with suppress(OSError, urllib.error.URLError):
                    body = json.dumps({"name": name, "command": "true"}).encode()
                    if service.fetch(SCRIPTS, method="POST", body=body)[0] != 201:
                        return
                    acknowledged.add(name)
                    if number == 2 + life % 3:
                        enough.set()
                    continue
                return

        editing = threading.Thread(target=edit)
        editing.start()
        enough.wait(30)
        service.kill()
        editing.join()
        found = entries(service)
        assert acknowledged | {"backup", "sync"} <= found.keys()
        for comment in ("# Everything that has to run.", "# Nightly.", "# do not rename", "# cheap"):
            assert comment in service.config.read_text()
        service.start()
        assert {script["name"] for script in service.get(SCRIPTS)["scripts"]} == found.keys()
    service.signal(signal.SIGTERM)
    assert [name for name in service.folder.iterdir() if "cronscope-" in name.name and "lock" not in name.name] == []
