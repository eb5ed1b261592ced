"""Files that a service with root's rights reads for a script of another user, in places where that user may write.

He must neither get at what only root can read, by a link to it, nor hold the service up.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from exporter.accounts import Identity, name_of

ROOT_ALONE = "keep it where root alone can write"
"""How the message of NotTaken ends wherever there is something to be done."""
_MOST_LINKS = 40
"""On the way to one file, as for the kernel: path_resolution(7)."""
_WRITERS = ((stat.S_IWOTH, "every user of this machine"), (stat.S_IWGRP, "its group"))


class NotTaken(Exception):
    """Somebody who is neither the user nor the service has a hand in the file; the message says who and where."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    What else may be in its place is not waited for, nor a lease that somebody holds on it (fcntl(2)).  Raises OSError.
    """
    _check_regular(path.stat(), path)  # before it is opened, which to many a device is a deed
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except BlockingIOError as error:
        raise OSError(errno.EBUSY, "another program holds it", str(path)) from error
    try:
        _check_regular(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def check_taken(path: Path, file: BinaryIO, who: Identity) -> None:
    """Raises NotTaken where a file that was opened by this path is not for a script that runs as somebody to know.

    It is where it belongs to him, or where he has the service's rights anyway.  Otherwise nobody but root and the
    service's user may be able to change it, or to put another one in its place: sshd_config(5), StrictModes.
    Raises OSError, too.
    """
    opened = os.fstat(file.fileno())
    if who.uid in (opened.st_uid, os.geteuid()):
        return
    trusted = {0, os.geteuid()}
    found = opened
    for here, found in _way(str(path)):
        if found.st_uid not in trusted:
            raise NotTaken(_told(opened, who, f"{here} belongs to {name_of(found.st_uid)}"))
        for bit, writers in _WRITERS:
            if found.st_mode & bit and not _is_bound(found):
                raise NotTaken(_told(opened, who, f"{here} can be written by {writers}"))
    if (found.st_dev, found.st_ino) != (opened.st_dev, opened.st_ino):
        raise NotTaken("it was replaced while it was read")


def _told(opened: os.stat_result, who: Identity, why: str) -> str:
    remedy = f"give the file to {who.name}, or {ROOT_ALONE}"
    return f"it belongs to {name_of(opened.st_uid)}, not to {who.name}, and {why}: {remedy}"


def _is_bound(found: os.stat_result) -> bool:
    """Whether who may write here can put nothing in the place of what belongs to others: a link, a folder like /tmp."""
    sticky = stat.S_ISDIR(found.st_mode) and bool(found.st_mode & stat.S_ISVTX)
    return sticky or stat.S_ISLNK(found.st_mode)


def _way(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every folder and link on the way to a file, from the root on, and the file: path_resolution(7)."""
    yield "/", os.lstat("/")
    folder, links, left = "/", 0, path.split("/")[::-1]
    while left:
        part = left.pop()
        if part == "..":
            folder = os.path.dirname(folder)
        elif part not in ("", "."):
            here = os.path.join(folder, part)
            found = os.lstat(here)
            yield here, found
            if not stat.S_ISLNK(found.st_mode):
                folder = here
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(here)
            left += target.split("/")[::-1]
            folder = "/" if target.startswith("/") else folder


def _check_regular(status: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
