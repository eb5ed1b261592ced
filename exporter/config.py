"""The configuration file `cronscope.yml`: found, read and checked.

`exporter.document` makes nodes of the text and `exporter.shapes` typed values of the nodes; here is what the values
mean together.  Of a faulty file every fault is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from exporter import accounts, credentials, document, exposure
from exporter.accounts import UnknownAccount
from exporter.cron import ScheduleError
from exporter.document import NOWHERE, Node, Scalar, Sequence, Unreadable, compose, shown
from exporter.settings import (
    SCHEDULES,
    AuthProxy,
    Duration,
    Limits,
    Retention,
    ScriptSettings,
    Settings,
    Size,
    Tls,
    Token,
    User,
)  # fmt: skip
from exporter.shapes import FAULTY, Fields, Reader, shapes
from exporter.triggers import timing, zone

C = TypeVar("C", User, Token)

FILE_NAME = "cronscope.yml"
COMMAND_LINE = "command line"
"""What a fault of a flag has in place of a file."""
MAX_BYTES = 8 << 20
"""Size of the file; 10,000 scripts take about 1 MiB."""
LEAST_MEMORY = Size(1 << 20)
"""Of `limits.memory`: no program starts with less."""
LEAST_CPU_TIME = Duration(1000)
"""Of `limits.cpu_time`, which the system counts in seconds."""
MAX_FAULTS = 10_000
"""That are told of one file."""
SHORTEST_INTERVAL = Duration(100)
"""Of `every` and `sample_interval`: more often than this a service would do nothing else."""


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with one value."""

    file: str
    """The file as it was named; `environment` or `command line` for what was given there."""
    line: int = 0
    """Counted from 1; 0 where there is no line, as for a file that cannot be read."""
    column: int = 0
    """Counted from 1, in characters; 0 where there is no line."""
    key: str = ""
    """Path of the key, such as `scripts[3].cron`; items count from 0."""
    message: str
    """Names the key, the variable or the flag, says what is wrong and which form is accepted."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(Exception):
    """The configuration has faults: all of them, in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


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
    text: str, path: Path, *, environ: Mapping[str, str], flags: Mapping[str, str], starting: bool = False
) -> LoadedConfig:
    """Check `text` as the content of the file `path`, which is not looked at.  Raises ConfigError.

    `flags` has the text of top-level keys, and goes before `environ`, where they are called `CRONSCOPE_LISTEN` and so
    on.  An empty variable is as good as none.  Relative paths are relative to the file; in flags and environment, to
    the current directory.  `starting`: for a process that starts the scripts, which takes rights of its own.
    """
    variables = {f"CRONSCOPE_{key.upper()}": key for key, shape in shapes(Settings).items() if shape.parse}
    set_variables = [(name, key, environ[name]) for name, key in variables.items() if environ.get(name)]
    set_flags = [(f"--{key.replace('_', '-')}", key, value) for key, value in flags.items()]
    environment, command_line, file = _Faults("environment"), _Faults(COMMAND_LINE), _Faults(str(path))
    given = _outside(set_variables, environment) | _outside(set_flags, command_line)
    reading = _Reading(path.absolute().parent, file, starting)
    try:
        settings = reading.settings(compose(text), given)
        for key, message in exposure.faults(settings, means_credentials=reading.means_credentials):
            outside = [(environment, set_variables), (command_line, set_flags)]
            places = [(told, name) for told, given_ in outside for name, of, _ in given_ if of == key]
            if places:
                told, name = places[-1]  # that goes before the others
                told.add(Scalar("", NOWHERE), name, message)
            else:
                file.add(reading.node_of(key), key, message)
    except Unreadable as error:
        file.note(error, "", str(error))
    if faults := [*environment.in_order(), *command_line.in_order(), *file.in_order()]:
        raise ConfigError(faults)
    return LoadedConfig(
        path=path, text=text, settings=settings, entries=reading.entries, starting=starting, users=reading.users,
        tokens=reading.tokens,
    )  # fmt: skip


