from __future__ import annotations

import shutil
from pathlib import Path
from unittest.mock import ANY

import pytest

from exporter import limited
from exporter.script_check import Report, check

Told = list[tuple[int, int, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    return folder


def told(report: Report) -> Told:
    """Line, column and severity of what was found."""
    return [(each.line, each.column, each.severity) for each in report.findings]


def only_message(report: Report) -> str:
    (finding,) = report.findings
    return finding.message


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("job.sh", b"#!/bin/sh\ntrue\n"), ("job", b"#!/usr/bin/env bash\n[[ a == b ]] || f=(1)\n"),
        ("job.py", b"#!/usr/bin/env python3\nmatch 1:\n  case _: print('\xc3\xa9')\n"),
        ("job.py", b"#! /usr/bin/env -S python3 -u\nprint()\n"), ("settings.json", b"{}\n"), (".env", b"A=1\n"),
        ("job.sh", b"#!/bin/sh -eu\n:\n"), ("notes.txt", b""), ("x.cat", b"#!/bin/cat\nif fi (\n"),
        ("data.csv", b"\xff\xfe,\n"),
    ],
)  # fmt: skip
def test_a_sound_file_has_no_findings(root: Path, name: str, script: bytes) -> None:
    assert check(script, root / name, root) == Report(ok=True, findings=[])


@pytest.mark.parametrize(
    ("name", "script", "expected"),
    [
        ("a.sh", b"#!/bin/sh\n\nif true; then\nfi\n", [(4, 1, "error")]),
        ("a.sh", b"#!/bin/bash\necho 'x\n", [(2, 1, "error")]),
        ("a.sh", b"#!/bin/bash\nfor x in; do\nfi\ndone\n", [(3, 1, "error")]),
        ("a.sh", b"#!/bin/bash\ncat <<END\nx\n", [(3, 1, "warning")]),
        ("a.sh", b"#!/bin/sh\nx=(1)\n", [(2, 1, "error")]),
        ("a.py", b"#!/usr/bin/env python3\n\xc3\xa9 = = 1\n", [(2, 5, "error")]),
        ("a.py", b"#!/usr/bin/env python3\nif 1:\nx\n", [(3, 1, "error")]),
        ("a.py", b"#!/usr/bin/env python3\n# -*- coding: nosuch -*-\nx = 1\n", [(ANY, ANY, "error")]),
        ("a.py", b"#!/usr/bin/env python3\nx = '\xff'\n", [(2, ANY, "error")]),
        ("a.py", b"#!/usr/bin/env python3\n" + b"-" * 200_000 + b"1\n", [(1, 1, "error")]),
        ("a.sh", b"#!/bin/sh\n" + b"{ " * 300_000, [(1, 1, "error"), (2, 600_001, "warning")]),
        ("a.sh", b"#!/bin/sh\r\nif true; then\r\n:\r\nfi\r\n", [(1, 10, "error")]),
        ("a.py", b"#!/usr/bin/env python3\nx = 1\r\n", [(2, 6, "warning")]),
        ("a.env", b"A=1\r\n", [(1, 4, "warning")]),
        ("a.sh", b"\xef\xbb\xbf#!/bin/sh\n:\n", [(1, 1, "error")]),
        ("a.sh", b"#!/bin/sh\n:\0\n", [(2, 2, "error")]),
        ("a.sh", b"#!/bin/sh\necho x", [(2, 7, "warning")]),
        ("a.sh", b"echo x\n", [(1, 1, "warning")]),
        ("a.sh", b"fi\n", [(1, 1, "warning"), (1, 1, "error")]),
        ("a.sh", b"#!\n", [(1, 1, "error")]),
        ("a.sh", b"#!bash\n", [(1, 1, "error")]),
        ("a.sh", b"#!/usr/bin/env\n", [(1, 1, "error")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_is(root: Path, name: str, script: bytes, expected: Told) -> None:
    report = check(script, root / name, root)
    assert told(report) == expected
    assert report.ok is not any(severity == "error" for _, _, severity in expected)


@pytest.mark.parametrize(
    ("name", "script", "remedy"),
    [
        ("a.sh", b"#!/opt/none/sh\n", f"here sh is {shutil.which('sh')}"),
        ("a.sh", b"#!/opt/none/fancy\n", "install it"),
        ("a.sh", b"#!/usr/bin/env no-such-shell\n", "PATH"),
        ("a.py", b"#!/usr/bin/env python3 -u\n", "-S"),
        ("a.py", b"#!python3\n", "#!/usr/bin/env python3"),
        ("a.py", b"print()\n", "#!/usr/bin/env python3"),
        ("job", b"ls\n", "#!/bin/sh"),
        ("a.sh", b"\xef\xbb\xbf#!/bin/sh\n", "without it"),
        ("a.sh", b"#!/bin/sh\n\0\n", "plain text"),
        ("a.sh", b"#!/bin/sh\r\n", "LF alone"),
        ("a.sh", b"#!/bin/sh\n:", "line break"),
    ],
)
def test_every_message_says_what_would_be_right(root: Path, name: str, script: bytes, remedy: str) -> None:
    assert remedy in only_message(check(script, root / name, root))


def test_an_existing_script_that_is_not_executable_is_told(root: Path) -> None:
    path = root / "a.sh"
    path.touch(0o644)
    assert "chmod +x a.sh" in only_message(check(b"#!/bin/sh\n", path, root))
    path.chmod(0o755)
    assert check(b"#!/bin/sh\n", path, root).findings == []


@pytest.mark.parametrize("shebang", ["#!/usr/bin/env python3", "#!/bin/sh", "#!/bin/bash"])
def test_nothing_of_a_script_is_executed(root: Path, shebang: str) -> None:
    marker = root / "executed"
    lines = [f"open('{marker}', 'w')"] if "python" in shebang else [f"touch {marker}", f"x=$(touch {marker})"]
    check("\n".join([shebang, *lines, ""]).encode(), root / "a", root)
    assert not marker.exists()


def test_a_script_that_was_saved_is_not_executed_as_the_interpreter_of_another(root: Path) -> None:
    interpreter = root / "bash"
    interpreter.write_text(f"#!/bin/sh\ntouch {root}/executed\n")
    interpreter.chmod(0o755)
    check(f"#!{interpreter}\nfi\n".encode(), root / "a.sh", root)
    assert not (root / "executed").exists()


def test_a_check_that_takes_too_long_is_given_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "SECONDS", 0)
    report = check(b"#!/bin/sh\n", root / "a.sh", root)
    assert report.ok
    assert "not waited for" in only_message(report)


def test_a_message_is_no_longer_than_anybody_reads(root: Path) -> None:
    report = check(b"#!/bin/sh\n)" + b"x" * 100_000 + b"\n;;" + b"y" * 100_000 + b"\n", root / "a.sh", root)
    assert len(only_message(report)) <= 500
