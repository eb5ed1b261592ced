"""What will go wrong although the configuration is sound: files, programs and folders that are not as they must be.

`exporter.named_files` looks at those of which more than this wants to know, and `exporter.machine` at what is not the
configuration's business.  Nothing is changed, and nothing is started.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from exporter import named_files
from exporter.command import SpawnError, arguments, inherited, read_env_file
from exporter.config import LoadedConfig
from exporter.confinement import likely_identity
from exporter.data_dir import owner
from exporter.findings import Finding, Lines
from exporter.ownership import open_regular
from exporter.program import NoProgram, check_format, find
from exporter.settings import ScriptSettings

_HEAD_BYTES = 1 << 16
"""How much of a script is looked at."""
_SHELLS = re.compile(r"(ba|da|z|k|a)?sh")
_INTERPRETERS = re.compile(rf"{_SHELLS.pattern}|python[0-9.]*|perl|ruby|php[0-9.]*|node")
_CODE_OPTION = re.compile(r"-[A-Za-z]*[cemr]|-|--(eval|command)(=.*)?")
"""Of an interpreter: what follows is no file."""
_LITERAL = re.compile(r"[\w@%+=:,./-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_OF_THE_SHELL = (
    ". : [ alias bg break case cd command continue do done echo elif else esac eval exec exit export false fc fg fi for"
    " function getopts hash if in jobs kill let local printf pwd read readonly return select set shift source test then"
    " time times trap true type ulimit umask unalias unset until wait while { } ! [["
)
"""Reserved words and builtins: no program has to be there for these."""
_REMEDIES = (
    ("^workdir ", "make the folder, give the service's user access to it, or name another one"),
    ("is not executable", "make it executable: chmod +x {file}"),
    ("CR LF", "take the CRs out: sed -i 's/\\r$//' {file}"),
    ("bad interpreter", "install the interpreter, or name another one in the file's first line"),
    ("does not begin with #!", "name the interpreter in the file's first line, such as #!/bin/sh"),
    ("not found in PATH", "install it, write its whole path, or set PATH under env"),
    ("no such file", "correct the path; a relative one starts from workdir"),
)
"""What to do, by a pattern of what is said to be wrong."""


def examine(loaded: LoadedConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that the configuration names.  `environ` is the service's environment, or one like it."""
    lines = Lines(loaded)
    yield from _open_to_others(loaded.path, str(loaded.path))
    yield from _data_dir(loaded.settings.data_dir, lines.of("data_dir"))
    yield from named_files.examine(loaded)
    if os.path.isdir(loaded.settings.scripts_dir):
        yield from _open_to_others(loaded.settings.scripts_dir, lines.of("scripts_dir"))
    for index, script in enumerate(loaded.settings.scripts):
        yield from _script(script, partial(lines.of, "scripts", index), environ)


# --- Folders and files -----------------------------------------------------------------------------


def _open_to_others(path: Path, where: str) -> Iterator[Finding]:
    """Whether anyone may change, or replace, a file or folder from which scripts come."""
    try:
        resolved = path.resolve()
        modes = {each: each.stat().st_mode for each in (resolved, resolved.parent)}
    except OSError:
        return
    for each, mode in modes.items():
        sticky = stat.S_ISDIR(mode) and each != resolved and mode & stat.S_ISVTX
        if mode & stat.S_IWOTH and not sticky:
            yield Finding(
                severity="error", where=where, what=f"{each} can be written by every user of this machine",
                remedy=f"chmod o-w {shlex.quote(str(each))}",
            )  # fmt: skip


def _data_dir(path: Path, where: str) -> Iterator[Finding]:
    existing = path
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    is_folder = os.path.isdir(existing)
    if not is_folder or not os.access(existing, os.W_OK | os.X_OK):
        why = "cannot be written" if is_folder else "is not a folder"
        remedy = "give the service's user access to it, or name another data_dir"
        yield Finding(severity="error", where=where, what=f"data_dir {path}: {existing} {why}", remedy=remedy)
    elif existing == path:
        if path.stat().st_mode & 0o007:
            what = f"data_dir {path} is open to every user of this machine; outputs of scripts may hold secrets"
            yield Finding(severity="warning", where=where, what=what, remedy=f"chmod 700 {shlex.quote(str(path))}")
        with suppress(OSError):
            if held := owner(path):
                what = f"a service (process {held.pid}) is running with data_dir {path}"
                yield Finding(severity="info", where=where, what=what, remedy="")


