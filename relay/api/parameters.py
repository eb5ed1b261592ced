"""The query of a request, read strictly: what is unknown, repeated or malformed is an error and not ignored.

A parameter that is present but empty counts as absent, as HTML forms send it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, overload

from exporter.events import Instant
from exporter.settings import Duration
from relay.problem import FieldError, Problem

T = TypeVar("T")
D = TypeVar("D")
Reader = Callable[[str], T]
"""Turns a parameter's text into its value; raises ValueError with what is wrong."""


class Parameters:
    """Take every parameter that there may be, then call `done`."""

    def __init__(self, arguments: Mapping[str, list[bytes]]) -> None:
        """`arguments` as Tornado has them in `request.query_arguments`."""
        self._left = dict(arguments)
        self._errors: list[FieldError] = []

    @overload
    def take(self, name: str, read: Reader[T]) -> T | None: ...
    @overload
    def take(self, name: str, read: Reader[T], default: D) -> T | D: ...
    def take(self, name: str, read: Reader[T], default: D | None = None) -> T | D | None:
        """The value of a parameter; `default` where it is absent or at fault."""
        values = self._left.pop(name, [b""])
        try:
            if len(values) > 1:
                raise ValueError("is given more than once")
            text = values[0].decode()
            return read(text) if text else default
        except UnicodeDecodeError:
            self.fault(name, "is not UTF-8")
        except ValueError as error:
            self.fault(name, str(error))
        return default

    def fault(self, name: str, message: str) -> None:
        self._errors.append(FieldError(pointer=f"#/{name}", message=message))

    def done(self) -> None:
        """Raises a 422 problem with every fault of the query."""
        for name in self._left:
            self.fault(name[:100], "is no parameter of this address")
        if self._errors:
            raise Problem(422, "The query has faults.", self._errors)


def text(value: str) -> str:
    return value


def whole(lowest: int, highest: int) -> Reader[int]:
    def read(value: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,18}", value) and lowest <= int(value) <= highest:
            return int(value)
        raise ValueError(f"expected a whole number from {lowest} to {highest}")

    return read


def one_of(accepted: Iterable[T]) -> Reader[T]:
    choices = {str(choice): choice for choice in accepted}

    def read(value: str) -> T:
        if value in choices:
            return choices[value]
        raise ValueError(f"expected one of {', '.join(choices)}")

    return read


def matching(pattern: str, expected: str) -> Reader[str]:
    def read(value: str) -> str:
        if re.search(pattern, value):
            return value
        raise ValueError(f"expected {expected}")

    return read


def moment(now: Instant) -> Reader[Instant]:
    """A point in time: RFC 3339, or a duration with its unit that counts back from `now`, as journalctl has it."""

    def read(value: str) -> Instant:
        if value[-1].isalpha() and value[0].isdigit() and "T" not in value.upper():
            return Instant(now - Duration.parse(value))
        # An unescaped plus arrives as a space.
        return Instant.parse(re.sub(r" (\d\d:\d\d)$", r"+\1", value))

    def checked(value: str) -> Instant:
        try:
            return read(value)
        except ValueError:
            raise ValueError("expected a time such as 2026-01-31T19:00:00Z, or how long ago, such as 7d") from None

    return checked
