"""How a run ended, as the shell that is the command's parent (`launch.sh`) leaves it in the run's folder."""

from __future__ import annotations

import os
import re
import resource
import signal
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from exporter.events import FailureReason, Instant

_STATUS = re.compile(r"(\d+)\n.*\n(\d+)m([\d.,]+)s (\d+)m([\d.,]+)s\n(\d+)\nend\n")
_SILENT = (128 + signal.SIGINT, 128 + signal.SIGPIPE)


class Outcome(Struct, frozen=True, kw_only=True):
    """How a run ended."""

    exit_code: int
    """128+N for signal N; -1 where nobody can tell."""
    reason: FailureReason | None
    """None where the exit code means success; else `exit_code`, `signal`, or `lost` where nobody can tell."""
    ended_at: Instant
    cpu_user_seconds: float | None = None
    cpu_system_seconds: float | None = None
    max_rss_bytes: int | None = None
    """Peak resident memory of the run's largest process, as far as it was seen (`Process.note_memory`)."""


class Status(NamedTuple):
    """How the command ended."""

    code: int
    """-1 where nobody can tell."""
    killed: bool
    """By a signal, as the shell says.  No shell tells `exit 130` and `exit 141` from death by SIGINT and SIGPIPE."""
    ended_at: Instant
    user_seconds: float | None = None
    system_seconds: float | None = None
    shell_bytes: int = 0
    """Resident memory of the shell itself at its end; 0 where it could not see that."""

    def outcome(
        self,
        success_codes: Collection[int],
        ended_at: Instant,
        usage: resource.struct_rusage | None = None,
        peak: int = 0,
    ) -> Outcome:
        """The run's outcome; `usage`, where the kernel told it, is more exact than the shell's times."""
        reason: FailureReason | None = "exit_code"
        if self.code < 0:
            reason = "lost"
        elif self.code in success_codes:
            reason = None
        elif (self.killed and self.code > 128) or self.code in _SILENT:
            reason = "signal"
        return Outcome(
            exit_code=self.code, reason=reason, ended_at=ended_at, max_rss_bytes=max(peak, self.shell_bytes) or None,
            cpu_user_seconds=usage.ru_utime if usage else self.user_seconds,
            cpu_system_seconds=usage.ru_stime if usage else self.system_seconds,
        )  # fmt: skip


def read_status(folder: Path) -> Status | None:
    """None while there is no complete status file."""
    try:
        with (folder / "status").open() as file:
            match = _STATUS.fullmatch(file.read())
            ended_at = Instant(os.fstat(file.fileno()).st_mtime_ns // 1_000_000)
    except OSError:
        return None
    if match is None:
        return None
    code, *times, pages = match.groups()
    user, system = (60 * int(times[i]) + float(times[i + 1].replace(",", ".")) for i in (0, 2))
    return Status(int(code), has_notice(folder), ended_at, user, system, int(pages) * resource.getpagesize())


def has_notice(folder: Path) -> bool:
    """Whether the shell said that the command died by a signal, which it does for most signals."""
    try:
        return (folder / "notice").stat().st_size > 0
    except OSError:
        return False
