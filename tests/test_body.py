from __future__ import annotations

import pytest
from msgspec import Struct

from exporter.events import Instant
from exporter.settings import Duration, Name, Size
from relay import body
from relay.problem import Problem


class Inner(Struct, forbid_unknown_fields=True):
    count: int = 0
    names: list[Name] = []


class Body(Struct, forbid_unknown_fields=True):
    text: str
    pause: Duration | None = None
    at: Instant | None = None
    size: Size = Size(0)
    inner: Inner | None = None


JSON = "application/json"


def refused(text: bytes, content_type: str = JSON) -> Problem:
    with pytest.raises(Problem) as caught:
        body.read(text, content_type, Body)
    return caught.value


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/json; charset=utf-8", "Application/Vnd.x+JSON", "", "application/x-www-form-urlencoded"],
)
def test_a_body_is_read_as_its_type(content_type: str) -> None:
    text = (
        b'{"text": "\xc3\xa9", "pause": "1h30m", "at": "2027-01-01T00:00:00+01:00", "size": 5, "inner": {"count": 1}}'
    )
    at = Instant.parse("2026-12-31T23:00:00Z")
    assert body.read(text, content_type, Body) == Body("é", Duration(5_400_000), at, Size(5), Inner(1))
    assert body.read(b'{"text": "", "pause": 1.5}', content_type, Body).pause == 1500


@pytest.mark.parametrize("content_type", ["text/plain", "text/xml", "multipart/form-data; boundary=x", "json"])
def test_what_is_said_to_be_no_json_is_not_read(content_type: str) -> None:
    assert refused(b"{}", content_type).status_code == 415


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[", b"nonsense", b'{"text": NaN}', b'{"text": "\xff"}', b"{'text': 1}", b"[" * 100_000, b"{} {}"],
)
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    assert refused(text).status_code == 400


@pytest.mark.parametrize(
    ("text", "pointer", "message"),
    [
        (b"[]", "#", "expected an object, not a list"),
        (b"null", "#", "expected an object, not null"),
        (b"{}", "#/text", "missing"),
        (b'{"text": 5}', "#/text", "expected text, not a whole number"),
        (b'{"text": "", "texts": 1}', "#/texts", "unknown key; known here: text, pause, at, size, inner"),
        (b'{"text": "", "pause": "soon"}', "#/pause", f"expected {Duration.form}"),
        (b'{"text": "", "pause": [1]}', "#/pause", f"expected {Duration.form}"),
        (b'{"text": "", "pause": true}', "#/pause", f"expected {Duration.form}"),
        (b'{"text": "", "size": -1}', "#/size", f"expected {Size.form}"),
        (b'{"text": "", "size": null}', "#/size", f"expected {Size.form}"),
        (b'{"text": "", "at": 5}', "#/at", "expected a date and time with offset such as 2027-01-01T00:00:00+01:00"),
        (b'{"text": "", "at": "9999-12-31T23:59:59-14:00"}', "#/at",
         "expected a date and time with offset such as 2027-01-01T00:00:00+01:00"),
        (b'{"text": "", "inner": {"count": "1"}}', "#/inner/count", "expected a whole number, not text"),
        (b'{"text": "", "inner": {"a/b": 1}}', "#/inner/a~1b", "unknown key"),
        (b'{"text": "", "inner": {"names": ["a", 5]}}', "#/inner/names/1", "expected text, not a whole number"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_type_is_told_where_it_is(text: bytes, pointer: str, message: str) -> None:
    problem = refused(text)
    assert problem.status_code == 422
    assert [(error.pointer, error.message) for error in problem.errors] == [(pointer, message)]
