"""Users and tokens: made here, and written into the configuration file, which a running service applies at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from exporter.settings import NAME_PATTERN, USER_NAME_PATTERN, Role
from relay.cli.options import config_file, config_option, examples

if TYPE_CHECKING:
    from exporter.config import LoadedConfig
    from exporter.config_file import ConfigFile
    from exporter.edits import Entry
    from exporter.events import Instant

SHORTEST = 8
"""Characters of a password: NIST SP 800-63B, 3.1.1, for one that others can try again and again."""
_ROLES = click.Choice(get_args(Role))
_ROLE_HELP = "scrape: /metrics and health; view: all but contents of files; operate: run, stop; edit: everything."


@click.command(epilog=examples("cronscope passwd admin", "cronscope passwd alice --role operate"))
@config_option
@click.option("--role", type=_ROLES, help=f"{_ROLE_HELP} Of the first user edit, of others view unless given.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--print", "only_print", is_flag=True, help="Print the hash, for a password_hash_file; write nothing.")
@click.argument("name", metavar="NAME")
def passwd(config: Path | None, role: Role | None, from_stdin: bool, only_print: bool, name: str) -> None:
    """Set the password of a user, who is made if there is none of that name.

    Its argon2id hash is written into the configuration file, with everything else kept as it is.  All sessions of
    that user end.
    """
    check_user_name(name)
    if only_print:
        click.echo(hash_asked_for(from_stdin))
        return
    file = _file(config)
    user = file.load().users.get(name)
    if user is not None and "password_hash_file" in user:
        raise click.ClickException(
            f"the hash of {name} is in {user['password_hash_file']}; cronscope passwd {name} --print prints a new one"
        )
    given = set_password(file, name, hash_asked_for(from_stdin), role)
    click.echo(f"{name} may sign in now, with the role {given}")


@click.command(
    epilog=examples("cronscope token prometheus --role scrape", "cronscope token ci --role operate --expires 90d")
)
@config_option
@click.option("--role", type=_ROLES, required=True, help=_ROLE_HELP)
@click.option(
    "--expires", metavar="WHEN", help="How long it is good, such as 90d, or until when; for ever unless given."
)
@click.argument("name", metavar="NAME")
def token(config: Path | None, role: Role, expires: str | None, name: str) -> None:
    """Make a token for a program, and print it: this once, as only its SHA-256 is kept, in the configuration file.

    A program shows it as `Authorization: Bearer TOKEN`, a scraper also as the password of Basic.
    """
    _check_name(name, NAME_PATTERN, "letters, digits, _, . and -")
    from relay.access import new_token, sha256_of

    made = new_token()
    entry: dict[str, Any] = {"name": name, "sha256": sha256_of(made), "role": role}
    if expires is not None:
        entry["expires"] = _end(expires).rfc3339()

    def decide(loaded: LoadedConfig) -> dict[str, Entry]:
        if name in loaded.tokens:
            raise click.ClickException(f"there is a token named {name} already: take it out of the configuration first")
        return {**loaded.tokens, name: entry}

    changed = _file(config).edit(decide, "tokens")
    click.echo(made)
    click.echo(f"This is the token of {name}, which is shown this once.", err=True)
    tell_exposed(changed)


def set_password(file: ConfigFile, name: str, hashed: str, role: Role | None) -> str:
    """Write a user with a password into the file; the role, which the first user has `edit` of unless it is given."""
    given: dict[str, Any] = {"name": name, "password_hash": hashed}

    def decide(loaded: LoadedConfig) -> dict[str, Entry]:
        given["role"] = role or loaded.users.get(name, {}).get("role") or ("view" if loaded.users else "edit")
        return {**loaded.users, name: {**loaded.users.get(name, {}), **given}}

    tell_exposed(file.edit(decide, "users"))
    return str(given["role"])


def tell_exposed(loaded: LoadedConfig) -> None:
    """Say so where others can read the file that a secret was written into: its mode is for its owner to choose."""
    from exporter.named_files import exposed

    for each in exposed(loaded):
        if each.path == loaded.path:
            click.echo(f"{each.told}: {each.remedy}", err=True)


def hash_asked_for(from_stdin: bool) -> str:
    """The hash of a password that is asked for.  Raises a ClickException where it is none to use."""
    from relay.passwords import LONGEST, hash_password

    return hash_password(_password(from_stdin, LONGEST))


def check_user_name(name: str) -> None:
    """Raises a ClickException where nobody can be called so."""
    _check_name(name, USER_NAME_PATTERN, "letters, digits, _, ., -, + and @")


def _file(config: Path | None) -> ConfigFile:
    """The file, with what would be wrong in it without any user or token overruled: the first one mends that."""
    return config_file(config, {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", "anonymous": "none"})


def _check_name(name: str, pattern: str, form: str) -> None:
    import re

    if not re.fullmatch(pattern, name):
        form = f"at most 64 {form}, the first a letter or digit; no token and no hash"
        raise click.BadParameter(f"expected {form}", param_hint="NAME")


def _password(from_stdin: bool, longest: int) -> str:
    """Asked for twice, without an echo."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    else:
        raise click.UsageError("there is no terminal to ask for the password; --stdin reads it")
    if not SHORTEST <= len(password) <= longest:
        raise click.ClickException(f"a password has {SHORTEST} to {longest} characters; nothing was changed")
    try:
        password.encode()
    except UnicodeEncodeError:  # what stands for bytes that are none (PEP 383) could never be typed into the form
        raise click.ClickException("a password is text in UTF-8; nothing was changed") from None
    return str(password)


def _end(text: str) -> Instant:
    from exporter.events import Instant
    from exporter.settings import Duration

    now = Instant.now()
    try:
        end = Instant(now + Duration.parse(text))
    except ValueError:
        try:
            end = Instant.parse(text)
        except ValueError:
            form = "how long, such as 90d, or a time with offset such as 2027-01-31T00:00:00Z"
            raise click.BadParameter(f"expected {form}, not {text!r}", param_hint="--expires") from None
    if end <= now:
        raise click.BadParameter("that time is over", param_hint="--expires")
    return end
