"""Changing what there is: scripts are added to the configuration, removed from it, switched on and off.

The running service makes the change, and it acts at once; without one it is made in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from exporter.events import to_json
from relay.cli.access import tell_exposed
from relay.cli.options import Command, configured, examples, json_option, names_argument

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from exporter.script_edits import Decision

_TEXTS = {
    "description": ("TEXT", "What it is for."),
    "cron": ("CRON", 'When, as in crontab(5): "15 3 * * *", @daily, @reboot.'),
    "every": ("DURATION", "Again and again: 30s, 5m, 1h30m, 2d."),
    "at": ("TIME", "Once: 2027-01-01T00:00:00+01:00."),
    "timezone": ("ZONE", "Of the schedule: an IANA name such as Europe/Berlin."),
    "jitter": ("DURATION", "Start up to so much later, at random."),
    "timeout": ("DURATION", "Stop it after so long."),
    "kill_after": ("DURATION", "From SIGTERM to SIGKILL."),
    "overlap": ("RULE", "When it still runs: skip, queue, replace or allow."),
    "missed": ("RULE", "Starts missed while the service was down: skip, once or all."),
    "retries": ("N", "How often to try again after a failure."),
    "retry_delay": ("DURATION", "Before the first of these; doubles each time."),
    "max_output": ("SIZE", "Of a run's output: 64KiB, 10MiB."),
    "workdir": ("DIR", "Where it runs; the folder of the configuration unless given."),
    "env_file": ("FILE", "Variables, one NAME=VALUE a line."),
    "user": ("USER", "Whose rights it has; only for a service that runs as root."),
    "group": ("GROUP", "Instead of that user's own."),
    "umask": ("OCTAL", "What files it makes may not be for others: 027."),
    "nice": ("N", "How much it steps back for others: -20 to 19."),
    "success_age_limit": ("DURATION", "How old its last success may be."),
}
"""Options for keys of one value."""
_PAIRS = {
    "env": ("NAME=VALUE", "A variable of its environment; may be repeated."),
    "labels": ("NAME=VALUE", "A label for the page and Prometheus; may be repeated."),
    "limits": (
        "KEY=VALUE",
        "What each of its processes may take: cpu_time=DURATION, memory=SIZE, open_files=N, processes=N,"
        " file_size=SIZE; may be repeated.",
    ),
    "retention": ("KEY=VALUE", "What is kept of it: runs=N, days=N, bytes=SIZE; may be repeated."),
}
_NUMBERS = {
    "every", "jitter", "timeout", "kill_after", "retries", "retry_delay", "max_output", "success_age_limit", "nice",
}  # fmt: skip
"""Keys of which a bare number is a number."""


def _entry_options(command: Command) -> Command:
    for key, (metavar, text) in reversed(_PAIRS.items()):
        option = {"labels": "--label", "limits": "--limit"}.get(key, f"--{key}")
        command = click.option(option, key, metavar=metavar, multiple=True, callback=_pairs, help=text)(command)
    for key, (metavar, text) in reversed(_TEXTS.items()):
        command = click.option(f"--{key.replace('_', '-')}", key, metavar=metavar, help=text)(command)
    return command


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"expected {parameter.metavar}, not {value!r}")
    return dict(value.split("=", 1) for value in values)


@click.command(
    epilog=examples(
        'cronscope add backup --command "./backup.sh --full" --cron "15 3 * * *" --timeout 10m',
        "cronscope add sync --every 5m --env TARGET=/mnt -- rsync -a data/ /mnt",
    )
)
@click.argument("name", metavar="NAME")
@click.argument("program", metavar="[-- PROGRAM ARG…]", nargs=-1)
@click.option("--command", metavar="TEXT", help="What /bin/sh runs; or give a program with its arguments after --.")
@_entry_options
@click.option(
    "--success-code", "success_codes", type=int, multiple=True, help="An exit code of success; may be repeated."
)
@click.option(
    "--secret", "secrets", metavar="NAME", multiple=True, help="A variable whose value is not shown; may be repeated."
)
@click.option("--disabled", is_flag=True, help="Do not start it yet: cronscope enable NAME does.")
@json_option
@configured
def add(
    loaded: LoadedConfig, name: str, program: tuple[str, ...], command: str | None, disabled: bool, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Add a script to the configuration.

    Without --cron, --every and --at it is started by hand only.
    """
    from exporter import script_edits, secrets
    from exporter.config import normal_entry
    from exporter.faults import ConfigError
    from exporter.triggers import timing

    if (command is None) == (not program):
        raise click.UsageError("give --command TEXT, or a program with its arguments after --: one of both")
    entry: dict[str, Any] = {"name": name, "command": [*program] if command is None else command}
    entry |= {key: _value(key, value) for key, value in given.items() if value}
    if disabled:
        entry["enabled"] = False
    try:
        normal_entry(entry, loaded)
    except ConfigError as error:
        raise click.UsageError("\n".join(fault.message for fault in error.faults)) from error
    action = {"action": "import", "scripts": [entry]}
    changed = change(loaded, action, script_edits.create([entry]))
    script = next(each for each in changed.settings.scripts if each.name == name)
    _tell(changed, (name,), as_json, f"added {name}: {timing(script, changed.settings.timezone).describe()}")
    if any(secrets.values(script.env, script.secrets)):
        tell_exposed(changed)


