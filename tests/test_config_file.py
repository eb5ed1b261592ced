"""The configuration file on disk: edits as decisions, sound or not made at all."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import script_edits, yaml_text
from exporter.config import LoadedConfig
from exporter.config_file import BrokenConfig, ConfigChanged, ConfigFile, EditRefused, NotWritten
from exporter.etag import etag_of
from exporter.faults import ConfigError
from exporter.script_edits import Decision, DuplicateScript
from exporter.scripts import UnknownScript

TWO = """\
# all of them
scripts:
  - name: backup  # nightly
    command: ./backup
    cron: "0 3 * * *"
  - name: sync
    command: ./sync
    every: 30s
"""


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    path = tmp_path / "cronscope.yml"
    path.write_text(TWO)
    return ConfigFile(path, environ={}, flags={})


def names(loaded: LoadedConfig) -> list[str]:
    return [script.name for script in loaded.settings.scripts]


def test_an_edit_is_in_the_file_and_in_what_is_answered(file: ConfigFile) -> None:
    loaded = file.edit(script_edits.create([{"name": "new", "command": "true", "timeout": None}]))
    assert names(loaded) == names(file.load()) == ["backup", "sync", "new"]
    assert loaded.entries["new"] == {"name": "new", "command": "true"}
    file.edit(script_edits.patch(["backup"], {"every": "1h", "env": {"A": 1}}))
    assert file.load().entries["backup"] == {
        "name": "backup", "command": "./backup", "every": "1h", "env": {"A": "1"},
    }  # fmt: skip
    file.edit(script_edits.patch(["backup"], {"env": {"A": None, "B": "2"}}))
    assert file.load().entries["backup"]["env"] == {"B": "2"}
    file.edit(script_edits.put("backup", {"name": "dump", "command": ["./dump"]}))
    assert next(iter(file.load().entries.values())) == {"name": "dump", "command": ["./dump"]}
    file.edit(script_edits.enable(["dump", "sync"], False))
    assert not any(script.enabled for script in file.load().settings.scripts[:2])
    file.edit(script_edits.delete(["sync"]))
    assert names(file.load()) == ["dump", "new"]
    assert "# nightly" in file.path.read_text()
    assert file.path.read_text().startswith("# all of them\nscripts:\n")


@pytest.mark.parametrize(
    ("decision", "error", "told"),
    [
        (script_edits.create([{"name": "sync", "command": "x"}]), DuplicateScript, "named sync already"),
        (script_edits.create([{"name": "a", "command": "x"}] * 2), DuplicateScript, "two of the scripts"),
        (script_edits.put("sync", {"name": "backup", "command": "x"}), DuplicateScript, "named backup already"),
        (script_edits.put("none", {"command": "x"}), UnknownScript, "no script is named none"),
        (script_edits.delete(["sync", "a", "b"]), UnknownScript, "no script is named a, b"),
        (script_edits.patch(["sync"], {"timeout": "1s"}, lambda etag: False), ConfigChanged, "sync has changed"),
        (script_edits.patch(["sync"], {"command": None}), ConfigError, "command: missing"),
        (script_edits.create([{"name": "a", "command": "x", "crn": "* * * * *"}]), ConfigError, "did you mean cron"),
        (script_edits.create([{"name": "a", "command": "x", "cron": "* * 31 2 *"}]), ConfigError, "cron: "),
        (script_edits.create([{"name": "a", "command": "x", "every": 1, "at": "x"}]), ConfigError, "one of"),
        (script_edits.create([{"name": "b"}], within="new[{}]"), ConfigError, r"new\[0\].command: missing"),
        (script_edits.create([{"name": "a", "command": "a\0"}]), ConfigError, r"U\+0000"),
        (script_edits.create([{"name": "a", "command": "\ud800"}]), ConfigError, r"U\+D800"),
        (script_edits.create([{"name": "a", "command": [[["x"]]]}]), ConfigError, "command"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_changes_nothing(
    file: ConfigFile, decision: Decision, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        file.edit(decision)
    assert file.path.read_text() == TWO


def test_values_nested_without_end_are_refused(file: ConfigFile) -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    with pytest.raises(ConfigError, match="deeper"):
        file.edit(script_edits.create([{"name": "a", "command": deep}]))


def test_a_file_that_was_broken_by_hand_is_left_alone(file: ConfigFile) -> None:
    broken = TWO.replace("every: 30s", "every: [soon")
    file.path.write_text(broken)
    with pytest.raises(BrokenConfig, match="made by hand") as told:
        file.edit(script_edits.delete(["sync"]))
    assert told.value.faults[0].line > 0
    assert file.path.read_text() == broken


def test_an_edit_keeps_what_was_changed_by_hand_meanwhile(file: ConfigFile) -> None:
    file.load()
    file.path.write_text(TWO.replace("30s", "45s") + "  - {name: third, command: x}  # by hand\n")
    loaded = file.edit(script_edits.patch(["sync"], {"timeout": "5s"}))
    assert loaded.entries["sync"] == {"name": "sync", "command": "./sync", "every": "45s", "timeout": "5s"}
    assert "# by hand" in file.path.read_text()


def test_an_edit_that_is_overtaken_is_made_anew(file: ConfigFile) -> None:
    overtaken: list[int] = []

    def decide(loaded: LoadedConfig) -> dict[str, Any]:
        if not overtaken:
            overtaken.append(file.path.write_text(TWO.replace("30s", "45s")))
        return {**script_edits.delete(["backup"])(loaded)}

    assert file.edit(decide).entries == {"sync": {"name": "sync", "command": "./sync", "every": "45s"}}

    def always_overtaken(loaded: LoadedConfig) -> dict[str, Any]:
        file.path.write_text(file.path.read_text() + "# again\n")
        return {}

    with pytest.raises(EditRefused, match="again and again"):
        file.edit(always_overtaken)


SHARED = """\
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


