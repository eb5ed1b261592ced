"""Restoring a backup: received, checked whole, and only then put in the place of what there is.

Nothing stops meanwhile: runs under way go on, and end in the restored history; the timetable goes on as it is.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from exporter.backup import STAGED, script_files
from exporter.backup_format import CONFIG, HISTORY, SCRIPTS, BadArchive, Manifest, unpack
from exporter.command import plain_words
from exporter.config import LoadedConfig
from exporter.config_file import NotWritten
from exporter.configuration import ConfigChange, Configuration
from exporter.disk_guard import least_free, room
from exporter.events import Instant
from exporter.faults import ConfigError
from exporter.files import Files
from exporter.history import SCHEMA_VERSION, History, HistoryError
from exporter.restored_history import check
from exporter.search import Search
from exporter.settings import Settings
from exporter.staged_restore import RestoreRefused, StagedRestore

MAX_KEPT_TOLD = 1000
_OF_FILES = re.compile(r"^tls\.|_file$")
"""In keys of files that are in no archive."""


class Restored(Struct, frozen=True, kw_only=True):
    scripts: int
    files: int
    """Put into `scripts_dir`."""
    runs: int
    """In the history."""
    kept_files: list[str]
    """Those in `scripts_dir` that the archive does not have, and that were left alone; at most MAX_KEPT_TOLD."""


class _Checked(NamedTuple):
    """What was found in an archive."""

    settings: Settings
    names: set[str]
    """Of its files."""
    runs: int


class Restores:
    """One restore at a time.  Belongs to the event loop's thread; the disk is waited for on others."""

    def __init__(
        self,
        history: History,
        search: Search,
        configuration: Configuration,
        files: Files,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        """`changed` is awaited once another history is in place."""
        self._history = history
        self._search = search
        self._configuration = configuration
        self._files = files
        self._changed = changed
        self._data_dir = history.path.parent
        self._staged = StagedRestore(self._data_dir)
        self._under_way: Upload | None = None

    def begin(self) -> Upload:
        """Raises RestoreRefused while there is another one, NotWritten, and HistoryError."""
        if self._under_way is not None:
            raise RestoreRefused("Another restore is under way.")
        if self._history.failure is not None:  # what waits to be stored would go into the other history
            raise HistoryError(f"the history cannot be written: {self._history.failure}")
        try:
            self._under_way = Upload(self, self._data_dir)
        except OSError as error:
            raise NotWritten(f"The archive cannot be kept: {plain_words(error)}.") from error
        return self._under_way

    def over(self) -> None:
        self._under_way = None

    async def restore(self, archive: BinaryIO, asked_at: Instant) -> tuple[Restored, ConfigChange]:
        """Raises BadArchive, RestoreRefused, EditRefused, NotWritten: nothing was changed, or its message says so.

        Edits that come meanwhile wait, and are made to what was restored.
        """
        checked = await asyncio.to_thread(self._check, archive, asked_at)
        kept: list[str] = []
        try:
            async with self._files.turn:
                change = await self._configuration.restore(lambda: self._commit(checked, kept), self._replace)
            await self._changed()
            await asyncio.to_thread(self._staged.finish)
        except (OSError, sqlite3.Error) as error:
            raise NotWritten(
                f"The restore is done only in part, and the next start of the service finishes it: {error}."
            ) from error
        files = sum(name.startswith(SCRIPTS) for name in checked.names)
        restored = Restored(
            scripts=len(checked.settings.scripts), files=files, runs=checked.runs, kept_files=kept[:MAX_KEPT_TOLD]
        )
        return restored, change

    def _check(self, archive: BinaryIO, asked_at: Instant) -> _Checked:
        """Unpack the archive, if all that is in it is sound."""
        try:
            archive.seek(0)
            self._staged.begin(asked_at)
            try:
                return self._checked(unpack(archive, self._staged.folder, self._allow))
            except BaseException:
                self._staged.discard()
                raise
        except OSError as error:
            raise NotWritten(
                f"The archive cannot be unpacked, and nothing was changed: {plain_words(error)}."
            ) from error

    def _allow(self, manifest: Manifest) -> None:
        if not 1 <= manifest.schema <= SCHEMA_VERSION:
            raise BadArchive(
                f"The history in the archive has schema {manifest.schema}, and this version of Cronscope"
                f" reads up to {SCHEMA_VERSION}."
            )
        size, left = sum(member.size for member in manifest.members), _room_left(self._data_dir)
        if size > left:
            raise NotWritten(
                f"Unpacked, the archive has {size} bytes, and in {self._data_dir} it may take {left} at most;"
                " nothing was changed."
            )

    def _checked(self, manifest: Manifest) -> _Checked:
        folder, configuration = self._staged.folder, self._configuration
        content = (folder / CONFIG).read_bytes()
        try:
            content = configuration.file.whole(content, configuration.loaded)
        except ConfigError as error:
            raise BadArchive(
                "The archive was made without secrets, and some are not known here; nothing was changed."
                " Restore one that was made with them, or write them into the configuration first.",
                error.faults,
            ) from error
        try:
            settings = configuration.file.check_new(content, configuration.loaded).settings
            (folder / CONFIG).write_bytes(content)
        except ConfigError as error:
            message = "The configuration in the archive has faults; nothing was changed."
            if any(_OF_FILES.search(fault.key) for fault in error.faults):
                message += " Files that it names, for tls and for hashes, have to be on this machine first."
            raise BadArchive(message, error.faults) from error
        return _Checked(settings, {member.name for member in manifest.members}, check(folder / HISTORY))

    def _commit(self, checked: _Checked, kept: list[str]) -> LoadedConfig:
        """Lay all ready, then write the configuration; `kept` gets the files that the archive does not have."""
        file, root = self._configuration.file, checked.settings.scripts_dir
        try:
            there = script_files(root, self._data_dir, file.path, root / STAGED)
            kept += sorted(path for path, _ in there if SCRIPTS + path not in checked.names)
            self._staged.lay_ready(file.path, root)
            self._staged.commit()
            return self._staged.write_config(file, self._configuration.loaded)
        except OSError as error:
            self._staged.discard()
            raise NotWritten(f"Nothing was changed: {plain_words(error)}.") from error
        except Exception:
            self._staged.discard()
            raise

    async def _replace(self) -> None:
        await self._search.pause()
        try:
            await self._history.exchange(self._staged.swap_history)
        finally:
            self._search.resume()
        await asyncio.to_thread(self._staged.place_scripts)


class Upload:
    """An archive on its way, in a file that has no name and so outlives no crash."""

    def __init__(self, restores: Restores, folder: Path) -> None:
        self._restores = restores
        self._left = _room_left(folder)
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`
        self._failure: NotWritten | None = None
        self._asked_at = Instant.now()

    async def write(self, piece: bytes) -> None:
        """Where the disk does not take it, `restore` tells."""
        self._left -= len(piece)
        try:
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            await asyncio.to_thread(self._file.write, piece)
        except OSError as error:
            self._left = -1
            self._failure = NotWritten(f"The archive cannot be kept, and nothing was changed: {plain_words(error)}.")

    async def restore(self) -> tuple[Restored, ConfigChange]:
        """Once all has come; what it has done to the configuration, too.  Raises what `Restores.restore` does."""
        if self._failure is not None:
            raise self._failure
        return await self._restores.restore(self._file, self._asked_at)

    def close(self) -> None:
        """Another one may begin.  What takes long for large files is done on a worker thread."""
        self._restores.over()
        asyncio.get_running_loop().run_in_executor(None, self._file.close)


def _room_left(folder: Path) -> int:
    free, total = room(folder)
    return max(0, free - least_free(total))
