"""What `cronscope init` writes: a sound file that shows every key, and scripts that do what they say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import asdict

from exporter.config import load, read
from exporter.settings import Limits, Retention, ScriptSettings, Settings

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = EXAMPLES / "cronscope.yml"
SCRIPTS = EXAMPLES / "scripts"
INSTEAD_OF_CRON = ("every", "at")


def run(script: str, *arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [str(SCRIPTS / script), *arguments]
    return subprocess.run(command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False)


def with_defaults_set() -> str:
    """The file with its `# key: default` lines put in force."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    in_force = (re.sub(r"^( *)# ([a-z_]+: )", r"\1\2", line) for line in lines)
    return "\n".join(
        line for line in in_force if not (line.startswith("    ") and line.split(":")[0].strip() in INSTEAD_OF_CRON)
    )


def test_the_file_is_sound_and_its_commands_are_executable() -> None:
    for script in load(FILE, environ={}, flags={}).settings.scripts:
        command = script.command.split() if isinstance(script.command, str) else script.command
        assert command[0] == "echo" or os.access(EXAMPLES / command[0], os.X_OK)


@pytest.mark.parametrize("struct", [Settings, ScriptSettings, Limits, Retention])
def test_the_file_shows_every_key(struct: type[Struct]) -> None:
    shown = set(re.findall(r"(?<![\w:])([a-z_]+):(?= |$)", FILE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(struct.__struct_fields__) <= shown


def test_the_defaults_that_the_file_tells_are_the_defaults() -> None:
    told = read(with_defaults_set(), FILE, environ={}, flags={}).settings
    default = Settings(data_dir=EXAMPLES / "data", scripts_dir=EXAMPLES / "scripts", scripts=told.scripts)
    assert asdict(told) == asdict(default)
    script = told.scripts[-1]
    shown_by_example = (
        "description",
        "cron",
        "timezone",
        "env",
        "env_file",
        "secrets",
        "user",
        "group",
        "umask",
        "limits",
        "labels",
        "success_age_limit",
        "retention",
    )
    plain = ScriptSettings(name=script.name, command=script.command, workdir=EXAMPLES)
    assert {key: value for key, value in asdict(script).items() if key not in shown_by_example} == {
        key: value for key, value in asdict(plain).items() if key not in shown_by_example
    }


def test_disk_space_fails_above_its_limit(tmp_path: Path) -> None:
    assert run("disk-space.sh", "/", folder=tmp_path, DISK_LIMIT_PERCENT="100").returncode == 0
    above = run("disk-space.sh", folder=tmp_path, DISK_LIMIT_PERCENT="-1")
    assert (above.returncode, above.stdout[:4]) == (1, "FULL")
    assert run("disk-space.sh", str(tmp_path / "missing"), folder=tmp_path).returncode != 0


def test_checksum_tree_tells_what_changed_since_the_last_time(tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    tree.mkdir()
    for name in ("kept", "changed", "removed"):
        (tree / name).write_text(name, encoding="utf-8")
    assert "noted 3 files" in run("checksum-tree.sh", str(tree), folder=tmp_path).stdout
    assert run("checksum-tree.sh", str(tree), folder=tmp_path).stdout == "3 files, 0 changes\n"
    (tree / "changed").write_text("differs", encoding="utf-8")
    (tree / "removed").unlink()
    (tree / "an added one").touch()
    changed = run("checksum-tree.sh", str(tree), folder=tmp_path)
    assert changed.returncode == 3
    assert sorted(changed.stdout.splitlines()) == [
        "3 files, 3 changes", "added   ./an added one", "changed ./changed", "removed ./removed",
    ]  # fmt: skip
    assert run("checksum-tree.sh", str(tree), folder=tmp_path).returncode == 0


def test_checksum_tree_keeps_what_it_knows_when_the_tree_is_gone(tmp_path: Path) -> None:
    assert run("checksum-tree.sh", str(tmp_path / "gone"), folder=tmp_path).returncode not in (0, 3)
    assert list(tmp_path.iterdir()) == []


def test_slow_steps_tells_its_progress(tmp_path: Path) -> None:
    lines = run("slow-steps.sh", folder=tmp_path, STEPS="2", STEP_SECONDS="0").stdout.splitlines()
    assert [line for line in lines if line.startswith("::progress ")] == [
        "::progress 0 step 1 of 2", "::progress 50 step 2 of 2", "::progress 100 all steps done",
    ]  # fmt: skip


def test_load_metric_writes_prometheus_text_with_and_without_the_service(tmp_path: Path) -> None:
    file = tmp_path / "metrics"
    told = run("load-metric.py", folder=tmp_path, CRONSCOPE_METRICS_FILE=str(file))
    assert file.read_text(encoding="utf-8") == told.stdout
    assert re.search(r'^load_per_cpu\{period="5m"\} [0-9.]+$', told.stdout, re.MULTILINE)
    assert run("load-metric.py", folder=tmp_path, CRONSCOPE_METRICS_FILE="").returncode == 0
