"""Looking at the system's processes: who belongs to a process group, how much memory a run takes."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import psutil

_LOOKED_AT = 64
"""Processes of one run whose memory is looked at."""
_PEAK = re.compile(rb"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def members(group: int) -> list[int]:
    """Living processes of a process group; zombies do not count, for perhaps nobody ever reaps them."""
    found = []
    try:
        pids = psutil.pids()
    except OSError:  # no descriptor left: who cannot look must not take them for gone
        return [group]
    for pid in pids:
        with contextlib.suppress(OSError, psutil.Error):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def largest_of_family(pid: int) -> int:
    """Peak resident memory in bytes, proc_pid_status(5), of the largest among a process and its living descendants.

    0 where none is seen.
    """
    family = [str(pid)]
    for parent in family:  # grows meanwhile
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                family += Path(f"/proc/{parent}/task/{task}/children").read_text().split()
        if len(family) > _LOOKED_AT:
            break
    peak = 0
    for member in family:
        with contextlib.suppress(OSError):
            if match := _PEAK.search(Path(f"/proc/{member}/status").read_bytes()):
                peak = max(peak, 1024 * int(match[1]))
    return peak


def has_argument(pid: int, position: int, argument: str) -> bool:
    """Whether a process has this argument at this position of its command line; not if there is no such process."""
    try:
        return psutil.Process(pid).cmdline()[position : position + 1] == [argument]
    except (psutil.Error, ValueError):  # a number that no process can have
        return False


def find_by_argument(position: int, argument: str) -> int:
    """The process with this argument at this position of its command line; -1 where there is none."""
    return next((pid for pid in psutil.pids() if has_argument(pid, position, argument)), -1)
