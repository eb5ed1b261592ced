"""What may be done to the scripts in the configuration file: decisions for `ConfigFile.edit`.

Each gets the file as it is at that moment, and answers the entries that it is to have, by the names of so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from exporter.config import LoadedConfig, normal_entry
from exporter.config_file import ConfigChanged
from exporter.edits import Entry
from exporter.etag import Precondition, etag_of, unconditional
from exporter.events import to_json
from exporter.faults import ConfigError, Fault
from exporter.scripts import UnknownScript
from exporter.secrets import NOTHING_BEHIND, restored
from exporter.settings import SCHEDULES

Wanted: TypeAlias = dict[str, Entry]
Decision: TypeAlias = Callable[[LoadedConfig], Wanted]
OnConflict = Literal["fail", "replace", "skip"]


class DuplicateScript(Exception):
    """There is a script of this name already; the message says so."""


def etag_of_entry(entry: Entry) -> str:
    """The `ETag` of a script: it changes with what the file says of it, and with nothing else."""
    return etag_of(to_json({key: entry[key] for key in sorted(entry)}))


def create(entries: Iterable[Entry], on_conflict: OnConflict = "fail", within: str = "") -> Decision:
    """Add scripts.  The decision raises DuplicateScript and ConfigError, with keys as `within.cron`.

    In `within`, `{}` stands for the number of the entry at fault.
    """

    def decide(loaded: LoadedConfig) -> Wanted:
        wanted: Wanted = dict(loaded.entries)
        new: set[str] = set()
        replaced = loaded.entries if on_conflict == "replace" else {}
        shown = [(entry, replaced.get(str(entry.get("name")), {})) for entry in entries]
        for entry in _normal(shown, loaded, within):
            name = entry["name"]
            if name in new:
                raise DuplicateScript(f"two of the scripts to be added are named {name}; every name must be unique")
            new.add(name)
            if name in loaded.entries and on_conflict == "fail":
                raise DuplicateScript(f"there is a script named {name} already")
            if name not in loaded.entries or on_conflict == "replace":
                wanted[name] = entry
        return wanted

    return decide


def put(name: str, entry: Entry, allowed: Precondition = unconditional) -> Decision:
    """Replace a script's entry; another `name` in it renames the script."""
    return _change([name], lambda _: {"name": name} | dict(entry), allowed)


def patch(names: Iterable[str], changes: Entry, allowed: Precondition = unconditional, within: str = "") -> Decision:
    """Merge changes into the entries (RFC 7396).  One schedule takes the place of another that is not named."""
    return _change(names, lambda entry: _merged(entry, _with_old_schedule_gone(changes)), allowed, within)


def enable(names: Iterable[str], enabled: bool, allowed: Precondition = unconditional) -> Decision:
    def switch(entry: Entry) -> Entry:
        if entry.get("enabled", True) is enabled:
            return entry
        return {**entry, "enabled": enabled}

    return _change(names, switch, allowed)


def delete(names: Iterable[str], allowed: Precondition = unconditional) -> Decision:
    def decide(loaded: LoadedConfig) -> Wanted:
        gone = _check([*names], loaded, allowed)
        return {name: entry for name, entry in loaded.entries.items() if name not in gone}

    return decide


def provided(allowed: Precondition, decision: Decision) -> Decision:
    """The decision, if the file as a whole is the one that was meant; else it raises ConfigChanged."""

    def decide(loaded: LoadedConfig) -> Wanted:
        if not allowed(etag_of(loaded.text.encode())):
            raise ConfigChanged("The configuration has changed meanwhile; nothing was written.")
        return decision(loaded)

    return decide


def _change(names: Iterable[str], make: Callable[[Entry], Entry], allowed: Precondition, within: str = "") -> Decision:
    def decide(loaded: LoadedConfig) -> Wanted:
        chosen = [*_check([*names], loaded, allowed)]
        made = [(make(loaded.entries[name]), loaded.entries[name]) for name in chosen]
        wanted = {**loaded.entries, **dict(zip(chosen, _normal(made, loaded, within), strict=True))}
        seen: set[str] = set()
        for entry in wanted.values():
            if entry["name"] in seen:
                raise DuplicateScript(f"there is a script named {entry['name']} already")
            seen.add(entry["name"])
        return wanted

    return decide


def _check(names: list[str], loaded: LoadedConfig, allowed: Precondition) -> dict[str, Entry]:
    """Those scripts, once each.  Raises UnknownScript, ConfigChanged."""
    if unknown := [name for name in names if name not in loaded.entries]:
        raise UnknownScript(f"no script is named {', '.join(unknown)}")
    for name in names:
        if not allowed(etag_of_entry(loaded.entries[name])):
            raise ConfigChanged(f"The configuration of {name} has changed meanwhile; nothing was written.")
    return {name: loaded.entries[name] for name in names}


def _normal(entries: Iterable[tuple[Entry, Entry]], loaded: LoadedConfig, within: str) -> list[Entry]:
    """The entries as they read once they stand in the file, each with the one that it takes the place of.

    A value that is not shown stays what it was.  Raises ConfigError with the faults of all of them.
    """
    normal: list[Entry] = []
    faults: list[Fault] = []
    for number, (entry, before) in enumerate(entries):
        try:
            whole, lacking = restored(normal_entry(entry, loaded), before)
            normal.append(whole)
            faults += [_placed(_masked_fault(name, loaded), within.format(number)) for name in lacking]
        except ConfigError as error:
            faults += [_placed(fault, within.format(number)) for fault in error.faults]
    if faults:
        raise ConfigError(faults)
    return normal


def _masked_fault(name: str, loaded: LoadedConfig) -> Fault:
    key = f"env.{name}"
    return Fault(file=str(loaded.path), key=key, message=f"{key}: {NOTHING_BEHIND}")


def _placed(fault: Fault, within: str) -> Fault:
    if not within:
        return fault
    key = f"{within}.{fault.key}".rstrip(".")
    message = fault.message.removeprefix(f"{fault.key}: ") if fault.key else fault.message
    return Fault(file=fault.file, key=key, message=f"{key}: {message}")


def _with_old_schedule_gone(changes: Entry) -> Entry:
    if any(changes.get(key) is not None for key in SCHEDULES):
        return dict.fromkeys(SCHEDULES) | dict(changes)
    return changes


def _merged(target: Any, changes: Any) -> Any:
    """RFC 7396, 2."""
    if not isinstance(changes, Mapping):
        return changes
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
