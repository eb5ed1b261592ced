"""The query of a request, read strictly: what is unknown, repeated or malformed is an error and not ignored.

A struct declares the parameters, as one does the keys of the configuration file.  A parameter that is present but
empty counts as absent, as HTML forms send it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, structs

from exporter.events import Instant
from exporter.settings import Duration
from exporter.shapes import Shape, shapes
from relay.problem import FieldError, Problem

Q = TypeVar("Q", bound=Struct)


def read(arguments: Mapping[str, list[bytes]], of: type[Q]) -> Q:
    """`arguments` as Tornado has them in `request.query_arguments`.

    Raises a 422 problem with every fault of the query.
    """
    known, now = shapes(of), Instant.now()
    values: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, given in arguments.items():
        try:
            if name not in known:
                raise ValueError("is no parameter of this address")
            if (text := _text(given)) != "":
                values[name] = _value(known[name], text, now)
        except ValueError as error:
            faults.append(FieldError(pointer=f"#/{name[:100]}", message=str(error)))
    if faults:
        raise Problem(422, "The query has faults.", faults)
    fields = structs.fields(of)
    return of(**{field.name: values[field.encode_name] for field in fields if field.encode_name in values})


def _text(given: list[bytes]) -> str:
    if len(given) > 1:
        raise ValueError("is given more than once")
    try:
        return given[0].decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None


def _value(shape: Shape, text: str, now: Instant) -> Any:
    """All that counts back from `now` does from the same one."""
    assert shape.parse is not None
    try:
        return moment(text, now) if shape.parse is moment else shape.parse(text)
    except ValueError:
        raise ValueError(f"expected {shape.form}") from None


def moment(text: str, now: Instant | None = None) -> Instant:
    """`now`: the present time, unless another is given.  Raises ValueError."""
    if text[-1].isalpha() and text[0].isdigit() and "T" not in text.upper():
        return Instant((now or Instant.now()) - Duration.parse(text))
    return _time(text)


def _time(text: str) -> Instant:
    # An unescaped plus arrives as a space.
    return Instant.parse(re.sub(r" (\d\d:\d\d)$", r"+\1", text))


Moment = Annotated[
    Instant,
    Meta(
        description="a time such as 2026-01-31T19:00:00Z, or how long ago, such as 7d",
        extra_json_schema={"format": "time-or-duration"},
        extra={"parse": moment},
    ),
]
"""A point in time: RFC 3339, or a duration with its unit that counts back from now, as journalctl has it."""
Time = Annotated[Instant, Meta(description="a time such as 2026-01-31T19:00:00Z", extra={"parse": _time})]
"""A point in time: RFC 3339."""
