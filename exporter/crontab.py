"""A crontab as entries of `scripts`: what every line meant to Debian's cron, and what of that could not be carried.

The rules are those of crontab(5) and, where it is silent, of cron's own `env.c`, `entry.c` and `do_command.c`.  Two
things that only cronie knows are understood as well, and told: `CRON_TZ`, and `-` in front of an entry.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from exporter.cron import ScheduleError
from exporter.document import NOWHERE, Scalar, shown
from exporter.settings import ScriptSettings
from exporter.triggers import timing, zone

_SH = "/bin/sh"
_VARIABLE = re.compile(
    r"""(?: (?P<quoted_name>"[^"=]*"|'[^'=]*') | (?P<name>[^\s="'][^\s=]*) ) \s*=\s*
    (?: (?P<quoted>"[^"]*"|'[^']*')\s* | (?P<value>[^\s"'].*) )""",
    re.VERBOSE | re.DOTALL,
)
_EMPTY_VARIABLE = re.compile(r"[A-Za-z_]\w*\s*=\s*", re.ASCII)
_CARRIED_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENTRY = re.compile(r"(?P<dash>-?)(?P<when>@\S++|\S++(?:[ \t]++\S++){4})(?P<rest>.*)", re.DOTALL)
_USER = re.compile(r"(?P<user>[A-Za-z_][A-Za-z0-9_.-]*\$?)[ \t]+(?P<rest>.*)", re.DOTALL)
_COLUMN_TITLES = re.compile(r"m(in(ute)?)?\s+h", re.IGNORECASE)
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")

_MAIL = "is about the mail that cron sends; none is sent here"
_OUTPUT = "every run keeps its output, and an alert on cronscope_script_last_run_success tells of failures"
_NOT_CARRIED = {
    "MAILFROM": _MAIL,
    "CONTENT_TYPE": _MAIL,
    "CONTENT_TRANSFER_ENCODING": _MAIL,
    "LOGNAME": "has no effect: cron sets it itself, to the user that the command runs as",
}
_REMARKS = {
    "TZ": "is set for the commands below; their schedules follow the service's timezone, as with Debian's cron",
    "RANDOM_DELAY": "delays nothing, as with Debian's cron; cronie's delay is `jitter` here",
}


class Note(Struct, frozen=True):
    """What is to be said about one line."""

    line: int
    """Counted from 1."""
    message: str
    fault: bool = False
    """Nothing of the line was carried, because cron could not follow it either."""


class Crontab(Struct, frozen=True):
    entries: list[dict[str, Any]]
    """Of `scripts`, in the order of the lines; every one sound by itself and all names different."""
    notes: list[Note]


def parse(
    text: str, *, system: bool, user: str, home: Callable[[str], str | None], taken: Iterable[str] = ()
) -> Crontab:
    """Every line of a crontab as an entry or as a note, and as both where an entry says less than its line did.

    `system`: the sixth column names the user, as in /etc/crontab and /etc/cron.d.  `user` is whose crontab it is
    otherwise, and who the service is taken to run as; `home` knows where a user's home is.  No entry gets one of the
    names `taken`.  Surrogates in `text` stand for bytes that were no UTF-8.
    """
    reading = _Reading(system, user, home, taken)
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        reading.line(number, line)
    return Crontab(reading.entries, reading.notes)


class _Reading:
    """One reading of one crontab: a variable holds for the lines after it, a comment for the one below."""

    def __init__(self, system: bool, user: str, home: Callable[[str], str | None], taken: Iterable[str]) -> None:
        self._system = system
        self._user = user
        self._home = home
        self._env: dict[str, str] = {}
        self._timezone: str | None = None
        self._description: list[str] = []
        self._names: set[str] = set(taken)
        self._namesakes: Counter[str] = Counter()
        self._told_of_cr = False
        self._number = 0
        self.entries: list[dict[str, Any]] = []
        self.notes: list[Note] = []

    def line(self, number: int, line: str) -> None:
        self._number = number
        if line.endswith("\r"):
            line = line[:-1]
            self._tell_of_cr()
        line = line.strip(" \t")
        if line.startswith("#"):
            self._comment(line.strip("# \t"))
            return
        if found := _NOT_TEXT.search(line):
            self._tell("the line has a NUL in it" if found[0] == "\0" else "the line is not UTF-8", fault=True)
        elif match := _VARIABLE.fullmatch(line):
            self._variable(
                match["name"] or match["quoted_name"][1:-1],
                match["quoted"][1:-1] if match["quoted"] else match["value"].rstrip(),
            )
        elif _EMPTY_VARIABLE.fullmatch(line):
            self._tell('cron takes a variable without a value for an error: write ""', fault=True)
        elif line:
            self._entry(line)
        self._description.clear()

    def _tell(self, message: str, *, fault: bool = False) -> None:
        self.notes.append(Note(self._number, message, fault))

    def _tell_of_cr(self) -> None:
        if not self._told_of_cr:
            self._told_of_cr = True
            self._tell("the line ends with CR LF, as on Windows: cron keeps the CR, here it is left out")

    def _comment(self, text: str) -> None:
        """A block of comments right above an entry describes it, from the last line on that is no sentence."""
        match = _ENTRY.fullmatch(text)
        commented_out = bool(match and match["rest"].strip() and self._schedule_fault(match["when"]) is None)
        if commented_out:
            self._tell("an entry that is commented out is not carried")
        if commented_out or _VARIABLE.fullmatch(text) or _COLUMN_TITLES.match(text) or _NOT_TEXT.search(text):
            self._description.clear()
        elif re.search(r"\w", text):
            self._description.append(text)

    def _variable(self, name: str, value: str) -> None:
        if name == "MAILTO":
            to = f"mailed what the commands below print to {_quoted(value)}" if value else "sent no mail"
            self._tell(f"MAILTO is not carried: cron {to}; here no mail is sent, but {_OUTPUT}")
        elif name in _NOT_CARRIED:
            self._tell(f"{name} is not carried: it {_NOT_CARRIED[name]}")
        elif name == "CRON_TZ":
            self._set_timezone(value)
        elif name == "SHELL" and not value:
            self._tell("SHELL is empty: cron could start nothing with it", fault=True)
        elif not _CARRIED_NAME.fullmatch(name):
            self._tell(f"{_quoted(name)} is not carried: a variable's name is letters, digits and _, no digit first")
        else:
            self._env[name] = value
            if name in _REMARKS:
                self._tell(f"{name} {_REMARKS[name]}")
            if name == "HOME" and not value.startswith("/"):
                self._tell("HOME is no absolute path: it is set for the commands below, but workdir is not")

    def _set_timezone(self, name: str) -> None:
        try:
            zone(name)
        except ScheduleError as error:
            self._tell(f"CRON_TZ is not carried: {error}", fault=True)
        else:
            self._timezone = name
            self._tell("CRON_TZ is read as cronie does: the schedules below are in that time zone;"
                       " Debian's cron knows only the machine's")  # fmt: skip

    def _schedule_fault(self, when: str) -> str | None:
        try:
            timing(ScriptSettings(name="probe", command="", cron=when, timezone=self._timezone), "UTC")
        except ScheduleError as error:
            return str(error)
        return None

    def _entry(self, line: str) -> None:
        match = _ENTRY.fullmatch(line)
        if match is None:
            form = "a user and a command" if self._system else "a command"
            self._tell(f"expected five fields or a nickname such as @daily, and {form}; or NAME = value", fault=True)
            return
        user, written = self._user, match["rest"].strip(" \t")
        if self._system:
            column = _USER.fullmatch(written)
            if column is None:
                self._tell(f"expected a user and a command after the schedule, not {_quoted(written)}", fault=True)
                return
            user, written = column["user"], column["rest"]
        command, stdin = _split_input(written)
        if message := self._schedule_fault(match["when"]):
            self._tell(message, fault=True)
        elif not command.strip():
            self._tell("there is no command", fault=True)
        else:
            self._tell_differences(match["dash"], user, written)
            self.entries.append(self._carried(" ".join(match["when"].split()), user, command, stdin))

    def _tell_differences(self, dash: str, user: str, written: str) -> None:
        """What an entry means otherwise than its line did."""
        if dash:
            self._tell("the - in front, which keeps cronie from logging the start, is left out")
        if user != self._user:
            self._tell(f"the user {user} is not carried: the command runs as the user that the service runs as")
        if not self._system and re.match(r"root[ \t]", written):
            self._tell("the command begins with root: in a system crontab that is its user; --system reads it as such")
        if "\\\\" in written:
            self._tell(r"\\ is one \ in the command, as Debian's cron has it; cronie keeps both")

    def _carried(self, when: str, user: str, command: str, stdin: str) -> dict[str, Any]:
        shell = self._env.get("SHELL", _SH)
        workdir = self._env.get("HOME") or self._home(user) or ""
        values = {
            "name": self._unused(_name(command)),
            "description": " ".join(self._description),
            "command": _command(shell, command, stdin),
            "cron": when,
            "timezone": self._timezone,
            "workdir": workdir if workdir.startswith("/") else None,
            "env": dict(self._env),
        }
        return {key: value for key, value in values.items() if value}

    def _unused(self, name: str) -> str:
        """The name, or with the first number behind it that makes it one of its own."""
        unused = name
        while unused in self._names:
            self._namesakes[name] += 1
            unused = f"{name}-{self._namesakes[name] + 1}"
        self._names.add(unused)
        return unused


def _quoted(text: str) -> str:
    return shown(Scalar(text, NOWHERE))


def _split_input(written: str) -> tuple[str, str]:
    r"""The command, and what it gets as standard input: what follows the first `%`.

    In the command `\%` is `%` and `\\` is `\`; in the input `%` is a new line and `\%` is `%`.
    """
    match = re.match(r"(?:[^\\%]++|\\.|\\\Z)*+", written, re.DOTALL)
    assert match is not None
    command, rest = match[0], written[match.end() :]
    lines = re.sub(r"\\%|%", lambda found: "%" if found[0] == r"\%" else "\n", rest[1:])
    return re.sub(r"\\([\\%])", r"\1", command), lines


def _command(shell: str, command: str, stdin: str) -> str | list[str]:
    if stdin:
        lines, end = set(stdin.split("\n")), "END"
        while end in lines:
            end += "_"
        words = f"exec {shlex.quote(shell)} -c {shlex.quote(command)}"
        return f"{words} <<'{end}'\n{stdin.removesuffix(chr(10))}\n{end}\n"
    return command if shell == _SH else [shell, "-c", command]


# --- Names -----------------------------------------------------------------------------------------

_NAME_LENGTH = 56
"""Characters, which leaves room for a number within the 64 that a name may have."""
_PREPARES = {"cd", "test", "[", "[[", "sleep", "export", "umask", "set", "ulimit", ".", "source", ":", "true", "if",
             "then", "echo"}  # fmt: skip
"""Commands that only prepare for the one that an entry is about."""
_RUNS_ANOTHER = re.compile(
    r"env|exec|command|nice|ionice|chrt|nohup|setsid|time|timeout|sudo|su|runuser|flock|chronic|cronic|run-parts|xvfb-run"
    r"|(ba|da|z|k|a)?sh|python[0-9.]*|perl|ruby|php[0-9.]*|node"
)
_OPTION = re.compile(r"-.*|[A-Za-z_]\w*=.*|[0-9.]+[smhd]?|!|.*\.lock")
_SUFFIX = re.compile(r"(?<=.)\.(sh|bash|py|pl|rb|php|js)$")


def _name(command: str) -> str:
    """A name such as `backup` for `cd /srv && nice -n 10 ./backup.sh --full`; the same for the same command."""
    for word in _telling_words(command):
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", _SUFFIX.sub("", PurePosixPath(word).name)).strip("-._")
        if plain:
            return plain[:_NAME_LENGTH]
    return "job"


def _telling_words(command: str) -> Iterator[str]:
    """Words that say what a command does, the best first."""
    for part in re.split(r"&&|\|\||[;|&(){}<>\n`]", command):
        words = [word.strip("\"'") for word in re.sub(r"\s-[ug]\s+\S+", "", part).split()]
        telling = [word for word in words if not _OPTION.fullmatch(word)]
        if telling and telling[0] in _PREPARES:
            continue
        runs = [word for word in telling if not _RUNS_ANOTHER.fullmatch(PurePosixPath(word).name)]
        yield from runs[:1] or telling[:1]
    yield from command.split()[:1]