def test_a_change_of_what_scripts_share_is_made_for_the_one_that_was_meant(file: ConfigFile) -> None:
    file.path.write_text(SHARED)
    before = file.load().entries["other"]
    file.edit(script_edits.patch(["base"], {"command": "./go", "env": {"A": "c"}}))
    assert file.load().entries["other"] == before
    assert file.load().entries["base"]["env"] == {"A": "c"}
    assert "# shared" in file.path.read_text()


def test_an_edit_that_would_take_away_what_others_share_is_refused(file: ConfigFile) -> None:
    file.path.write_text(SHARED)
    with pytest.raises(EditRefused, match="used elsewhere"):
        file.edit(script_edits.delete(["base"]))
    assert file.path.read_text() == SHARED


def test_mode_and_links_are_kept(tmp_path: Path, file: ConfigFile) -> None:
    file.path.chmod(0o640)
    link = tmp_path / "elsewhere" / "link.yml"
    link.parent.mkdir()
    link.symlink_to(file.path)
    ConfigFile(link, environ={}, flags={}).edit(script_edits.delete(["sync"]))
    assert link.is_symlink()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640
    assert names(file.load()) == ["backup"]
    assert sorted(os.listdir(tmp_path)) == ["cronscope.yml", "elsewhere"]


def test_a_disk_that_takes_nothing_leaves_the_file_as_it_is(tmp_path: Path, file: ConfigFile) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from exporter import script_edits\n"
        "from exporter.config_file import ConfigFile, NotWritten\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: ConfigFile(Path(sys.argv[1]), environ={}, flags={}).edit(script_edits.delete(['sync'], lambda _: True))\n"
        "except NotWritten as error: print(error)"
    )
    text = "#" * 100 + "\n" + TWO
    file.path.write_text(text)
    told = subprocess.run([sys.executable, "-c", program, str(file.path)], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in told.stdout
    assert file.path.read_text() == text
    assert os.listdir(tmp_path) == ["cronscope.yml"]


def test_a_missing_file_or_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenConfig):
        ConfigFile(tmp_path / "no.yml", environ={}, flags={}).edit(lambda loaded: {})
    with pytest.raises(NotWritten, match="No such file"):
        ConfigFile(tmp_path / "no" / "no.yml", environ={}, flags={}).edit(lambda loaded: {})


