"""What several commands take, and how what went wrong is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, get_args

import click

from exporter.events import FAILURE_REASONS, SKIP_REASONS, Instant, Status

if TYPE_CHECKING:
    from exporter.config_file import ConfigFile
    from exporter.faults import ConfigError

Command = Callable[..., None]

config_option = click.option(
    "-c", "--config", metavar="FILE", type=click.Path(path_type=Path),
    help="The configuration file; cronscope.yml in the current directory unless given.",
)  # fmt: skip
data_dir_option = click.option(
    "--data-dir", metavar="DIR", help="Where runs and their history are kept; overrides the file."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])  # \b: not to be wrapped by click


def config_file(
    config: Path | None, flags: Mapping[str, str | None] = MappingProxyType({}), *, starting: bool = False
) -> ConfigFile:
    """`flags` override the file where they are given.  Raises ConfigError where there is none.

    `starting`: for who starts the scripts, or asks whether he could.
    """
    from exporter.config import find
    from exporter.config_file import ConfigFile

    given = {key: value for key, value in flags.items() if value is not None}
    return ConfigFile(find(config), environ=os.environ, flags=given, starting=starting)


def printable(text: str) -> str:
    """One line that a terminal shows as it is, whatever came from a file."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def configured(command: Command) -> Command:
    """Has a command find the configuration and, by its data directory, the service; it gets the former as `loaded`."""

    @config_option
    @data_dir_option
    @wraps(command)
    def run(config: Path | None, data_dir: str | None, **given: Any) -> None:
        from exporter.scripts import UnknownScript
        from relay.cli.source import load

        loaded = load(config_file(config, {"data_dir": data_dir}))
        try:
            command(loaded=loaded, **given)
        except UnknownScript as error:
            names = given["names"] if "names" in given else [given["name"]]
            unknown = next((name for name in names if name not in loaded.entries), names[0])
            guess = _guess(unknown, [*loaded.entries])
            raise click.ClickException(f"{printable(str(error))}; {guess}") from error

    return run


def _guess(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    by_key = {each.casefold(): each for each in names}
    close = [by_key[key] for key in get_close_matches(name.casefold(), by_key)]
    return f"did you mean {' or '.join(close)}?" if close else "cronscope list shows all"


def name_argument(*, required: bool = True) -> Callable[[Command], Command]:
    metavar = "NAME" if required else "[NAME]"
    return click.argument("name", metavar=metavar, required=required, shell_complete=_complete_name)


names_argument = click.argument(
    "names", metavar="NAME…", nargs=-1, required=True, shell_complete=lambda *given: _complete_name(*given)
)


def _complete_name(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Names of scripts that begin so; none where the configuration is at fault."""
    from exporter.faults import ConfigError

    try:
        loaded = config_file(context.params.get("config")).load()
    except ConfigError:
        return []
    return [name for name in loaded.entries if name.startswith(begun)]


def filters(command: Command) -> Command:
    """Options of listings of runs; the command gets them, with its `name`, as a `query`."""

    @click.option(
        "--since", metavar="T", callback=point_in_time, help="Only runs begun at T or later: 2h (ago), or a time."
    )
    @click.option("--until", metavar="T", callback=point_in_time, help="Only runs begun before T.")
    @click.option("--exit-code", type=click.IntRange(-1, 255), help="Only runs that ended with this exit code.")
    @click.option("--status", type=click.Choice(get_args(Status)), help="Only runs of this status.")
    @click.option(
        "--reason",
        type=click.Choice(FAILURE_REASONS + SKIP_REASONS),
        help="Only runs that failed, or starts that were skipped, for this.",
    )
    @click.option("-q", "--grep", "q", metavar="TEXT", help="Only runs with TEXT in a line of output, in any case.")
    @wraps(command)
    def run(name: str | None, since: Instant | None, until: Instant | None, exit_code: int | None, status: str | None,
            reason: str | None, q: str | None, **given: Any) -> None:  # fmt: skip
        from exporter.records import RunQuery

        query = RunQuery(
            script=name, since=since, until=until, exit_code=exit_code, status=status, reason=reason, q=q or None
        )
        command(name=name, query=query, **given)

    return run


def point_in_time(context: click.Context, parameter: click.Parameter, value: str | None) -> Instant | None:
    """A point in time as the HTTP API takes it, or a date and time of the local clock."""
    from datetime import datetime

    from relay.parameters import moment

    if value is None:
        return None
    for read in (moment, lambda text: round(datetime.fromisoformat(text).timestamp() * 1000)):
        try:
            return Instant(max(0, read(value)))
        except (ValueError, OverflowError, IndexError):
            continue
    expected = "how long ago, such as 2h or 7d, or a time such as 2026-01-31T19:00:00Z or 2026-01-31 19:00"
    raise click.BadParameter(f"expected {expected}, not {value!r}")


# --- errors ---


class _Faults(click.ClickException):
    """Of the configuration, each on a line, as `cronscope check` prints them."""

    def __init__(self, error: ConfigError) -> None:
        from exporter.config import COMMAND_LINE

        super().__init__(str(error))
        if all(fault.file == COMMAND_LINE for fault in error.faults):
            self.exit_code = 2  # type: ignore[misc]  # click's name for a default

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file, err=True)


def refusal(error: Exception) -> click.ClickException | None:
    """What a user is told of an exception; None where it is nothing but our own mistake."""
    from exporter.config_file import EditRefused, NotWritten
    from exporter.data_dir import StartError
    from exporter.faults import ConfigError
    from exporter.history import HistoryError
    from exporter.outputs import UnknownRun
    from exporter.scheduler import RunRefused
    from exporter.script_edits import DuplicateScript

    match error:
        case ConfigError():
            return _Faults(error)
        case HistoryError() | StartError() | UnknownRun() | RunRefused() | DuplicateScript() | EditRefused():
            return click.ClickException(str(error))
        case NotWritten():
            return click.ClickException(f"{error}; nothing was changed")
        case _:
            return None


def discard_output() -> None:
    """Standard output cannot be written any more: what is still in its buffer, or to come, must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
