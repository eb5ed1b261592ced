"""The configuration in force, and how it changes: by an edit, by a reload, or by hand in the file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol

from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile
from exporter.edits import Entry
from exporter.etag import Precondition, hash_of
from exporter.faults import ConfigError
from exporter.watching import looks

log = logging.getLogger(__name__)


class ConfigChange(NamedTuple):
    """From what was in force to what is."""

    before: LoadedConfig
    after: LoadedConfig

    @property
    def hashes(self) -> tuple[str, str]:
        """Of the file, before and after."""
        return hash_of(self.before.text.encode()), hash_of(self.after.text.encode())

    @property
    def scripts(self) -> list[str]:
        """Names of the scripts of which the file says something else."""
        before, after = self.before.entries, self.after.entries
        names = dict.fromkeys([*before, *after])
        return [name for name in names if before.get(name) != after.get(name)]

    @property
    def told(self) -> str | None:
        """What the file says something else of: `users, scripts: backup, sync`; None where that is nothing."""
        before, after = self.before.settings, self.after.settings
        keys = [
            key for key in after.__struct_fields__ if key != "scripts" and getattr(before, key) != getattr(after, key)
        ]
        scripts = [f"scripts: {', '.join(self.scripts)}"] if self.scripts else []
        return ", ".join(keys + scripts) or None


class Listener(Protocol):
    """What has to know of changes."""

    async def configured(self, before: LoadedConfig, renamed: Mapping[str, str]) -> None:
        """Another configuration is in force now; `renamed` has the old names of scripts that were renamed."""

    def misconfigured(self, message: str) -> None:
        """The file has faults, and the old configuration stays in force."""

    def changed_by_hand(self, change: ConfigChange) -> None:
        """Somebody has changed the file on the disk, and that is in force now."""


class Configuration:
    """Belongs to the event loop's thread; the disk is waited for on others.  One change at a time."""

    def __init__(self, file: ConfigFile, loaded: LoadedConfig, listener: Listener) -> None:
        self.file = file
        self.loaded = loaded
        """What is in force."""
        self._listener = listener
        self._seen: bytes | str = loaded.text.encode()
        """What was in the file when it was last looked at, sound or not, or why it could not be read."""
        self._turn = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self._has_faults = False
        """Whether what was read last was refused."""

    async def reload(self) -> ConfigChange:
        """Read the file again, and the certificate.  Raises ConfigError, and then the old one stays in force."""
        async with self._turn:
            return await self._reload(None)

    async def edit(self, decide: Callable[[LoadedConfig], Mapping[str, Entry]]) -> ConfigChange:
        """Change the scripts in the file and in force, as `ConfigFile.edit`, with all that it raises.

        What somebody has changed in the file just before is told as a change by hand.
        """
        renamed: dict[str, str] = {}
        found: list[LoadedConfig] = []

        def noting(loaded: LoadedConfig) -> Mapping[str, Entry]:
            found[:] = [loaded]
            wanted = decide(loaded)
            renamed.clear()
            renamed.update((entry["name"], name) for name, entry in wanted.items() if entry["name"] != name)
            return wanted

        whole = await self._change(lambda: self.file.edit(noting, in_force=self.loaded), renamed)
        if found[0].text == whole.before.text:
            return whole
        self._listener.changed_by_hand(ConfigChange(whole.before, found[0]))
        return ConfigChange(found[0], whole.after)

    async def shown(self) -> tuple[bytes, str]:
        """The file without the values of secrets, and its `ETag`.  Raises ConfigError where it cannot be read."""
        return await asyncio.to_thread(self.file.shown, self.loaded)

    async def check_new(self, content: bytes) -> LoadedConfig:
        """What was `shown`, and changed then: raises ConfigError as `replace` does."""
        return await asyncio.to_thread(self.file.check_whole, content, self.loaded)

    async def replace(self, content: bytes, allowed: Precondition) -> ConfigChange:
        """Change the whole file, as `ConfigFile.replace`, with all that it raises."""
        return await self._change(lambda: self.file.replace(content, allowed, self.loaded), {})

    async def restore(self, change: Callable[[], LoadedConfig], then: Callable[[], Awaitable[None]]) -> ConfigChange:
        """Have `change`, on a worker thread, write the whole file; take it in force once `then()` is done."""
        return await self._change(change, {}, then)

    async def _change(
        self,
        change: Callable[[], LoadedConfig],
        renamed: Mapping[str, str],
        then: Callable[[], Awaitable[None]] | None = None,
    ) -> ConfigChange:
        async with self._turn:
            loaded = await asyncio.to_thread(change)
            if then is not None:
                await then()
            return await self._take(loaded, renamed)

    async def _reload(self, in_force: LoadedConfig | None) -> ConfigChange:
        """`in_force` is as in `ConfigFile.check`."""
        try:
            content = await asyncio.to_thread(self.file.content)
            self._seen = content
            # An empty file may be under way still: not all scripts are removed for that.
            check = self.file.check_new if self.loaded.entries else self.file.check
            loaded = await asyncio.to_thread(check, content, in_force)
        except ConfigError as error:
            self._tell(error)
            raise
        return await self._take(loaded, {})

    async def look_again(self) -> None:
        """What the file names was mended, perhaps: where it had faults, read it again."""
        async with self._turn:
            if self._has_faults:
                await self._read_again()

    def _tell(self, error: ConfigError) -> None:
        self._has_faults = True
        for fault in error.faults:
            log.error("%s", fault)
        log.error("the configuration has faults; the old one stays in force")
        more = f" (and {len(error.faults) - 1} more)" if len(error.faults) > 1 else ""
        told = f"the configuration has faults, the old one stays in force: {error.faults[0]}{more}"
        self._listener.misconfigured(told)

    async def _take(self, loaded: LoadedConfig, renamed: Mapping[str, str]) -> ConfigChange:
        before, self.loaded = self.loaded, loaded
        self._has_faults = False
        self._seen = loaded.text.encode()
        await self._listener.configured(before, renamed)
        return ConfigChange(before, loaded)

    # --- changes by hand ---

    def watch(self) -> None:
        """Begin to look out for changes that are made in the file."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Change nothing any more; a change under way is waited for."""
        if self._watching is not None:
            self._watching.cancel()
        await self._turn.acquire()

    async def _watch(self) -> None:
        async for _ in looks(self.file.path):
            await self._look()

    async def _look(self) -> None:
        async with self._turn:
            try:
                found: bytes | str = await asyncio.to_thread(self.file.content)
            except ConfigError as error:
                found = str(error)
            if found == self._seen:
                return
            self._seen = found
            await self._read_again()

    async def _read_again(self) -> None:
        with suppress(ConfigError):  # which is told
            change = await self._reload(self.loaded)
            if change.after.text != change.before.text:
                log.info("the configuration was changed by hand, and read again")
                self._listener.changed_by_hand(change)
