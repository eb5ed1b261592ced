from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from exporter.durable import DRAFT, Draft, Overtaken


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_made_with_its_folders_and_a_script_is_executable(tmp_path: Path) -> None:
    script, text = tmp_path / "a" / "b" / "job.sh", tmp_path / "a" / "notes.txt"
    before = os.umask(0o027)
    try:
        Draft(script, b"#!/bin/sh\n", None).publish()
        Draft(text, b"plain", None).publish()
    finally:
        os.umask(before)
    assert (script.read_bytes(), mode(script)) == (b"#!/bin/sh\n", 0o750)
    assert (text.read_bytes(), mode(text)) == (b"plain", 0o640)


def test_a_replaced_file_keeps_its_mode_and_owner_and_who_executes_it_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    path.write_text("old")
    path.chmod(0o4701)
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
        path.chmod(0o4701)
    seen = path.stat()
    with path.open() as running:
        Draft(path, b"new", seen).publish()
        assert running.read() == "old"
    assert (path.read_text(), mode(path)) == ("new", 0o701)
    assert (path.stat().st_uid, path.stat().st_gid) == (seen.st_uid, seen.st_gid)


def test_a_draft_is_seen_by_nobody_until_it_is_published_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    draft = Draft(path, b"new", None)
    assert not path.exists()
    draft.discard()
    assert list(tmp_path.iterdir()) == []
    draft.discard()


def test_what_a_crash_left_goes_with_the_next_draft_and_nothing_else_does(tmp_path: Path) -> None:
    left, mine = tmp_path / f".cronscope-{'0' * 16}.draft", tmp_path / ".cronscope-notes"
    left.write_text("half")
    mine.write_text("not a draft")
    Draft(tmp_path / "job.sh", b"new", None).publish()
    assert {path.name for path in tmp_path.iterdir()} == {"job.sh", mine.name}
    Draft(tmp_path / "job.sh", b"newer", (tmp_path / "job.sh").stat())
    assert len([path for path in tmp_path.iterdir() if DRAFT.fullmatch(path.name)]) == 1


def test_what_somebody_else_wrote_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    draft = Draft(path, b"ours", None)
    path.write_text("theirs")
    with pytest.raises(Overtaken):
        draft.publish()
    draft = Draft(path, b"ours", path.stat())
    path.write_text("theirs again")
    with pytest.raises(Overtaken):
        draft.publish()
    draft = Draft(path, b"ours", path.stat())
    path.unlink()
    with pytest.raises(Overtaken):
        draft.publish()
    assert not path.exists()
    path.write_text("theirs")
    draft = Draft(path, b"ours", path.stat())
    path.chmod(0o700)  # else the draft would take this back
    with pytest.raises(Overtaken):
        draft.publish()


def test_a_disk_that_takes_no_more_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Draft(tmp_path / "job.sh", b"new", None)
    assert list(tmp_path.iterdir()) == []
