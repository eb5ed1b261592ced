"""The files under `scripts_dir`: listed, read, written, deleted and brought back, with every version kept.

The history gets a version before the disk does.  So whatever comes in between - a crash, a full disk - every content
that was ever acknowledged is kept.  And so is what others write: a file that does not hold its latest version was
changed by hand, which is kept as a version of its own as soon as the file is looked at, and before it is replaced.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from exporter import file_diff, file_listing, limited, script_check, versions
from exporter.command import plain_words
from exporter.durable import Draft, Overtaken, check_unchanged, sync_folder
from exporter.etag import Precondition
from exporter.events import Instant
from exporter.file_listing import FileEntry, FileList, entry
from exporter.file_paths import Place, Tree
from exporter.history import History, HistoryError
from exporter.script_check import Report
from exporter.settings import Settings
from exporter.versions import MAX_BYTES, Content, FileVersion, Op, content_of

P = ParamSpec("P")
T = TypeVar("T")

_IN_THE_WAY = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EEXIST: "a part of the path is a file and no folder",
    errno.ELOOP: "a link that leads in a circle",
    errno.ENAMETOOLONG: "a name that is too long for the file system",
    errno.ENXIO: "not a regular file",
}
"""Errors that tell of what is there and not of the disk."""


class UnknownFile(LookupError):
    """There is no such file; the message says so."""


class FileRefused(Exception):
    """What is at the path is in the way; the message says what."""


class FileChanged(Exception):
    """The file is not the one that was meant, and nothing was done; the message says so."""


class NotStored(Exception):
    """The disk does not do it, and nothing was done; the message says why."""


class Seen(NamedTuple):
    """A file as it was looked at."""

    content: Content
    status: os.stat_result

    @property
    def mode(self) -> int:
        return self.status.st_mode & 0o777


class Written(NamedTuple):
    entry: FileEntry
    etag: str
    before: str | None
    """The `ETag` of what it has replaced; None where there was no such file."""


class Files:
    """Belongs to the event loop's thread; disk and history are waited for on other threads.

    Every method but `listing` raises BadPath and FileRefused.  One change at a time: who comes second finds what the
    first one left.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        history: History,
        changed: Callable[[str], None],
        found: Callable[[str, str | None, str | None], None],
    ) -> None:
        """`changed` is called with the path of a file that is not what it was.

        Where somebody else has changed one that was known, `found` is, with its `ETag` before and after.
        """
        self._settings = settings
        self._history = history
        self._changed = changed
        self._found = found
        self.turn = asyncio.Lock()
        """Held by whoever looks at a file or changes one."""
        self._programs = asyncio.Semaphore(2)

    @property
    def _tree(self) -> Tree:
        settings = self._settings()
        return Tree(settings.scripts_dir, settings.data_dir, settings.env_files)

    async def listing(self) -> FileList:
        """Raises FileRefused where the folder cannot be read."""
        return await _on_disk(str(self._tree.root), file_listing.listing, self._tree)

    async def read(self, path: str) -> Content:
        """Raises UnknownFile."""
        async with self.turn:
            _, seen = await self._look(path)
        return _there(path, seen).content

    async def write(self, path: str, data: bytes, allowed: Precondition) -> Written:
        """Make or replace a file.  Raises FileChanged, NotStored, HistoryError."""
        async with self.turn:
            new = await asyncio.to_thread(content_of, data)
            return await self._write(path, new, allowed, "written")

    async def delete(self, path: str, allowed: Precondition) -> Content:
        """What was in it.  Of a link, only the link goes.  Raises UnknownFile, FileChanged, NotStored, HistoryError."""
        async with self.turn:
            place, seen = await self._look(path)
            there = _there(path, seen)
            _check(path, allowed, seen)
            if await _on_disk(path, _unlinked, place.link):
                self._changed(path)
            else:
                unlink = partial(_unlink, place.target, there.status)
                await self._change(path, place.key, seen, None, "deleted", unlink)
            return there.content

    async def versions(self, path: str) -> list[FileVersion]:
        """Newest first, also of a file that was deleted.  Raises UnknownFile where there never was one."""
        async with self.turn:
            place, seen = await self._look(path)
        found = await self._history.read(lambda connection: versions.listing(connection, place.key))
        if not found:
            _there(path, seen)
        return found

    async def version(self, path: str, number: int) -> Content:
        """Raises UnknownVersion."""
        place = await _on_disk(path, self._tree.place, path)
        return await self._history.read(lambda connection: versions.stored(connection, place.key, number))

    async def diff(self, path: str, number: int, since: int) -> bytes:
        """What version `number` has changed since version `since`, as a unified diff.  Raises UnknownVersion."""
        old, new = await self.version(path, since), await self.version(path, number)
        names = (f"{path} (version {each})" for each in (since, number))
        command = [sys.executable, "-I", "-S", file_diff.__file__, str(len(old.data)), *names]
        async with self._programs:
            return await _on_disk(path, _output, command, old.data + new.data)

    async def restore(self, path: str, number: int, allowed: Precondition) -> Written:
        """As `write`, with what a version holds.  Raises UnknownVersion, FileChanged, NotStored, HistoryError."""
        async with self.turn:
            old = await self.version(path, number)
            return await self._write(path, old, allowed, "restored")

    async def check(self, path: str, data: bytes) -> Report:
        """What is wrong with content that a file might get."""
        place = await _on_disk(path, self._tree.place, path)
        async with self._programs:
            return await _on_disk(path, script_check.check, data, place.target, self._tree.root)

    async def _look(self, path: str) -> tuple[Place, Seen | None]:
        """What is there, kept as a version if it is news.  Where that fails, the next look tries again."""
        place, seen = await _on_disk(path, _seen, self._tree, path)
        known = await self._history.read(lambda connection: versions.latest_etag(connection, place.key))
        if known != (seen and seen.content.etag):
            now, content, mode, numbers = Instant.now(), seen and seen.content, seen and seen.mode, list[int]()

            def rows(connection: sqlite3.Connection) -> None:
                numbers.append(versions.note(connection, place.key, now, content, mode))

            if await self._history.write(rows, retried=False):
                self._changed(place.key)
                if numbers and numbers[-1] > 1:
                    self._found(place.key, known, content and content.etag)
        return place, seen

    async def _write(self, path: str, new: Content, allowed: Precondition, op: Op) -> Written:
        place, seen = await self._look(path)
        _check(path, allowed, seen)
        if seen is None or seen.content.etag != new.etag:
            mode = None
            if op == "restored":
                mode = await self._history.read(lambda connection: versions.last_mode(connection, place.key))
            draft = await _on_disk(path, Draft, place.target, new.data, seen and seen.status, mode)
            try:
                await self._change(path, place.key, seen, new, op, draft.publish)
            finally:
                await asyncio.to_thread(draft.discard)
        status = await _on_disk(path, os.stat, place.target)
        link_to = None if place.key == path else place.key
        return Written(entry(path, status, link_to), new.etag, seen and seen.content.etag)

    async def _change(
        self, path: str, key: str, seen: Seen | None, new: Content | None, op: Op, make: Callable[[], None]
    ) -> None:
        """Store a version, after the one that it replaces; then `make` it true."""
        now, mode, numbers = Instant.now(), seen and seen.mode, list[int]()

        def rows(connection: sqlite3.Connection) -> None:
            versions.note(connection, key, now, seen and seen.content, mode)
            numbers.append(versions.note(connection, key, now, new, mode, op))

        if not await self._history.write(rows, retried=False) or not numbers:
            raise HistoryError(
                f"{path} was left as it is, because the history cannot be written: {self._history.failure}"
            )
        try:
            await _on_disk(path, make)
        except Exception:
            await self._history.write(lambda connection: versions.forget(connection, key, numbers[-1]))
            raise
        self._changed(key)


