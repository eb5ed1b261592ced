"""`ETag`s as they are shown, and requests that are to change something only as it was when their sender looked.

The engine's own are hashes of contents: whoever may not read these could try out what they are.  So what is shown is
keyed, the same over a restart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

from exporter.etag import Precondition

_TAG = re.compile(r'(?:W/)?"[^"]*"')


def shown(etag: str, key: bytes) -> str:
    """The validator (RFC 9110, 8.8.3) to show for one of the engine's."""
    return f'"{blake2b(etag.encode(), digest_size=16, key=key).hexdigest()}"'


def precondition(headers: Mapping[str, str], key: bytes) -> Precondition:
    """Whether a request may change what has an `ETag` of the engine's, by `If-Match` and `If-None-Match`.

    As RFC 9110 has it (13.1, 13.2.2); a tag without quotes matches nothing.
    """
    wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")

    def holds(etag: str | None) -> bool:
        tag = None if etag is None else shown(etag, key)
        if wanted is not None and not _matches(wanted, tag):
            return False
        return unwanted is None or not _matches(unwanted.replace('W/"', '"'), tag)

    return holds


def _matches(header: str, tag: str | None) -> bool:
    return tag is not None and (header.strip() == "*" or tag in _TAG.findall(header))
