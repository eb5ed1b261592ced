"""The command line.  Modules that only some commands need are imported by those."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from relay.cli.access import passwd, token
from relay.cli.audit import audit
from relay.cli.completion import completion
from relay.cli.configuration import check, init
from relay.cli.crontab import import_crontab
from relay.cli.doctor import doctor
from relay.cli.logs import clear_logs, logs
from relay.cli.options import discard_output, refusal
from relay.cli.rules import rules
from relay.cli.runs import runs
from relay.cli.schedule import list_scripts, next_starts
from relay.cli.scripts import add, disable, enable, remove
from relay.cli.service import serve
from relay.cli.start import run, stop


class Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """A reader that has had enough, as in `cronscope logs … | head`, is no error; a full disk is one."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            discard_output()
            if isinstance(error, BrokenPipeError):
                ctx.exit(0)
            raise click.ClickException(f"{error.filename or 'standard output'}: {error.strerror}") from error
        except Exception as error:
            if (told := refusal(error)) is None:
                raise
            raise told from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cronscope", prog_name="cronscope", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Run scripts on schedules and watch them live: on a page of its own, in Prometheus and in Grafana.

    Where a service runs for the configuration, commands ask it; otherwise they work on its files.

    Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage.
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: nobody wants to know
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # till the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal of another encoding cannot show is no reason to end
            stream.reconfigure(errors="backslashreplace")


for command in (
    serve, check, init, list_scripts, next_starts, add, remove, enable, disable, run, stop, runs, logs, clear_logs,
    audit, import_crontab, rules, passwd, token, doctor, completion,
):  # fmt: skip
    main.add_command(command)
