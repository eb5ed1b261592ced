"""Files under `scripts_dir` through the real service: nothing that was acknowledged is ever lost."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from exporter.durable import DRAFT
from relay.handler import MAX_BODY
from tests.service import Service, leave_free, until

URL = "/api/v1/files"
HELLO = b"#!/bin/sh\necho hello\n"


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service("scripts: []")


def scripts(service: Service) -> Path:
    return service.folder / "scripts"


def put(service: Service, path: str, body: bytes, status: int = 200, **headers: str) -> dict[str, str]:
    """Write a file; the answer's headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    code, told, answer = service.fetch(f"{URL}/{path}", method="PUT", body=body, headers=named)
    assert code == status, answer
    return told


def read(service: Service, path: str) -> bytes:
    status, _, body = service.fetch(f"{URL}/{path}")
    assert status == 200, body
    return body


def delete(service: Service, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.fetch(f"{URL}/{path}", method="DELETE", headers=named)[0]


def ops(service: Service, path: str) -> list[tuple[int, str, int | None]]:
    """Number, kind and size of all versions, newest first."""
    return [(each["number"], each["op"], each["size"]) for each in service.get(f"{URL}/{path}/versions")["versions"]]


def version(service: Service, path: str, number: int) -> bytes:
    return read(service, f"{path}/versions/{number}")


def problem(answer: tuple[int, dict[str, str], bytes], status: int) -> str:
    code, headers, body = answer
    assert (code, headers["Content-Type"]) == (status, "application/problem+json"), body
    detail: str = json.loads(body)["detail"]
    return detail


# --- reading and writing ---


def test_a_file_is_made_read_replaced_and_deleted(service: Service) -> None:
    base = str(service.folder)
    assert service.get(URL) == {
        "files": [], "truncated": False, "folder": f"{base}/scripts", "base": base, "largest": 1 << 20,
    }  # fmt: skip
    made = put(service, "sub/job.sh", HELLO, 201)
    assert made["Location"] == f"{URL}/sub/job.sh"
    status, headers, body = service.fetch(f"{URL}/sub/job.sh")
    assert (status, body, headers["Etag"]) == (200, HELLO, made["Etag"])
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    (listed,) = service.get(URL)["files"]
    assert listed.items() >= {
        "path": "sub/job.sh", "size": len(HELLO), "executable": True, "link_to": None,
    }.items()  # fmt: skip
    replaced = put(service, "sub/job.sh", b"#!/bin/sh\n")
    assert replaced["Etag"] != made["Etag"]
    assert "Location" not in replaced
    assert (scripts(service) / "sub/job.sh").read_bytes() == b"#!/bin/sh\n"
    assert delete(service, "sub/job.sh") == 204
    assert service.fetch(f"{URL}/sub/job.sh")[0] == delete(service, "sub/job.sh") == 404
    assert not (scripts(service) / "sub/job.sh").exists()


def test_bytes_come_back_as_they_were_whatever_they_are_said_to_be(service: Service) -> None:
    contents = [b"", b"\xff\x00\r\n\x1a", b"a=1&b=2&" * 2000, bytes(range(256)) * 4096, "Grüße\n".encode()]
    for content in contents:
        for kind in (
            "application/octet-stream",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
        ):
            put(service, "data", b"before", 201 if not (scripts(service) / "data").exists() else 200)
            assert len(content) <= MAX_BODY
            put(service, "data", content, Content_Type=kind)
            assert read(service, "data") == content
        kind = service.fetch(f"{URL}/data")[1]["Content-Type"]
        assert kind == ("application/octet-stream" if b"\xff" in content else "text/plain; charset=utf-8")


def test_head_and_a_known_etag_spare_the_bytes(service: Service) -> None:
    etag = put(service, "job.sh", HELLO, 201)["Etag"]
    status, headers, body = service.fetch(f"{URL}/job.sh", method="HEAD")
    assert (status, headers["Etag"], headers["Content-Length"], body) == (200, etag, str(len(HELLO)), b"")
    assert service.fetch(f"{URL}/job.sh", headers={"If-None-Match": etag})[0] == 304
    assert service.fetch(f"{URL}/job.sh", headers={"If-None-Match": '"other"'})[0] == 200


def test_a_new_script_can_be_executed_and_a_replaced_file_keeps_its_mode(service: Service) -> None:
    def mode(name: str) -> int:
        return stat.S_IMODE((scripts(service) / name).stat().st_mode)

    put(service, "job.sh", HELLO, 201)
    put(service, "notes.txt", b"plain", 201)
    assert mode("job.sh") & 0o111
    assert not mode("notes.txt") & 0o111
    (scripts(service) / "job.sh").chmod(0o640)
    put(service, "job.sh", b"#!/bin/sh\n")
    assert mode("job.sh") == 0o640
    assert delete(service, "job.sh") == 204
    service.fetch(f"{URL}/job.sh/versions/2/restore", method="POST", body=b"")
    assert mode("job.sh") == 0o640  # who was not to read it still is not


REFUSED = {
    400: [
        "../cronscope.yml", "..%2fcronscope.yml", "%2e%2e/cronscope.yml", "a/../../x", "%2fetc%2fpasswd", "/etc/passwd",
        "..%5cx", "a%00b", "a%ffb", ".env", "a//b", "a/", "%2e", "x" * 300, "a%0ab", "..%252fx", "out",
        "out/cronscope.yml",
    ],
    404: ["unknown", "job.sh/x"],
    409: ["sub", "pipe", "large", "circle"],
}  # fmt: skip


def test_a_path_that_is_not_for_this_is_refused_by_every_method(service: Service) -> None:
    put(service, "sub/job.sh", HELLO, 201)
    put(service, "job.sh", HELLO, 201)
    folder = scripts(service)
    (folder / "out").symlink_to("..")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    os.truncate(os.open(folder / "large", os.O_CREAT | os.O_WRONLY), MAX_BODY + 1)
    config = service.config.read_bytes()
    before = sorted(path.name for path in service.folder.rglob("*"))
    for status, path in ((status, path) for status, paths in REFUSED.items() for path in paths):
        assert problem(service.fetch(f"{URL}/{path}"), status)
        assert problem(service.fetch(f"{URL}/{path}", method="DELETE"), status)
        if status != 404:
            assert problem(service.fetch(f"{URL}/{path}", method="PUT", body=b"bad"), status)
        if status == 400:
            assert problem(service.fetch(f"{URL}/{path}/versions/1/restore", method="POST", body=b""), status)
            assert problem(service.fetch(f"{URL}/{path}/check", method="POST", body=b""), status)
    assert service.config.read_bytes() == config
    assert sorted(path.name for path in service.folder.rglob("*")) == before


def test_a_folder_cannot_be_made_of_a_file(service: Service) -> None:
    put(service, "job.sh", HELLO, 201)
    assert "no folder" in problem(service.fetch(f"{URL}/job.sh/x", method="PUT", body=b"x"), 409)


def test_what_is_too_long_or_in_pieces_is_refused(service: Service) -> None:
    put(service, "full", bytes(MAX_BODY), 201)
    assert len(read(service, "full")) == MAX_BODY
    assert problem(service.fetch(f"{URL}/over", method="PUT", body=bytes(MAX_BODY + 1)), 413)
    put(service, "job.sh", HELLO, 415, Content_Encoding="gzip")
    put(service, "job.sh", HELLO, 400, Content_Range="bytes 0-20/40")
    assert [each["path"] for each in service.get(URL)["files"]] == ["full"]


def test_a_link_inside_is_one_more_name_of_its_file(service: Service) -> None:
    put(service, "real/job.sh", HELLO, 201)
    link = scripts(service) / "alias"
    link.symlink_to("real/job.sh")
    put(service, "alias", b"through\n")
    assert link.is_symlink()
    assert read(service, "real/job.sh") == b"through\n"
    assert ops(service, "alias") == ops(service, "real/job.sh")
    assert {each["path"]: each["link_to"] for each in service.get(URL)["files"]} == {
        "alias": "real/job.sh", "real/job.sh": None,
    }  # fmt: skip
    assert delete(service, "alias") == 204
    assert not link.is_symlink()
    assert read(service, "real/job.sh") == b"through\n"


def test_the_list_tells_what_others_did_and_passes_over_what_is_no_file(service: Service) -> None:
    put(service, "job.sh", HELLO, 201)
    folder = scripts(service)
    (folder / ".hidden").touch()
    (folder / "gone").symlink_to("nowhere")
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "circle").symlink_to("circle")
    (folder / "here").symlink_to(".")
    os.mkfifo(folder / "pipe")
    (folder / "Ärger 1.txt").write_text("by hand")
    os.truncate(os.open(folder / "large", os.O_CREAT | os.O_WRONLY), MAX_BODY + 1)
    os.utime(folder / "large", ns=(0, -(10**18)))
    listed = {each["path"]: each for each in service.get(URL)["files"]}
    assert list(listed) == ["job.sh", "large", "Ärger 1.txt"]
    assert listed["large"]["size"] == MAX_BODY + 1
    assert read(service, "%C3%84rger%201.txt") == b"by hand"


