"""Changes to the text of a configuration file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.config import read
from exporter.edits import edited, same

Entries = dict[str, dict[str, Any]]
Edit = Callable[[Entries], None]


def entries_of(text: str) -> Entries:
    return read(text, Path("cronscope.yml"), environ={}, flags={}).entries


def changed(text: str, *edits: Edit) -> str:
    wanted = entries_of(text)
    for edit in edits:
        edit(wanted)
    return edited(text, entries_of(text), wanted)


def patch(name: str, **changes: Any) -> Edit:
    """A change of some keys; None removes one."""

    def edit(entries: Entries) -> None:
        entries[name] = {key: value for key, value in (entries[name] | changes).items() if value is not None}

    return edit


def add(**entry: Any) -> Edit:
    return lambda entries: entries.update({entry["name"]: entry})


def remove(name: str) -> Edit:
    def edit(entries: Entries) -> None:
        del entries[name]

    return edit


FILE = """\
# Everything that has to run.
listen: 127.0.0.1:8917   # local only

scripts:
  # Nightly, before the tapes are changed.
  - name: backup   # do not rename: the dashboards use it
    command: ./backup.sh --full
    cron: "15 3 * * *"   # after midnight's load
    env: {LANG: C.UTF-8,   TZ: UTC}
    # not longer than the tape
    timeout: 10m

  - name: sync
    command:
      - rsync   # the new one
      - -a
    every: 30s
