"""What ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.events import Instant, to_json
from relay.cli.format import Cell, duration, moment, print_table, result, size
from relay.cli.options import configured, examples, filters, json_option, name_argument

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from exporter.history import RunQuery


@click.command(
    epilog=examples(
        "cronscope runs backup --since 7d --status failed",
        "cronscope runs --reason timeout --json | jq -r '.runs[].run_id'",
    )
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, the latest ones.")
@json_option
@filters
@name_argument(required=False)
@configured
def runs(loaded: LoadedConfig, name: str | None, query: RunQuery, limit: int, as_json: bool) -> None:
    """List runs, of all scripts or of one, the latest first; with them the planned starts that did not happen."""
    from relay.cli.source import check_known, latest, source

    asked = source(loaded)
    check_known(loaded, asked, name)
    found = latest(asked, query, limit)
    if as_json:
        click.echo(to_json({"runs": found}))
        return
    now = Instant.now()
    rows = [
        [
            Cell(moment(run.begun_at, now)), Cell(run.script_name), Cell(run.trigger), result(run),
            Cell("" if run.duration is None else duration(run.duration)),
            Cell(size(run.stdout_bytes + run.stderr_bytes)), Cell(run.run_id),
        ]
        for run in found
    ]  # fmt: skip
    print_table(["STARTED", "NAME", "TRIGGER", "RESULT", "TOOK", "OUTPUT", "RUN"], rows, flexible=1)
