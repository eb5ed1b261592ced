"""One run's process: starting it, watching it, stopping it, and taking it up again after a restart.

The service's child is a shell that runs `launch.sh`; the command is the shell's child.  Files in the run's folder:

    stdout, stderr  the command's output
    pid             the shell's process id, which is also the number of the process group and of the session
    notice          what the shell says about a command that died by a signal
    stopped         made before the first signal of a stop
    status          exit status and CPU times, once the command has ended
    begun           when the service began with the run (exporter.live)
    marks, secrets  what is known of the output, and what is kept from it (exporter.output)
    metrics         where the command may write metrics of its own
    begins          a pipe that says why a command with bounds cannot begin (exporter.confinement)
    cgroup          the path of the command's control group, if it has one (exporter.cgroups)
    shared          where the command is another user's: a link to a folder of his, which has his metrics

The folder is for the service alone.  Another user's command has its output open, and can reach nothing else in there.

Everything here belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import psutil
from msgspec.structs import replace

from exporter import secrets
from exporter.cgroups import Cgroup
from exporter.command import SpawnError, arguments, environment, plain_words
from exporter.confinement import ANSWER, NoSuchRights, carrying, confined, identity_of, is_bounded
from exporter.events import Instant, Run
from exporter.outcome import Outcome, Status, has_notice, read_status
from exporter.processes import find_by_argument, has_argument, largest_of_family, members
from exporter.run_folder import METRICS, give, metrics_file, note_cgroup, noted_cgroup
from exporter.settings import Duration, Limits, ScriptSettings

__all__ = ["STOPPED", "Outcome", "Process", "SpawnError", "adopt", "file_limit", "launch"]

log = logging.getLogger(__name__)

BEGIN_SECONDS = 60.0
"""Within which a command has to begin: its user may stop what bounds it, once that has taken his rights."""
GIVE_UP_SECONDS = 5.0
"""How long after SIGKILL a process group is waited for: the kernel may hold a process in a system call."""
STOPPED = "stopped"
"""Name of the file that says that a stop has begun."""
LAUNCHER = Path(__file__).with_name("launch.sh")
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_RSS_MARGIN = 4 << 20
_NOTE_AFTER_SECONDS = (0.004, 0.016, 0.064)
"""When the memory of a run is looked at beside `note_memory`: most runs are short."""
_FOLDER_ARGUMENT = 2
"""Where the run's folder stands in the shell's command line."""


def file_limit() -> int:
    """The soft limit on open files of this process; -1 for none."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def launch(
    script: ScriptSettings, run: Run, folder: Path, environ: Mapping[str, str], open_files: int | None = None,
    cgroups: Path | None = None, hide: Callable[[list[str]], None] | None = None,
) -> Process:  # fmt: skip
    """Start a run in `folder`, which is made if need be; `environ` is the service's own environment.

    `hide` gets the values in the run's environment that must not be told, before the run can tell any.
    `open_files` is the run's soft limit on open files, -1 for none; None: that of the service.  `cgroups` is where
    the run gets a control group if anything bounds the script; for others that would take too long.

    Raises SpawnError, and then no process was started.
    """
    folder = folder.resolve()
    limit = file_limit() if open_files is None else open_files
    with contextlib.ExitStack() as opened:
        try:
            who = identity_of(script)
            variables = environment(script, run, folder / METRICS, environ, who)
            if hide is not None:
                hide(secrets.values(variables, script.secrets))
            command = arguments(script, variables, who)
            program = command[0]
            folder.mkdir(mode=0o700, exist_ok=True)
            stdout, stderr, notice = (_open(folder / name, opened) for name in ("stdout", "stderr", "notice"))
            if who is not None:
                give(folder, who, (stdout, stderr))
                variables["CRONSCOPE_METRICS_FILE"] = str(metrics_file(folder).resolve())
            cgroup, answer = None, None
            if is_bounded(script):
                cgroup, limits = _cgroup(cgroups, run.run_id, script.limits, folder)
                answer = _answer(folder / ANSWER)
                command = confined(script, limits, who, command, folder)
                variables = carrying(variables, script, run.run_id)
        except NoSuchRights as error:
            raise SpawnError(str(error)) from error
        except OSError as error:
            raise SpawnError(f"{error.filename}: {plain_words(error)}") from error
        try:
            child = subprocess.Popen(
                [
                    "/bin/sh", LAUNCHER, folder, "unlimited" if limit < 0 else str(limit),
                    "" if cgroup is None else cgroup.path, *command,
                ],
                stdin=stderr, stdout=stdout, stderr=notice, cwd=script.workdir if who is None else "/", env=variables,
                start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument or a variable
            if answer is not None:
                os.close(answer)
            why = plain_words(error) if isinstance(error, OSError) else str(error)
            raise SpawnError(f"{program}: {why}") from error
    child.returncode = 0  # keeps subprocess from ever waiting for it: os.wait4 does, for its resource usage
    return Process(
        folder, child.pid, script.success_codes, pidfd=_pidfd(child.pid), is_child=True, answer=answer, cgroup=cgroup
    )


def adopt(folder: Path, success_codes: Collection[int] = (0,)) -> Process | Outcome | None:
    """Take up a run that an earlier life of the service started: still running, ended meanwhile, or (None) lost.

    One is running, too, where its stop has begun and the rest of its process group has not gone yet.
    """
    folder = folder.resolve()
    pid = _find_launcher(folder)
    # The descriptor first, then who it is: from then on the number cannot pass to another process unseen.
    pidfd = _pidfd(pid)
    running = has_argument(pid, _FOLDER_ARGUMENT, str(folder))
    status = read_status(folder)  # last: the shell may have ended by now
    cgroup = noted_cgroup(folder)
    if (running and status is None) or ((folder / STOPPED).exists() and _left_to_stop(pid, folder.name, cgroup)):
        return Process(folder, pid, success_codes, pidfd=pidfd, is_child=False, cgroup=cgroup)
    if pidfd is not None:
        os.close(pidfd)
    return status and status.outcome(success_codes, status.ended_at)


class Process:
    """A run's process group.  Made by `launch` and `adopt` only."""

    def __init__(
        self, folder: Path, pid: int, success_codes: Collection[int], *, pidfd: int | None, is_child: bool,
        answer: int | None = None, cgroup: Cgroup | None = None,
    ) -> None:  # fmt: skip
        self.run_id = folder.name
        self.pid = pid
        """Of the shell that is the command's parent; also the number of the process group."""
        self._folder = folder
        self._success_codes = success_codes
        self._is_child = is_child
        self._cgroup = cgroup
        self._usage: resource.struct_rusage | None = None
        self._wait_status: int | None = None
        self._killed = False
        # A child's own peak is at least what the service held when it started it: execve(2) counts the memory that
        # the two shared until then.  What is not clearly above that says nothing about the script.
        self._rss_floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT + _RSS_MARGIN
        self._rss_noted = 0
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._stopping: asyncio.Task[None] | None = None
        self._beginning: asyncio.Future[None] = self._loop.create_future()
        self._answer = answer
        if answer is None:
            self._note_beginning()
        else:
            self._loop.add_reader(answer, self._note_answer, answer)
        self._watch(pidfd)
        self._ending = self._loop.create_task(self._end())

    async def begin(self) -> None:
        """Wait until the command begins.  Raises SpawnError where it cannot, and then the run is ending by itself."""
        either = [self._beginning, self._exited]
        begun, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED, timeout=BEGIN_SECONDS)
        if not begun and self.stop(Duration(0)):
            await self.wait()
            raise SpawnError(f"its command did not begin within {BEGIN_SECONDS:g} s: was it stopped by a signal?")
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)  # a stop ends it
        if self._beginning.done():
            await self._beginning
        elif self._stopping is None:
            raise SpawnError("what was to bound the command ended before that")

    async def wait(self) -> Outcome:
        """The end of the run: its command has ended, and after `stop` its whole process group is gone.

        Otherwise processes that the command left behind do not matter, nor who holds its output open.
        """
        return await asyncio.shield(self._ending)

    def stop(self, kill_after: Duration, why: str = "cancelled") -> bool:
        """Send SIGTERM to the process group, and SIGKILL if any of it is left after `kill_after`.

        Where the run has a control group, that is for all of it, also for what is in other process groups.

        `why` is left in the folder, for a service that takes the run up.  A second call, or one after the command's
        end, does nothing; answers whether this one did.
        """
        if self._stopping is not None or self._exited.done():
            return False
        with contextlib.suppress(OSError):  # disk full: SIGTERM may miss a command that is just being started
            (self._folder / STOPPED).write_text(why)
        self._stopping = self._loop.create_task(self._stop(kill_after))
        return True

    def note_memory(self) -> None:
        """Look at the peak memory of the run's processes: to be called a few times a second (Linux only).

        What the kernel tells at the end is exact for a process larger than the service; a smaller one has to be seen,
        and of a run that is over in an instant perhaps no more is seen than the shell that started it.
        """
        if self._beginning.done() and not self._exited.done():  # before it is what bounds the command that is seen
            self._rss_noted = max(self._rss_noted, largest_of_family(self.pid))

    # --- watching ---

    def _note_answer(self, answer: int) -> None:
        said = os.read(answer, select.PIPE_BUF)
        self._close_answer()
        if said:
            self._beginning.set_exception(SpawnError(said.decode(errors="replace").strip()))
        else:
            self._note_beginning()

    def _close_answer(self) -> None:
        if self._answer is not None:
            self._loop.remove_reader(self._answer)
            os.close(self._answer)
            self._answer = None

    def _note_beginning(self) -> None:
        self._beginning.set_result(None)
        for seconds in _NOTE_AFTER_SECONDS:
            self._loop.call_later(seconds, self.note_memory)

    def _watch(self, pidfd: int | None) -> None:
        if pidfd is None:  # not Linux, or no descriptor left
            threading.Thread(target=self._wait_blocking, name=f"run-{self.run_id}", daemon=True).start()
            return

        def ended() -> None:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
            self._note_exit()

        self._loop.add_reader(pidfd, ended)

    def _wait_blocking(self) -> None:
        if self._is_child:
            self._reap(0)
        else:
            with contextlib.suppress(psutil.Error):
                psutil.Process(self.pid).wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the service has left
            self._loop.call_soon_threadsafe(self._note_exit)

    def _note_exit(self) -> None:
        if self._exited.done():  # it had been given up
            self._reap(os.WNOHANG)
        else:
            self._exited.set_result(None)

    async def _end(self) -> Outcome:
        await self._exited
        self._close_answer()
        if self._stopping is not None:
            await self._stopping
        ended_at = Instant.now()
        self._reap(os.WNOHANG)
        status = read_status(self._folder)
        if status is None:
            status = self._status_without_file(ended_at)
        outcome = status.outcome(self._success_codes, ended_at, self._usage, self._peak())
        if self._cgroup is not None:
            self._cgroup.remove()
        return outcome

    def _reap(self, options: int) -> None:
        """Take the child's status.  Until then nobody else can get its number, nor that of its group."""
        if self._is_child and self._usage is None:
            with contextlib.suppress(ChildProcessError):
                pid, status, usage = os.wait4(self.pid, options)
                if pid:
                    self._wait_status, self._usage = status, usage

    def _status_without_file(self, ended_at: Instant) -> Status:
        """The shell was killed, or the disk is full."""
        if self._wait_status is not None:
            code = os.waitstatus_to_exitcode(self._wait_status)
            return Status(128 - code if code < 0 else code, code < 0 or has_notice(self._folder), ended_at)
        if self._killed:
            return Status(128 + signal.SIGKILL, True, ended_at)
        return Status(-1, False, ended_at)

    def _peak(self) -> int:
        together = 0 if self._cgroup is None else self._cgroup.peak()
        if self._usage is not None and (peak := self._usage.ru_maxrss * _RSS_UNIT) > self._rss_floor:
            return max(peak, together)
        return max(self._rss_noted, together)

    # --- stopping ---

    async def _stop(self, kill_after: Duration) -> None:
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a stopped process takes no other signal but SIGKILL
        if await self._gone(kill_after.seconds()):
            return
        self._killed = True
        self._signal(signal.SIGKILL)
        if not await self._gone(GIVE_UP_SECONDS):
            log.warning("run %s: some of its processes (group %d) do not end on SIGKILL", self.run_id, self.pid)
            self._note_exit()

    def _signal(self, number: signal.Signals) -> None:
        # The group's number is its own as long as a member lives or the child is not reaped.
        held = self._usage is None if self._is_child else not self._exited.done()
        if held or members(self.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
        if self._cgroup is not None:
            if number == signal.SIGKILL:
                self._cgroup.kill()
            else:
                self._cgroup.signal(number, but_group=self.pid)

    async def _gone(self, seconds: float) -> bool:
        """Whether the groups have no living member any more, at the latest after `seconds`."""
        deadline = self._loop.time() + seconds
        await asyncio.wait([self._exited], timeout=seconds)  # the shell outlives the command: no need to look before
        pause = 0.005
        while members(self.pid) or (self._cgroup is not None and self._cgroup.members()):
            left = deadline - self._loop.time()
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, 0.1)
        return True


