"""What may be in the way although the configuration is sound, and where it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from exporter import document
from exporter.config import LoadedConfig
from exporter.document import Mark, Node, Sequence, compose
from exporter.shapes import Reader

Severity = Literal["error", "warning", "info"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is, or may be, in the way."""

    severity: Severity
    """`error`: something does not work, or anyone may change what runs; `warning`: it may stop working, or is unwise;
    `info`: good to know."""
    where: str
    """FILE:LINE of the configuration where it is about a key, otherwise a file or a part of the machine."""
    what: str
    remedy: str
    """What to do; empty where there is nothing to be done."""


class Lines:
    """Where a sound configuration says what, as FILE:LINE."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._path = loaded.path
        self._root = compose(loaded.text)

    def of(self, *path: str | int) -> str:
        """Of a key, by the keys and numbers of items that lead to it; of what it is in, where that has no such key."""
        mark = self.mark(*path)
        return str(self._path) if mark is None else f"{self._path}:{mark.line + 1}"

    def mark(self, *path: str | int) -> Mark | None:
        """The same as a place in the text; None: it is nowhere."""
        mark, node = None, self._root
        for step in path:
            if isinstance(step, int):
                if not isinstance(node, Sequence):
                    break
                node = node.items[step]
                mark = node.mark
            elif step not in (pairs := _pairs(node)):
                break
            else:
                key, node = pairs[step]
                mark = key.mark
        return mark


def _pairs(node: Node | None) -> dict[str, tuple[document.Scalar, Node]]:
    if not isinstance(node, document.Mapping):
        return {}
    return Reader(Path(), lambda *fault: None).pairs(node, "")
