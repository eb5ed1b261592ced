"""What is told of the files under `scripts_dir` without their contents."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from exporter.events import Instant
from exporter.file_paths import BadPath, Tree

MAX_LISTED = 10_000
_LAST_TIME = 253_402_300_799_999
"""The end of the year 9999: some file systems have later times, RFC 3339 has not."""


class FileEntry(Struct, frozen=True, kw_only=True):
    path: str
    size: int
    modified_at: Instant
    executable: bool
    link_to: str | None
    """Path of the file that this is a link to; null where it is none."""


class FileList(Struct, frozen=True):
    files: list[FileEntry]
    """By path."""
    truncated: bool
    """Whether there are more than `MAX_LISTED`: what lies deepest is left out."""


def entry(path: str, status: os.stat_result, link_to: str | None) -> FileEntry:
    return FileEntry(
        path=path, size=status.st_size, modified_at=Instant(min(status.st_mtime_ns // 1_000_000, _LAST_TIME)),
        executable=bool(status.st_mode & 0o111), link_to=link_to,
    )  # fmt: skip


def listing(tree: Tree) -> FileList:
    """Raises OSError where the folder cannot be read; there need not be one."""
    if not tree.root.exists():
        return FileList([], False)
    entries: list[FileEntry] = []
    truncated = False
    for path, found in tree.files():
        link_to = None
        try:
            if found.is_symlink():
                link_to = tree.place(path).key
            status = found.stat()
        except (BadPath, OSError):  # a link that leads out or nowhere, or the file is gone by now
            continue
        if not stat.S_ISREG(status.st_mode):
            continue
        if truncated := len(entries) == MAX_LISTED:
            break
        entries.append(entry(path, status, link_to))
    return FileList(sorted(entries, key=lambda each: each.path), truncated)
