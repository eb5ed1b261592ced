"""Control groups of runs (cgroup v2): a kill that no process escapes, and limits on all of a run's processes together.

Only where this service may make groups below its own: https://systemd.io/CGROUP_DELEGATION.  Everywhere else there are
none, and a run is a process group.  Nothing here fails: a file that is not there, or not to be written, is a thing that
cannot be had.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

from exporter.settings import Limits

CONTROLLERS = "+memory +pids"
PREFIX = "cronscope-"
"""How the names of groups begin."""
_MOUNT = re.compile(r"\S+ \S+ \S+ (\S+) (\S+) \S+ .*- cgroup2 ")
"""Root and mount point, proc_pid_mountinfo(5)."""
_DELEGATED = ("trusted.delegate", "user.delegate")


def delegated(process: Path = Path("/proc/self")) -> Path | None:
    """Where the service may make groups: in its own, or in the one above where systemd has put it into a subgroup
    (DelegateSubgroup=).  None: nowhere, or there are no groups.

    Only in the latter, which has no processes of its own, can runs have limits: cgroups(7), "no internal processes".
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = (process / "cgroup").read_text().splitlines()
        own = next(line for line in lines if line.startswith("0::")).removeprefix("0::")
        found = next(filter(None, map(_MOUNT.match, (process / "mountinfo").read_text().splitlines())))
        root, mounted = found.groups()
        if not own.startswith(root):
            return None
        group = Path(mounted) / own.removeprefix(root).lstrip("/")
        groups = (group for group in (group, group.parent) if own == root or _is_delegated(group))
        group = next(group for group in groups if os.access(group, os.W_OK))
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(CONTROLLERS)
        return group
    return None


def tidy(parent: Path) -> None:
    """Remove groups whose processes have ended since their run."""
    with contextlib.suppress(OSError):
        for path in parent.glob(f"{PREFIX}*"):
            Cgroup(path).remove()


def _is_delegated(group: Path) -> bool:
    """Whether systemd leaves it to the service."""
    for name in _DELEGATED:
        with contextlib.suppress(OSError, AttributeError):
            if os.getxattr(group, name) == b"1":
                return True
    return False


class Cgroup:
    """That of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, parent: Path, run_id: str, limits: Limits) -> Cgroup | None:
        """None where it cannot be made, or not be ended as a whole (Linux before 5.14)."""
        group = cls(parent / f"{PREFIX}{run_id}")
        try:
            group.path.mkdir()
        except OSError:
            return None
        if not (group.path / "cgroup.kill").exists():
            group.remove()
            return None
        if limits.processes is not None:
            group._write("pids.max", str(limits.processes))
        return group

    def bounds_memory(self, most: int) -> bool:
        """Let all processes together have so many bytes; the kernel kills one at the next.  Whether that is so now."""
        return self._write("memory.max", f"{most:d}")  # a Size as text is "1GiB", which the kernel does not read

    def members(self) -> list[int]:
        """Living processes."""
        with contextlib.suppress(OSError):
            return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]
        return []

    def signal(self, number: signal.Signals, but_group: int) -> None:
        """Send a signal to each process that is not in the process group."""
        for pid in self.members():
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
                try:
                    if os.getpgid(pid) != but_group and pid in self.members():  # it is none that has the number by now
                        signal.pidfd_send_signal(pidfd, number)
                finally:
                    os.close(pidfd)

    def kill(self) -> None:
        """End all of it at once, with what is just being forked."""
        self._write("cgroup.kill", "1")

    def peak(self) -> int:
        """The most memory that all processes had together, in bytes; 0 where nobody counts it."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.path / "memory.peak").read_text())
        return 0

    def remove(self) -> None:
        """Unless there are processes in it, which may have been left behind on purpose."""
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _write(self, name: str, text: str) -> bool:
        try:
            descriptor = os.open(self.path / name, os.O_WRONLY)
        except OSError:
            return False
        try:
            os.write(descriptor, text.encode())
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True
