"""What a run executes: the arguments and the environment of its process, checked before anything is started."""

from __future__ import annotations

import errno
import os
import re
import resource
import stat
from collections.abc import Mapping
from pathlib import Path

from exporter.accounts import Identity
from exporter.events import Run
from exporter.ownership import NotTaken, check_taken, open_regular
from exporter.program import NoProgram, check_format, find
from exporter.settings import ScriptSettings, Size

MAX_ENV_FILE = Size(1 << 20)
"""More than any use of one: it is read on the event loop, within a quarter of a second."""
LONGEST_VARIABLE = 32 * resource.getpagesize()
"""`NAME=VALUE` and a NUL: MAX_ARG_STRLEN, execve(2)."""
MOST_VARIABLES = Size(2 << 20)
"""All together: what the kernel takes where nobody has changed the limit on the stack, execve(2)."""
_POINTER = 8
"""What a variable takes there, too."""
_TOLD_NAME = 64
"""How much of a variable's name is told."""
_LOCALE = re.compile(r"LANG|LANGUAGE|LC_[A-Z]+|TZ")
"""Of the service's environment what another user's command has too."""
_SECRET = re.compile(r"CRONSCOPE_.*(PASSWORD|TOKEN|SECRET|HASH)")
_ENV_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)=\s*+
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?!['"])(?P<bare>(?:(?!(?<=\s)\#)\S|\s++(?!\#|\Z))*+) )
    \s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE | re.ASCII,
)
_BLANK_LINE = re.compile(r"\s*(#.*)?")
_ESCAPE = re.compile(r'\\(["\\$`n])')
_PLAIN_WORDS = {
    errno.E2BIG: "its arguments and environment are longer than the system takes",
    errno.EAGAIN: "the system's limit on processes is reached",
    errno.ENOMEM: "there is not enough memory",
    errno.EMFILE: "the service has too many files open",
    errno.ENFILE: "the system has too many files open",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
}


class SpawnError(Exception):
    """A run could not be started; the message says what and why."""


def plain_words(error: OSError) -> str:
    """Why something failed, without its errno."""
    return _PLAIN_WORDS.get(error.errno or 0) or (error.strerror or str(error)).lower()


def environment(
    script: ScriptSettings, run: Run, metrics_file: Path, environ: Mapping[str, str], who: Identity | None = None
) -> dict[str, str]:
    """A run's environment, from that of the service; `who` is another user whose rights the command has.

    Raises SpawnError where `env_file` is at fault, or where there is more than the system takes.
    """
    variables = {
        **inherited(script, environ, who),
        **(read_env_file(script.env_file, who) if script.env_file is not None else {}),
        **script.env,
        "CRONSCOPE_SCRIPT": script.name,
        "CRONSCOPE_RUN_ID": run.run_id,
        "CRONSCOPE_TRIGGER": run.trigger,
        "CRONSCOPE_SCHEDULED_AT": run.scheduled_at.rfc3339(),
        "CRONSCOPE_METRICS_FILE": str(metrics_file),
        "PYTHONUNBUFFERED": "1",
    }
    _check_length(variables)
    return variables


def _check_length(variables: Mapping[str, str]) -> None:
    """Refuse here what the system would refuse, before programs are looked for by it, and secrets in it."""
    lengths = {name: len(f"{name}={value}\0") for name, value in variables.items()}  # of no more bytes than it has
    longest = max(lengths, key=lengths.__getitem__)
    if lengths[longest] > LONGEST_VARIABLE:
        raise SpawnError(f"variable {longest[:_TOLD_NAME]} is longer than the system takes")
    if sum(lengths.values()) + _POINTER * len(lengths) > MOST_VARIABLES:
        raise SpawnError(f"its variables together are longer than {MOST_VARIABLES}")


def inherited(script: ScriptSettings, environ: Mapping[str, str], who: Identity | None) -> dict[str, str]:
    """A run's environment before the script's own variables: with a `user` what cron would set, else the service's."""
    if script.user is None or who is None:
        return {name: value for name, value in environ.items() if not _SECRET.match(name)}
    return {name: value for name, value in environ.items() if _LOCALE.fullmatch(name)} | who.variables()


def read_env_file(path: Path, who: Identity | None = None) -> dict[str, str]:
    r"""Read lines of `NAME=VALUE`, optionally after `export`; blank lines and comments are skipped.

    A value may stand in single quotes, which keep everything, or in double quotes, where `\"`, `\\`, `\$`, `\``
    and `\n` (a new line) are escapes.  A bare value ends at ` #`.  Nothing is ever expanded.
    For the command of another user, `who`, nothing is read that he could have put in another file's place.
    Raises SpawnError, naming file and line.
    """
    try:
        with open_regular(path) as file:
            if who is not None:
                check_taken(path, file, who)
            content = file.read(MAX_ENV_FILE + 1)
        text = content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise SpawnError(f"env_file {path}: {plain_words(error)}") from error
    except NotTaken as error:
        raise SpawnError(f"env_file {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SpawnError(f"env_file {path}: not UTF-8") from error
    if len(content) > MAX_ENV_FILE:
        raise SpawnError(f"env_file {path}: larger than {MAX_ENV_FILE}")
    values = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(line)
        if match is not None:
            values[match["name"]] = _value(match)
        elif not _BLANK_LINE.fullmatch(line):
            raise SpawnError(f"env_file {path}:{number}: expected NAME=VALUE, a comment or a blank line")
    return values


def _value(match: re.Match[str]) -> str:
    if match["double"] is None:
        return match["single"] or match["bare"] or ""
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], match["double"])


def arguments(script: ScriptSettings, environ: Mapping[str, str], who: Identity | None = None) -> list[str]:
    """What to execute, in `script.workdir` with `environ`; `who` is another user whose rights the command has.

    Raises SpawnError where execvp(3) would fail: a list's program is looked for as there, and must be one that the
    kernel starts by itself.  What a text means is the shell's business.
    """
    _check_workdir(script.workdir)
    if isinstance(script.command, str):
        return ["/bin/sh", "-c", script.command]
    if not script.command:
        raise SpawnError("the command is an empty list")
    try:
        program = find(script.command[0], script.workdir, environ.get("PATH", os.defpath))
        check_format(program, script.workdir, who)
    except NoProgram as error:
        raise SpawnError(str(error)) from error
    return script.command


def _check_workdir(workdir: Path) -> None:
    try:
        if not stat.S_ISDIR(workdir.stat().st_mode):
            raise SpawnError(f"workdir {workdir} is not a directory")
    except OSError as error:
        raise SpawnError(f"workdir {workdir}: {plain_words(error)}") from error
    if not os.access(workdir, os.X_OK):
        raise SpawnError(f"workdir {workdir}: permission denied")
