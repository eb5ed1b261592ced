"""What the API can be asked, told beside the methods that answer: `/api/v1/openapi.json` is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from tornado.web import RequestHandler

M = TypeVar("M", bound=Callable[..., Any])

BYTES = "application/octet-stream"
TEXT = "text/plain"
YAML = "application/yaml"
"""RFC 9512."""
GZIP = "application/gzip"
"""RFC 6713."""


class Answer(Struct, frozen=True, kw_only=True):
    """An answer that is no problem."""

    of: Any = None
    """Type of its JSON; None: it has none."""
    media: tuple[str, ...] = ()
    """Media types in which it may come if it is no JSON."""
    headers: tuple[str, ...] = ()


class Operation(Struct, frozen=True, kw_only=True):
    """What a method of a handler does, less what follows from its route and kind: that the document adds by itself."""

    summary: str
    answers: Mapping[int, Answer]
    query: type[Struct] | None = None
    """The parameters that it reads by `Handler.query`."""
    body: Any = None
    """Type of the JSON that it reads by `Handler.body`."""
    takes: str | None = None
    """Media type of a body that it reads as it is."""
    takes_struct: type[Struct] | None = None
    """What that body says, as a mapping of the configuration file."""
    conditional: bool = False
    """Heeds `If-Match` and `If-None-Match`."""
    spoken: bool = False
    """Heeds `Accept-Language`."""
    problems: tuple[int, ...] = ()
    """Statuses of problems that only this operation has."""


def operation(summary: str, answers: Mapping[int, Any], **others: Any) -> Callable[[M], M]:
    """Describe a method.  `answers` has an Answer, or the type of its JSON, by status; `others` are as in Operation."""
    described = Operation(
        summary=summary,
        answers={
            status: answer if isinstance(answer, Answer) else Answer(of=answer) for status, answer in answers.items()
        },
        **others,
    )

    def describe(method: M) -> M:
        vars(method)["operation"] = described
        return method

    return describe


def operation_of(handler: type[RequestHandler], method: str) -> Operation | None:
    """What a method, such as `GET`, of a handler does; None where nothing says so.  A HEAD does what a GET does."""
    implemented = getattr(handler, "get" if method == "HEAD" else method.lower())
    described: Operation | None = vars(implemented).get("operation")
    return described
