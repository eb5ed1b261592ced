"""The files that a configuration names: what is told of them, and of which nothing can be done about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from exporter import named_files
from exporter.config import load
from exporter.named_files import exposed
from tests.certificates import make
from tests.command_line import invoke

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQxMjM$" + "A" * 43
CONFIG = f"""\
users: [{{name: ann, role: edit, password_hash_file: hash}}]
tokens: [{{name: ci, role: view, sha256: {"a" * 64}}}]
scripts:
  - name: job
    command: 'true'
    env_file: job.env
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """All of it is open to everybody."""
    for name, content in (("cronscope.yml", CONFIG), ("hash", HASH), ("job.env", "A=1\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o644)
    return tmp_path / "cronscope.yml"


def keys(file: Path) -> list[str]:
    return [each.key for each in exposed(load(file, environ={}, flags={}))]


def test_files_with_secrets_are_told_as_long_as_others_can_read_them(file: Path) -> None:
    assert keys(file) == ["", "users[0].password_hash_file", "scripts[0].env_file"]
    for each in exposed(load(file, environ={}, flags={})):
        subprocess.run(["sh", "-c", each.remedy], check=True)  # what is advised is what helps
    assert keys(file) == []


def test_a_configuration_without_secrets_may_be_read_by_everybody(file: Path) -> None:
    file.write_text("scripts: [{name: a, command: x, env: {LANG: C, EMPTY_TOKEN: ''}}]\n")
    assert keys(file) == []
    file.write_text("scripts: [{name: a, command: x, env: {LANG: C, A_TOKEN: x}}]\n")
    assert keys(file) == [""]


def test_nothing_is_told_of_what_nobody_can_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of containers are mounted for everybody there to read."""
    (file.parent / "secrets").mkdir()
    (file.parent / "hash").rename(file.parent / "secrets/hash")
    (file.parent / "hash").symlink_to("secrets/hash")
    monkeypatch.setattr(named_files, "_MOUNTED", file.parent / "secrets")
    assert keys(file) == ["", "scripts[0].env_file"]
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert keys(file) == []


def test_check_warns_in_the_words_of_doctor_and_is_content_all_the_same(file: Path) -> None:
    def told() -> list[str]:
        result = invoke("check", "-c", file)
        assert (result.exit_code, result.stdout) == (0, f"{file}: 1 script, no faults\n")
        by_doctor = invoke("doctor", "-c", file).stdout.replace(": error: ", ": warning: ").replace("\n    ", "; ")
        lines = result.stderr.splitlines()
        assert {*lines} <= {*by_doctor.splitlines()}
        return [line.removeprefix(f"{file}").replace(str(file.parent), "") for line in lines]

    for name in ("cronscope.yml", "hash", "job.env"):
        (file.parent / name).chmod(0o600)
    assert told() == []
    wrong = ":6: warning: job: env_file /job.env"
    (file.parent / "job.env").write_text("A=1\nno assignment\n")
    assert told()[0].startswith(f"{wrong}:2: expected NAME=VALUE, a comment or a blank line; correct")
    (file.parent / "job.env").unlink()
    assert told()[0].startswith(f"{wrong}: no such file or directory; correct")
    (file.parent / "job.env").write_text("A=1\n")
    (file.parent / "job.env").chmod(0o640)
    make(file.parent, ("-days 30", "-days 3"))
    (file.parent / "key.pem").chmod(0o600)
    file.write_text(CONFIG + "tls: {cert: cert.pem, key: key.pem}\n")
    first, second = told()
    assert first.startswith(":6: warning: scripts[0].env_file /job.env can be read by its group, and may hold secrets;")
    assert second.startswith(":7: warning: tls.cert /cert.pem is valid until ")