async def _on_disk(path: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something with a file on a worker thread; what the system says of it becomes an error of this module."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except Overtaken:
        raise FileChanged(f"{path} is being changed by somebody else right now: nothing was done") from None
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            raise FileRefused(f"{path}: {_IN_THE_WAY[error.errno]}") from error
        raise NotStored(f"{path} was left as it is: {plain_words(error)}") from error


def _seen(tree: Tree, path: str) -> tuple[Place, Seen | None]:
    """Raises BadPath, FileRefused, OSError."""
    place = tree.place(path)
    try:
        # Neither waits for the other end of a pipe, nor follows a link that was put there meanwhile.
        descriptor = os.open(place.target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return place, None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileRefused(f"{path} is {'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}")
    with open(descriptor, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise FileRefused(f"{path} is larger than {MAX_BYTES >> 20} MiB: such files are for tools on the server")
    return place, Seen(content_of(data), status)


def _output(command: list[str], given: bytes) -> bytes:
    """Raises FileRefused where the program takes too long, or fails."""
    try:
        run = limited.run(command, given)
    except subprocess.TimeoutExpired:
        raise FileRefused(f"the two differ in too much to be compared within {limited.SECONDS} s") from None
    if run.returncode != 0:
        raise FileRefused(f"the two cannot be compared: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout


def _unlinked(path: Path) -> bool:
    """Whether the path was a link, which is gone now."""
    if not path.is_symlink():
        return False
    path.unlink()
    sync_folder(path.parent)
    return True


def _unlink(path: Path, seen: os.stat_result) -> None:
    check_unchanged(path, seen)
    path.unlink()
    sync_folder(path.parent)


def _there(path: str, seen: Seen | None) -> Seen:
    if seen is None:
        raise UnknownFile(f"there is no file {path}")
    return seen


def _check(path: str, allowed: Precondition, seen: Seen | None) -> None:
    if not allowed(seen and seen.content.etag):
        raise FileChanged(f"{path} has been changed since: nothing was done" if seen else f"there is no file {path}")
