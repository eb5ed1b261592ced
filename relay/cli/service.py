"""Running the service in the foreground."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from relay.cli.options import config_file, config_option, data_dir_option

LEVELS = ("debug", "info", "warning", "error")


@click.command()
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Where to listen; overrides the file. Port 0 takes any free one.")
@click.option("--metrics-listen", metavar="HOST:PORT", help="Where to serve /metrics and health alone, too.")
@data_dir_option
@click.option("--url-prefix", metavar="PATH", help="Serve everything under this path; overrides the file.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="How much to log.")
def serve(
    config: Path | None, listen: str | None, metrics_listen: str | None, data_dir: str | None, url_prefix: str | None,
    log_level: str,
) -> None:  # fmt: skip
    """Run the service in the foreground: scheduler, /metrics, /ws and the page.

    Prints one line with the page's address when it is ready. SIGTERM and SIGINT stop it; scripts under way go on
    unless on_shutdown says otherwise. SIGHUP reads the configuration again.
    """
    import asyncio

    from relay.listening import ListenError
    from relay.service import serve

    _log_to_stderr(log_level)
    flags = {"listen": listen, "metrics_listen": metrics_listen, "data_dir": data_dir, "url_prefix": url_prefix}
    file = config_file(config, flags, starting=True)
    try:
        asyncio.run(serve(file, file.load(), _tell_ready))
    except ListenError as error:
        raise click.ClickException(str(error)) from error


def _tell_ready(url: str) -> None:
    try:
        click.echo(f"Cronscope is ready: {url}")
    except OSError as error:  # nobody can read it, which is no reason not to run
        logging.getLogger(__name__).warning("ready at %s, but standard output cannot be written: %s", url, error)


class OneLine(logging.Formatter):
    """A line a message, whatever is in it: nobody can forge one, and a traceback stays with its cause."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        head = f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z {record.levelname} {record.name}: "
        return head + super().format(record).replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in ("apscheduler", "watchfiles"):  # their doings are no news
        logging.getLogger(name).setLevel(logging.WARNING)
