"""The configuration file `cronscope.yml`: found, read and checked.

`exporter.document` makes nodes of the text, `exporter.shapes` typed values of the nodes, and `exporter.meaning` knows
what the values mean together.  Of a faulty file every fault is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from exporter import document, exposure
from exporter.document import NOWHERE, Scalar, Unreadable, compose
from exporter.faults import ConfigError, Fault, Faults
from exporter.meaning import Meaning, service_fault
from exporter.settings import Settings, Tls
from exporter.shapes import FAULTY, Reader, shapes

FILE_NAME = "cronscope.yml"
COMMAND_LINE = "command line"
"""What a fault of a flag has in place of a file."""
MAX_BYTES = 8 << 20
"""Size of the file; 10,000 scripts take about 1 MiB."""


class LoadedConfig(Struct, frozen=True, kw_only=True):
    path: Path
    text: str
    """The file's, as it is."""
    settings: Settings
    entries: dict[str, dict[str, Any]]
    """Every script's mapping as written, by name, in the order of the file: values that JSON can carry.  Keys that
    `<<` brings are there; keys without a value are not."""
    users: dict[str, dict[str, Any]] = {}
    """The same of every user."""
    tokens: dict[str, dict[str, Any]] = {}
    """The same of every token."""
    starting: bool = False
    """Whether it was checked, too, that this process may start the scripts as they are meant."""


def find(path: Path | None) -> Path:
    """The file to load: `path`, or `cronscope.yml` in the current directory.  Raises ConfigError."""
    if path is None and not Path(FILE_NAME).exists():
        message = "there is no such file here; cronscope init writes one to begin with, -c FILE names another"
        raise ConfigError([Fault(file=FILE_NAME, message=message)])
    return path or Path(FILE_NAME)


def load(path: Path, *, environ: Mapping[str, str], flags: Mapping[str, str], starting: bool = False) -> LoadedConfig:
    """Read and check the file.  Raises ConfigError."""
    return read(decode(content(path), path), path, environ=environ, flags=flags, starting=starting)


def stated_data_dir(path: Path, *, environ: Mapping[str, str], flags: Mapping[str, str]) -> Path:
    """The data directory, as far as it can be made out in a file that has faults."""
    if outside := flags.get("data_dir") or environ.get("CRONSCOPE_DATA_DIR"):
        return Path(outside)
    with suppress(OSError):
        text = path.read_text(errors="replace")
        if found := re.search(r"^data_dir:[ \t]+([\"']?)([^\"'#\n]+?)\1[ \t]*(?:#.*)?$", text, re.MULTILINE):
            return path.absolute().parent / found[2]
    return path.absolute().parent / "data"


def content(path: Path) -> bytes:
    """What is in the file.  Raises ConfigError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([Fault(file=str(path), message=f"cannot be read: {error.strerror}")]) from error


def decode(content: bytes, path: Path) -> str:
    """The text of the file.  Raises ConfigError."""
    if len(content) > MAX_BYTES:
        raise ConfigError([Fault(file=str(path), message=f"larger than {MAX_BYTES >> 20} MiB")])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"not UTF-8: the byte 0x{content[error.start]:02X} in column {column}"
        raise ConfigError([Fault(file=str(path), line=line, column=column, message=message)]) from error


def read(
    text: str,
    path: Path,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, str],
    starting: bool = False,
    shown: Tls | None = None,
) -> LoadedConfig:
    """Check `text` as the content of the file `path`, which is not looked at.  Raises ConfigError.

    `flags` has the text of top-level keys, and goes before `environ`, where they are called `CRONSCOPE_LISTEN` and so
    on.  An empty variable is as good as none.  Relative paths are relative to the file; in flags and environment, to
    the current directory.  `starting`: for a process that starts the scripts, which takes rights of its own, and that
    shows a certificate.  `shown` is what it shows already: the files of that are not looked at again, as what becomes
    of them is no fault of `text`.
    """
    variables = {f"CRONSCOPE_{key.upper()}": key for key, shape in shapes(Settings).items() if shape.parse}
    set_variables = [(name, key, environ[name]) for name, key in variables.items() if environ.get(name)]
    set_flags = [(f"--{key.replace('_', '-')}", key, value) for key, value in flags.items()]
    environment, command_line, file = Faults("environment"), Faults(COMMAND_LINE), Faults(str(path))
    given = _outside(set_variables, environment) | _outside(set_flags, command_line)
    meaning = Meaning(path.absolute().parent, file, starting, shown)
    try:
        settings = meaning.settings(compose(text), given)
        for key, message in exposure.faults(settings, means_credentials=meaning.means_credentials):
            outside = [(environment, set_variables), (command_line, set_flags)]
            places = [(told, name) for told, given_ in outside for name, of, _ in given_ if of == key]
            if places:
                told, name = places[-1]  # that goes before the others
                told.add(Scalar("", NOWHERE), name, message)
            else:
                file.add(meaning.node_of(key), key, message)
    except Unreadable as error:
        file.note(error, "", str(error))
    if faults := [*environment.in_order(), *command_line.in_order(), *file.in_order()]:
        raise ConfigError(faults)
    return LoadedConfig(
        path=path, text=text, settings=settings, entries=meaning.entries, starting=starting, users=meaning.users,
        tokens=meaning.tokens,
    )  # fmt: skip


def normal_entry(entry: Mapping[str, Any], loaded: LoadedConfig) -> dict[str, Any]:
    """A script's entry as it reads once it stands in the file.  Raises ConfigError, with keys as within the entry."""
    faults = Faults(str(loaded.path))
    meaning = Meaning(loaded.path.absolute().parent, faults, loaded.starting)
    try:
        meaning.script(document.node_of(entry), "", loaded.settings.timezone, loaded.settings.retention)
    except Unreadable as error:
        faults.note(error, "", str(error))
    if found := faults.in_order():
        raise ConfigError(found)
    [normal] = meaning.entries.values()
    return normal


def _outside(given: list[tuple[str, str, str]], faults: Faults) -> dict[str, Any]:
    """Sound values by key, of variables or flags with their key and text."""
    reader = Reader(Path.cwd(), faults.add)
    values = {}
    for name, key, text in given:
        shape = shapes(Settings)[key]
        node = Scalar(text, NOWHERE, plain="str" not in shape.kinds)
        value = reader.value(shape, node, name)
        if value is FAULTY:
            continue
        if message := service_fault(key, value):
            faults.add(node, name, message)
        else:
            values[key] = value
    return values
