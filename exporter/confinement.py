"""What a script's settings bound its command by, and the program that does it before it becomes the command."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.accounts import Identity, UnknownAccount, identity, refusal
from exporter.settings import Limits, ScriptSettings

ANSWER = "begins"
"""Name of the pipe that says when the command begins, or why it cannot."""
PROGRAM = Path(__file__).with_name("confine.py")


class NoSuchRights(Exception):
    """The service cannot make the command run as whom it is to; the message says why."""


def identity_of(script: ScriptSettings) -> Identity | None:
    """Whose rights the command has; None: the service's.  Raises NoSuchRights."""
    if script.user is None and script.group is None:
        return None
    if (why := refusal()) is not None:
        raise NoSuchRights(why)
    try:
        return identity(script.user, script.group)
    except UnknownAccount as error:
        raise NoSuchRights(str(error)) from error


def confined(
    script: ScriptSettings, limits: Limits, who: Identity | None, command: list[str], folder: Path,
    environ: Mapping[str, str],
) -> list[str] | None:  # fmt: skip
    """What to execute instead of the command, for it to be bounded; None where nothing bounds it.

    `limits` are those of the script that are set on each process.  When the command begins the pipe ANSWER in `folder`,
    which must be there by then, is closed; before that it says why the command cannot begin, if that is so.
    """
    numbers = _numbers(limits)
    if who is None and script.umask is None and script.nice == 0 and not numbers:
        return None
    bounds: dict[str, Any] = {
        "answer": str(folder / ANSWER), "workdir": str(script.workdir), "nice": script.nice, "limits": numbers,
        "umask": None if script.umask is None else int(script.umask, 8),
        "identity": None if who is None else who._asdict(),
        "locale": {name: value for name, value in environ.items() if name == "LC_CTYPE"},
    }  # fmt: skip
    # Not that of a virtual environment, which takes twice as long to start.
    python = os.path.realpath(sys.executable)
    return [python, "-I", "-S", "-X", "utf8", str(PROGRAM), json.dumps(bounds), *command]


def _numbers(limits: Limits) -> dict[str, int]:
    """In bytes, seconds and numbers, those that are set."""
    given = {name: getattr(limits, name) for name in limits.__struct_fields__}
    if limits.cpu_time is not None:
        given["cpu_time"] = math.ceil(limits.cpu_time.seconds())
    return {name: int(value) for name, value in given.items() if value is not None}