def test_a_long_list_comes_whole_and_one_too_long_says_so(service: Service) -> None:
    folder = scripts(service) / "deep"
    folder.mkdir(parents=True)
    for number in range(1000):
        (folder / f"{number:05}").touch()
    names = [each["path"] for each in service.get(URL)["files"]]
    assert names == [f"deep/{number:05}" for number in range(1000)]
    for number in range(1000, 10_000):
        (folder / f"{number:05}").touch()
    (scripts(service) / "zzz.sh").touch()
    told = service.get(URL)
    assert (len(told["files"]), told["truncated"], told["files"][-1]["path"]) == (10_000, True, "zzz.sh")


def test_the_services_own_data_is_out_of_reach(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts_dir: .")
    assert [each["path"] for each in service.get(URL)["files"]] == ["cronscope.yml"]
    assert problem(service.fetch(f"{URL}/data/history.db", method="PUT", body=b"x"), 400)


# --- who comes second ---


def test_a_stale_etag_changes_nothing(service: Service) -> None:
    old = put(service, "job.sh", HELLO, 201, If_None_Match="*")["Etag"]
    put(service, "job.sh", b"mine", 412, If_None_Match="*")
    put(service, "job.sh", b"second", If_Match=f'"other", {old}')
    put(service, "job.sh", b"third", 412, If_Match=old)
    put(service, "job.sh", b"third", 412, If_Match=old.strip('"'))
    put(service, "new.sh", b"third", 412, If_Match="*")
    assert delete(service, "job.sh", If_Match=old) == 412
    restored = service.fetch(f"{URL}/job.sh/versions/1/restore", method="POST", body=b"", headers={"If-Match": old})
    assert "has been changed" in problem(restored, 412)
    assert read(service, "job.sh") == b"second"
    assert ops(service, "job.sh") == [(2, "written", 6), (1, "written", len(HELLO))]
    assert delete(service, "job.sh", If_Match="*") == 204


def test_of_fifty_edits_at_once_one_wins_and_the_others_hear_of_it(service: Service) -> None:
    etag = put(service, "job.sh", HELLO, 201)["Etag"]
    statuses: list[int] = []
    with ThreadPoolExecutor(50) as pool:
        statuses += pool.map(
            lambda number: service.fetch(
                f"{URL}/job.sh", method="PUT", body=b"edit %d" % number, headers={"If-Match": etag}
            )[0],
            range(50),
        )
    assert sorted(statuses) == [200] + 49 * [412]
    assert read(service, "job.sh") == b"edit %d" % statuses.index(200)
    assert len(ops(service, "job.sh")) == 2


def test_fifty_editors_that_try_again_lose_none_of_their_lines(service: Service) -> None:
    put(service, "list.txt", b"", 201)

    def add(number: int) -> None:
        while True:
            _, headers, body = service.fetch(f"{URL}/list.txt")
            status, _, _ = service.fetch(
                f"{URL}/list.txt", method="PUT", body=body + b"%d\n" % number, headers={"If-Match": headers["Etag"]}
            )
            if status == 200:
                return

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(add, range(50)))
    assert sorted(map(int, read(service, "list.txt").split())) == list(range(50))
    assert len(ops(service, "list.txt")) == 51


