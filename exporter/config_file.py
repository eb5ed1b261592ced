"""The configuration file on disk, changed by one writer at a time, as a whole or not at all.

A change starts from what is in the file at that moment, so that nothing that somebody wrote into it by hand is lost.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from exporter import config
from exporter.config import LoadedConfig
from exporter.document import Unreadable
from exporter.durable import Draft, Overtaken
from exporter.edits import Entry, Unforeseen, edited, same
from exporter.etag import Precondition, etag_of, unconditional
from exporter.faults import ConfigError, Fault
from exporter.masked_text import masked_text, whole_text
from exporter.settings import Settings

EMPTY = "empty; a configuration without scripts is written scripts: []"
Listed = Literal["scripts", "users", "tokens"]
"""Keys of lists that can be edited."""
_PASSES = 3
"""Of an edit: a change of what other scripts share by `&` and `*` is made good for those by another one."""


class BrokenConfig(Exception):
    """The file was made faulty by hand, so that nothing in it can be edited; nothing was changed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(
            "The configuration file has faults, made by hand since it was last read; nothing was changed."
            " Mend it first, in an editor or as a whole by PUT /api/v1/config."
        )
        self.faults = faults


class EditRefused(Exception):
    """The file cannot be edited in this way; nothing was changed.  The message says why and what to do."""


class ConfigChanged(Exception):
    """The file, or the script in it, is not the one that was meant, and nothing was done; the message says so."""


class NotWritten(Exception):
    """The disk does not take the file, and nothing was changed; the message says why."""


