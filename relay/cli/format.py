"""Times, results and tables as people read them in a terminal."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import click
from msgspec import structs

from exporter.events import Instant, OutputPage, Run

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))
_LEAST_WIDTH = 8
"""To which a column may be cut."""
_FAILURES = {
    "timeout": "timed out",
    "spawn": "could not start",
    "cancelled": "stopped",
    "lost": "lost track of",
}

_CONTROL = re.compile(r"\x1b(?!\[[0-9;:]*m)|[\x00-\x08\n-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
"""Characters that may do something to a terminal, but for tabs, carriage returns and colours."""


class Cell(NamedTuple):
    text: str
    colour: str | None = None


def duration(milliseconds: int) -> str:
    """`340ms`, `3.4s`, `42s`, `3m 4s`, `2h 5m`, `3d 4h`"""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    if milliseconds < 9950:
        return f"{milliseconds / 1000:.1f}s".replace(".0s", "s")
    rest = round(milliseconds, -3)
    first = next(index for index, (_, size) in enumerate(_UNITS) if rest >= size)
    parts = []
    for unit, size in _UNITS[first : first + 2]:
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return " ".join(parts)


def age(at: Instant, now: Instant) -> str:
    """`just now`, `12s ago`, `3m ago`, `2d ago`; of what is to come `in 12s`, `in 3m 4s`."""
    if at > now:
        return f"in {duration(-(-(at - now) // 1000) * 1000)}"
    unit, size = next(((unit, size) for unit, size in _UNITS if now - at >= size), ("", 1))
    return f"{(now - at) // size}{unit} ago" if unit else "just now"


def moment(at: Instant, now: Instant) -> str:
    """By the local clock, with its date unless that is today's, and the age."""
    local, today = datetime.fromtimestamp(at.seconds()), datetime.fromtimestamp(now.seconds()).date()
    return f"{local:{'%H:%M:%S' if local.date() == today else '%Y-%m-%d %H:%M:%S'}} ({age(at, now)})"


def result(run: Run) -> Cell:
    match run.status, run.reason:
        case "completed", _:
            return Cell("completed", "green")
        case "running", _:
            return Cell("waits" if run.waits else "running", "cyan")
        case "skipped", reason:
            return Cell(f"skipped: {str(reason).replace('_', ' ')}", "yellow")
        case _, "signal":
            return Cell(f"failed: signal {(run.exit_code or 128) - 128}", "red")
        case _, "exit_code" | None:
            return Cell(f"failed: exit code {run.exit_code}", "red")
        case _, reason:
            return Cell(_FAILURES[reason], "yellow" if reason == "cancelled" else "red")


def size(count: int) -> str:
    """`312 B`, `3.2 KiB`"""
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and units[1:]:
        value /= 1024
        del units[0]
    return f"{count} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def print_table(header: list[str], rows: Iterable[list[Cell]], *, flexible: int) -> None:
    """Aligned; in a terminal the column `flexible` gives way where the whole is too wide."""
    table = [[Cell(title) for title in header], *rows]
    widths = [max(len(row[column].text) for row in table) for column in range(len(header))]
    if sys.stdout.isatty():
        over = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[flexible] = min(widths[flexible], max(_LEAST_WIDTH, widths[flexible] - max(0, over)))
    for row in table:
        fitted = [_fit(cell, width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join([*fitted[:-1], fitted[-1].rstrip()]))


def _fit(cell: Cell, width: int) -> str:
    text = cell.text if len(cell.text) <= width else cell.text[: width - 1] + "…"
    return click.style(text, fg=cell.colour) + " " * (width - len(text))


def print_lines(page: OutputPage, *, apart: bool) -> None:
    """Lines as they were written; `apart`: those of standard error to standard error."""
    for error, lines in groupby(page.lines, key=lambda line: apart and line[1] == "stderr"):
        text = "".join(f"{text}\n" for _, _, text in lines)
        click.echo(text.encode(errors="replace"), nl=False, err=error)


def visible(page: OutputPage) -> OutputPage:
    """The same with what may do something to a terminal made visible, in the notation of cat(1)'s -v."""
    lines = [(at, stream, _visible(text)) for at, stream, text in page.lines]
    return structs.replace(page, lines=lines)


def _visible(text: str) -> str:
    shown = _CONTROL.sub(lambda found: _caret(ord(found[0])), text)
    return f"{shown}\x1b[0m" if "\x1b" in shown else shown


def _caret(code: int) -> str:
    return f"^{chr(code ^ 64)}" if code < 128 else f"M-^{chr(code - 128 ^ 64)}"
