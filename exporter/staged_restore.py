"""A restore between being checked and being done: all of it lies ready, so that a crash leaves nothing by halves.

In the data directory, `restore/` holds what was unpacked, and `restore/before/` what it replaces.  Scripts wait in
`scripts_dir`, as only there they can be renamed into place.  Once `restore/committed` is there, what is left to do is
done again after a crash, by the next start of the service; without it, all of it is removed.
"""

from __future__ import annotations

import filecmp
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from exporter import search_index
from exporter.backup import STAGED, own_places, script_files
from exporter.backup_format import CONFIG, HISTORY, SCRIPTS
from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile, EditRefused, NotWritten
from exporter.data_dir import RESERVE, StartError, claim
from exporter.durable import sync_folder
from exporter.faults import ConfigError
from exporter.restored_history import carry_over

log = logging.getLogger(__name__)

FOLDER, BEFORE = "restore", "before-restore"


class RestoreRefused(Exception):
    """There can be no restore now, and nothing was changed; the message says why."""


class StagedRestore:
    """Its methods take as long as the disk does, and raise OSError."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.folder = data_dir / FOLDER
        self._before = self.folder / "before"
        self._mark = self.folder / "committed"
        self._asked_at = self.folder / "asked_at"
        self._plan = self.folder / "scripts_dir"
        """Names the folder where scripts may wait."""

    @property
    def committed(self) -> bool:
        return self._mark.exists()

    @property
    def begun(self) -> bool:
        """Whether the configuration is written."""
        return not (self.folder / CONFIG).exists()

    def begin(self, asked_at: int) -> None:
        """Make the folder to unpack into; `asked_at` as in `carry_over`.

        Raises RestoreRefused while another restore is not finished.
        """
        if self.committed:
            raise RestoreRefused("An earlier restore is to be finished first: start the service anew.")
        self.discard()
        self.folder.mkdir(mode=0o700)
        self._asked_at.write_text(str(asked_at))

    def lay_ready(self, config: Path, scripts_dir: Path) -> None:
        """Put the scripts where they wait, and aside what is to be replaced; all of it durable.

        Raises RestoreRefused where something is in the way of a script.
        """
        unpacked = self.folder / SCRIPTS
        self._before.mkdir(mode=0o700)
        if config.exists():
            shutil.copy2(config, self._before / CONFIG)
        paths = [path for path, _ in script_files(unpacked)]
        for path in paths:
            _check_way(scripts_dir, path, (self._data_dir, config))
            _put_aside(scripts_dir / path, unpacked / path, self._before / SCRIPTS / path)
        if paths:
            self._plan.write_bytes(os.fsencode(scripts_dir))
            scripts_dir.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(scripts_dir / STAGED, ignore_errors=True)
            shutil.move(unpacked, scripts_dir / STAGED)
            _sync(scripts_dir / STAGED)
            sync_folder(scripts_dir)
        _sync(self.folder)
        sync_folder(self._data_dir)

    def commit(self) -> None:
        """From here on it will be done, unless it is discarded."""
        self._mark.touch()
        sync_folder(self.folder)

    def write_config(self, file: ConfigFile, in_force: LoadedConfig) -> LoadedConfig:
        """The first step: raises as `ConfigFile.replace`, and then nothing was changed yet."""
        new = self.folder / CONFIG
        loaded = file.replace(new.read_bytes(), lambda _: True, in_force)
        new.unlink()
        return loaded

    def swap_history(self) -> None:
        """While nothing has the history open.  Where this raises, the old one is in its place."""
        new, old = self.folder / HISTORY, self._data_dir / HISTORY
        if not new.exists():
            return
        if old.exists():
            (self._data_dir / RESERVE).unlink(missing_ok=True)  # it is for this too; the history takes it again
            carry_over(old, new, int(self._asked_at.read_text()))
        search_index.remove(self._data_dir / search_index.FILE)
        moved: list[tuple[Path, Path]] = []
        wal, index = (old.with_name(old.name + suffix) for suffix in ("-wal", "-shm"))
        try:
            index.unlink(missing_ok=True)
            for source, target in ((wal, self._before / wal.name), (old, self._before / HISTORY), (new, old)):
                if source.exists():
                    source.rename(target)
                    moved.append((source, target))
        except OSError:
            for source, target in reversed(moved):
                target.rename(source)
            raise
        sync_folder(self._data_dir)

    def place_scripts(self) -> None:
        if not self._plan.exists():
            return
        scripts_dir = Path(os.fsdecode(self._plan.read_bytes()))
        paths = [path for path, _ in script_files(scripts_dir / STAGED)]
        for path in paths:
            target = scripts_dir / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (scripts_dir / STAGED / path).rename(target)
        for folder in {folder for path in paths for folder in (scripts_dir / path).parents}:
            if folder.is_relative_to(scripts_dir):
                sync_folder(folder)

    def finish(self) -> None:
        """All is in its place: what it replaced is kept beside, for as long as there is no other restore."""
        if self._before.exists():
            shutil.rmtree(self._data_dir / BEFORE, ignore_errors=True)
            self._before.rename(self._data_dir / BEFORE)
            sync_folder(self._data_dir)
        self.discard()

    def discard(self) -> None:
        """Remove what there is of it."""
        self._mark.unlink(missing_ok=True)
        if self._plan.exists():
            shutil.rmtree(Path(os.fsdecode(self._plan.read_bytes())) / STAGED, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _check_way(scripts_dir: Path, path: str, closed: Iterable[Path]) -> None:
    """Whether a file can be put there by renaming, and not through a link to somewhere else.  Raises RestoreRefused."""
    target, root = scripts_dir / path, Path(os.path.realpath(scripts_dir))
    real = Path(os.path.realpath(target.parent)) / target.name
    folders = [scripts_dir / parent for parent in Path(path).parents]
    folder = next(each for each in (*folders, *root.parents) if os.path.lexists(each))
    why = None
    if not real.is_relative_to(root) or path.split("/")[0] == STAGED:
        why = "would lead out of scripts_dir"
    elif any(real.is_relative_to(each) for each in own_places(scripts_dir, *closed)):
        why = "is no place for a script: the service has files of its own there"
    elif os.path.lexists(target) and not target.is_symlink() and not target.is_file():
        why = "is in the way: the archive has a file there"
    elif not folder.is_dir():
        why = f"needs a folder where {folder} is in the way"
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = f"cannot be put into {folder}, which the service may not write to"
    elif root.exists() and folder.stat().st_dev != root.stat().st_dev:
        why = f"cannot be put into {folder}, which is another file system than scripts_dir"
    if why is not None:
        raise RestoreRefused(f"{target} {why}. Nothing was changed.")


def _put_aside(target: Path, new: Path, aside: Path) -> None:
    """Copy what is there, unless the new file is the same."""
    if not os.path.lexists(target) or _alike(target, new):
        return
    aside.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(target, aside, follow_symlinks=False)


def _alike(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    return one.stat().st_mode == other.stat().st_mode and filecmp.cmp(one, other, shallow=False)


def _sync(folder: Path) -> None:
    """Make a folder durable with all that is in it."""
    for name, _, files in os.walk(folder):
        for path in (Path(name, file) for file in files):
            if not path.is_symlink():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_folder(Path(name))


def resume(file: ConfigFile, loaded: LoadedConfig) -> LoadedConfig:
    """Before the service starts: finish, or remove, a restore that a crash cut short; what the file says then.

    Raises StartError, and ConfigError.
    """
    staged = StagedRestore(loaded.settings.data_dir)
    if not staged.folder.exists():
        return loaded
    with claim(loaded.settings.data_dir):
        try:
            if staged.committed:
                _finish(staged, file, loaded)
            else:
                staged.discard()
        except (OSError, sqlite3.Error) as error:
            raise StartError(f"a restore that was cut short cannot be finished: {error}") from error
    return file.load()


def _finish(staged: StagedRestore, file: ConfigFile, loaded: LoadedConfig) -> None:
    try:
        if not staged.begun:
            staged.write_config(file, loaded)
    except (ConfigError, EditRefused, NotWritten) as error:
        log.error("a restore that was cut short is given up, and nothing of it was done: %s", error)
        staged.discard()
        return
    staged.swap_history()
    staged.place_scripts()
    staged.finish()
    log.info("a restore that was cut short is done")