# --- Scripts ---------------------------------------------------------------------------------------


def _script(script: ScriptSettings, at: Callable[[str], str], environ: Mapping[str, str]) -> Iterator[Finding]:
    who = likely_identity(script)
    variables = inherited(script, environ, who)
    if script.env_file is not None:
        with suppress(SpawnError):  # which is told of the file
            variables |= read_env_file(script.env_file, who)
            yield from _open_to_others(script.env_file, at("env_file"))
    path = (variables | script.env).get("PATH", os.defpath)
    words = script.command if isinstance(script.command, list) else first_command(script.command)
    try:
        arguments(script, {"PATH": path})
        program = find(words[0], script.workdir, path) if words else None
    except (SpawnError, NoProgram) as error:
        key = "workdir" if str(error).startswith("workdir ") else "command"
        named = words[0] if words else ""
        yield _broken(script, at(key), str(error), str(script.workdir / named) if "/" in named else named)
        return
    if program is not None:
        yield from _program(script, program, words, at("command"))


def first_command(text: str) -> list[str]:
    """The words of the program that a shell command starts first; empty where only a shell can tell."""
    lexer = shlex.shlex(text.strip().partition("\n")[0], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= set("();<>|&"):
                break
            if words or not _ASSIGNMENT.fullmatch(word):
                words.append(word)
            elif word.startswith("PATH="):
                return []
    except ValueError:  # quotes that go on in the next line
        return []
    return words if words and _LITERAL.fullmatch(words[0]) and words[0] not in _OF_THE_SHELL.split() else []


def _broken(script: ScriptSettings, where: str, message: str, file: str) -> Finding:
    remedy = next((text for pattern, text in _REMEDIES if re.search(pattern, message)), "correct the command")
    what = f"{script.name}: {message}"
    return Finding(severity="error", where=where, what=what, remedy=remedy.format(file=shlex.quote(file)))


def _program(script: ScriptSettings, program: Path, words: list[str], where: str) -> Iterator[Finding]:
    """About a program that is there and executable, and the script that it interprets."""
    try:
        check_format(program, script.workdir)
    except NoProgram as error:
        finding = _broken(script, where, str(error), str(program))
        if "does not begin with #!" not in finding.what:
            yield finding
            return
        what = f"{script.name}: {program} does not name its interpreter in its first line (#!); sh runs it itself"
        yield Finding(severity="warning", where=where, what=what, remedy=finding.remedy)
    file, language = program, _language(program)
    if _INTERPRETERS.fullmatch(program.name):
        name = _interpreted(words[1:])
        if name is None:
            return
        file, language = script.workdir / name, program.name
        if not os.path.isfile(file):
            yield _broken(script, where, f"{file}: no such file", name)
            return
    yield from _open_to_others(file, where)
    if _SHELLS.fullmatch(language) and b"\r\n" in _head(file):
        yield _broken(script, where, f"{file}: lines end with CR LF, as on Windows; {language} takes the CR for a part"
                      " of each", str(file))  # fmt: skip


def _interpreted(words: list[str]) -> str | None:
    """The file that an interpreter's arguments name; None where they name none, or only a shell can tell."""
    for word in words:
        if _CODE_OPTION.fullmatch(word):
            return None
        if not word.startswith("-"):
            return word if _LITERAL.fullmatch(word) else None
    return None


def _language(program: Path) -> str:
    """The name of the interpreter in a script's first line; that of a shell where there is none."""
    first = os.fsdecode(_head(program).partition(b"\n")[0])
    if not first.startswith("#!"):
        return "" if "\0" in first else "sh"
    names = [os.path.basename(word) for word in first[2:].split() if not word.startswith("-")]
    return next((name for name in names if name != "env"), "")


def _head(file: Path) -> bytes:
    try:
        with open_regular(file) as opened:
            return opened.read(_HEAD_BYTES)
    except OSError:  # may be executed, but not read
        return b""