def _open(path: Path, opened: contextlib.ExitStack) -> int:
    """Open for appending, so that a file which is cut meanwhile is continued at its new end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    opened.callback(os.close, descriptor)
    return descriptor


def _cgroup(parent: Path | None, run_id: str, limits: Limits, folder: Path) -> tuple[Cgroup | None, Limits]:
    """A control group for a run, if there can be one, and the limits that are left to be set on each process."""
    cgroup = None if parent is None else Cgroup.make(parent, run_id, limits)
    if cgroup is not None:
        note_cgroup(folder, cgroup)
        if limits.memory is not None and cgroup.bounds_memory(limits.memory):
            limits = replace(limits, memory=None)
    return cgroup, limits


def _answer(path: Path) -> int:
    """The reading end of a named pipe, which says nothing before somebody has opened the other one."""
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # macOS; no such process; no descriptor left
        return None


def _find_launcher(folder: Path) -> int:
    """Process id of the run's shell, living or not; -1 where nobody knows it."""
    try:
        return int((folder / "pid").read_text())
    except (OSError, ValueError):  # the disk was full when the shell came to write it
        return find_by_argument(_FOLDER_ARGUMENT, str(folder))


def _left_to_stop(group: int, run_id: str, cgroup: Cgroup | None) -> bool:
    """Whether processes of a run whose shell has ended are still in its groups, which are no other's by now."""
    if cgroup is not None and cgroup.members():
        return True
    for pid in members(group) if group > 0 else ():
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).environ().get("CRONSCOPE_RUN_ID") == run_id:
                return True
    return False
