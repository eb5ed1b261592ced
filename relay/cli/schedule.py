"""What there is, and when it starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from exporter.events import Instant, Script, to_json
from relay.cli.format import Cell, age, duration, moment, print_table, result
from relay.cli.options import configured, examples, json_option, name_argument

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from relay.cli.source import Source


@click.command(
    "list", epilog=examples("cronscope list", "cronscope list --json | jq -r '.scripts[] | select(.enabled) | .name'")
)
@json_option
@configured
def list_scripts(loaded: LoadedConfig, as_json: bool) -> None:
    """List the scripts: schedule, last result, next start."""
    from relay.cli.source import source

    asked = source(loaded)
    scripts = asked.scripts()
    if as_json:
        click.echo(to_json({"scripts": scripts}))
        return
    now = Instant.now()
    rows = [[Cell(each.name), Cell(each.schedule.description), _last(each, now), _next(each, now)] for each in scripts]
    print_table(["NAME", "SCHEDULE", "LAST RESULT", "NEXT START"], rows, flexible=1)
    _tell_of_no_service(asked)


@click.command("next", epilog=examples("cronscope next", "cronscope next backup --limit 3"))
@click.option("--limit", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many.")
@json_option
@name_argument(required=False)
@configured
def next_starts(loaded: LoadedConfig, limit: int, as_json: bool, name: str | None) -> None:
    """Tell the next starts, of all scripts or of one, soonest first.

    Of a script with jitter only the first one is told with it.
    """
    from heapq import merge
    from itertools import islice

    from exporter.scripts import UnknownScript
    from relay.cli.source import source

    asked = source(loaded)
    scripts = [script for script in asked.scripts() if name in (None, script.name)]
    if name is not None and not scripts:
        raise UnknownScript(f"no script is named {name}")
    starts = list(islice(merge(*map(_starts, scripts), key=lambda start: start[0]), limit))
    if as_json:
        click.echo(to_json({"starts": [{"script_name": each.name, "scheduled_at": at} for at, each in starts]}))
        return
    now = Instant.now()
    rows = [[Cell(moment(at, now)), Cell(each.name), Cell(each.schedule.description)] for at, each in starts]
    print_table(["START", "NAME", "SCHEDULE"], rows, flexible=2)
    _tell_of_no_service(asked)


def _last(script: Script, now: Instant) -> Cell:
    if script.running:
        count = len(script.running)
        return Cell(f"running ×{count}" if count > 1 else "running", "cyan")
    run = script.last_run
    if run is None or run.ended_at is None:
        return Cell("never ran")
    text, colour = result(run)
    return Cell(f"{text}, {age(run.ended_at, now)}, took {duration(run.duration or 0)}", colour)


def _next(script: Script, now: Instant) -> Cell:
    if script.next_run_at is not None:
        return Cell(moment(script.next_run_at, now))
    if not script.enabled:
        return Cell("disabled")
    return Cell("by hand only" if script.schedule.kind == "manual" else "-")


def _starts(script: Script) -> Iterator[tuple[Instant, Script]]:
    from exporter.planned import starts_of

    return ((at, script) for at in starts_of(script))


def _tell_of_no_service(asked: Source) -> None:
    from relay.cli.source import Files

    if isinstance(asked, Files):
        told = "No service is running for this configuration: nothing starts until cronscope serve does."
        click.echo(f"{told}  (One that was started with --data-dir is found by the same.)", err=True)
