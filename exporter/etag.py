"""Validators for what may be overwritten: who writes says which content he has seen.

They are hashes, and not for whoever may not read the content (`relay.precondition`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

Precondition: TypeAlias = Callable[[str | None], bool]
"""Whether something may be done to what has this `ETag`; None: it is not there."""


def etag_of(content: bytes) -> str:
    """A strong validator (RFC 9110, 8.8.3), in its quotes."""
    return f'"{hash_of(content)}"'


def hash_of(content: bytes) -> str:
    """What is in those quotes: the first 32 hex digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def hash_in(etag: str | None) -> str | None:
    """The same, of a validator."""
    return etag and etag.strip('"')


def unconditional(etag: str | None) -> bool:
    """The precondition of who does not care."""
    return True
