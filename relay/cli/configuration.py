"""A configuration to begin with, and whether one is sound."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from relay.cli.access import check_user_name, hash_asked_for, set_password
from relay.cli.options import config_file, config_option, examples, json_option

_PACKAGED = Path(__file__).parents[1] / "examples"
EXAMPLES = _PACKAGED if _PACKAGED.is_dir() else _PACKAGED.parents[1] / "examples"
"""The folder that a wheel carries, or that of a checkout."""


@click.command()
@json_option
@config_option
def check(config: Path | None, as_json: bool) -> None:
    """Check the configuration file: print every fault as FILE:LINE: message.

    What is wrong with the files that it names is a warning, on standard error: an env_file that is missing, has lines
    of another form or could have been put there by a script's user, a certificate that ends soon, a file with secrets
    that others can read.  So is a user or group of a script that keeps it from nothing.

    Exit code 0 where it is sound, 1 where it is faulty.
    """
    from exporter.events import to_json
    from exporter.faults import ConfigError, Fault
    from exporter.findings import Lines
    from exporter.named_files import examine
    from relay.cli.doctor import bounding_nothing

    faults: list[Fault] = []
    sound = ""
    try:
        loaded = config_file(config, starting=True).load()
        for finding in (*examine(loaded), *bounding_nothing(loaded.settings, Lines(loaded))):
            click.echo(f"{finding.where}: warning: {finding.what}; {finding.remedy}", err=True)
        count = len(loaded.settings.scripts)
        sound = f"{loaded.path}: {count} script{'' if count == 1 else 's'}, no faults"
    except ConfigError as error:
        faults = error.faults
    click.echo(to_json({"faults": faults}) if as_json else sound or "\n".join(map(str, faults)))
    sys.exit(bool(faults))


@click.command(epilog=examples("cronscope init", "cronscope init --admin ann /srv/cronscope"))
@click.option("--admin", metavar="NAME", help="Ask for a password, and make this user, who may do everything.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path, admin: str | None, from_stdin: bool) -> None:
    """Write a commented cronscope.yml and a few example scripts into DIR, the current directory unless given.

    Overwrites nothing: where one of the files exists already, none is written.  Only their owner may read the
    configuration, as it may get secrets.
    """
    from exporter.config import FILE_NAME

    if from_stdin and admin is None:
        raise click.UsageError("--stdin is for the password of --admin")
    found = (path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*") if path.is_file())
    files = sorted(file for file in found if "__pycache__" not in file.parts)  # which pip makes of what it installs
    if existing := [str(directory / file) for file in files if os.path.lexists(directory / file)]:
        raise click.ClickException(f"nothing was written, because these exist already: {', '.join(existing)}")
    hashed = None
    if admin is not None:
        check_user_name(admin)
        hashed = hash_asked_for(from_stdin)
    try:
        for file in files:
            _copy(EXAMPLES / file, directory / file, 0o600 if file == Path(FILE_NAME) else 0o666)
            click.echo(f"wrote {directory / file}")
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
    config = directory / FILE_NAME
    if admin is not None and hashed is not None:
        role = set_password(config_file(config), admin, hashed, "edit")
        click.echo(f"{admin} may sign in, with the role {role}")
    click.echo(f"Next: cronscope serve -c {config}")


def _copy(source: Path, target: Path, mode: int) -> None:
    """Scripts become executable for whoever may read them: an installed wheel may have lost that."""
    content = source.read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    if content.startswith(b"#!"):
        mode = target.stat().st_mode
        target.chmod(mode | (mode & 0o444) >> 2)
