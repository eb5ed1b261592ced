"""Who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from exporter.events import Instant, to_json
from relay.cli.format import Cell, moment, print_table
from relay.cli.options import configured, examples, json_option, point_in_time, printable

if TYPE_CHECKING:
    from exporter.audit import AuditEntry
    from exporter.config import LoadedConfig

_COLOURS = {"done": "green", "refused": "yellow", "failed": "red"}
_SHOWN = 8
"""Digits of a hash."""


@click.command(
    epilog=examples(
        "cronscope audit --since 7d --actor alice",
        "cronscope audit --action script --target backup",
        "cronscope audit --limit 1000 --json | jq -c '.audit[] | select(.outcome == \"refused\")'",
    )
)
@click.option("--since", metavar="T", callback=point_in_time, help="Only what was done at T or later.")
@click.option("--until", metavar="T", callback=point_in_time, help="Only what was done before T.")
@click.option("--actor", metavar="NAME", help="Only what a user or token did, or a kind of actor such as disk.")
@click.option("--action", metavar="ACTION", help="Only this, or all that begins so up to the dot: script.")
@click.option("--target", metavar="TEXT", help="Only what was done to something with TEXT in its name.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the latest ones.")
@json_option
@configured
def audit(
    loaded: LoadedConfig, since: Instant | None, until: Instant | None, actor: str | None, action: str | None,
    target: str | None, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """List who did what, when and from where, with the hash of what was changed before and after; the latest first."""
    from exporter.audit import AuditChoice, AuditQuery
    from relay.cli.source import source

    if action is not None and action not in get_args(AuditChoice):
        raise click.BadParameter(f"expected one of {', '.join(get_args(AuditChoice))}", param_hint="--action")
    query = AuditQuery(since=since, until=until, actor=actor, action=action, target=target, limit=limit)
    found = source(loaded).audit(query).audit
    if as_json:
        click.echo(to_json({"audit": found}))
        return
    now = Instant.now()
    rows = [[Cell(moment(entry.at, now)), *_told(entry)] for entry in found]
    print_table(["TIME", "BY", "ACTION", "TARGET", "HASH", "FROM", "OUTCOME"], rows, flexible=3)


def _told(entry: AuditEntry) -> list[Cell]:
    target = " ".join(printable(text) for text in (entry.target, entry.detail) if text is not None)
    status = "" if entry.outcome == "done" or entry.status is None else f" {entry.status}"
    return [
        Cell(entry.actor.name or entry.actor.kind), Cell(entry.action), Cell(target), Cell(_hashes(entry)),
        Cell(entry.address or ""), Cell(f"{entry.outcome}{status}", _COLOURS[entry.outcome]),
    ]  # fmt: skip


def _hashes(entry: AuditEntry) -> str:
    if entry.before is None and entry.after is None:
        return ""
    return " -> ".join((hashed or "none")[:_SHOWN] for hashed in (entry.before, entry.after))
