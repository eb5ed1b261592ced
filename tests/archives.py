"""Archives of backups, taken apart and put together again: what a careless or a hostile hand may send."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

MANIFEST = "cronscope-backup.json"
Contents = dict[str, bytes]


def contents(archive: bytes) -> Contents:
    """Files by name, the manifest excepted."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            each.name: source.read()
            for each in tar
            if each.name != MANIFEST and each.isreg() and (source := tar.extractfile(each)) is not None
        }


def member(name: str, content: bytes, mode: int = 0o644) -> dict[str, Any]:
    """What the manifest says of a file."""
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "mode": mode}


def link(name: str, target: str) -> dict[str, Any]:
    return {"name": name, "mode": 0o777, "link": target}


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info


def archive_of(
    files: Contents,
    *,
    members: Iterable[dict[str, Any]] | None = None,
    headers: Iterable[tarfile.TarInfo] = (),
    **manifest: Any,
) -> bytes:
    """An archive with an honest manifest, unless other `members` or values are given for it.

    `headers` come after the files, without content.
    """
    told = {
        "format": 1, "cronscope": "0.1.0", "created_at": "2026-01-31T19:00:00.000Z", "schema": 1,
        "members": list(members) if members is not None else [member(*each) for each in files.items()],
    }  # fmt: skip
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in ({MANIFEST: json.dumps(told | manifest).encode()} | files).items():
            tar.addfile(header(name, len(content)), io.BytesIO(content))
        for each in headers:
            tar.addfile(each)
    return whole.getvalue()


def altered(database: bytes, folder: Path, *statements: str) -> bytes:
    """A database after some statements."""
    path = folder / "altered.db"
    path.write_bytes(database)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()
