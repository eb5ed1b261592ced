"""Watching the room that is left for the data directory, so that output of scripts does not take the last of it.

While there is too little, output is not stored; scripts go on running, and their records go on being stored.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from exporter.settings import Size

LEAST = 64 << 20
MOST = 1 << 30


class Room(NamedTuple):
    """Of a file system, in bytes."""

    free: int
    total: int


def least_free(total: int) -> int:
    """How much of a file system is to stay free: a hundredth, 64 MiB to 1 GiB of it, but never more than a tenth."""
    return min(max(total // 100, LEAST), MOST, total // 10)


def room(path: Path) -> Room:
    """What unprivileged programs may still take.  Raises OSError."""
    found = os.statvfs(path)
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def scarce(path: Path) -> bool:
    """Whether less is free than is to stay free.  Raises OSError."""
    free, total = room(path)
    return free < least_free(total)


class DiskGuard:
    def __init__(self, path: Path, measure: Callable[[Path], Room] = room) -> None:
        self._path = path
        self._measure = measure
        self.warning: str | None = None
        """That there is too little room; None while there is enough."""

    @property
    def low(self) -> bool:
        return self.warning is not None

    def look(self) -> bool:
        """Look again; whether it has become too little just now.  It is over once a quarter more is free."""
        before = self.low
        try:
            free, total = self._measure(self._path)
        except OSError:  # who needs the disk finds out by itself
            return False
        least = least_free(total)
        if free < (least + least // 4 if before else least):
            self.warning = (
                f"the disk is almost full, so output is not stored: {_mib(free)} free where {self._path} is,"
                f" of which {_mib(least)} are to stay free"
            )
        else:
            self.warning = None
        return self.low and not before


def _mib(size: int) -> str:
    return str(Size(size >> 20 << 20)) if size >= 1 << 20 else f"{size >> 10}KiB"