def normal_entry(entry: Mapping[str, Any], loaded: LoadedConfig) -> dict[str, Any]:
    """A script's entry as it reads once it stands in the file.  Raises ConfigError, with keys as within the entry."""
    faults = _Faults(str(loaded.path))
    reading = _Reading(loaded.path.absolute().parent, faults, loaded.starting)
    try:
        reading.script(document.node_of(entry), "", loaded.settings.timezone, loaded.settings.retention)
    except Unreadable as error:
        faults.note(error, "", str(error))
    if found := faults.in_order():
        raise ConfigError(found)
    [normal] = reading.entries.values()
    return normal


class _Faults:
    """Those of one source.  What is wrong in a place that scripts share by an alias is told once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[tuple[int, int, str, str], Fault] = {}

    def add(self, at: Node, key: str, message: str) -> None:
        """Raises Unreadable where there are too many."""
        if len(self._found) == MAX_FAULTS:
            raise Unreadable(f"more than {MAX_FAULTS} faults; the rest is not told", at.mark)
        self.note(at, key, message)

    def note(self, at: Node | Unreadable, key: str, message: str) -> None:
        line, column = at.mark.line + 1, at.mark.column + 1
        place = (line, column, "" if line else key, message)
        full = f"{key}: {message}" if key else message
        self._found.setdefault(place, Fault(file=self._source, line=line, column=column, key=key, message=full))

    def in_order(self) -> list[Fault]:
        return [self._found[place] for place in sorted(self._found)]


def _outside(given: list[tuple[str, str, str]], faults: _Faults) -> dict[str, Any]:
    """Sound values by key, of variables or flags with their key and text."""
    reader = Reader(Path.cwd(), faults.add)
    values = {}
    for name, key, text in given:
        shape = shapes(Settings)[key]
        node = Scalar(text, NOWHERE, plain="str" not in shape.kinds)
        value = reader.value(shape, node, name)
        if value is FAULTY:
            continue
        if message := _service_fault(key, value):
            faults.add(node, name, message)
        else:
            values[key] = value
    return values


def _service_fault(key: str, value: Any) -> str | None:
    """What is wrong that the type of a top-level key does not say."""
    match key:
        case "listen" | "metrics_listen":
            return exposure.port_fault(value)
        case "timezone":
            return _zone_fault(value)
        case "sample_interval" if value < SHORTEST_INTERVAL:
            return f"expected {SHORTEST_INTERVAL} or longer, not {value}"
        case "grafana_url":
            return _address_fault(value)
        case "trusted_proxies":
            return next(filter(None, map(exposure.proxy_fault, value)), None)
    return None


def _script_fault(key: str, value: Any) -> str | None:
    """What is wrong that the type of a script's key does not say, as far as that key alone goes."""
    match key:
        case "command" if not value or not (value.strip() if isinstance(value, str) else value[0]):
            return "expected a command; this one is empty"
        case "timezone":
            return _zone_fault(value)
        case "every" if value < SHORTEST_INTERVAL:
            return f"expected {SHORTEST_INTERVAL} or longer, not {value}"
        case "user" | "group":
            return _account_fault(key, value)
    return None


def _limit_fault(key: str, value: Any) -> str | None:
    """What is wrong that the type of a key of `limits` does not say."""
    match key:
        case "memory" if value < LEAST_MEMORY:
            return f"expected {LEAST_MEMORY} or more, not {value}"
        case "cpu_time" if value < LEAST_CPU_TIME:
            return f"expected {LEAST_CPU_TIME} or longer, not {value}"
    return None


def _account_fault(key: str, value: Any) -> str | None:
    try:
        _ = accounts.find_user(value) if key == "user" else accounts.find_group(value)
    except UnknownAccount as error:
        return str(error)
    return None


