"""Bounds a process as a script's settings say, then becomes the script's command.

    python -I -S confine.py [NAME=VALUE…] -- COMMAND [ARG…]

A program of its own, between the shell and the command: what is done here must not be done between fork(2) and
execve(2) in a service with threads, and needs rights that the command is not to have.  It imports next to nothing, as
the command waits for it.  What may be given is in `exporter.confinement`.

The command's variables come with PREFIX before their names: whoever sets those of a command must have no say in what is
done here, nor in the shell above, with rights that he does not have.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

CANNOT_EXECUTE = 126
"""Exit code where it does not come to the command, as of a shell."""
PREFIX = "CRONSCOPE_VARIABLE_"
"""By names that begin so no loader, shell or Python goes."""
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
    end = sys.argv.index("--")
    bounds = dict(each.split("=", 1) for each in sys.argv[1:end])
    # Opened while it can be; the command's beginning closes it, which is the answer that there is nothing to be told.
    answer = _open_answer(bounds["answer"])
    try:
        become(bounds, sys.argv[end + 1 :])
    except Exception as error:  # of whatever kind: the command has not begun, and the service is to know it
        why = str(error) if isinstance(error, Refused) else repr(error)
        os.write(answer, f"{why}\n".encode(errors="replace"))
        return CANNOT_EXECUTE


def become(bounds: dict[str, str], command: list[str]) -> NoReturn:
    """Raises Refused."""
    for name in _LIMITS:
        if name in bounds and name != _MEMORY:
            _try(f"limits.{name} {bounds[name]}", _limit, name, int(bounds[name]))
    if "nice" in bounds:
        _try(f"nice {bounds['nice']}", os.nice, int(bounds["nice"]))
    if "umask" in bounds:
        os.umask(int(bounds["umask"], 8))
    as_whom = ""
    if "uid" in bounds:
        as_whom = f", as {bounds['name']}"
        _try("groups", os.setgroups, [int(group) for group in bounds["groups"].split(",")])
        _try("group", os.setgid, int(bounds["gid"]))
        _try("user", os.setuid, int(bounds["uid"]))
        _try(f"workdir {bounds['workdir']}{as_whom}", os.chdir, bounds["workdir"])
    variables = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and so by whatever it becomes
        signal.signal(ignored, signal.SIG_DFL)
    if _MEMORY in bounds:  # last: it is this program's too
        _try(f"limits.{_MEMORY} {bounds[_MEMORY]}", _limit, _MEMORY, int(bounds[_MEMORY]))
    _try(f"{command[0]}{as_whom}", _execute, command, variables)
    raise AssertionError


def _open_answer(pipe: str) -> int:
    """The pipe's other end; without a reader, as the service has gone meanwhile, standard error."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return sys.stderr.fileno()


def _limit(name: str, most: int) -> None:
    soft = hard = most
    if name == "cpu_time":
        allowed = resource.getrlimit(resource.RLIMIT_CPU)[1]
        hard += KILL_AFTER_SECONDS
        if allowed != resource.RLIM_INFINITY:
            hard = max(soft, min(hard, allowed))
    resource.setrlimit(_LIMITS[name], (soft, hard))


def _execute(command: list[str], variables: dict[str, str]) -> NoReturn:
    """execvpe(3), by the PATH among the variables.

    That of `os` imports a module, which the user may not be allowed to read.
    """
    folders = [""] if "/" in command[0] else variables.get("PATH", os.defpath).split(":")
    denied: OSError | None = None
    for folder in folders:
        try:
            os.execve(os.path.join(folder, command[0]), command, variables)  # noqa: S606
        except (FileNotFoundError, NotADirectoryError) as error:
            missing = error
        except PermissionError as error:
            denied = error
    raise denied or missing


def _try(what: str, step: Callable[..., object], *given: Any) -> None:
    try:
        step(*given)
    except ValueError as error:  # as setrlimit(2) says it in Python
        raise Refused(f"{what}: the service itself has less") from error
    except MemoryError as error:
        raise Refused(f"{what}: there is not enough memory") from error
    except OSError as error:
        raise Refused(f"{what}: {(error.strerror or str(error)).lower()}") from error


if __name__ == "__main__":
    sys.exit(main())
