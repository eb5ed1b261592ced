"""The command line.  Modules that only some commands need are imported by those."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exporter.config import LoadedConfig

LEVELS = ("debug", "info", "warning", "error")
config_option = click.option(
    "-c", "--config", metavar="FILE", type=click.Path(path_type=Path),
    help="The configuration file; cronscope.yml in the current directory unless given.",
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cronscope", prog_name="cronscope", message="%(prog)s %(version)s")
def main() -> None:
    """Run scripts on schedules and watch them live: on a page of its own, in Prometheus and in Grafana.

    Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage.
    """


@main.command()
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Where to listen; overrides the file. Port 0 takes any free one.")
@click.option("--data-dir", metavar="DIR", help="Where runs and their history are kept; overrides the file.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="How much to log.")
def serve(config: Path | None, listen: str | None, data_dir: str | None, log_level: str) -> None:
    """Run the service in the foreground: scheduler, /metrics, /ws and the page.

    Prints one line with the page's address when it is ready. SIGTERM and SIGINT stop it; scripts under way go on
    unless on_shutdown says otherwise. SIGHUP reads the configuration again.
    """
    import asyncio

    from exporter.config import COMMAND_LINE, ConfigError
    from exporter.data_dir import StartError
    from relay.service import ListenError, serve

    _log_to_stderr(log_level)
    flags = {key: value for key, value in (("listen", listen), ("data_dir", data_dir)) if value is not None}
    load = _loader(config, flags)
    try:
        asyncio.run(serve(load(), load, _tell_ready))
    except ConfigError as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        sys.exit(2 if all(fault.file == COMMAND_LINE for fault in error.faults) else 1)
    except (ListenError, StartError) as error:
        raise click.ClickException(str(error)) from error


def _tell_ready(url: str) -> None:
    try:
        click.echo(f"Cronscope is ready: {url}")
    except OSError as error:  # nobody can read it, which is no reason not to run
        logging.getLogger(__name__).warning("ready at %s, but standard output cannot be written: %s", url, error)


@main.command()
@config_option
def check(config: Path | None) -> None:
    """Check the configuration file: print every fault as FILE:LINE: message.

    Exit code 0 where it is sound, 1 where it is faulty.
    """
    from exporter.config import ConfigError

    try:
        loaded = _loader(config, {})()
    except ConfigError as error:
        for fault in error.faults:
            click.echo(str(fault))
        sys.exit(1)
    count = len(loaded.settings.scripts)
    click.echo(f"{loaded.path}: {count} script{'' if count == 1 else 's'}, no faults")


@main.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> None:
    """Write a commented cronscope.yml and a few example scripts into DIR, the current directory unless given.

    Overwrites nothing: where one of the files exists already, none is written.
    """
    source = _examples()
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    if existing := [str(directory / file) for file in files if os.path.lexists(directory / file)]:
        raise click.ClickException(f"nothing was written, because these exist already: {', '.join(existing)}")
    try:
        for file in files:
            _copy(source / file, directory / file)
            click.echo(f"wrote {directory / file}")
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
    click.echo(f"Next: cronscope serve -c {directory / 'cronscope.yml'}")


def _loader(config: Path | None, flags: dict[str, str]) -> Callable[[], LoadedConfig]:
    from exporter.config import find, load

    return partial(load, find(config), environ=os.environ, flags=flags)


def _examples() -> Path:
    """The folder that a wheel carries, or that of a checkout."""
    packaged = Path(__file__).parent / "examples"
    return packaged if packaged.is_dir() else packaged.parents[1] / "examples"


def _copy(source: Path, target: Path) -> None:
    """Scripts become executable for whoever may read them: an installed wheel may have lost that."""
    content = source.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(content)
    if content.startswith(b"#!"):
        mode = target.stat().st_mode
        target.chmod(mode | (mode & 0o444) >> 2)


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
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # its jobs are no news


if __name__ == "__main__":
    main()