def test_a_file_that_was_not_there_is_for_its_owner_alone(file: ConfigFile) -> None:
    file.path.unlink()
    file.replace(TWO.encode())
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.path.chmod(0o644)
    file.replace(TWO.encode())
    assert file.path.stat().st_mode & 0o777 == 0o644


def test_the_whole_file_is_replaced_only_as_it_was_seen(file: ConfigFile) -> None:
    new = TWO.replace("30s", "60s").encode()
    with pytest.raises(ConfigChanged):
        file.replace(new, lambda etag: etag == etag_of(b"something else"))
    with pytest.raises(ConfigError):
        file.replace(b"scripts: 7\n")
    with pytest.raises(ConfigError, match="written scripts: "):
        file.replace(b" \n")
    for nothing in (b"# only a comment\n", b"---\n", b"null\n", b"\xef\xbb\xbf~ # x\n"):
        with pytest.raises(ConfigError, match="empty"):
            file.replace(nothing)
    assert file.path.read_text() == TWO
    assert file.replace(new, lambda etag: etag == etag_of(TWO.encode())).text == new.decode()
    assert file.path.read_bytes() == new


def test_a_frame_of_comments_takes_no_time_to_look_through(file: ConfigFile) -> None:
    framed = b"#" * 200 + b"\n" + b"# ~ " * 200 + b"\nlisten: 127.0.0.1:8917\n"
    assert file.replace(framed).text == framed.decode()


def test_a_file_broken_by_hand_can_be_replaced(file: ConfigFile) -> None:
    file.path.write_bytes(b"\xff")
    file.replace(TWO.encode(), lambda etag: etag == etag_of(b"\xff"))
    assert file.path.read_text() == TWO


def test_edits_of_several_programs_at_once_are_all_made(file: ConfigFile) -> None:
    program = (
        "import sys; from pathlib import Path; from exporter import script_edits\n"
        "from exporter.config_file import ConfigFile\n"
        "for n in range(5): ConfigFile(Path(sys.argv[1]), environ={}, flags={}).edit("
        "script_edits.create([{'name': f'{sys.argv[2]}-{n}', 'command': 'x'}]))"
    )
    programs = [subprocess.Popen([sys.executable, "-c", program, str(file.path), f"p{n}"]) for n in range(4)]
    assert [program.wait() for program in programs] == [0] * 4
    assert sorted(names(file.load())) == sorted(["backup", "sync", *(f"p{p}-{n}" for p in range(4) for n in range(5))])


