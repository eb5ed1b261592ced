"""What runs wrote, and deleting it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from msgspec import structs

from exporter.events import Instant, OutputPage, Run, to_json
from relay.cli.format import duration, moment, print_lines, result, visible
from relay.cli.options import configured, examples, filters, json_option, name_argument

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from exporter.history import RunQuery
    from relay.cli.source import Source

POLL_SECONDS = 0.5


@click.command(
    epilog=examples(
        "cronscope logs backup --since 24h",
        "cronscope logs --all --follow",
        "cronscope logs --all -q 'no space left'",
        "cronscope logs backup --exit-code 1 --json | jq -r .stderr",
    )
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@filters
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many runs, the latest ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, a record a run.")
@click.option("--all", "every", is_flag=True, help="Of all scripts.")
@name_argument(required=False)
@configured
def logs(
    loaded: LoadedConfig, name: str | None, query: RunQuery, limit: int, follow: bool, as_json: bool, every: bool
) -> None:
    """Print what runs of a script wrote, oldest first; as JSON, latest first, as the HTTP API has it.

    --follow survives restarts of the service.  With --json, or options that tell of a run's end, it prints runs once
    they have ended.  In a terminal control characters are made visible, colours excepted.
    """
    from relay.cli.source import check_known, latest, source
    from relay.log_forms import only_begun

    if every == (name is not None):
        raise click.UsageError("expected either the name of a script or --all")
    if follow and query.until is not None:
        raise click.UsageError("--follow goes on into the future: leave out --until")
    asked = source(loaded)
    check_known(loaded, asked, name)
    query = only_begun(query)
    if follow:
        with suppress(KeyboardInterrupt):
            _Follower(query, as_json=as_json).follow(loaded, asked, limit)
    elif as_json:
        for piece in _first_lines(asked.logs(query), limit):
            click.echo(piece, nl=False)
    else:
        printer = _Printer()
        for run in reversed(latest(asked, query, limit)):
            printer.print(asked, run)
        if printer.open:
            text = "of {} there is more to come: of a run under way, or of one that no service has looked after yet"
            click.echo(text.format(", ".join(sorted(printer.open))), err=True)


@click.command("clear-logs", epilog=examples("cronscope clear-logs backup", "cronscope clear-logs backup --yes"))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@name_argument()
@configured
def clear_logs(loaded: LoadedConfig, yes: bool, as_json: bool, name: str) -> None:
    """Delete the records and the output of a script's runs that have ended."""
    from relay.cli.source import check_known, service, source

    check_known(loaded, source(loaded), name)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to be asked: --yes deletes without asking")
        click.confirm(f"Delete all that is stored of the runs of {name}?", abort=True, err=True)
    asked = service(loaded)
    deleted = _clear_here(loaded, name) if asked is None else asked.clear_logs(name)
    click.echo(to_json({"deleted": deleted}) if as_json else f"deleted {deleted} run{'' if deleted == 1 else 's'}")


def _clear_here(loaded: LoadedConfig, name: str) -> int:
    import asyncio

    from exporter.stand_in import stand_in

    async def clear() -> int:
        async with stand_in(loaded) as here:
            return await here.clear_logs(name)

    return asyncio.run(clear())


