"""When to look again at files that others write: soon after something has happened to them, and every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from pathlib import Path

from watchfiles import Change, awatch

log = logging.getLogger(__name__)

SETTLED_MILLISECONDS = 400
"""How long nothing may have happened to a file before it is read: not every editor writes it at once."""
LOOK_MILLISECONDS = 5000
"""How often it is read without a hint: what happened before the watch began, or on a network's disk, tells nobody."""


async def looks(*paths: Path) -> AsyncGenerator[None, None]:
    """Comes back whenever it is time to look at the files."""
    absolute = [path.absolute() for path in paths]
    link = any(path.is_symlink() for path in absolute)  # then anything in its folder may change where it leads
    names = {name for path in absolute for name in (path.name, path.resolve().name)}

    def about_them(_: Change, changed: str) -> bool:
        return link or Path(changed).name in names

    folders = {folder for path in absolute for folder in (path.parent, path.resolve().parent)}
    changes = awatch(
        *folders, watch_filter=about_them, step=SETTLED_MILLISECONDS, recursive=False,
        rust_timeout=LOOK_MILLISECONDS, yield_on_timeout=True,
    )  # fmt: skip
    try:
        async for _ in changes:
            yield
    except (OSError, RuntimeError) as error:  # no folder, or no more watches to be had: inotify(7)
        log.warning("%s cannot be watched, so it is looked at every few seconds: %s", absolute[0], error)
    while True:
        await asyncio.sleep(LOOK_MILLISECONDS / 1000)
        yield