# --- any file, any edit ---

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "description": TEXTS,
    "command": st.one_of(
        st.sampled_from(["./run", "a && b # c", "set -e\necho 1\n", "x: y", "one\n  two\n\nthree"]),
        st.lists(st.sampled_from(["a", "-b", "c: d", "#", "5", ""]), max_size=3).map(lambda more: ["x", *more]),
    ),
    "timeout": st.sampled_from([0, 5, 1.5, "10m", "1h30m"]),
    "enabled": st.booleans(),
    "env": st.dictionaries(st.sampled_from("ABCD"), TEXTS, max_size=3),
    "success_codes": st.lists(st.integers(0, 255), min_size=1, max_size=3),
}  # fmt: skip
OPTIONAL = {key: value for key, value in VALUES.items() if key != "command"}
KEYS = st.fixed_dictionaries(
    {"command": VALUES["command"]}, optional={**OPTIONAL, "every": st.sampled_from(["5s", 30])}
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A sound file, written in many ways, with a numbered comment wherever one may stand."""
    scripts = draw(st.lists(KEYS, max_size=4))
    comments = iter(range(1000))

    def line(text: str) -> str:
        after = draw(st.sampled_from(["", "", f"  # {next(comments)}"]))
        below = draw(st.sampled_from(["", "", "", f"    # {next(comments)}\n"]))
        return f"{text}{after}\n{below}"

    text = draw(st.sampled_from(["", "# top\n", "listen: 127.0.0.1:1\n"])) + line("scripts:")
    column = draw(st.sampled_from([0, 2]))
    for number, keys in enumerate(scripts):
        entry = {"name": f"s{number}"} | keys
        order = draw(st.permutations([*entry]))
        text += draw(st.sampled_from(["", "\n"])) + (
            " " * column + f"# above {number}\n" if draw(st.booleans()) else ""
        )
        if draw(st.integers(0, 3)) == 0:
            pairs = ", ".join(yaml_text.inline_pair(key, entry[key]) for key in order)
            text += line(" " * column + "- {" + pairs + "}")
            continue
        dash = " " * column + "-" + (f"  # {next(comments)}\n" + " " * (column + 2) if draw(st.booleans()) else " ")
        for key in order:
            value = entry[key]
            if yaml_text.is_literal(value) and draw(st.booleans()):
                text += dash + yaml_text.block_pair(key, value, column + 2).lstrip()
            elif isinstance(value, dict) and value and draw(st.booleans()):
                text += line(f"{dash}{key}:")
                for pair in value.items():
                    text += line(" " * (column + 4) + yaml_text.inline_pair(*pair))
            elif isinstance(value, list) and draw(st.booleans()):
                text += line(f"{dash}{key}:")
                for item in value:
                    text += line(" " * (column + 4) + f"- {yaml_text.inline(item)}")
            else:
                text += line(dash + yaml_text.inline_pair(key, value))
            dash = " " * (column + 2)
    if draw(st.booleans()):
        text += "retention: {runs: 5}  # last\n"
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def comments_of(text: str) -> list[str]:
    """The numbered ones and those above entries, which no value of these files contains."""
    return sorted(re.findall(r"# (?:\d+|top|last|above \d+)(?=\s*$)", text, re.MULTILINE))


@given(files(), st.data())
def test_any_edit_of_any_file_keeps_every_comment_and_says_what_was_wanted(text: str, data: st.DataObject) -> None:
    memory = InMemory(text)
    before = memory.load()
    wanted: dict[str, Mapping[str, Any]] = dict(before.entries)
    for name in data.draw(st.lists(st.sampled_from([*wanted]), unique=True)) if wanted else []:
        keys = data.draw(KEYS)
        wanted[name] = script_edits._normal([({"name": name} | keys, {})], before, "")[0]
    if data.draw(st.booleans()):
        wanted["new"] = script_edits._normal([({"name": "new"} | data.draw(KEYS), {})], before, "")[0]
    after = memory.edited(before, wanted)
    assert [*after.entries.values()] == [*wanted.values()]
    assert comments_of(after.text) == comments_of(text)
    back = memory.edited(after, wanted | before.entries)
    assert comments_of(back.text) == comments_of(text)


@given(files(), st.data())
def test_any_script_can_be_removed_from_any_file(text: str, data: st.DataObject) -> None:
    memory = InMemory(text)
    before = memory.load()
    gone = data.draw(st.sets(st.sampled_from([*before.entries]))) if before.entries else set()
    after = memory.edited(before, {name: entry for name, entry in before.entries.items() if name not in gone})
    assert [line for line in comments_of(text) if "# above" in line or "# top" in line] == [
        line for line in comments_of(after.text) if "# above" in line or "# top" in line
    ]


class InMemory(ConfigFile):
    """Without a disk, for many files in little time."""

    def __init__(self, text: str) -> None:
        super().__init__(Path("cronscope.yml"), environ={}, flags={})
        self._text = text

    def load(self) -> LoadedConfig:
        return self.check(self._text.encode())

    def edited(self, before: LoadedConfig, wanted: Mapping[str, Any]) -> LoadedConfig:
        return self._edited(before, wanted)