# --- versions ---


def test_every_version_is_kept_told_compared_and_brought_back(service: Service) -> None:
    put(service, "job.sh", b"a\nb\nc\n", 201)
    put(service, "job.sh", b"a\nB\nc\n")
    put(service, "job.sh", b"a\nB\nc\n")  # the same: no news
    assert delete(service, "job.sh") == 204
    assert ops(service, "job.sh") == [(3, "deleted", None), (2, "written", 6), (1, "written", 6)]
    assert (version(service, "job.sh", 1), version(service, "job.sh", 2)) == (b"a\nb\nc\n", b"a\nB\nc\n")
    diff = service.fetch(f"{URL}/job.sh/versions/2?diff=1")[2].decode().splitlines()
    assert diff[:2] == ["--- job.sh (version 1)", "+++ job.sh (version 2)"]
    assert diff[3:] == [" a", "-b", "+B", " c"]
    status, headers, body = service.fetch(f"{URL}/job.sh/versions/1/restore", method="POST", body=b"")
    assert (status, headers["Location"], json.loads(body)["path"]) == (201, f"{URL}/job.sh", "job.sh")
    assert service.fetch(f"{URL}/job.sh/versions/2/restore", method="POST", body=b"")[0] == 200
    assert read(service, "job.sh") == b"a\nB\nc\n"
    assert [op for _, op, _ in ops(service, "job.sh")] == ["restored", "restored", "deleted", "written", "written"]


