"""Starting a script now, and stopping it: through the running service, or in its place."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import click

from exporter.events import to_json
from relay.cli.format import duration, print_lines, result
from relay.cli.options import configured, discard_output, examples, json_option, name_argument

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from exporter.events import OutputPage, Run
    from relay.cli.client import Client

Show: TypeAlias = "Callable[[OutputPage], None]"

POLL_SECONDS = 0.1
RETURN_SECONDS = 30.0
"""How long a service that went away is waited for: it may be restarted."""


@click.command(epilog=examples("cronscope run backup && echo done", "cronscope run backup --detach"))
@click.option("--detach", is_flag=True, help="Do not wait for the end: print the run's id.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's record in place of its output.")
@name_argument()
@configured
def run(loaded: LoadedConfig, detach: bool, as_json: bool, name: str) -> None:
    """Run a script now, and print what it writes as it comes.

    Where the service runs, it does that; otherwise it is done here, with the same environment, limits and history.
    Ctrl-C stops the run.  Exit code 0 where it succeeded, 1 where it failed.
    """
    from relay.cli.source import service

    asked, show = service(loaded), _pass_over if as_json else _print
    if asked is not None:
        run_id = asked.start(name)
        if detach:
            click.echo(to_json({"run_id": run_id}) if as_json else run_id)
            return
        ended, fault = _follow(loaded, asked, run_id, show), None
    elif detach:
        raise click.ClickException("--detach needs a running service: cronscope serve")
    else:
        ended, fault = _run_here(loaded, name, show)
    if as_json:
        click.echo(to_json(ended))
    elif ended.metrics_rejected:
        click.echo(f"metrics that {name} published were refused: {ended.metrics_rejected}", err=True)
    if ended.status != "completed":
        shown = ended.stderr_bytes and not as_json  # why it could not be started is in its output, if it has any
        click.echo(_failure(ended) if fault is None or shown else fault, err=True)
        sys.exit(1)


@click.command(epilog=examples("cronscope stop backup", "cronscope stop 01M86SFJ2B0R4SDT6MB5JJVJRV"))
@json_option
@name_argument()
@configured
def stop(loaded: LoadedConfig, as_json: bool, name: str) -> None:
    """Stop a script's runs, those too that wait for their start, or the run of an id, and wait for their end.

    The whole process group of each gets SIGTERM, and SIGKILL after the script's kill_after.
    """
    from relay.cli.source import service

    asked = service(loaded)
    if asked is None:
        run_ids = _stop_here(loaded, name)
    else:
        run_ids = _told_to_stop(asked, name, [*loaded.entries])
        for run_id in run_ids:
            while asked.run(run_id).status == "running":
                time.sleep(POLL_SECONDS)
    if as_json:
        click.echo(to_json({"run_ids": run_ids}))
    else:
        click.echo("\n".join(f"stopped {run_id}" for run_id in run_ids) or f"{name} is not running")


def _told_to_stop(asked: Client, name: str, scripts: list[str]) -> list[str]:
    """The runs of a script, or the one of an id, which are being stopped."""
    from exporter.ulid import PATTERN

    if name in scripts or not re.fullmatch(PATTERN, name):
        return asked.stop(name)
    asked.stop_run(name)
    return [name]


def _print(page: OutputPage) -> None:
    """Where nobody reads on, the run goes on all the same."""
    try:
        print_lines(page, apart=True)
    except BrokenPipeError:
        discard_output()


def _pass_over(page: OutputPage) -> None:
    """Nobody wants to see it."""


def _failure(run: Run) -> str:
    after = f" after {duration(run.duration)}" if run.duration else ""
    return f"{run.script_name} {result(run).text}{after}"


# --- through the service ---


def _follow(loaded: LoadedConfig, asked: Client, run_id: str, show: Show) -> Run:
    """Show a run's output till its end; its record.  The first Ctrl-C stops it, a second one ends the waiting."""
    from contextlib import suppress

    from exporter.scheduler import RunRefused
    from relay.cli.client import NoAnswer

    line: int | None = 0
    stopping = False
    while True:
        try:
            if line is not None:
                line = _show_more(asked, run_id, line, show)
            elif (run := asked.run(run_id)).status != "running":  # its record is stored after its output's end
                return run
            else:
                time.sleep(POLL_SECONDS)
        except NoAnswer:
            asked = _returned(loaded, run_id)
        except KeyboardInterrupt:
            if stopping:
                raise
            stopping = True
            with suppress(RunRefused):  # it has ended just now
                asked.stop_run(run_id)


def _show_more(asked: Client, run_id: str, line: int, show: Show) -> int | None:
    """Show what has come from a line on; the line to ask for next."""
    page = asked.output(run_id, line)
    show(page)
    if not page.lines and page.next is not None:
        time.sleep(POLL_SECONDS)
    return page.next


def _returned(loaded: LoadedConfig, run_id: str) -> Client:
    """The service, once it is there again and knows the run.  Raises a ClickException where it stays away."""
    from relay.cli.client import NoAnswer
    from relay.cli.source import service

    deadline = time.monotonic() + RETURN_SECONDS
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        try:
            asked = service(loaded)
            if asked is not None:
                asked.run(run_id)
                return asked
        except NoAnswer:
            continue
    raise click.ClickException(
        f"the service went away; unless it was told to stop its scripts, run {run_id} goes on, and cronscope logs shows"
        " it when the service is back"
    )


# --- in its place ---


def _run_here(loaded: LoadedConfig, name: str, show: Show) -> tuple[Run, str | None]:
    import asyncio
    import os
    import signal

    from exporter.stand_in import stand_in

    async def run() -> tuple[Run, str | None]:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop(number: int) -> None:
            if stopping.is_set():  # a second one leaves the run to itself
                loop.remove_signal_handler(number)
                os.kill(os.getpid(), number)
            stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        async with stand_in(loaded) as here:
            return await here.run(name, show, stopping)

    return asyncio.run(run())


def _stop_here(loaded: LoadedConfig, name: str) -> list[str]:
    import asyncio

    from exporter.stand_in import stand_in

    async def stop() -> list[str]:
        async with stand_in(loaded) as here:
            return await here.stop(name)

    return asyncio.run(stop())
