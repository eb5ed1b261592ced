"""Prints `src/events.ts`: the frames of `/ws?v=1`, what the page asks for beside them, and the records in both.

`exporter.events`, and `exporter.audit` for its entries, are the only definition of those shapes; `make types` writes
the file anew.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, UnsetType

from exporter import audit, events
from exporter.audit import AuditEntry
from relay.docstrings import docstrings

FRAMES: list[tuple[str, tuple[type[Struct], ...], bool]] = [
    ("hello", (events.Hello,), False),
    ("snapshot", (events.Snapshot,), False),
    ("system_metrics", (events.SystemMetrics,), False),
    ("script_status", (events.ScriptStatus,), True),
    ("script_changed", (events.ScriptChanged,), True),
    ("run_skipped", (events.RunSkippedData,), True),
    ("file_changed", (events.FileChange,), False),
    ("output", (events.Output,), False),
    ("progress", (events.Progress,), False),
    ("gap", (events.Gap,), False),
    ("ack", (events.Ack,), False),
    ("pong", (events.Pong,), False),
    ("error", (events.Error, events.Refusal), False),
]
"""Type of the frame, the structs that may be its `data`, and whether it is durable: numbered by `seq`."""

ANSWERS: tuple[type[Struct], ...] = (events.ServiceStatus, events.RecentScript, events.PlannedScript, AuditEntry)
"""What the page asks the API for beside the stream: the status, the `scripts` of the overview, and the audit trail."""

HEADER = """\
// Made by generate_types.py from exporter/events.py and exporter/audit.py: change those and say `make types`.

/** A point in time: RFC 3339 in UTC with milliseconds. */
export type Instant = string;
"""

_PLAIN_TYPES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "unknown",
                events.Instant: "Instant"}  # fmt: skip
_ALIASES = {
    value: name
    for name, value in (vars(audit) | vars(events)).items()
    if get_origin(value) is Literal and not name.startswith("_")
}


def typescript() -> str:
    """The whole file."""
    structs: dict[type[Struct], None] = {}
    for struct in chain(*(data for _, data, _ in FRAMES), ANSWERS):
        _collect(struct, structs)
    parts = [HEADER]
    parts += [f"export type {name} = {_union(get_args(value))};\n" for value, name in _ALIASES.items()]
    parts += [_interface(struct) for struct in structs]
    parts.append(_frames())
    return "\n".join(parts)


def _collect(struct: type[Struct], into: dict[type[Struct], None]) -> None:
    """Add the structs that `struct` is made of, and then itself."""
    for hint in _fields(struct).values():
        for part in _walk(hint):
            if isinstance(part, type) and issubclass(part, Struct):
                _collect(part, into)
    into[struct] = None


def _walk(hint: Any) -> Iterator[Any]:
    yield hint
    for argument in get_args(hint):
        yield from _walk(argument)


def _fields(struct: type[Struct]) -> dict[str, Any]:
    hints = get_type_hints(struct)
    return {name: hints[name] for name in struct.__struct_fields__}


def _interface(struct: type[Struct]) -> str:
    name = struct.__name__
    about_struct, about_fields = docstrings(struct)
    lines = [*_comment(about_struct, ""), f"export interface {name} {{"]
    encoded = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    for field, hint in _fields(struct).items():
        optional = "?" if UnsetType in get_args(hint) else ""
        lines += _comment(about_fields.get(field), "  ")
        lines.append(f"  {encoded[field]}{optional}: {_type(hint)};")
    return "\n".join([*lines, "}", ""])


def _comment(text: str | None, indent: str) -> list[str]:
    if text is None:
        return []
    first, *rest = inspect.cleandoc(text).splitlines()
    if not rest:
        return [f"{indent}/** {first} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in [first, *rest]), f"{indent} */"]


def _type(hint: Any) -> str:
    if hint in _PLAIN_TYPES:
        return _PLAIN_TYPES[hint]
    if hint in _ALIASES:
        return _ALIASES[hint]
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint.__name__
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _union(arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(_type(argument) for argument in arguments if argument is not UnsetType)
    if origin is list:
        return f"ReadonlyArray<{_type(arguments[0])}>"
    if origin is tuple:
        return f"readonly [{', '.join(_type(argument) for argument in arguments)}]"
    if origin is dict:
        return f"Readonly<Record<{_type(arguments[0])}, {_type(arguments[1])}>>"
    raise TypeError(f"no TypeScript form for {hint}")


def _union(values: tuple[Any, ...]) -> str:
    return " | ".join(f'"{value}"' for value in values)


def _frames() -> str:
    lines = ["/** Every frame of the rich stream; `timestamp` is the time of the event, not of sending. */"]
    lines.append("export type Frame =")
    for name, data, durable in FRAMES:
        seq = "seq: number; " if durable else ""
        kind = " | ".join(struct.__name__ for struct in data)
        lines.append(f'  | {{ type: "{name}"; {seq}timestamp: Instant; data: {kind} }}')
    return "\n".join(lines) + ";\n"


if __name__ == "__main__":
    sys.stdout.write(typescript())