"""


def test_a_changed_value_is_the_only_thing_that_changes() -> None:
    assert changed(FILE, patch("backup", timeout="20m")) == FILE.replace("10m", "20m")
    assert changed(FILE, patch("sync", every=45)) == FILE.replace("30s", "45")
    cron = changed(FILE, patch("backup", cron="0 4 * * 1-5"))
    assert cron == FILE.replace('"15 3 * * *"', '"0 4 * * 1-5"')


def test_an_edit_that_changes_nothing_leaves_every_byte() -> None:
    assert changed(FILE, patch("backup"), patch("sync")) == FILE


def test_a_new_key_comes_last_in_its_entry() -> None:
    assert changed(FILE, patch("backup", enabled=False)) == FILE.replace("10m\n", "10m\n    enabled: false\n")
    assert changed(FILE, patch("sync", labels={"team": "ops"})) == FILE + "    labels: {team: ops}\n"


def test_a_removed_key_leaves_its_comment_behind() -> None:
    assert changed(FILE, patch("backup", timeout=None)) == FILE.replace("    timeout: 10m\n", "")
    assert changed(FILE, patch("backup", cron=None)) == FILE.replace(
        'cron: "15 3 * * *"   # after', "# after"
    )  # fmt: skip


def test_a_schedule_takes_the_place_of_another_and_its_comment() -> None:
    assert changed(FILE, patch("backup", cron=None, every="1h")) == FILE.replace('cron: "15 3 * * *"', "every: 1h")


def test_values_within_a_value_are_changed_where_they_stand() -> None:
    longer = changed(FILE, patch("backup", env={"LANG": "C", "TZ": "UTC", "A": "b c"}))
    assert longer == FILE.replace("LANG: C.UTF-8,   TZ: UTC}", "LANG: C,   TZ: UTC, A: b c}")
    assert changed(FILE, patch("backup", env={"TZ": "UTC"})) == FILE.replace("LANG: C.UTF-8,   ", "")
    assert changed(FILE, patch("backup", env={"LANG": "C.UTF-8"})) == FILE.replace(",   TZ: UTC", "")
    longer = changed(FILE, patch("sync", command=["rsync", "-av", "/data", "x y: z"]))
    assert longer == FILE.replace("- -a\n", '- "-av"\n      - /data\n      - "x y: z"\n')
    assert changed(FILE, patch("sync", command=["rclone"])) == FILE.replace("- rsync", "- rclone").replace(
        "      - -a\n", ""
    )  # fmt: skip


def test_a_value_below_its_key_moves_up_and_keeps_the_comments_in_it() -> None:
    assert changed(FILE, patch("sync", command="rsync -a")) == FILE.replace(
        "command:\n      - rsync   # the new one\n      - -a\n", "command: rsync -a  # the new one\n"
    )  # fmt: skip


def test_text_of_several_lines_is_written_as_a_block() -> None:
    script = "set -eu\n\nif true; then\n  echo yes\nfi\n"
    longer = changed(FILE, patch("backup", command=script))
    block = "command: |\n      set -eu\n\n      if true; then\n        echo yes\n      fi\n"
    assert longer == FILE.replace("command: ./backup.sh --full\n", block)
    assert changed(longer, patch("backup", command="./backup.sh --full")) == FILE
    assert entries_of(changed(FILE, patch("backup", command=script[:-1])))["backup"]["command"] == script[:-1]
    noted = FILE.replace("--full\n", "--full # all\n")
    assert '"set -eu\\n\\nif' in changed(noted, patch("backup", command=script))


def test_the_comment_of_a_block_stays_in_its_line() -> None:
    text = "scripts:\n- name: a\n  command: |  # two steps\n    one\n    two\n\n  # by hand\n"
    assert changed(text, patch("a", command="three")) == (
        "scripts:\n- name: a\n  command: three  # two steps\n\n  # by hand\n"
    )
    assert changed(text, patch("a", command="one\nthree\n")) == text.replace("two\n\n", "three\n\n")


def test_a_new_script_comes_last_and_is_set_apart_as_the_others_are() -> None:
    new = add(name="check", command="true", every="5m", env={"A": "yes", "B": "1", "C": "a: b"})
    block = '\n  - name: check\n    command: "true"\n    every: 5m\n    env: {A: "yes", B: "1", C: "a: b"}\n'
    assert changed(FILE, new) == FILE + block
    assert changed(FILE.rstrip("\n"), new) == FILE + block
    commented = FILE.replace("  - name: sync", "  # Cheap.\n  # Often.\n  - name: sync")
    assert changed(commented, new) == commented + block


def test_a_removed_script_goes_with_the_comments_inside_it_and_no_other() -> None:
    assert changed(FILE, remove("sync")) == FILE[: FILE.index("\n  - name: sync")]
    assert changed(FILE, remove("backup")) == (
        FILE[: FILE.index("  - name: backup")] + FILE[FILE.index("\n  - name: sync") :]
    )
    assert changed(FILE, remove("backup"), remove("sync")).endswith(
        "scripts:\n  # Nightly, before the tapes are changed.\n"
    )


@pytest.mark.parametrize(
    "text",
    ["", "# nothing yet\n", "listen: 127.0.0.1:1\n", "scripts:\n", "scripts: []   # none yet\n# end\n", "scripts: ~\n",
     "scripts: [  # none\n]\nlisten: 127.0.0.1:1\n", "{}", "{listen: 127.0.0.1:1}\n", "{scripts: []}", "{scripts: }",
     "---\nlisten: 127.0.0.1:1\n", '{"scripts": [], "timezone": "UTC"}'],
)  # fmt: skip
def test_the_first_script_finds_its_place(text: str) -> None:
    result = changed(text, add(name="a", command="echo 1"), add(name="b", command=["x", "#y"]))
    assert entries_of(result) == {
        "a": {"name": "a", "command": "echo 1"}, "b": {"name": "b", "command": ["x", "#y"]},
    }  # fmt: skip
    for kept in ("# nothing yet", "# none", "# end", "127.0.0.1:1"):
        assert (kept in result) == (kept in text)


def test_the_first_key_of_an_entry_leaves_its_dash_behind_and_its_comment() -> None:
    text = "scripts:\n  - every: 5s\t# often\n    name: a\n    command: x\n"
    assert changed(text, patch("a", every=None)) == text.replace("every: 5s\t", "")


def test_windows_line_ends_and_a_byte_order_mark_stay() -> None:
    text = "\ufeff" + FILE.replace("\n", "\r\n")
    result = changed(text, patch("sync", timeout="5s"), add(name="c", command="a\nb\n"))
    assert result.startswith("\ufeff#")
    assert result.count("\n") == result.count("\r\n")
    assert entries_of(result)["c"]["command"] == "a\nb\n"


MERGED = """\
scripts:
  - &base
    name: base
    command: ./run
    timeout: 5m
    env: &env {A: b}   # shared
  - <<: *base
    name: other
    env: *env
