from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from exporter import limited
from tests.service import until


def test_what_a_program_says_comes_back_and_it_hears_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRONSCOPE_SECRET", "x")
    run = limited.run(["/bin/sh", "-c", "cat; env >&2; pwd; exit 3"], b"given\n")
    assert (run.returncode, run.stdout) == (3, b"given\n/\n")
    assert b"SECRET" not in run.stderr


def test_all_that_it_started_is_killed_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "SECONDS", 0.5)
    with pytest.raises(subprocess.TimeoutExpired):
        limited.run(["/bin/sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; wait"], b"")
    pid = int((tmp_path / "pid").read_text())
    until(lambda: _state(pid), lambda state: state in (None, "Z"))


def test_it_cannot_take_all_memory() -> None:
    run = limited.run(["/usr/bin/env", "python3", "-c", "bytes(2 << 30)"], b"")
    assert b"MemoryError" in run.stderr


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return None
