"""What the values of a configuration mean, each by itself and all together.

`exporter.shapes` makes typed values of nodes; here is what their types do not say.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from exporter import accounts, credentials, document, exposure
from exporter.accounts import UnknownAccount
from exporter.cron import ScheduleError
from exporter.document import Node, Scalar, Sequence, shown
from exporter.faults import Faults
from exporter.secrets import NOTHING_BEHIND, hides, is_mask
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
from exporter.shapes import FAULTY, Fields, Reader
from exporter.triggers import timing, zone

C = TypeVar("C", User, Token)

LEAST_MEMORY = Size(1 << 20)
"""Of `limits.memory`: no program starts with less."""
LEAST_CPU_TIME = Duration(1000)
"""Of `limits.cpu_time`, which the system counts in seconds."""
SHORTEST_INTERVAL = Duration(100)
"""Of `every` and `sample_interval`: more often than this a service would do nothing else."""


class Meaning:
    """One reading of one file."""

    def __init__(self, base: Path, faults: Faults, starting: bool, shown: Tls | None = None) -> None:
        """`starting` and `shown` are as in `exporter.config.read`."""
        self._base = base
        self._starting = starting
        self._shown = shown
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
        values |= self._sound(fields, "", service_fault) | given
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
        node = self.node_of("tls")
        return exposure.tls(
            self._reader, self._faults.add, node, look=lambda tls: self._starting and tls != self._shown
        )

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
        read = []
        for index, item in enumerate(node.items):
            key = f"scripts[{index}]"
            if (script := self.script(item, key, timezone, retention)) is not None:
                read.append(script)
                self._check_masks(item, f"{key}.env", script)
        return read

    def _check_masks(self, node: Node, key: str, script: ScriptSettings) -> None:
        """What stands for a value where one is shown is none in the file."""
        masks = [name for name, value in script.env.items() if hides(name, script.secrets) and is_mask(value)]
        if masks and isinstance(node, document.Mapping):
            _, env = self._reader.pairs(node, key)["env"]
            for name, (_, value) in self._reader.pairs(env, key).items() if isinstance(env, document.Mapping) else ():
                if name in masks:
                    self._faults.add(value, f"{key}.{name}", NOTHING_BEHIND)

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


def service_fault(key: str, value: Any) -> str | None:
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
