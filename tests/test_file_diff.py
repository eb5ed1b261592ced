from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import file_diff
from exporter.file_diff import diff

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "@@ -1 +1 @@\n", "-x\n", "d\r\n"]), max_size=12)
CONTENT = st.builds(lambda lines, rest: ("".join(lines) + rest).encode(), LINES, st.sampled_from(["", "end", "b"]))


def test_a_diff_shows_what_changed_with_three_lines_around_it() -> None:
    old = "".join(f"line {number}\n" for number in range(1, 21))
    assert diff(old.encode(), old.replace("line 12\n", "new\n").encode(), "old", "new") == (
        "--- old\n+++ new\n@@ -9,7 +9,7 @@\n line 9\n line 10\n line 11\n-line 12\n+new\n line 13\n line 14\n line 15\n"
    )


def test_a_missing_line_end_is_told() -> None:
    assert diff(b"a\nb", b"a\nb\n", "old", "new") == (
        "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
    )


def test_the_same_content_has_no_diff() -> None:
    assert diff(b"a\n", b"a\n", "old", "new") == diff(b"\xff", b"\xff", "old", "new") == ""


def test_what_is_no_text_only_differs() -> None:
    assert diff(b"a\n", b"\xff", "old", "new") == "Binary files old and new differ\n"


def test_context_follows_where_a_line_is_repeated_to_the_end() -> None:
    assert diff(b"b\na\nb\nb\nb\nb\n", b"b\nb\nb\nb\nb\nb\n", "old", "new") == (
        "--- old\n+++ new\n@@ -1,5 +1,5 @@\n b\n-a\n+b\n b\n b\n b\n"
    )


@pytest.mark.parametrize("pairs", [file_diff.MAX_PAIRS, 0])
@given(old=CONTENT, new=CONTENT)
def test_patch_makes_the_one_of_the_other(
    tmp_path_factory: pytest.TempPathFactory, pairs: int, old: bytes, new: bytes
) -> None:
    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_diff, "MAX_PAIRS", pairs)
        told = diff(old, new, "old", "new")
    assert (told == "") == (old == new)
    if told:
        file: Path = tmp_path_factory.mktemp("patched") / "file"
        file.write_bytes(old)
        subprocess.run(["patch", "--binary", "-s", "-u", str(file)], input=told.encode(), check=True)
        assert file.read_bytes() == new if new else not file.exists() or file.read_bytes() == b""


def test_a_sorted_file_of_a_megabyte_is_told_at_once() -> None:
    lines = [f"{number * 7919 % 100_003:09}\n" for number in range(100_000)]
    told = diff("".join(lines).encode(), "".join(sorted(lines)).encode(), "old", "new")
    assert told.count("\n-") == told.count("\n+") - 1
    assert told.count("\n@@") == 1