"""


def test_what_a_merge_key_brings_is_overruled() -> None:
    assert changed(MERGED, patch("other", timeout="9m")) == MERGED + "    timeout: 9m\n"
    assert changed(MERGED, patch("other", timeout=None)) == MERGED + "    timeout: null\n"
    assert changed(MERGED, patch("other", env={"A": "c"})) == MERGED.replace("env: *env", "env: {A: c}")


FLOW = """\
scripts: [
  {name: a, command: x},  # first
  {"name": "b", "command": ["y"], "every": 5,  # often
   "timeout": 1},
]
"""


def test_flow_style_stays_flow_style() -> None:
    assert changed(FLOW, patch("a", timeout="5s")) == FLOW.replace("command: x}", "command: x, timeout: 5s}")
    assert changed(FLOW, patch("b", every=None, timeout=None)) == FLOW.replace(
        '["y"], "every": 5,  # often\n   "timeout": 1}', '["y"]  # often\n   }'
    )  # fmt: skip
    assert changed(FLOW, add(name="c", command="z")) == FLOW.replace("1},", "1}, {name: c, command: z},")
    assert entries_of(changed(FLOW, remove("a"))) == {"b": entries_of(FLOW)["b"]}
    assert "# first" in changed(FLOW, remove("a"))
    assert entries_of(changed(FLOW, remove("a"), remove("b"), add(name="c", command="z"))).keys() == {"c"}


def test_a_file_that_is_json_stays_json() -> None:
    text = '{"timezone": "UTC", "scripts": [\n  {"name": "a", "command": "x", "every": "5s"}\n]}\n'
    result = changed(text, patch("a", every=None, cron="@daily", env={"A": "b"}), add(name="c", command=["y", "z"]))
    assert [*json.loads(result)["scripts"]] == [
        {"name": "a", "command": "x", "cron": "@daily", "env": {"A": "b"}}, {"name": "c", "command": ["y", "z"]},
    ]  # fmt: skip
    first = changed('{"timezone": "UTC"}', add(name="c", command="y"))
    assert json.loads(first)["scripts"] == [{"name": "c", "command": "y"}]


@pytest.mark.parametrize(
    "value",
    ["", " ", "yes", "NULL", "~", "1.10", "0x10", "1e5", "12:30:00", "2027-01-01", "- a", "a: b", "a #b", "#", "*a",
     "&a", "!x", "%x", "@x", "`x`", "{a}", "[a]", "'", '"', "\\", "a\\nb", "\t", "a\tb", "\x7f", "\x85", "\u2028",
     "\ufeff", "日本", "\U0001f600", "a\n", "\na", " a\nb", "a\nb", "a\nb\n\n", "a\n\n  b\n", "a\n \nb", "a\r\nb",
     "a\nb ", "---", "...", "? a", "a:", "|", ">-",
     "=", "<<", "on", "OFF", "y", ".5", "+1", "0o7", "1_000", "a, b", "a ", "x" * 300],
)  # fmt: skip
def test_any_text_is_written_so_that_it_reads_as_the_same_text(value: str) -> None:
    for text in (FILE, FLOW.replace("name: a", "name: backup")):
        env = {"V": value, "W": value}
        result = changed(
            text, patch("backup", description=value, env=env), add(name="n", command="x", description=value)
        )
        found = entries_of(result)
        assert found["backup"]["description"] == found["n"]["description"] == value
        assert found["backup"]["env"] == env


def test_one_value_is_not_taken_for_another_that_python_finds_equal() -> None:
    assert not same({"A": True}, {"A": 1})
    assert same({"A": 1, "B": 2}, {"B": 2, "A": 1})
    assert "env: {A: true}" in changed(FILE, patch("backup", env={"A": True}))
