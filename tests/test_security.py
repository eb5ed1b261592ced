"""What SECURITY.md promises is held by tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
PROMISES = re.findall(r"^\| (.+) \| (`test_.+`) \|$", (TESTS.parent / "SECURITY.md").read_text(), re.MULTILINE)


def test_every_promise_names_tests_that_there_are() -> None:
    source = "".join(file.read_text() for file in TESTS.rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)\(", source))
    assert len(PROMISES) > 15
    for promise, tests in PROMISES:
        named = re.findall(r"`(\w+)`", tests)
        assert named, promise
        assert [test for test in named if test not in there] == []
