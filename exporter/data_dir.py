"""The data directory: made, and held by one service at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class StartError(Exception):
    """The service can't start; the message says why and what to do."""


def claim(data_dir: Path) -> IO[str]:
    """Make the data directory with its folder for runs, and lock it: as long as the answer is open, it is ours.

    Raises StartError where that can't be had.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "runs").mkdir(mode=0o700, exist_ok=True)
        lock = open(data_dir / "cronscope.lock", "a+")  # noqa: SIM115  # the caller's to close
    except OSError as error:
        raise StartError(
            f"cannot write to the data directory {data_dir}: {error.strerror}; --data-dir takes another one"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise StartError(f"another cronscope (process {owner}) is using the data directory {data_dir}") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
