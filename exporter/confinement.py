"""What a script's settings bound its command by, and the program that does it before it becomes the command."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.accounts import Identity, UnknownAccount, identity, refusal
from exporter.confine import PREFIX
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


def likely_identity(script: ScriptSettings) -> Identity | None:
    """The same for who only looks; None, too, where the service cannot do it, which is told elsewhere."""
    try:
        return identity_of(script)
    except NoSuchRights:
        return None


def is_bounded(script: ScriptSettings) -> bool:
    """Whether anything bounds the script's command."""
    given = (script.user, script.group, script.umask)
    return given != (None, None, None) or script.nice != 0 or script.limits != Limits()


def carrying(variables: Mapping[str, str], script: ScriptSettings, run_id: str) -> dict[str, str]:
    """The environment of what `confined` says: a fixed one, which carries the command's variables to its beginning."""
    if "PWD" in variables:  # as a shell would set it
        variables = {**variables, "PWD": str(script.workdir)}
    return {"CRONSCOPE_RUN_ID": run_id, **{f"{PREFIX}{name}": value for name, value in variables.items()}}


def confined(
    script: ScriptSettings, limits: Limits, who: Identity | None, command: list[str], folder: Path
) -> list[str]:
    """What to execute for the command to be bounded; `limits` are those of the script that are set on each process.

    When the command begins the pipe ANSWER in `folder`, which must be there by then, is closed; before that it says why
    the command cannot begin, if that is so.
    """
    bounds = {"answer": folder / ANSWER, "workdir": script.workdir, **_numbers(limits)}
    if script.nice:
        bounds["nice"] = script.nice
    if script.umask is not None:
        bounds["umask"] = script.umask
    if who is not None:
        groups = ",".join(map(str, who.groups))
        bounds |= {"uid": who.uid, "gid": who.gid, "groups": groups, "name": who.name}
    # Not that of a virtual environment, which takes twice as long to start.
    python = [os.path.realpath(sys.executable), "-I", "-S", "-X", "utf8", str(PROGRAM)]
    return [*python, *(f"{name}={value}" for name, value in bounds.items()), "--", *command]


def _numbers(limits: Limits) -> dict[str, Any]:
    """In bytes, seconds and numbers, those that are set."""
    given = {name: getattr(limits, name) for name in limits.__struct_fields__}
    if limits.cpu_time is not None:
        given["cpu_time"] = math.ceil(limits.cpu_time.seconds())
    return {name: int(value) for name, value in given.items() if value is not None}
