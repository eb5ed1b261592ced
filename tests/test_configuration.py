"""The configuration in force, and what is told of changes made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter import watching
from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile
from exporter.configuration import ConfigChange, Configuration


class Told:
    """Remembers what a configuration tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def configured(self, before: LoadedConfig, renamed: Mapping[str, str]) -> None:
        self.queue.put_nowait("configured")

    def misconfigured(self, message: str) -> None:
        self.queue.put_nowait(message)

    def changed_by_hand(self, change: ConfigChange) -> None:
        self.queue.put_nowait(f"by hand: {change.told}")


def test_what_nobody_was_told_of_is_found_all_the_same_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_MILLISECONDS", 10)
    path = tmp_path / "cronscope.yml"
    path.write_text("scripts: []\n")
    file = ConfigFile(path, environ={}, flags={})

    async def watch() -> None:
        told = Told()
        watched = Configuration(file, file.load(), told)
        path.unlink()  # before the watch begins
        watched.watch()
        assert "cannot be read" in await told.queue.get()
        path.write_text("scripts: [{name: a, command: x}]\n")
        assert await told.queue.get() == "configured"  # and nothing in between, however often it was looked for
        assert await told.queue.get() == "by hand: scripts: a"
        assert [*watched.loaded.entries] == ["a"]
        path.write_text("# a comment alone\n" + path.read_text())
        assert await told.queue.get() == "configured"
        assert await told.queue.get() == "by hand: None"
        await watched.stop()

    asyncio.run(watch())


def test_what_was_changed_by_hand_before_an_edit_is_told_apart_from_it(tmp_path: Path) -> None:
    path = tmp_path / "cronscope.yml"
    path.write_text("scripts: []\n")
    file = ConfigFile(path, environ={}, flags={})

    async def edit() -> None:
        told = Told()
        edited = Configuration(file, file.load(), told)
        before = edited.loaded
        path.write_text("scripts: [{name: a, command: x}]\n")
        by_hand = file.load()
        change = await edited.edit(lambda loaded: {**loaded.entries, "b": {"name": "b", "command": "y"}})
        assert [await told.queue.get(), await told.queue.get()] == ["configured", "by hand: scripts: a"]
        assert (change.scripts, change.after) == (["b"], edited.loaded)
        assert change.hashes[0] == ConfigChange(before, by_hand).hashes[1] != ConfigChange(before, before).hashes[0]
        assert (await edited.edit(lambda loaded: loaded.entries)).hashes == (change.hashes[1],) * 2
        assert [await told.queue.get(), told.queue.empty()] == ["configured", True]

    asyncio.run(edit())