def _value(key: str, value: Any) -> Any:
    from exporter.document import NOWHERE, Scalar

    if key in ("limits", "retention"):
        return {each: Scalar(text, NOWHERE, plain=True).builtin() for each, text in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return Scalar(value, NOWHERE, plain=True).builtin() if key in _NUMBERS else value


@click.command(epilog=examples("cronscope remove sync"))
@json_option
@names_argument
@configured
def remove(loaded: LoadedConfig, names: tuple[str, ...], as_json: bool) -> None:
    """Remove scripts from the configuration.

    Runs under way go on.  What ran stays in the history as long as retention has it: clear-logs deletes it.
    """
    from exporter import script_edits

    change(loaded, {"action": "delete", "scripts": [*names]}, script_edits.delete(names))
    click.echo(to_json({"deleted": names}) if as_json else f"removed {', '.join(names)}")


@click.command(epilog=examples("cronscope enable backup sync"))
@json_option
@names_argument
@configured
def enable(loaded: LoadedConfig, names: tuple[str, ...], as_json: bool) -> None:
    """Have scripts start by their schedules again."""
    _switch(loaded, "enable", names, as_json)


@click.command(epilog=examples("cronscope disable backup sync"))
@json_option
@names_argument
@configured
def disable(loaded: LoadedConfig, names: tuple[str, ...], as_json: bool) -> None:
    """Have scripts start by hand only; runs under way go on."""
    _switch(loaded, "disable", names, as_json)


def _switch(loaded: LoadedConfig, action: Literal["enable", "disable"], names: Sequence[str], as_json: bool) -> None:
    from exporter import script_edits

    decision = script_edits.enable(names, action == "enable")
    changed = change(loaded, {"action": action, "scripts": [*names]}, decision)
    _tell(changed, names, as_json, f"{action}d {', '.join(names)}")


def _tell(changed: LoadedConfig, names: Sequence[str], as_json: bool, text: str) -> None:
    """What was done, or as JSON the entries of the scripts as they are now."""
    from exporter.secrets import masked

    entries = [masked(changed.entries[name]) for name in names]
    click.echo(to_json({"scripts": entries}) if as_json else text)


def change(loaded: LoadedConfig, action: dict[str, Any], decision: Decision) -> LoadedConfig:
    """Have the running service do `action`, as POST /api/v1/scripts/batch has it; without one, `decision` in the file.

    What the file says then.
    """
    from relay.cli.options import config_file
    from relay.cli.source import service

    file = config_file(loaded.path)
    asked = service(loaded)
    if asked is None:
        return file.edit(decision)
    asked.batch(action)
    return file.load()
