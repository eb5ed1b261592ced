"""The command line.  Modules that only some commands need are imported by those."""

from __future__ import annotations

import click

from relay.cli.configuration import check, init
from relay.cli.crontab import import_crontab
from relay.cli.doctor import doctor
from relay.cli.service import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cronscope", prog_name="cronscope", message="%(prog)s %(version)s")
def main() -> None:
    """Run scripts on schedules and watch them live: on a page of its own, in Prometheus and in Grafana.

    Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage.
    """


for command in (serve, check, init, import_crontab, doctor):
    main.add_command(command)