def test_a_version_that_there_is_not_is_told(service: Service) -> None:
    put(service, "job.sh", HELLO, 201)
    delete(service, "job.sh")
    numbers = ["9", "0", "x", "-1", "2", 30 * "9", "1?diff=9", "1?diff=2"]  # 2 is the deletion
    for address in [*(f"job.sh/versions/{number}" for number in numbers), "unknown/versions", "unknown/versions/1"]:
        assert problem(service.fetch(f"{URL}/{address}"), 404)
    for query in ("diff=x", "since=1"):
        assert problem(service.fetch(f"{URL}/job.sh/versions/1?{query}"), 422)


def test_what_was_changed_by_hand_is_kept_before_it_is_replaced(service: Service) -> None:
    path = scripts(service) / "job.sh"
    put(service, "job.sh", b"one", 201)
    path.write_bytes(b"by hand")
    put(service, "job.sh", b"three")
    assert ops(service, "job.sh") == [(3, "written", 5), (2, "found", 7), (1, "written", 3)]
    assert version(service, "job.sh", 2) == b"by hand"
    path.write_bytes(b"by hand again")
    delete(service, "job.sh")
    assert version(service, "job.sh", 4) == b"by hand again"
    path.write_bytes(b"made by hand")
    assert read(service, "job.sh") == b"made by hand"
    path.unlink()
    assert ops(service, "job.sh")[:3] == [(7, "deleted", None), (6, "found", 12), (5, "deleted", None)]


def test_a_folder_may_be_called_as_a_part_of_the_address_is(service: Service) -> None:
    made = put(service, "tools%2Fversions%2F1", HELLO, 201)
    put(service, "tools%2Fcheck", HELLO, 201)
    assert [each["path"] for each in service.get(URL)["files"]] == ["tools/check", "tools/versions/1"]
    assert service.fetch(made["Location"])[2] == read(service, "tools%2Fcheck") == HELLO
    assert len(ops(service, "tools%2Fversions%2F1")) == 1


# --- what may go wrong ---


