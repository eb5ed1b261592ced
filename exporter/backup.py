"""Backups: configuration, scripts and history in one archive, without secrets unless they are asked for.

All of it is copied first, into files in the data directory that have no name and so outlive no crash: what is sent
then stays the same, however long the client takes.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from importlib.metadata import version
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO

from exporter.backup_format import CONFIG, FORMAT, HISTORY, PIECE_BYTES, SCRIPTS, Manifest, Member, pack
from exporter.command import plain_words
from exporter.config_file import NotWritten
from exporter.configuration import Configuration
from exporter.data_dir import private
from exporter.disk_guard import least_free, room
from exporter.durable import DRAFT
from exporter.events import Instant
from exporter.faults import ConfigError
from exporter.file_paths import identities, is_one_of
from exporter.history import SCHEMA_VERSION, History, HistoryError
from exporter.live import LiveRuns
from exporter.masked_text import masked_text

COPY = "backup.db"
"""Name of the copy of the history while it is made."""
STAGED = ".cronscope.restore"
"""Name of the folder in `scripts_dir` where the scripts of a restore wait."""


class NoBackup(Exception):
    """Something cannot be read, so that there is no whole backup; the message says what."""


class Backups:
    """Belongs to the event loop's thread; the copying happens on others."""

    def __init__(self, history: History, live: LiveRuns, configuration: Configuration) -> None:
        self._history = history
        self._live = live
        self._configuration = configuration
        self._turn = asyncio.Lock()
        with suppress(OSError):
            self._copy.unlink(missing_ok=True)  # that a crash left

    @property
    def _copy(self) -> Path:
        return self._history.path.with_name(COPY)

    async def archive(self, *, secrets: bool) -> AsyncGenerator[bytes, None]:
        """A backup in pieces.  Raises, before the first one, NoBackup, NotWritten and HistoryError.

        Without `secrets` values in the configuration are masked, as `ConfigFile.whole` takes them, and files of
        environments are not in it.
        """
        settings = self._configuration.loaded.settings
        left_out = [] if secrets else sorted(settings.env_files)
        data_dir = self._history.path.parent
        files = ExitStack()
        try:
            async with self._turn:  # else the readers of the history would all be busy with copying
                await self._live.archived()
                _check_room(data_dir, self._history.size_bytes())
                forget = await asyncio.to_thread(_keys, settings.scripts_dir, left_out)
                database = files.enter_context(await self._history.read(partial(_copy, path=self._copy, forget=forget)))
            contents = files.enter_context(_Contents(data_dir))
            config = await asyncio.to_thread(_sound_content, self._configuration, masked=not secrets)
            await asyncio.to_thread(_gather, self._configuration, data_dir, config, database, left_out, contents)
            manifest = Manifest(
                format=FORMAT, cronscope=version("cronscope"), created_at=Instant.now(), schema=SCHEMA_VERSION,
                members=contents.members,
            )  # fmt: skip
            pieces = pack(manifest, contents.read)
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            await asyncio.to_thread(files.close)  # which takes long for large files


def _check_room(data_dir: Path, size: int) -> None:
    free, total = room(data_dir)
    if free - least_free(total) < size:
        raise NotWritten(f"There is no room for a copy of the history in {data_dir}: it takes {size >> 20} MiB.")


def _keys(root: Path, files: Collection[Path]) -> set[str]:
    """The names that files in a folder have in the history.  Raises NoBackup where the folder cannot be read."""
    real, wanted = os.path.realpath(root), identities(files)
    try:
        linked = {path for path, entry in script_files(root) if is_one_of(entry, wanted)} if wanted else set()
    except OSError as error:
        raise _unread(root, error) from error
    return linked | {os.path.relpath(os.path.realpath(file), real) for file in files}


def _copy(connection: sqlite3.Connection, path: Path, forget: Collection[str]) -> BufferedReader:
    """The database as it is now, without what was deleted from it, in a file that goes when it is closed.

    Without the versions of files to `forget`, too.
    """
    try:
        path.unlink(missing_ok=True)
        connection.execute("PRAGMA query_only = OFF")  # or it would not write the other file either
        try:
            connection.execute("VACUUM INTO ?", (str(private(path)),))
        finally:
            connection.execute("PRAGMA query_only = ON")
        _forget(path, forget)
        return path.open("rb")
    except (sqlite3.Error, OSError) as error:
        raise HistoryError(f"the history cannot be copied: {error}") from error
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _forget(path: Path, files: Collection[str]) -> None:
    if not files:
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        gone = copy.executemany("DELETE FROM file_versions WHERE path = ?", [(file,) for file in files])
        if gone.rowcount:
            copy.execute("VACUUM")  # else they would still be in there