def _address_fault(address: str) -> str | None:
    """What is wrong with the address of a web site that its pattern does not say."""
    try:
        _ = urlsplit(address).port
    except ValueError as error:  # brackets around what is no IPv6 address, or a port above 65535
        return f"expected an address that there can be, not {address}: {error}"
    return None


def _zone_fault(name: str) -> str | None:
    try:
        zone(name)
    except ScheduleError as error:
        return str(error)
    return None


class _Reading:
    """One reading of one file."""

    def __init__(self, base: Path, faults: _Faults, starting: bool) -> None:
        self._base = base
        self._starting = starting
        self._faults = faults
        self._reader = Reader(base, faults.add)
        self._names: dict[str, int] = {}
        self._fields: Fields = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}

    @property
    def means_credentials(self) -> bool:
        """Whether the file means to have any, sound or not."""
        given = [self._fields[key][1] for key in ("users", "tokens") if key in self._fields]
        return self._is_set("auth_proxy") or any(not isinstance(node, Sequence) or node.items for node in given)

    def node_of(self, key: str) -> Node:
        """Where a top-level key that the file has stands."""
        return self._fields[key][1]

    def settings(self, root: Node | None, given: dict[str, Any]) -> Settings:
        """What the file says, and `given`, which goes before it; without what is faulty."""
        fields: Fields = {}
        if isinstance(root, document.Mapping):
            fields = self._reader.fields(root, Settings, "")
        elif root is not None and not (isinstance(root, Scalar) and root.kind == "null"):
            self._faults.add(root, "", f"expected a mapping of keys such as listen and scripts, not {shown(root)}")
        self._fields = fields
        values: dict[str, Any] = {"data_dir": self._base / "data", "scripts_dir": self._base / "scripts"}
        values |= self._sound(fields, "", _service_fault) | given
        values["tls"] = self._tls()
        values["auth_proxy"] = self._auth_proxy()
        retention = self._retention(fields, "", Settings().retention)
        timezone = values.get("timezone", "local")
        scripts = self._scripts(fields, timezone, retention)
        users = self._credentials("users", User, "password_hash", self.users)
        tokens = self._credentials("tokens", Token, "sha256", self.tokens)
        return Settings(**values, retention=retention, scripts=scripts, users=users, tokens=tokens)

    def _is_set(self, key: str) -> bool:
        """Whether a top-level key has a value, which null is not."""
        return key in self._fields and self._fields[key][0] is not None

    def _tls(self) -> Tls | None:
        if not self._is_set("tls"):
            return None
        return exposure.tls(self._reader, self._faults.add, self.node_of("tls"), look=self._starting)

    def _auth_proxy(self) -> AuthProxy | None:
        if not self._is_set("auth_proxy"):
            return None
        return exposure.auth_proxy(self._reader, self._faults.add, self.node_of("auth_proxy"))

    def _credentials(self, key: str, of: type[C], secret: str, entries: dict[str, dict[str, Any]]) -> list[C]:
        if key not in self._fields:
            return []
        may_lack = of is User and self._is_set("auth_proxy")
        read = credentials.Credentials(self._reader, self._faults.add, of, secret, may_lack=may_lack)
        sound = read.read(self._fields[key][1], key)
        entries.update(read.entries)
        return sound

    def _sound(self, fields: Fields, key: str, fault_of: Callable[[str, Any], str | None]) -> dict[str, Any]:
        """The sound values of `fields` by name, without those that are still nodes; faults of others are told."""
        sound = {}
        for name, (value, node) in fields.items():
            if value is FAULTY or value is node:
                continue
            if value is not None and (message := fault_of(name, value)):
                self._faults.add(node, f"{key}{name}", message)
            else:
                sound[name] = value
        return sound

    def _retention(self, fields: Fields, key: str, default: Retention) -> Retention:
        if "retention" not in fields:
            return default
        node = fields["retention"][1]
        if isinstance(node, document.Mapping):
            return replace(default, **self._reader.sound(node, Retention, f"{key}retention"))
        self._faults.add(node, f"{key}retention", f"expected a mapping of runs, days and bytes, not {shown(node)}")
        return default

    def _limits(self, fields: Fields, prefix: str) -> Limits:
        if "limits" not in fields:
            return Limits()
        node, key = fields["limits"][1], f"{prefix}limits"
        if isinstance(node, document.Mapping):
            return Limits(**self._sound(self._reader.fields(node, Limits, key), f"{key}.", _limit_fault))
        names = ", ".join(Limits.__struct_fields__)
        self._faults.add(node, key, f"expected a mapping with any of {names}, not {shown(node)}")
        return Limits()

    def _scripts(self, fields: Fields, timezone: str, retention: Retention) -> list[ScriptSettings]:
        if "scripts" not in fields:
            return []
        node = fields["scripts"][1]
        if not isinstance(node, Sequence):
            self._faults.add(node, "scripts", f"expected a list of scripts, each a mapping, not {shown(node)}")
            return []
        read = (self.script(item, f"scripts[{index}]", timezone, retention) for index, item in enumerate(node.items))
        return [script for script in read if script is not None]

    def script(self, node: Node, key: str, timezone: str, retention: Retention) -> ScriptSettings | None:
        if not isinstance(node, document.Mapping):
            self._faults.add(node, key, f"expected a mapping with at least name and command, not {shown(node)}")
            return None
        fields = self._reader.fields(node, ScriptSettings, key)
        prefix = key and f"{key}."
        values: dict[str, Any] = {"workdir": self._base} | self._sound(fields, prefix, _script_fault)
        for required in ("name", "command"):
            if required not in fields:
                self._faults.add(node, f"{prefix}{required}", f"missing; every script needs a {required}")
        self._check_unique(fields, values, prefix)
        self._check_schedule(fields, values, prefix, timezone)
        self._check_identity(fields, values, prefix)
        values["limits"] = self._limits(fields, prefix)
        values["retention"] = self._retention(fields, prefix, retention)
        if "name" not in values or "command" not in values:
            return None
        self.entries[values["name"]] = {
            name: value if isinstance(value, dict) else self._reader.as_written(node)
            for name, (value, node) in fields.items()
            if value is not None
        }
        return ScriptSettings(**values)

    def _check_unique(self, fields: Fields, values: dict[str, Any], prefix: str) -> None:
        name = values.get("name")
        if name in self._names:
            message = f"the script in line {self._names[name]} is named {name} too; every name must be unique"
            self._faults.add(fields["name"][1], f"{prefix}name", message)
        elif name is not None:
            self._names[name] = fields["name"][1].mark.line + 1

    def _check_schedule(self, fields: Fields, values: dict[str, Any], prefix: str, timezone: str) -> None:
        given = [name for name, (value, _) in fields.items() if name in SCHEDULES and value is not None]
        for name in given[1:]:
            message = f"expected one of cron, every and at, or none of them; here is {given[0]} too"
            self._faults.add(fields[name][1], f"{prefix}{name}", message)
        for name in given:
            if name in values:
                alone: dict[str, Any] = {name: values[name], "timezone": values.get("timezone")}
                try:
                    timing(ScriptSettings(name="probe", command="", **alone), timezone)
                except ScheduleError as error:
                    self._faults.add(fields[name][1], f"{prefix}{name}", str(error))

    def _check_identity(self, fields: Fields, values: dict[str, Any], prefix: str) -> None:
        user, group = values.get("user"), values.get("group")
        if self._starting and (why := accounts.refusal()) is not None:
            for name in ("user", "group"):
                if name in values:
                    self._faults.add(fields[name][1], f"{prefix}{name}", why)
        elif user is not None and "group" not in fields:
            try:
                accounts.identity(user, group)
            except UnknownAccount as error:
                self._faults.add(fields["user"][1], f"{prefix}user", str(error))
