"""The data directory: made, and held by one service at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO

from msgspec import Struct

LOCK = "cronscope.lock"


class StartError(Exception):
    """The service can't start; the message says why and what to do."""


class Owner(Struct, frozen=True):
    """Who holds a data directory."""

    pid: int


class Reserve:
    """A file that takes room while there is room, to be given up for records when the disk is full."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.held = False
        """Whether the room is there; set by the two methods."""

    def take(self) -> bool:
        """Take the room again, if the disk has it; answers `held`."""
        if not self.held:
            try:
                self.path.write_bytes(bytes(self.size))
                self.held = True
            except OSError:
                self.release()
        return self.held

    def release(self) -> bool:
        """Give the room up; whether there was any."""
        held, self.held = self.held, False
        with contextlib.suppress(OSError):  # read-only by now, or gone
            self.path.unlink(missing_ok=True)
        return held


def claim(data_dir: Path) -> IO[str]:
    """Make the data directory with its folder for runs, and lock it: as long as the answer is open, it is ours.

    Raises StartError where that can't be had.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "runs").mkdir(mode=0o700, exist_ok=True)
        lock = open(data_dir / LOCK, "a+")  # noqa: SIM115  # the caller's to close
    except OSError as error:
        why = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise StartError(
            f"cannot write to the data directory {data_dir}: {why}; --data-dir takes another one"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise StartError(f"another cronscope (process {owner}) is using the data directory {data_dir}") from None
    with contextlib.suppress(OSError):  # disk full: who comes second is told less, but is told
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    return lock


def owner(data_dir: Path) -> Owner | None:
    """Who holds the data directory now; None where nobody does.  Raises OSError where that can't be seen."""
    try:
        with open(data_dir / LOCK) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = lock.readline().strip()
                return Owner(int(pid) if pid.isdecimal() else 0)
    except FileNotFoundError:
        pass
    return None