def _first_lines(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        if (ends := piece.count(b"\n")) >= count:
            yield b"".join(piece.splitlines(keepends=True)[:count])
            return
        count -= ends
        yield piece


class _Printer:
    """Prints runs with their output, those under way piece by piece."""

    def __init__(self) -> None:
        self._latest = ""
        """Id of the run that was printed last."""
        self.open: dict[str, int | None] = {}
        """Runs of which there is more to come, with the number of the line to go on with; None before the first."""

    def print(self, asked: Source, run: Run) -> None:
        """Print what there is of a run that has not been printed yet."""
        line = self.open.get(run.run_id)
        goes_on = line is not None
        if not goes_on:
            self._head(run)
        for page in _pages(asked, run.run_id, line or 0):
            if page.lines and self._latest != run.run_id:
                self._head(run)
            print_lines(visible(page) if sys.stdout.isatty() else page, apart=False)
            line = page.next
            # At once: who is asked for the next page may not answer.
            self.open[run.run_id] = page.first + len(page.lines) if line is None else line
        if line is None and (ended := asked.run(run.run_id)).status != "running":  # stored after its output's end
            del self.open[run.run_id]
            if goes_on:
                self._head(ended)

    def _head(self, run: Run) -> None:
        self._latest = run.run_id
        text, colour = result(run)
        took = "" if run.duration is None else f", took {duration(run.duration)}"
        told = f"{run.script_name}  {moment(run.begun_at, Instant.now())}  "
        click.echo(click.style(f"==> {told}", bold=True) + click.style(text, fg=colour, bold=True)
                   + click.style(f"{took}  {run.run_id} <==", bold=True))  # fmt: skip


def _pages(asked: Source, run_id: str, first: int) -> Iterator[OutputPage]:
    """What there is of a run's output now; the last page is without lines, or the end."""
    line: int | None = first
    while line is not None:
        page = asked.output(run_id, line)
        yield page
        line = page.next if page.lines else None


class _Follower:
    """Prints runs as they go on and end, and those that begin."""

    def __init__(self, query: RunQuery, *, as_json: bool) -> None:
        self._query = query
        unfiltered = structs.replace(query, exit_code=None, status=None, reason=None, q=None)
        self._filtered = query != unfiltered
        """Which runs are to be printed is known only once they have ended."""
        self._watched = structs.replace(unfiltered, begun=False)
        self._as_json = as_json
        self._printer = _Printer()
        self._after = ""
        """Runs with a later id are new: ids sort by time."""

    def follow(self, loaded: LoadedConfig, asked: Source, limit: int) -> None:
        """A service that does not run, or does not answer any more, is waited for."""
        from exporter.history import HistoryError
        from relay.cli.client import NoAnswer
        from relay.cli.source import every_run, latest, source

        newest = asked.runs(self._watched).runs
        self._after = max((run.run_id for run in newest), default="")
        under_way = every_run(asked, structs.replace(self._watched, status="running"))
        for run in [*latest(asked, self._query, limit), *under_way]:
            self._printer.open[run.run_id] = None
            self._after = max(self._after, run.run_id)
        while True:
            with suppress(NoAnswer, HistoryError):
                self._go_on(source(loaded))
            time.sleep(POLL_SECONDS)

    def _go_on(self, asked: Source) -> None:
        from exporter.outputs import UnknownRun

        for run_id in self._new(asked):
            self._printer.open[run_id] = None
            self._after = max(self._after, run_id)
        for run_id in sorted(self._printer.open):
            try:
                self._show(asked, asked.run(run_id))
            except UnknownRun:  # deleted from the history meanwhile
                del self._printer.open[run_id]

    def _new(self, asked: Source) -> list[str]:
        page = asked.runs(self._watched)
        found: list[str] = []
        while new := [run.run_id for run in page.runs if run.run_id > self._after]:
            found += new
            if page.next is None:
                break
            page = asked.runs(structs.replace(self._watched, before=page.next))
        return found

    def _show(self, asked: Source, run: Run) -> None:
        if run.waits or (run.status == "running" and (self._filtered or self._as_json)):
            return
        if not self._asked_for(asked, run):
            self._printer.open.pop(run.run_id, None)
        elif self._as_json:
            record = b"".join(_first_lines(asked.logs(_only(run, self._query)), 1))  # whole, or not at all
            click.echo(record, nl=False)
            self._printer.open.pop(run.run_id, None)
        else:
            self._printer.print(asked, run)

    def _asked_for(self, asked: Source, run: Run) -> bool:
        if run.status == "skipped" and self._query.begun:
            return False
        return not self._filtered or [each.run_id for each in asked.runs(_only(run, self._query)).runs] == [run.run_id]


def _only(run: Run, query: RunQuery) -> RunQuery:
    """The query for this run alone."""
    from exporter.records import cursor

    return structs.replace(query, since=run.begun_at, before=cursor(run.begun_at, f"{run.run_id}0"), limit=1)
