"""The files that a configuration names, and itself: whether they are of use, and nobody else's to read.

All who tell of these ask here: `cronscope check` and `doctor`, the service's log, the page, and who writes a secret.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from exporter import certificates
from exporter.certificates import Unusable
from exporter.command import SpawnError, read_env_file
from exporter.config import LoadedConfig
from exporter.confinement import likely_identity
from exporter.events import Instant
from exporter.faults import Fault
from exporter.findings import Finding, Lines
from exporter.ownership import ROOT_ALONE
from exporter.secrets import values

Place: TypeAlias = tuple[str | int, ...]

_SOON_MS = 7 * 24 * 3600 * 1000
"""Of a certificate's end: whoever renews by himself does so long before."""
_MOUNTED = Path("/run/secrets")
"""Where containers get secrets, for every user of theirs to read."""
_OWNER_REMEDY = "do one of these; no run of the script is started before"
_ENV_FILE_REMEDY = "correct the file, or its path; a relative one starts from the folder of the configuration"


class Exposed(NamedTuple):
    """A file that others than its owner can read."""

    place: Place
    """Of its path in the configuration; empty: it is the configuration."""
    path: Path
    told: str
    """Which file, who can read it and what it holds."""
    remedy: str

    @property
    def key(self) -> str:
        """Such as `scripts[3].env_file`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)
        return "".join(steps).removeprefix(".")


def examine(loaded: LoadedConfig) -> Iterator[Finding]:
    """Everything about them that will go wrong, or is unwise."""
    lines = Lines(loaded)
    for each in exposed(loaded):
        what = f"{each.key} {each.told}".lstrip()
        yield Finding(severity="warning", where=lines.of(*each.place), what=what, remedy=each.remedy)
    yield from certificate(loaded, lines)
    for index, script in enumerate(loaded.settings.scripts):
        if script.env_file is not None:
            try:
                read_env_file(script.env_file, likely_identity(script))
            except SpawnError as error:
                where, what = lines.of("scripts", index, "env_file"), f"{script.name}: {error}"
                remedy = _OWNER_REMEDY if what.endswith(ROOT_ALONE) else _ENV_FILE_REMEDY
                yield Finding(severity="error", where=where, what=what, remedy=remedy)


def exposed(loaded: LoadedConfig) -> Iterator[Exposed]:
    """Those with secrets that others can read, as far as that can be changed: a secret of a container is as it is."""
    settings = loaded.settings
    if _has_secrets(loaded):
        yield from _exposed((), loaded.path, "holds secrets, or hashes of some")
    if settings.tls is not None:
        yield from _exposed(("tls", "key"), settings.tls.key, "holds a secret")
    for number, user in enumerate(settings.users):
        if user.password_hash_file is not None:
            yield from _exposed(("users", number, "password_hash_file"), user.password_hash_file, "holds a hash")
    for number, token in enumerate(settings.tokens):
        if token.sha256_file is not None:
            yield from _exposed(("tokens", number, "sha256_file"), token.sha256_file, "holds a hash")
    for number, script in enumerate(settings.scripts):
        if script.env_file is not None:
            place = ("scripts", number, "env_file")
            yield from _exposed(place, script.env_file, "may hold secrets", to_group=True)


def warnings(loaded: LoadedConfig) -> Iterator[Fault]:
    """Those that the text names, as faults of the text."""
    lines = Lines(loaded)
    for each in exposed(loaded):
        if (mark := lines.mark(*each.place)) is not None:
            message = f"{each.key}: {each.told}: {each.remedy}"
            line, column = mark.line + 1, mark.column + 1
            yield Fault(file=str(loaded.path), line=line, column=column, key=each.key, message=message)


def certificate(loaded: LoadedConfig, lines: Lines) -> Iterator[Finding]:
    """What clients have, or will have, against the certificate that is shown over TLS."""
    if (tls := loaded.settings.tls) is None:
        return
    where = lines.of("tls")
    try:
        found = certificates.load(tls)
    except Unusable as error:
        remedy = "correct the path or the file; nothing starts before"
        yield Finding(severity="error", where=where, what=f"tls.{error.key}: {error}", remedy=remedy)
        return
    renew = "renew it: a running service takes in the new one by itself"
    if found.flaw is not None:
        yield Finding(severity="error", where=where, what=f"tls.cert {tls.cert}: {found.flaw}", remedy=renew)
    elif found.ends_at is not None and found.ends_at - Instant.now() < _SOON_MS:
        what = f"tls.cert {tls.cert} is valid until {found.ends_at.rfc3339()}"
        yield Finding(severity="warning", where=where, what=what, remedy=renew)
    if found.lacks_issuer:
        what = f"tls.cert {tls.cert} has the service's own certificate alone, which leads many clients to no authority"
        remedy = "name the file that has those of the authority too, with certbot fullchain.pem"
        yield Finding(severity="warning", where=where, what=what, remedy=remedy)


def _has_secrets(loaded: LoadedConfig) -> bool:
    """Whether any stands in the file itself."""
    hashes = [*(user.get("password_hash") for user in loaded.users.values())]
    hashes += [token.get("sha256") for token in loaded.tokens.values()]
    return any(hashes) or any(any(values(script.env, script.secrets)) for script in loaded.settings.scripts)


def _exposed(place: Place, path: Path, holds: str, *, to_group: bool = False) -> Iterator[Exposed]:
    """`to_group`: also where its group can read it, which is how a service gets what is another user's."""
    try:
        mode = path.stat().st_mode
        if not mode & (stat.S_IROTH | (stat.S_IRGRP if to_group else 0)) or _is_fixed(path):
            return
    except OSError:  # who needs it finds out by himself
        return
    readers = "every user of this machine" if mode & stat.S_IROTH else "its group"
    take = "600" if to_group else "o-r"
    yield Exposed(
        place, path, f"{path} can be read by {readers}, and {holds}", f"chmod {take} {shlex.quote(str(path))}"
    )


def _is_fixed(path: Path) -> bool:
    """Whether nobody here can change the file's mode.  Raises OSError."""
    return path.resolve().is_relative_to(_MOUNTED.resolve()) or bool(os.statvfs(path).f_flag & os.ST_RDONLY)
