"""Replacing a file so that a crash or a full disk leaves the old content or the new one, never a part of either."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

DRAFT = re.compile(r"\.cronscope-[0-9a-f]{16}\.draft")
"""Names of drafts."""


class Overtaken(Exception):
    """The file is no longer the one that was looked at."""


class Draft:
    """New content of a file: durable beside it, and then in its place.  Its methods take as long as the disk does."""

    def __init__(self, target: Path, content: bytes, seen: os.stat_result | None, mode: int | None = None) -> None:
        """`seen` is the file as it was looked at, of which mode and owner are kept; None: there was none.

        Then `mode` is that of the new file; None: as the umask has it, executable for a script.  Folders that are
        missing are made.  One writer a folder: what a crash left of earlier drafts there is removed.
        Raises OSError.
        """
        self._target, self._seen = target, seen
        _make_folder(target.parent)
        _sweep(target.parent)
        self._path = target.parent / f".cronscope-{secrets.token_hex(8)}.draft"
        first_mode = 0o600
        if seen is None and mode is None:
            first_mode = 0o777 if content.startswith(b"#!") else 0o666
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first_mode)
        try:
            with open(file, "wb") as stream:
                stream.write(content)
                stream.flush()
                if seen is not None:
                    with suppress(PermissionError):  # not root: the file becomes ours
                        os.fchown(file, seen.st_uid, seen.st_gid)
                    mode = seen.st_mode
                if mode is not None:
                    os.fchmod(file, mode & 0o777)
                os.fsync(file)
        except OSError:
            self.discard()
            raise

    def publish(self) -> None:
        """Take the file's place.  Raises OSError, and Overtaken where the file is not as it was seen."""
        check_unchanged(self._target, self._seen)
        os.rename(self._path, self._target)
        sync_folder(self._target.parent)

    def discard(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def check_unchanged(path: Path, seen: os.stat_result | None) -> None:
    """Raises Overtaken where somebody has changed, removed or made the file since."""
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        now = None
    if _stamp(now) != _stamp(seen):
        raise Overtaken


def sync_folder(folder: Path) -> None:
    """Make durable which files the folder has."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stamp(status: os.stat_result | None) -> tuple[int, ...] | None:
    return status and (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _sweep(folder: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if DRAFT.fullmatch(entry.name):
                with suppress(OSError):
                    os.unlink(entry.path)
