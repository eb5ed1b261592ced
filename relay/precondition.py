"""Requests that are to change something only as it was when their sender looked: `If-Match` and `If-None-Match`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_TAG = re.compile(r'(?:W/)?"[^"]*"')


def precondition(headers: Mapping[str, str]) -> Callable[[str | None], bool]:
    """Whether a request may change what has this `ETag`, None being what is not there (RFC 9110, 13.1 and 13.2.2).

    A tag without quotes matches nothing.
    """
    wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")

    def holds(etag: str | None) -> bool:
        if wanted is not None and not _matches(wanted, etag):
            return False
        return unwanted is None or not _matches(unwanted.replace('W/"', '"'), etag)

    return holds


def _matches(header: str, etag: str | None) -> bool:
    return etag is not None and (header.strip() == "*" or etag in _TAG.findall(header))
