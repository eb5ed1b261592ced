"""Bounds a process as a script's settings say, then becomes the script's command.

    python -I -S confine.py BOUNDS COMMAND [ARG…]

A program of its own, between the shell and the command: what is done here must not be done between fork(2) and
execve(2) in a service with threads, and needs rights that the command is not to have.  Only the standard library.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

CANNOT_EXECUTE = 126
"""Exit code where it does not come to the command, as of a shell."""
KILL_AFTER_SECONDS = 5
"""From SIGXCPU to SIGKILL."""
_MEMORY = "memory"
_LIMITS = {
    "cpu_time": resource.RLIMIT_CPU, "file_size": resource.RLIMIT_FSIZE, "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC, _MEMORY: resource.RLIMIT_AS,
}  # fmt: skip


class Refused(Exception):
    """The system does not allow it; the message says what."""


def main() -> int:
    bounds, command = json.loads(sys.argv[1]), sys.argv[2:]
    try:
        become(bounds, command)
    except Refused as refused:
        _tell(bounds["answer"], str(refused))
        return CANNOT_EXECUTE


def become(bounds: dict[str, Any], command: list[str]) -> NoReturn:
    """Raises Refused."""
    # Opened while it can be; the command's beginning closes it, which is the answer that there is nothing to be told.
    _open_answer(bounds)
    limits, who = bounds["limits"], bounds["identity"]
    for name in _LIMITS:
        if name in limits and name != _MEMORY:
            _try(f"limits.{name} {limits[name]}", partial(_limit, name, limits[name]))
    _try(f"nice {bounds['nice']}", partial(os.nice, bounds["nice"]))
    if bounds["umask"] is not None:
        os.umask(bounds["umask"])
    as_whom = "" if who is None else f", as {who['name']}"
    if who is not None:
        _try("groups", partial(os.setgroups, who["groups"]))
        _try("group", partial(os.setgid, who["gid"]))
        _try("user", partial(os.setuid, who["uid"]))
        _try(f"workdir {bounds['workdir']}{as_whom}", partial(os.chdir, bounds["workdir"]))
    os.environ.pop("LC_CTYPE", None)  # which Python sets where there is no locale (PEP 538)
    os.environ.update(bounds["locale"])
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and so by whatever it becomes
        signal.signal(ignored, signal.SIG_DFL)
    if _MEMORY in limits:  # last: it is this program's too
        _try(f"limits.memory {limits[_MEMORY]}", partial(_limit, _MEMORY, limits[_MEMORY]))
    _try(f"{command[0]}{as_whom}", partial(os.execvp, command[0], command))
    raise AssertionError


def _open_answer(bounds: dict[str, Any]) -> None:
    """A named pipe; without a reader the service has gone meanwhile."""
    try:
        bounds["answer"] = os.open(bounds["answer"], os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        bounds["answer"] = sys.stderr.fileno()


def _limit(name: str, most: int) -> None:
    soft = hard = most
    if name == "cpu_time":
        hard += KILL_AFTER_SECONDS
        allowed = resource.getrlimit(resource.RLIMIT_CPU)[1]
        hard = hard if allowed == resource.RLIM_INFINITY else max(soft, min(hard, allowed))
    resource.setrlimit(_LIMITS[name], (soft, hard))


def _try(what: str, step: Callable[[], object]) -> None:
    try:
        step()
    except ValueError as error:  # as setrlimit(2) says it in Python
        raise Refused(f"{what}: the service itself has less") from error
    except MemoryError as error:
        raise Refused(f"{what}: there is not enough memory") from error
    except OSError as error:
        raise Refused(f"{what}: {(error.strerror or str(error)).lower()}") from error


def _tell(answer: int, message: str) -> None:
    os.write(answer, f"{message}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
