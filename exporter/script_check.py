"""What is wrong with a script, found before it is saved and without executing any of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from exporter import syntax
from exporter.syntax import Finding, Severity

_BOM = b"\xef\xbb\xbf"
_KINDS = {".sh": "sh", ".bash": "bash", ".ksh": "ksh", ".zsh": "zsh", ".py": "python3", ".pl": "perl", ".rb": "ruby"}
"""Interpreters by the suffix of a script's name."""


class Report(Struct, frozen=True):
    ok: bool
    """Whether there is no error; there may be warnings."""
    findings: list[Finding]
    """In the order of the script."""


def check(content: bytes, target: Path, root: Path) -> Report:
    """What is wrong with `content` for the file `target`, which need not be there.  Takes seconds at worst.

    Nothing below `root` is used as an interpreter: who may write there must not thereby be able to execute it.
    """
    script = content.removeprefix(_BOM)
    first_line = script.partition(b"\n")[0].decode(errors="replace").rstrip("\r")
    kind = _KINDS.get(target.suffix.lower())
    try:
        program = _named(first_line[2:].split()) if first_line.startswith("#!") else _implied(target.name, kind)
        found = []
    except _Unsuited as error:
        program = shutil.which(kind) if kind else None
        found = [Finding(severity=error.severity, message=str(error))]
    found += _bytes(content, program)
    if script.startswith(b"#!") and target.exists() and not target.stat().st_mode & 0o111:
        remedy = f"`chmod +x {target.name}` on the server, or a command that names the interpreter, helps"
        found.append(Finding(severity="warning", message=f"the file is not executable: {remedy}"))
    if program and b"\0" not in script and not Path(program).resolve().is_relative_to(root.resolve()):
        found += syntax.findings(Path(program), script.replace(b"\r\n", b"\n"))
    found.sort(key=lambda finding: (finding.line, finding.column))
    return Report(all(finding.severity != "error" for finding in found), found)


class _Unsuited(Exception):
    """What is wrong with the choice of an interpreter."""

    def __init__(self, message: str, severity: Severity = "error") -> None:
        super().__init__(message)
        self.severity = severity


def _implied(name: str, kind: str | None) -> str | None:
    """For a file without `#!`: None where it need not be a script.  Raises _Unsuited."""
    if kind is None and "." in name:
        return None
    line = f"#!/usr/bin/env {kind}" if kind not in (None, "sh") else "#!/bin/sh"
    raise _Unsuited(f"no `#!` line, which says what is to run the script: begin with {line}", "warning")


def _named(words: list[str]) -> str:
    """The program of a `#!` line.  Raises _Unsuited."""
    if not words:
        raise _Unsuited("`#!` without a program: write #!/bin/sh, or whatever is to run the script")
    program, *rest = words
    name = program.rpartition("/")[2]
    if not program.startswith("/"):
        raise _Unsuited(f"`#!` takes the whole path of a program: write #!/usr/bin/env {name}")
    if not (os.path.isfile(program) and os.access(program, os.X_OK)):
        elsewhere = shutil.which(name)
        remedy = f"here {name} is {elsewhere}" if elsewhere else "install it, or name another one"
        raise _Unsuited(f"there is no program {program}: {remedy}")
    return _by_env(rest) if name == "env" else program


def _by_env(words: list[str]) -> str:
    """env(1): without `-S` all that follows is one name."""
    if words[1:] and not words[0].startswith("-S"):
        raise _Unsuited(f"env takes all of `{' '.join(words)}` for a program's name: write #!/usr/bin/env -S …")
    split = [word.removeprefix("-S") if not number else word for number, word in enumerate(words)]
    name = next((word for word in split if word and not word.startswith("-") and "=" not in word), None)
    if name is None:
        raise _Unsuited("env is given no program: write #!/usr/bin/env python3, for example")
    if (program := shutil.which(name)) is None:
        raise _Unsuited(f"{name} is not installed, or not in the service's PATH ({os.environ.get('PATH', os.defpath)})")
    return program


def _bytes(content: bytes, program: str | None) -> Iterator[Finding]:
    """What is wrong whatever the language."""
    shell = program is not None and syntax.is_shell(Path(program))
    if content.startswith(_BOM) and (shell or content.startswith(_BOM + b"#!")):
        message = "a byte order mark comes before the script, which hides its first line: save as UTF-8 without it"
        yield Finding(severity="error", message=message)
    if (at := content.find(b"\0")) >= 0:
        yield _at(content, at, "error", "a NUL byte, which no script may hold: save as plain text in UTF-8")
    if lines := content.count(b"\r\n"):
        fatal = shell or re.match(rb"#![^\n]*\r\n", content)
        message = f"lines that end as on Windows, in CRLF ({lines} of them): save with LF alone at the end of lines"
        yield _at(content, content.find(b"\r\n"), "error" if fatal else "warning", message)
    if content and not content.endswith(b"\n"):
        message = "the last line has no end, so that some tools pass over it: add a line break"
        yield _at(content, len(content), "warning", message)


def _at(content: bytes, index: int, severity: Severity, message: str) -> Finding:
    before = content[:index]
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return Finding(line=before.count(b"\n") + 1, column=column, severity=severity, message=message)
