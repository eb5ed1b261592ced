"""Who did what, from the command line: with a service, and of what commands did without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import cronscope, invoke, listed
from tests.service import Service

CONFIG = """\
scripts:
  - {name: greet, command: echo hello}
  - {name: other, command: echo hello}
"""


def entries(config: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listed("audit", *arguments, "-c", config)["audit"]
    return found


def told(config: Path) -> list[tuple[str, str, str]]:
    """Newest first."""
    return [(entry["actor"]["kind"], entry["action"], entry["target"]) for entry in entries(config)]


def test_what_commands_do_through_the_service_is_listed(start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)
    config = service.config
    assert cronscope("run", "greet", "-c", config).returncode == 0
    assert cronscope("disable", "other", "-c", config).returncode == 0
    assert told(config) == [
        ("local", "script.disable", "other"), ("local", "script.run", "greet"), ("disk", "config.change", None),
    ]  # fmt: skip
    assert entries(config) == service.get("/api/v1/audit")["audit"]
    header, disabled, _, begun = invoke("audit", "-c", config).stdout.splitlines()
    assert header.split() == ["TIME", "BY", "ACTION", "TARGET", "HASH", "FROM", "OUTCOME"]
    before, after = begun.split()[-2], entries(config)[0]["after"][:8]
    shown = ["local", "script.disable", "other", before, "->", after, "127.0.0.1", "done"]
    assert disabled.split()[-8:] == shown
    for chosen in (["--action", "config"], ["--actor", "disk"], ["--until", "1h"], ["--target", "nothing"]):
        assert len(entries(config, *chosen)) == (0 if chosen[1] in ("1h", "nothing") else 1)
    assert [entry["target"] for entry in entries(config, "--limit", "1", "--since", "1h")] == ["other"]
    service.stop()
    for odd in ("nothing", "script.", "Sign-in"):
        result = invoke("audit", "--action", odd, "-c", config)
        assert result.exit_code == 2
        assert "expected one of sign-in, sign-out, script.run, " in result.stderr
    assert len(entries(config, "--action", "script")) == 2


@pytest.mark.parametrize("command", [["run", "greet"], ["clear-logs", "greet", "--yes"]])
def test_what_commands_do_without_a_service_is_in_the_trail_too(tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "cronscope.yml"
    config.write_text(CONFIG)
    assert entries(config) == []
    assert cronscope(*command, "-c", config).returncode == 0
    assert told(config) == [("local", {"run": "script.run", "clear-logs": "logs.delete"}[command[0]], "greet")]


def test_what_a_stranger_sent_does_nothing_to_the_terminal(start_service: Callable[..., Service]) -> None:
    service = start_service(CONFIG)
    service.fetch("/api/v1/scripts/%1b%5b2Jx/run", method="POST", body=b"")
    line = invoke("audit", "--limit", "1", "-c", service.config).stdout.splitlines()[1]
    assert "\x1b" not in line
    assert r"\x1b[2Jx" in line
