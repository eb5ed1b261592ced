"""Whether a shell or Python can read a script, found out by that very program, which never executes any of it."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from exporter import limited

_SHELL = re.compile(r"(sh|dash|ash|bash|ksh|mksh|zsh)")
_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
_COMPILE = """\
import json, sys
source = sys.stdin.buffer.read()
forms = [source]  # as Python reads it, with the encoding that it names
try:
    forms.insert(0, source.decode())  # for columns that count characters
except UnicodeDecodeError:
    pass
try:
    for form in forms:
        compile(form, "script", "exec", 0, True)
except SyntaxError as error:
    print(json.dumps([error.lineno or 1, error.offset or 1, error.msg]))
except ValueError as error:
    print(json.dumps([1, 1, str(error)]))
except (MemoryError, RecursionError):
    print(json.dumps([1, 1, "nested too deeply, or too long"]))
"""
_TOLD = re.compile(r"^/dev/stdin: (?:line )?([0-9]+): (.{,500})", re.MULTILINE)
_WARNING = "warning: "

Severity = Literal["error", "warning"]


class Finding(Struct, frozen=True, kw_only=True):
    line: int = 1
    """Counted from 1."""
    column: int = 1
    """Counted from 1, in characters; 1 where only the line is known."""
    severity: Severity
    message: str
    """What is wrong and what would be right."""


def is_shell(program: Path) -> bool:
    return _SHELL.fullmatch(program.name) is not None


def findings(program: Path, script: bytes) -> list[Finding]:
    """What `program` has to say of a script; nothing where it is neither a shell nor Python.

    Takes up to `limited.SECONDS`.
    """
    read = _shell if is_shell(program) else _python if _PYTHON.fullmatch(program.name) else None
    try:
        return read(program, script) if read else []
    except subprocess.TimeoutExpired:
        message = f"{program} took longer than {limited.SECONDS} s and was not waited for"
        return [Finding(severity="warning", message=message)]


def _shell(program: Path, script: bytes) -> list[Finding]:
    run = limited.run([program, "-n", "/dev/stdin"], script)
    told = [
        Finding(
            line=int(line),
            severity="warning" if text.startswith(_WARNING) else "error",
            message=text.removeprefix(_WARNING),
        )
        for line, text in _TOLD.findall(run.stderr.decode(errors="replace"))
        if not text.startswith("`")  # there bash shows the line
    ]
    return told or _failure(program, run)


def _python(program: Path, script: bytes) -> list[Finding]:
    # Without the environment's packages: those may bring code that is run whenever Python starts.
    run = limited.run([program, "-I", "-S", "-W", "ignore", "-c", _COMPILE], script)
    if run.returncode or not run.stdout:
        return _failure(program, run)
    line, column, message = msgspec.json.decode(run.stdout, type=tuple[int, int, str])
    return [Finding(line=max(1, line), column=max(1, column), severity="error", message=message)]


def _failure(program: Path, run: subprocess.CompletedProcess[bytes]) -> list[Finding]:
    if run.returncode == 0:
        return []
    said = run.stderr.decode(errors="replace").strip().split("\n")[-1]
    if run.returncode < 0:
        said = f"it ends with {signal.Signals(-run.returncode).name}, as for one that is nested too deeply"
    return [Finding(severity="error", message=f"{program} cannot read the script: {said}")]
