"""The progress that a script tells of itself, by lines on its standard output."""

from __future__ import annotations

import re

from exporter.events import ProgressState

PROGRESS_BYTES = 4096
"""How much of the end of the output is looked through."""
_LINE = re.compile(rb"^::progress[ \t]+([-+]?\d+(?:\.\d+)?)%?(?:[ \t]+([^\r\n]*?))?[ \t]*\r?\n", re.MULTILINE)


def progress_in(lines: bytes) -> ProgressState | None:
    """What the last line `::progress PERCENT [TEXT]` says; None where there is none."""
    found = _LINE.findall(lines)
    if not found:
        return None
    percent, text = found[-1]
    return ProgressState(percent=min(100.0, max(0.0, float(percent))), text=text.decode(errors="replace"))