class _Contents:
    """What goes into an archive, with its sizes and hashes."""

    def __init__(self, folder: Path) -> None:
        self.members: list[Member] = []
        self._copies: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `__exit__`
        self._places: dict[str, tuple[BinaryIO, int]] = {}

    def __enter__(self) -> _Contents:
        return self

    def __exit__(self, *_: object) -> None:
        self._copies.close()

    def add(self, name: str, mode: int, source: BinaryIO) -> None:
        """Copy a file as it is now."""
        start = self._copies.seek(0, os.SEEK_END)
        digest = hashlib.sha256()
        while piece := source.read(PIECE_BYTES):
            digest.update(piece)
            self._copies.write(piece)
        self._note(name, mode, self._copies, start, self._copies.tell() - start, digest.hexdigest())

    def add_copy(self, name: str, copy: BufferedReader) -> None:
        """A file that stays as it is until the archive is made."""
        digest = hashlib.file_digest(copy, "sha256").hexdigest()
        self._note(name, 0o600, copy, 0, copy.tell(), digest)

    def _note(self, name: str, mode: int, file: BinaryIO, start: int, size: int, digest: str) -> None:
        self.members.append(Member(name=name, size=size, sha256=digest, mode=mode))
        self._places[name] = (file, start)

    def read(self, member: Member) -> Iterator[bytes]:
        file, start = self._places[member.name]
        file.seek(start)
        left = member.size
        while left and (piece := file.read(min(left, PIECE_BYTES))):
            left -= len(piece)
            yield piece


def _gather(
    configuration: Configuration, data_dir: Path, config: bytes, database: BufferedReader, left_out: Iterable[Path],
    contents: _Contents,
) -> None:  # fmt: skip
    """Raises NoBackup, NotWritten."""
    root = configuration.loaded.settings.scripts_dir
    try:
        contents.add(CONFIG, 0o600, BytesIO(config))
        contents.add_copy(HISTORY, database)
        for path, entry in script_files(root, data_dir, configuration.file.path, root / STAGED, *left_out):
            if DRAFT.fullmatch(entry.name):
                continue
            if not entry.is_symlink():
                _add_file(contents, path, entry)
            elif (link := _inner_link(entry, root)) is not None:
                contents.members.append(Member(name=SCRIPTS + path, mode=0o777, link=link))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotWritten(f"There is no room for a copy of the scripts in {data_dir}.") from error
        raise _unread(root, error) from error


def _unread(root: Path, error: OSError) -> NoBackup:
    why = f"{error.filename or root} cannot be read: {plain_words(error)}"
    return NoBackup(f"There would be no whole backup, as {why}.")


def _sound_content(configuration: Configuration, *, masked: bool) -> bytes:
    """The file as it is, or what is in force where it was made faulty by hand: that could not be restored."""
    try:
        text = configuration.file.check(configuration.file.content(), configuration.loaded).text
    except ConfigError:
        text = configuration.loaded.text
    return (masked_text(text, "") if masked else text).encode()


def own_places(root: Path, *closed: Path) -> set[str]:
    """Those of `closed` that are in a folder, or are the folder, links followed; not those that it is in."""
    real = os.path.realpath(root)
    return {path for path in map(os.path.realpath, closed) if Path(path).is_relative_to(real)}


def script_files(root: Path, *closed: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Paths below a folder of all files, and of links wherever they lead, but not of what is or is below `closed`.

    Nor of other names of a file in `closed` (link(2)).  None where there is no such folder.  Raises OSError.
    """
    real = os.path.realpath(root)
    passed_over, closed_files = own_places(root, *closed), identities(closed)
    folders = [""] if real not in passed_over else []
    for folder in folders:  # which grows meanwhile
        try:
            found = os.scandir(f"{real}/{folder}")
        except FileNotFoundError:
            continue
        with found:
            for entry in sorted(found, key=lambda each: each.name):
                path = folder + entry.name
                if f"{real}/{path}" in passed_over or is_one_of(entry, closed_files):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                elif entry.is_symlink() or entry.is_file():
                    yield path, entry


def _add_file(contents: _Contents, path: str, entry: os.DirEntry[str]) -> None:
    try:
        file = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:  # deleted meanwhile
        return
    with open(file, "rb") as source:
        contents.add(SCRIPTS + path, stat.S_IMODE(os.fstat(file).st_mode) & 0o777, source)


def _inner_link(entry: os.DirEntry[str], root: Path) -> str | None:
    """Where a link leads, from its folder; None where that is outside of `root`."""
    folder, target = os.path.realpath(os.path.dirname(entry.path)), os.path.realpath(entry.path)
    if not Path(target).is_relative_to(os.path.realpath(root)):
        return None
    link = os.readlink(entry.path)
    return os.path.relpath(target, folder) if os.path.isabs(link) else link
