"""The data directory: made, and held by one service at a time, which leaves word there of who and where it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import IO

from msgspec import Struct

LOCK = "cronscope.lock"
"""Holds the owner's process id and, once it listens, lines with address, token and the certificate's fingerprint."""
RESERVE = "reserve"
"""Room for the history, see `Reserve`."""
ETAG_KEY = "etag.key"
_KEY_BYTES = 32
_LOOK_SECONDS = 0.05
"""How long `owner` may hold the lock, at the most, that it looks at."""


class StartError(Exception):
    """The service can't start; the message says why and what to do."""


class Owner(Struct, frozen=True):
    """Who holds a data directory."""

    pid: int
    url: str | None
    """Where it can be asked, `http://127.0.0.1:8917/`; None where it does not listen, or not yet."""
    token: str = ""
    """What lets whoever can read this do everything there."""
    fingerprint: str = ""
    """SHA-256 of the certificate in DER, hexadecimal, that is shown at an `https` address."""


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
                private(self.path).write_bytes(bytes(self.size))
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
        _close(data_dir / "runs", 0o700)
        lock = open(private(data_dir / LOCK), "a+")  # noqa: SIM115  # the caller's to close
    except OSError as error:
        why = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise StartError(
            f"cannot write to the data directory {data_dir}: {why}; --data-dir takes another one"
        ) from error
    if not (_take(lock) or _take(lock, after=_LOOK_SECONDS)):
        lock.seek(0)
        pid = lock.readline().strip()
        lock.close()
        raise StartError(f"another cronscope (process {pid}) is using the data directory {data_dir}")
    with contextlib.suppress(OSError):  # disk full: who comes second is told less, but is told
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    return lock


def announce(lock: IO[str], url: str, token: str = "", fingerprint: str = "") -> None:
    """Leave word where the holder of the lock listens, in place of what was said before."""
    with contextlib.suppress(OSError):  # disk full: it can still be asked by who knows the address
        os.fchmod(lock.fileno(), 0o600)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n{url}\n{token}\n{fingerprint}\n")
        lock.flush()


def etag_key(data_dir: Path) -> bytes:
    """What nobody else knows, for whoever has claimed the data directory: the same at every start.

    Where the disk does not keep it, another one each time.
    """
    path = data_dir / ETAG_KEY
    with contextlib.suppress(OSError):
        kept = private(path).read_bytes()
        if len(kept) == _KEY_BYTES:
            return kept
    made = secrets.token_bytes(_KEY_BYTES)
    with contextlib.suppress(OSError):
        private(path).write_bytes(made)
    return made


def owner(data_dir: Path) -> Owner | None:
    """Who holds the data directory now; None where nobody does.  Raises OSError where that can't be seen."""
    try:
        with open(data_dir / LOCK) as lock:
            if _take(lock, shared=True):
                return None
            pid, url, token, fingerprint, *_ = [*lock.read().split("\n"), "", "", ""]
            return Owner(int(pid) if pid.isdecimal() else 0, url or None, token, fingerprint)
    except FileNotFoundError:
        return None


def private(path: Path) -> Path:
    """Have a file for its owner alone, empty where there was none, and whatever SQLite keeps beside it; answers it.

    The directory may be anybody's to look into.  Raises OSError.
    """
    # One that is there is not opened: closing it would give up the locks that SQLite has on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm", "-journal"):  # new ones get the database's mode
        _close(path.with_name(path.name + suffix), 0o600)
    return path


def _close(path: Path, mode: int) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):  # another's, who lets us in
        path.chmod(mode)


def _take(lock: IO[str], *, shared: bool = False, after: float = 0.0) -> bool:
    time.sleep(after)
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
