"""Which files under `scripts_dir` can be reached, and by which names.

A path is made of names with `/` between them.  Names that begin with a dot are out of reach: version control, editors'
leftovers and secrets have no place on a page; nor have files of environments.  Links are followed as far as they stay
inside.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

MAX_PATH = 1024
"""Longest path, in bytes."""
MAX_NAME = 255
"""Longest name in it, in bytes: that of most file systems."""

# Control characters, line breaks, marks that make text read in another order than it is in, and what is no UTF-8.
_UNFIT = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENCODED = re.compile(r"%(2e|2f|5c|00)", re.IGNORECASE)


class BadPath(ValueError):
    """A path that names no file that could be reached; the message says why."""


class Place(NamedTuple):
    link: Path
    """Where the path leads, links not followed."""
    target: Path
    """The same, links followed."""
    key: str
    """`target` relative to the folder: the one name of the file, whatever links lead to it."""


Identity: TypeAlias = tuple[int, int]
"""Device and inode: that of a file by whatever name, as it may have several (link(2))."""


def identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def identities(files: Iterable[Path]) -> frozenset[Identity]:
    """Those of the files that there are, links followed."""
    found = set()
    for file in files:
        with suppress(OSError):
            found.add(identity(os.stat(file)))
    return frozenset(found)


def is_one_of(entry: os.DirEntry[str], files: Collection[Identity]) -> bool:
    """Whether a name in a folder is that of one of the files itself, or was until now; a link to it is not."""
    if all(entry.inode() != inode for _, inode in files):
        return False
    with suppress(OSError):
        return identity(entry.stat(follow_symlinks=False)) in files
    return True


class Tree(NamedTuple):
    root: Path
    """The folder."""
    closed: Path
    """Its part, if it is one, that is out of reach: the service's own data."""
    env_files: frozenset[Path] = frozenset()
    """Files of which nothing is ever shown, inside or elsewhere."""

    def place(self, path: str) -> Place:
        """Where a path leads.  Raises BadPath; there need not be a file."""
        if len(path.encode(errors="replace")) > MAX_PATH:
            raise BadPath(f"the path is longer than {MAX_PATH} bytes")
        for name in path.split("/"):
            if (fault := _fault(name)) is not None:
                raise BadPath(f"the path {path!r} {fault}")
        root = Path(os.path.realpath(self.root))
        target = Path(os.path.realpath(root / path))
        key = os.path.relpath(target, root)
        if any(_fault(name) for name in key.split("/")) or target.is_relative_to(os.path.realpath(self.closed)):
            raise BadPath(f"the path {path!r} leads to a place that is out of reach")
        if self._is_secret(target):
            raise BadPath(f"the path {path!r} leads to the env_file of a script, of which nothing is shown here")
        return Place(root / path, target, key)

    def _is_secret(self, target: Path) -> bool:
        paths = map(os.path.realpath, self.env_files)  # of files too that are not there yet
        return str(target) in paths or not identities([target]).isdisjoint(identities(self.env_files))

    def files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Paths of everything that is no folder, such as files, and links wherever they lead; deeper ones later.

        Raises OSError where the folder cannot be read; folders in it that cannot are passed over.
        """
        root, closed, secret = os.path.realpath(self.root), os.path.realpath(self.closed), identities(self.env_files)
        folders = [""]
        for folder in folders:  # which grows meanwhile
            try:
                found = os.scandir(f"{root}/{folder}")
            except OSError:
                if folder:
                    continue
                raise
            with found:
                for entry in found:
                    path = f"{folder}{entry.name}"
                    if _fault(entry.name) is not None or len(path.encode()) > MAX_PATH or is_one_of(entry, secret):
                        continue
                    if not entry.is_dir(follow_symlinks=False):
                        yield path, entry
                    elif f"{root}/{path}" != closed:
                        folders.append(f"{path}/")


def _fault(name: str) -> str | None:
    """What is wrong with a name in a path."""
    if not name:
        return "has an empty name in it: write folder/file, with one / between them"
    if name.startswith("."):
        return "has a name that begins with a dot, and such files and folders are out of reach"
    if found := _UNFIT.search(name):
        return f"has the character U+{ord(found[0]):04X} in it, which is no part of a file's name here"
    if found := _ENCODED.search(name):
        return f"has {found[0]} in it: it was encoded twice, and once is enough"
    if len(name.encode()) > MAX_NAME:
        return f"has a name longer than {MAX_NAME} bytes"
    return None
