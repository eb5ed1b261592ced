"""The configuration in force, and what is told of changes made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter import watching
from exporter.config import LoadedConfig
from exporter.config_file import ConfigFile
from exporter.configuration import Configuration


class Told:
    """Remembers what a configuration tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def configured(self, before: LoadedConfig, renamed: Mapping[str, str]) -> None:
        self.queue.put_nowait("configured")

    def misconfigured(self, message: str) -> None:
        self.queue.put_nowait(message)


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
        assert [*watched.loaded.entries] == ["a"]
        path.write_text("# a comment alone\n" + path.read_text())
        assert await told.queue.get() == "configured"
        await watched.stop()

    asyncio.run(watch())
