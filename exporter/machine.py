"""What of the machine is in the way of running scripts on time: clock, time zone, disk, limits, Python.

Each check is a function of what was read; `examine` reads it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from exporter.cron import ScheduleError
from exporter.findings import Finding
from exporter.settings import Settings, Size
from exporter.triggers import zone

LOCALTIME = Path("/etc/localtime")
_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of adjtimex(2)."""
FILES_PER_RUN = 4
"""Descriptors that a run takes in the service, at most."""
_FILES_BESIDE = 256
"""For the database, clients and scrapes."""
_PROCESSES_PER_RUN = 4
"""The run's shell, its command, and what that starts."""
_LITTLE_SPACE, _NO_SPACE = Size(1 << 30), Size(64 << 20)
_FEW_INODES, _NO_INODES = 10_000, 100


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All checks of this module."""
    yield from python(sys.version_info[:2], sys.version_info.releaselevel, date.today())
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    yield from clock(synchronised(), datetime.now(UTC), installed)
    if "local" in {settings.timezone, *(script.timezone for script in settings.scripts)}:
        yield from time_zone(environ.get("TZ"), LOCALTIME)
    yield from disk(settings.data_dir)
    files, processes = resource.getrlimit(resource.RLIMIT_NOFILE)[1], resource.getrlimit(resource.RLIMIT_NPROC)[0]
    yield from limits(settings.max_concurrent_runs, files, None if os.geteuid() == 0 else processes)


def python(version: tuple[int, ...], level: str, today: date) -> Iterator[Finding]:
    """`level` as in `sys.version_info`.  A version is cared for until the fifth October after its own: PEP 602."""
    text = ".".join(map(str, version))
    remedy = "install Cronscope with a newer Python"
    if level != "final":
        what = f"Python {text} is not finished ({level})"
        yield Finding(severity="warning", where="Python", what=what, remedy="install Cronscope with a released Python")
    if today > (end := date(2016 + version[1], 10, 31)):
        what = f"Python {text} gets no security fixes since {end}"
        yield Finding(severity="warning", where="Python", what=what, remedy=remedy)


# --- Clock -----------------------------------------------------------------------------------------


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`, with room for the rest: adjtimex(2)."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256),
    )  # fmt: skip


def synchronised() -> bool | None:
    """Whether something keeps the kernel's clock right; None where the kernel does not tell."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):  # not Linux
        return None
    told = _Timex()  # no mode is set: it only reads, which everybody may
    return None if adjtimex(ctypes.byref(told)) < 0 else not told.status & _UNSYNCHRONISED


def clock(is_synchronised: bool | None, now: datetime, installed: datetime) -> Iterator[Finding]:
    """`installed` is when the program came to this machine, which is no longer ahead."""
    if now < installed - timedelta(days=1):
        what = f"the clock shows {now:%Y-%m-%d %H:%M} UTC, but Cronscope was installed {installed:%Y-%m-%d}"
        yield Finding(severity="error", where="clock", what=what, remedy="set the clock: timedatectl set-ntp true")
    elif is_synchronised is False:
        what = "nothing keeps the clock right: it is not synchronised"
        remedy = "run a time service such as chrony or systemd-timesyncd: timedatectl set-ntp true"
        yield Finding(severity="warning", where="clock", what=what, remedy=remedy)


def time_zone(variable: str | None, localtime: Path) -> Iterator[Finding]:
    """`variable` is TZ; asked where something in the configuration has the timezone `local`."""
    remedy = "set timezone in the configuration to a name such as Europe/Berlin"
    try:
        here = zone("local")
    except ScheduleError as error:
        yield Finding(severity="error", where="time zone", what=str(error), remedy=remedy)
        return
    try:
        with localtime.open("rb") as file:
            of_machine = ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return  # a machine without the file is on UTC, or says so in TZ
    year = datetime.now(UTC).year
    firsts = [datetime(year, month, 1, tzinfo=UTC) for month in range(1, 13)]
    if variable and any(here.utcoffset(first) != of_machine.utcoffset(first) for first in firsts):
        what = f"TZ ({variable}) differs from {localtime}, which cron and the other services of this machine follow"
        yield Finding(severity="warning", where="time zone", what=what, remedy=f"{remedy}, or unset TZ")


# --- Room ------------------------------------------------------------------------------------------


def disk(data_dir: Path) -> Iterator[Finding]:
    """Space and inodes of the file system on which data_dir is, or will be."""
    existing = data_dir
    while not os.path.exists(existing) and existing != existing.parent:
        existing = existing.parent
    yield from room(data_dir, os.statvfs(existing))


def room(data_dir: Path, left: os.statvfs_result) -> Iterator[Finding]:
    space = Size(left.f_bavail * left.f_frsize)
    if space < _LITTLE_SPACE:
        what = f"{space >> 20} MiB are free for data_dir {data_dir}"
        remedy = "make room, lower retention, or name a data_dir on another file system"
        yield Finding(severity="error" if space < _NO_SPACE else "warning", where="disk", what=what, remedy=remedy)
    if left.f_files and left.f_favail < _FEW_INODES:  # some file systems do not count them
        what = f"{left.f_favail} inodes are free for data_dir {data_dir}"
        remedy = "delete small files (df -i shows where), or name a data_dir on another file system"
        severe = left.f_favail < _NO_INODES
        yield Finding(severity="error" if severe else "warning", where="disk", what=what, remedy=remedy)


def limits(runs: int, files: int, processes: int | None) -> Iterator[Finding]:
    """`files` is the hard limit, up to which the service goes; `processes` the soft one, None where it does not hold.

    Both may be `resource.RLIM_INFINITY`.
    """
    for limit, needed, what, flag, key in (
        (files, runs * FILES_PER_RUN + _FILES_BESIDE, "open files", "-n", "LimitNOFILE"),
        (processes, runs * _PROCESSES_PER_RUN, "processes", "-u", "LimitNPROC"),
    ):
        if limit is not None and limit != resource.RLIM_INFINITY and limit < needed:
            yield Finding(
                severity="warning", where="ulimit",
                what=f"at most {limit} {what} are allowed; max_concurrent_runs {runs} may need {needed}",
                remedy=f"raise the limit (ulimit {flag}, or {key}= in a systemd unit), or lower max_concurrent_runs",
            )  # fmt: skip
