"""The command line as a user has it, in a process of its own; and, which is faster, within that of the test."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from relay.cli import main
from tests.service import DEADLINE

PROGRAM = [sys.executable, "-m", "relay.cli"]


def cronscope(
    *arguments: str | Path, cwd: Path | None = None, stdin: str | None = None, typed: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """A command's exit code, standard output and standard error, once it has ended; `typed` comes from a terminal."""
    given: dict[str, Any] = {"input": stdin}
    if typed is not None:
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode())
        given = {"stdin": theirs}
    result = subprocess.run(
        [*PROGRAM, *map(str, arguments)], cwd=cwd, env={**os.environ, **environ}, capture_output=True,
        text=True, timeout=DEADLINE, check=False, **given,
    )  # fmt: skip
    if typed is not None:
        os.close(ours)
        os.close(theirs)
    return result


@contextmanager
def started(*arguments: str | Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A command under way, for as long as it is needed."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], env={**os.environ, **environ}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def invoke(*arguments: str | Path) -> Result:
    """A command's result, within this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def listed(*arguments: str | Path) -> Any:
    """What a listing tells as JSON."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def records(*arguments: str | Path) -> list[dict[str, Any]]:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def in_terminal(width: int, *arguments: str | Path, **environ: str) -> str:
    """What a command prints to a terminal of a width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")} | environ
    with subprocess.Popen([*PROGRAM, *map(str, arguments)], stdout=theirs, stderr=subprocess.DEVNULL, env=environ):
        os.close(theirs)
        told = b""
        try:
            while piece := os.read(ours, 4096):
                told += piece
        except OSError:  # the end of a terminal
            pass
        os.close(ours)
    return told.decode()
