"""The JSON body of a request as a typed value, or a problem that says what is wrong where."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from exporter.shapes import from_json
from relay.problem import FieldError, Problem, pointer

T = TypeVar("T")

_JSON = re.compile(r"(application/(.+\+)?json|application/x-www-form-urlencoded|)", re.IGNORECASE)
"""Content types; the last two are for curl, which says the one unless told otherwise, and for who says nothing."""
_PLACED = re.compile(r"(.*?)(?: - at `(?:key` in `)?\$(.*)`)?", re.DOTALL)  # as msgspec ends its messages
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_TYPES = re.compile("`([a-z |]+)`")
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
          "object": "an object", "null": "null"}  # fmt: skip


def read(body: bytes, content_type: str, of: type[T]) -> T:
    """Raises Problem: 415 where it is said to be no JSON, 400 where it is none, 422 where it is not of the type."""
    if not _JSON.fullmatch(content_type.partition(";")[0].strip()):
        raise Problem(415, "The body has to be JSON: send it with Content-Type: application/json.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from error
    try:
        return msgspec.convert(value, of, dec_hook=from_json)
    except msgspec.ValidationError as error:
        raise Problem(422, "The body has faults.", [_fault(str(error), of)]) from error


def _fault(told: str, of: type[T]) -> FieldError:
    match = _PLACED.fullmatch(told)
    assert match is not None
    message, key = match[1], (match[2] or "").removeprefix(".")
    if (field := _FIELD.fullmatch(message)) is not None:
        message = "missing" if field[1].startswith("missing") else _unknown(key, of)
        key = f"{key}.{field[2]}" if key else field[2]
    return FieldError(pointer=pointer(key), message=_plain(message))


def _unknown(key: str, of: type[T]) -> str:
    known = of.__struct_encode_fields__ if not key and isinstance(of, msgspec.StructMeta) else ()
    return "unknown key" + (f"; known here: {', '.join(known)}" if known else "")


def _plain(message: str) -> str:
    """msgspec's words for types in those of the configuration check."""
    message = _TYPES.sub(lambda types: " or ".join(_WORDS.get(t, t) for t in types[1].split(" | ")), message)
    return message[:1].lower() + message[1:].replace(", got", ", not")
