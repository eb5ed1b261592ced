"""Values that are not shown: of variables that hold secrets, wherever it is told what a script's entry says.

Who changes an entry gives back what he was shown, and the value stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

Entry: TypeAlias = Mapping[str, Any]

MASK = "***"
"""Shown in place of a value."""
UNSEEN = f"{MASK} (not shown)"
"""Shown in place of what cannot come back: nobody can tell what it is, as it stands where no value should."""
NOTHING_BEHIND = f"{MASK} stands for a value that is not shown, and there is none: write the value itself"
_NAMES = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|KEYS?$", re.IGNORECASE)
"""In names of variables that hold secrets, declared or not."""
TOKEN_PREFIX = "cst_"  # noqa: S105  # by which programs that look for lost secrets can tell one
_CREDENTIAL = re.compile(
    rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{16,}}|(?<![A-Za-z0-9_./-])[0-9A-Fa-f]{{64}}(?![A-Za-z0-9_./-])"
)
"""A token of the service, or the hash of one by itself, in whatever text it was put by mistake."""


def masked(entry: Entry) -> Entry:
    """The entry as it is shown."""
    if not (hidden := _hidden(entry)):
        return entry
    return {**entry, "env": {name: MASK if name in hidden else value for name, value in entry["env"].items()}}


def restored(entry: Entry, known: Entry) -> tuple[Entry, list[str]]:
    """The entry with values of `known`, the one that was shown, in place of masks; variables that have none there."""
    variables, before = entry.get("env"), known.get("env")
    if not isinstance(variables, dict) or MASK not in variables.values():
        return entry, []
    before = before if isinstance(before, dict) else {}
    given = [name for name, value in variables.items() if value == MASK]
    hiding = [name for name in given if _hides(name, entry) or _hides(name, known)]
    kept = {name: before[name] for name in hiding if name in before}
    return {**entry, "env": {**variables, **kept}}, [name for name in hiding if name not in before]


def is_mask(value: str) -> bool:
    """Also one of several lines, each of which was masked."""
    return {*value.split("\n")} <= {MASK, ""} and value != ""


def hides(name: str, declared: Collection[str]) -> bool:
    """Whether a variable holds a secret; `declared` are names of those that do so in any case."""
    return bool(_NAMES.search(name)) or name in declared


def values(variables: Mapping[str, str], declared: Collection[str]) -> list[str]:
    """What a command with these variables knows and must not tell."""
    return [value for name, value in variables.items() if hides(name, declared)]


def is_credential(text: str) -> bool:
    """Whether a text is a token of the service, or may be the hash of one, and must not be told."""
    return _CREDENTIAL.fullmatch(text) is not None


def without_credentials(text: str) -> str:
    """The text as it may be told: with masks in place of tokens and what may be their hashes."""
    return _CREDENTIAL.sub(MASK, text)


def _hidden(entry: Entry) -> set[str]:
    """The variables of which the values are hidden; there is nothing to hide of an empty one."""
    variables = entry.get("env")
    if not isinstance(variables, dict):
        return set()
    return {name for name, value in variables.items() if value != "" and _hides(name, entry)}


def _hides(name: str, entry: Entry) -> bool:
    declared = entry.get("secrets")
    return hides(name, declared if isinstance(declared, Collection) else ())
