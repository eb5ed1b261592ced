"""Validators for what may be overwritten: who writes says which content he has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

Precondition: TypeAlias = Callable[[str | None], bool]
"""Whether something may be done to what has this `ETag`; None: it is not there."""


def etag_of(content: bytes) -> str:
    """A strong validator (RFC 9110, 8.8.3), in its quotes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def unconditional(etag: str | None) -> bool:
    """The precondition of who does not care."""
    return True