class ConfigFile:
    """May be used on any thread; its methods take as long as the disk does."""

    def __init__(
        self, path: Path, *, environ: Mapping[str, str], flags: Mapping[str, str], starting: bool = False
    ) -> None:
        """`environ` and `flags` go before the file, and `starting` is, as in `exporter.config.read`."""
        self.path = path
        self._starting = starting
        self._environ = environ
        self._flags = flags

    def load(self) -> LoadedConfig:
        """Read and check the file.  Raises ConfigError."""
        return config.load(self.path, environ=self._environ, flags=self._flags, starting=self._starting)

    def stated_data_dir(self) -> Path:
        """The data directory, as far as it can be made out where the file has faults."""
        return config.stated_data_dir(self.path, environ=self._environ, flags=self._flags)

    def check(self, content: bytes, in_force: LoadedConfig | None = None) -> LoadedConfig:
        """Read `content` as if it were the file's.  Raises ConfigError.

        A certificate that is `in_force` is not looked at again.
        """
        return config.read(
            config.decode(content, self.path), self.path, environ=self._environ, flags=self._flags,
            starting=self._starting, shown=in_force.settings.tls if in_force else None,
        )  # fmt: skip

    def check_new(self, content: bytes, in_force: LoadedConfig | None = None) -> LoadedConfig:
        """The same for what is to take the place of another file: one that says nothing is hardly meant."""
        loaded = self.check(content, in_force)
        said = re.sub("#.*", "", loaded.text.removeprefix("\ufeff")).split()
        if {*said} <= {"---", "~", "null", "Null", "NULL"}:
            raise ConfigError([Fault(file=str(self.path), line=1, column=1, message=EMPTY)])
        return loaded

    def content(self) -> bytes:
        """What is in the file, sound or not.  Raises ConfigError where it cannot be read."""
        return config.content(self.path)

    def edit(
        self,
        decide: Callable[[LoadedConfig], Mapping[str, Entry]],
        key: Listed = "scripts",
        in_force: LoadedConfig | None = None,
    ) -> LoadedConfig:
        """Make the scripts in the file, or the items of another list, what `decide` makes of them; what it says then.

        `decide` gets the file as it is, and answers entries by the names that they have had so far; new ones by their
        own.  What it raises is raised, and nothing is changed.  Raises BrokenConfig, EditRefused, NotWritten too.
        `in_force` is as in `check`.
        """

        def change() -> LoadedConfig:
            seen = self._status()
            try:
                before = self.check(self.content(), in_force)
            except ConfigError as error:
                raise BrokenConfig(error.faults) from error
            after = self._edited(before, decide(before), key)
            if after.text != before.text:
                self._write(after.text.encode(), seen)
            return after

        return self._changed(change)

    def shown(self, in_force: LoadedConfig) -> tuple[bytes, str]:
        """What is in the file, without the values of secrets, and the `ETag` of all of it.

        `in_force` is what it said when it was sound.  Raises ConfigError where it cannot be read.
        """
        content = self.content()
        text = masked_text(content.decode(errors="surrogateescape"), in_force.text)
        return text.encode(errors="surrogateescape"), etag_of(content)

    def check_whole(self, content: bytes, in_force: LoadedConfig | None) -> LoadedConfig:
        """As `check_new`, with masks in `content` as `whole` takes them."""
        return self.check_new(self.whole(content, in_force), in_force)

    def whole(self, content: bytes, in_force: LoadedConfig | None) -> bytes:
        """What was `shown`, and changed then, with these values; those that the file does not have may be `in_force`.

        Raises ConfigError where there is none, or where it is no text.
        """
        text, texts = config.decode(content, self.path), [in_force.text if in_force else ""]
        with suppress(ConfigError):
            texts.insert(0, config.decode(self.content(), self.path))
        return whole_text(text, texts, self.path).encode()

    def replace(
        self, content: bytes, allowed: Precondition = unconditional, in_force: LoadedConfig | None = None
    ) -> LoadedConfig:
        """Write the whole file; what it says then.  `content` may have masks in it, as `whole` takes them.

        Raises ConfigError where `content` has faults, ConfigChanged where what it replaces is not `allowed`, and
        EditRefused and NotWritten.
        """

        def change() -> LoadedConfig:
            seen = self._status()
            if not allowed(None if seen is None else etag_of(self.content())):
                raise ConfigChanged("The configuration file has changed meanwhile; nothing was written.")
            after = self.check_whole(content, in_force)
            self._write(after.text.encode(), seen)
            return after

        return self._changed(change)

    def _changed(self, change: Callable[[], LoadedConfig]) -> LoadedConfig:
        """Make a change anew where somebody else's came in between."""
        with self._alone():
            for _ in range(_PASSES):
                with suppress(Overtaken):
                    return change()
        raise EditRefused("The file is being changed by somebody else again and again; nothing was written.")

    def _edited(self, before: LoadedConfig, wanted: Mapping[str, Entry], key: Listed = "scripts") -> LoadedConfig:
        """YAML can be written in so many ways that a result is believed only once it has been read again."""
        for blocks in (True, False):
            try:
                return self._tried(before, wanted, key, blocks)
            except (ConfigError, Unreadable, Unforeseen, _Misread):
                continue
        raise EditRefused(
            "The file is written in a way that keeps this change from being made without touching other parts of it:"
            " values marked & that are used elsewhere as *, or another rare form of YAML. Nothing was changed; make the"
            " change in the file."
        )

    def _tried(self, before: LoadedConfig, wanted: Mapping[str, Entry], key: Listed, blocks: bool) -> LoadedConfig:
        after, entries = before, _entries(before, key)
        meant = {entry["name"] for name, entry in wanted.items() if not same(entry, entries.get(name))}
        for _ in range(_PASSES):
            after = self.check(edited(after.text, entries, wanted, key=key, blocks=blocks).encode(), before)
            wanted, entries = {entry["name"]: entry for entry in wanted.values()}, _entries(after, key)
            if [*entries] != [*wanted] or _without(after, key) != _without(before, key):
                break
            wrong = {name for name, entry in wanted.items() if not same(entry, entries[name])}
            if not wrong:
                return after
            if wrong & meant:
                break
        raise _Misread

    def _write(self, content: bytes, seen: os.stat_result | None) -> None:
        """Raises EditRefused, NotWritten, and Overtaken where the file is no longer the one that was `seen`."""
        target = self.path.resolve()
        try:
            draft = Draft(target, content, seen, mode=None if seen else 0o600)  # it may hold secrets
            try:
                draft.publish()
            finally:
                draft.discard()
        except OSError as error:
            why = f"{self.path} cannot be written: {error.strerror}"
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                why += f"; the service has to be able to make files in {target.parent}, since it never writes in place"
            elif error.errno == errno.EBUSY:
                why += f"; it seems to be mounted by itself: mount the folder {target.parent} instead"
            else:
                raise NotWritten(why) from error
            raise EditRefused(why) from error

    def _status(self) -> os.stat_result | None:
        try:
            return os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotWritten(f"{self.path} cannot be looked at: {error.strerror}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep out others that change the file in this way, such as commands while no service runs."""
        folder = self.path.resolve().parent
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise NotWritten(f"the folder {folder} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class _Misread(Exception):
    """An edited text does not say what it was to say."""


def _entries(loaded: LoadedConfig, key: Listed) -> dict[str, dict[str, Any]]:
    return {"scripts": loaded.entries, "users": loaded.users, "tokens": loaded.tokens}[key]


def _without(loaded: LoadedConfig, key: Listed) -> Settings:
    return replace(loaded.settings, **{key: []})
