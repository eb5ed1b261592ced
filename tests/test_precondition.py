from __future__ import annotations

import re

import pytest

from exporter.etag import etag_of
from relay.precondition import precondition, shown

KEY = bytes(32)


@pytest.mark.parametrize(
    ("headers", "etag", "holds"),
    [
        ({}, '"a"', True), ({}, None, True),
        ({"If-Match": '"a"'}, '"a"', True), ({"If-Match": '"b", "a"'}, '"a"', True),
        ({"If-Match": '"b"'}, '"a"', False),
        ({"If-Match": 'W/"a"'}, '"a"', False), ({"If-Match": "a"}, '"a"', False), ({"If-Match": ""}, '"a"', False),
        ({"If-Match": "*"}, '"a"', True), ({"If-Match": "*"}, None, False), ({"If-Match": '"a"'}, None, False),
        ({"If-Match": '"xax"'}, '"a"', False), ({"If-Match": '"a,b"'}, '"a,b"', True),
        ({"If-None-Match": "*"}, '"a"', False), ({"If-None-Match": "*"}, None, True),
        ({"If-None-Match": '"a"'}, '"a"', False), ({"If-None-Match": 'W/"a"'}, '"a"', False),
        ({"If-None-Match": '"b"'}, '"a"', True),
        ({"If-Match": '"a"', "If-None-Match": '"a"'}, '"a"', False),
    ],
)  # fmt: skip
def test_a_change_may_ask_for_what_is_there(headers: dict[str, str], etag: str | None, holds: bool) -> None:
    given = {name: re.sub('"(.+?)"', lambda tag: shown(tag[0], KEY), value) for name, value in headers.items()}
    assert precondition(given, KEY)(etag) is holds


def test_a_tag_is_the_same_for_the_same_content_and_tells_nothing_of_it() -> None:
    tag = shown(etag_of(b"a"), KEY)
    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    assert tag == shown(etag_of(b"a"), KEY)
    assert tag not in (etag_of(b"a"), shown(etag_of(b"b"), KEY), shown(etag_of(b"a"), bytes(31) + b"\1"))
