from __future__ import annotations

import pytest

from relay.precondition import precondition


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
    assert precondition(headers)(etag) is holds