def test_nothing_is_changed_where_the_version_cannot_be_stored(service: Service) -> None:
    put(service, "job.sh", HELLO, 201)
    # Another connection that holds the write lock stands for any reason why a commit may fail.
    blocker = sqlite3.connect(service.folder / "data" / "history.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert "history cannot be written" in problem(service.fetch(f"{URL}/job.sh", method="PUT", body=b"new"), 503)
    assert problem(service.fetch(f"{URL}/job.sh", method="DELETE"), 503)
    assert problem(service.fetch(f"{URL}/new/job.sh", method="PUT", body=b"new"), 503)
    assert read(service, "job.sh") == HELLO
    blocker.execute("ROLLBACK")
    blocker.close()
    assert [each["path"] for each in service.get(URL)["files"]] == ["job.sh"]
    put(service, "job.sh", b"new")
    assert [op for _, op, _ in ops(service, "job.sh")] == ["written", "written"]


def test_a_folder_that_cannot_be_made_is_told(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts_dir: /proc/self/no-such-folder")
    assert service.get(URL)["files"] == []
    assert "was left as it is" in problem(service.fetch(f"{URL}/job.sh", method="PUT", body=HELLO), 507)
    assert problem(service.fetch(f"{URL}/job.sh/versions"), 404)


def test_a_full_disk_leaves_the_file_as_it_was_and_no_version(
    start_service: Callable[..., Service], disk: Path
) -> None:
    service = start_service(f"{{data_dir: {disk}/data, scripts_dir: {disk}/scripts}}")
    put(service, "job.sh", HELLO, 201)
    leave_free(disk, 0)
    for path in ("job.sh", "new.sh"):
        assert "the disk is full" in problem(service.fetch(f"{URL}/{path}", method="PUT", body=bytes(MAX_BODY)), 507)
    assert read(service, "job.sh") == HELLO
    assert [each.name for each in (disk / "scripts").iterdir()] == ["job.sh"]
    (disk / "fill").unlink()
    put(service, "job.sh", b"new")
    assert ops(service, "job.sh") == [(2, "written", 3), (1, "written", len(HELLO))]


def test_killed_while_files_are_written_every_acknowledged_version_is_there_and_the_file_is_whole(
    service: Service,
) -> None:
    path = scripts(service) / "job.sh"
    put(service, "job.sh", b"0 " * 50_000, 201)
    acknowledged, sent = {0}, 0

    def edit() -> None:
        nonlocal sent
        while True:
            sent += 1
            try:
                status, _, body = service.fetch(f"{URL}/job.sh", method="PUT", body=b"%d " % sent * 50_000)
            except OSError:
                return
            assert status == 200, body
            acknowledged.add(sent)

    for _ in range(5):
        editor = threading.Thread(target=edit)
        before = max(acknowledged)
        editor.start()
        until(lambda: max(acknowledged), lambda last, before=before: last > before + 2)  # type: ignore[misc]
        service.kill()
        editor.join()
        words = set(path.read_bytes().split())
        assert len(words) == 1
        assert int(words.pop()) >= max(acknowledged)
        service.start()
    read(service, "job.sh")
    kept = {each["number"] for each in service.get(f"{URL}/job.sh/versions")["versions"]}
    contents = {int(version(service, "job.sh", number).split()[0]) for number in kept}
    assert acknowledged <= contents
    put(service, "job.sh", b"last")
    assert [each.name for each in scripts(service).iterdir() if DRAFT.fullmatch(each.name)] == []


def test_a_stopping_service_changes_no_files(start_service: Callable[..., Service]) -> None:
    service = start_service('{on_shutdown: wait, scripts: [{name: job, command: "read x < gate"}]}')
    os.mkfifo(service.folder / "gate")
    service.run("job")
    until(lambda: service.get("/api/v1/scripts/job")["running"], bool)
    put(service, "job.sh", HELLO, 201)
    assert service.process is not None
    service.process.terminate()
    until(lambda: service.fetch("/-/ready")[0], lambda status: status == 503)
    assert problem(service.fetch(f"{URL}/job.sh", method="PUT", body=b"late"), 503)
    (service.folder / "gate").write_text("go\n")
    assert service.process.wait(30) == 0


# --- check ---


def report(service: Service, path: str, body: bytes) -> Any:
    status, _, answer = service.fetch(f"{URL}/{path}/check", method="POST", body=body)
    assert status == 200, answer
    return json.loads(answer)


def test_a_check_tells_what_is_wrong_and_saves_and_executes_nothing(service: Service) -> None:
    assert report(service, "job.sh", HELLO) == {"ok": True, "findings": []}
    told = report(service, "job.sh", b"#!/bin/bash\ntouch %s/executed\nfi\n" % bytes(service.folder))
    assert told["ok"] is False
    assert [(each["line"], each["severity"]) for each in told["findings"]] == [(3, "error")]
    assert service.get(URL)["files"] == []
    assert not (service.folder / "executed").exists()
    assert problem(service.fetch(f"{URL}/../job.sh/check", method="POST", body=HELLO), 400)
    put(service, "job.sh", b"#!/bin/sh\nfi\n", 201)  # a half-done script may be saved


def test_a_script_that_was_written_is_run(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: job, command: ./scripts/sub/job.sh}]")
    put(service, "sub/job.sh", HELLO, 201)
    run_id = service.run("job")
    assert service.ended(run_id)["status"] == "completed"
    assert service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2] == b"hello\n"


# --- who else is told ---


def test_whoever_listens_is_told_of_every_change_as_it_comes(service: Service) -> None:
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")

        def told(path: str | None) -> bool:
            return bool(frames.wait("file_changed", path=path))

        put(service, "job.sh", HELLO, 201)
        assert told("job.sh")
        (scripts(service) / "job.sh").write_bytes(b"by hand\n")
        assert read(service, "job.sh") == b"by hand\n"
        assert told("job.sh")
        assert service.fetch(f"{URL}/job.sh/versions/1/restore", method="POST", body=b"")[0] == 200
        assert told("job.sh")
        assert delete(service, "job.sh") == 204
        assert told("job.sh")
        config = service.config.read_bytes() + b"\n# a comment\n"
        assert service.fetch("/api/v1/config", method="PUT", body=config)[0] == 200
        assert told(None)
