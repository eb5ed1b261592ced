"""Taking over what cron did until now."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.cli.options import config_file, config_option, json_option, printable

if TYPE_CHECKING:
    from exporter.config import LoadedConfig

STANDARD_INPUT = Path("-")


@click.command("import-crontab")
@click.argument("file", metavar="[FILE]", default="-", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--system/--no-system", default=None,
    help="The sixth column names the user, or not; by default it does in etc/crontab and in a folder cron.d.",
)  # fmt: skip
@click.option("--write", is_flag=True, help="Add the entries to the configuration file, and print their names only.")
@json_option
@config_option
def import_crontab(file: Path, system: bool | None, write: bool, as_json: bool, config: Path | None) -> None:
    """Turn a crontab into configuration entries, and tell what could not be carried.

    Reads FILE, or standard input; where that is a terminal, your own crontab as `crontab -l` has it.  Prints YAML that
    can become a cronscope.yml or a part of one, and on standard error what there is to say about lines: each is
    carried, or told of, or both.  Unlike cron, Cronscope leaves out a start while the script still runs; cron's way is
    `overlap: allow`.

    Exit code 0; 1 where a line is at fault and so not among the entries.
    """
    import msgspec

    from exporter.crontab import parse
    from exporter.edits import edited
    from exporter.script_edits import create
    from relay.cli.scripts import change

    where, text = _read(file)
    loaded = config_file(config).load() if write else None
    crontab = parse(
        text, system=_is_system(file) if system is None else system, user=_user(), home=_home,
        taken=() if loaded is None else loaded.entries,
    )  # fmt: skip
    if loaded is not None and (known := _pass_over_known(crontab.entries, loaded)):
        click.echo(f"already there, and left alone: {', '.join(known)}", err=True)
    if loaded is not None and crontab.entries:
        change(loaded, {"action": "import", "scripts": crontab.entries}, create(crontab.entries))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"scripts": crontab.entries, "notes": crontab.notes})))
    else:
        entries = {entry["name"]: entry for entry in crontab.entries}
        if loaded is not None:
            click.echo("".join(f"added {name}\n" for name in entries), nl=False)
        else:
            click.echo((edited("", {}, entries) or "scripts: []\n").encode(), nl=False)
        for note in crontab.notes:
            click.echo(printable(f"{where}:{note.line}: {note.message}"), err=True)
    sys.exit(any(note.fault for note in crontab.notes))


def _pass_over_known(entries: list[dict[str, Any]], loaded: LoadedConfig) -> list[str]:
    """Take out the entries that the configuration has already, under whatever name; those names."""
    from exporter.config import normal_entry

    known = {repr(sorted(_unnamed(entry).items())): name for name, entry in loaded.entries.items()}
    found = {entry["name"]: known.get(repr(sorted(_unnamed(normal_entry(entry, loaded)).items()))) for entry in entries}
    entries[:] = [entry for entry in entries if found[entry["name"]] is None]
    return [name for name in found.values() if name is not None]


def _unnamed(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "name"}


def _read(file: Path) -> tuple[str, str]:
    """What messages call the crontab, and its text, with surrogates for what is no UTF-8.  Raises ClickException."""
    from exporter.config import MAX_BYTES

    where, content = str(file), b""
    if file != STANDARD_INPUT:
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
        except OSError as error:
            raise click.ClickException(f"cannot read {file}: {error.strerror}") from error
    elif sys.stdin.isatty():
        where, content = "crontab", _own_crontab()
    else:
        where, content = "standard input", sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise click.ClickException(f"{where} is larger than {MAX_BYTES >> 20} MiB")
    return where, content.decode(errors="surrogateescape")


def _own_crontab() -> bytes:
    try:
        listed = subprocess.run(["crontab", "-l"], capture_output=True, check=False)
    except OSError as error:
        hint = "name a FILE, or pipe a crontab in"
        raise click.ClickException(f"crontab -l cannot be run: {error.strerror}; {hint}") from error
    if listed.returncode:
        said = listed.stderr.decode(errors="replace").strip() or f"exit code {listed.returncode}"
        raise click.ClickException(f"crontab -l: {said}")
    return listed.stdout


def _is_system(file: Path) -> bool:
    path = file.absolute()
    return path.parts[-2:] == ("etc", "crontab") or path.parent.name == "cron.d"


def _user() -> str:
    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())


def _home(user: str) -> str | None:
    with suppress(KeyError):
        return pwd.getpwnam(user).pw_dir
    return None
