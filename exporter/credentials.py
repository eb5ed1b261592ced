"""Users and tokens in the configuration file.  No hash is told, nor what stands in its place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from exporter.document import Mapping, Node, Sequence, shown
from exporter.ownership import open_regular
from exporter.settings import Token, User
from exporter.shapes import FAULTY, Fields, Reader, shapes

C = TypeVar("C", User, Token)

_LONGEST = 4096
"""Bytes of a file with a hash."""
_PATH = re.compile(r"\.{0,2}/")
"""How a path begins, and hardly any hash or token."""


class Credentials(Generic[C]):
    """Reads one of the two lists."""

    def __init__(
        self, reader: Reader, report: Callable[[Node, str, str], None], of: type[C], secret: str, *,
        may_lack: bool = False,
    ) -> None:  # fmt: skip
        """`secret` is the key of the hash; its name with `_file` that of a file with the hash.

        `may_lack`: an entry may have neither.
        """
        self._reader = reader
        self._report = report
        self._of: type[C] = of
        self._secret = secret
        self._may_lack = may_lack
        self._lines: dict[str, int] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        """Every sound entry as written, by name."""

    def read(self, node: Node, key: str) -> list[C]:
        """The sound entries of a list."""
        if not isinstance(node, Sequence):
            self._report(node, key, f"expected a list of {key}, each a mapping, not {shown(node, secret=True)}")
            return []
        read = (self._entry(item, f"{key}[{index}]") for index, item in enumerate(node.items))
        return [entry for entry in read if entry is not None]

    def _entry(self, node: Node, key: str) -> C | None:
        if not isinstance(node, Mapping):
            form = f"a mapping with name, {self._secret} and role"
            self._report(node, key, f"expected {form}, not {shown(node, secret=True)}")
            return None
        fields = self._reader.fields(node, self._of, key)
        values = {name: value for name, (value, _) in fields.items() if value is not FAULTY and value is not None}
        for required in ("name", "role"):
            if required not in fields:
                self._report(node, f"{key}.{required}", f"missing; each of these needs a {required}")
        self._check_unique(fields, values, key)
        self._take_secret(node, fields, values, key)
        if not {"name", "role"} <= values.keys() or not (self._may_lack or self._secret in values):
            return None
        written = {name: self._reader.as_written(child) for name, (value, child) in fields.items() if value is not None}
        self.entries[values["name"]] = written
        entry: C = self._of(**values)
        return entry

    def _take_secret(self, node: Node, fields: Fields, values: dict[str, Any], key: str) -> None:
        secret, file = self._secret, f"{self._secret}_file"
        given = [name for name in (secret, file) if name in fields and fields[name][0] is not None]
        if not given and self._may_lack:
            return
        if len(given) != 1:
            self._report(
                node, f"{key}.{secret}", f"expected one of {secret} and {file}, not {'both' if given else 'none'}"
            )
        elif file in values:
            try:
                values[secret] = self._content(values[file])
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                # Else it may be the secret itself.
                is_path = os.path.exists(values[file]) or _PATH.match(str(self._reader.as_written(fields[file][1])))
                fault = f"{values[file]} cannot be used" if is_path else "expected the path of a file"
                self._report(fields[file][1], f"{key}.{file}", f"{fault}: {why}")

    def _content(self, path: Path) -> str:
        """Raises OSError, and ValueError where it has another form."""
        with open_regular(path) as file:
            content = file.read(_LONGEST)
        shape = shapes(self._of)[self._secret]
        assert shape.parse is not None
        try:
            return str(shape.parse(content.decode("ascii").strip()))
        except ValueError:
            raise ValueError(f"expected {shape.form}") from None

    def _check_unique(self, fields: Fields, values: dict[str, Any], key: str) -> None:
        name = values.get("name")
        if name in self._lines:
            message = f"the one in line {self._lines[name]} is named {name} too; every name must be unique"
            self._report(fields["name"][1], f"{key}.name", message)
        elif name is not None:
            self._lines[name] = fields["name"][1].mark.line + 1
