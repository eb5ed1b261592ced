"""Requests that are too large: refused with a problem as any other, and little of them is kept.

By itself Tornado answers a body beyond its limit with a bare 400, and a head with nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest, RequestStartLine, ResponseStartLine
from tornado.web import stream_request_body

from relay.handler import Handler
from relay.problem import Problem
from relay.site import Site

MAX_HEAD = 64 << 10
"""Longest head of a request that is taken, in bytes."""
MAX_HEAD_READ = 128 << 10
"""Longest one that is answered: of another one the connection is closed."""
MAX_DISCARDED = 64 << 20
"""Longest body that is read and thrown away, so that its sender gets an answer and no reset connection."""
ANY_LENGTH = 1 << 62
"""Of a body, to Tornado, where the handler looks at it."""


class Discarding(Handler):
    """Base of what reads a body that nobody wants."""

    _discarded = 0

    def discard(self, chunk: bytes, refusal: Problem) -> None:
        """Throw a piece of the body away; once that would be too much, answer at once."""
        self._discarded += len(chunk)
        if self._discarded > MAX_DISCARDED and not self._finished:
            self.answer_problem(refusal)


@stream_request_body
class TooLarge(Discarding):
    """Answers a request that is too large: once its body has come, or at once where that would be too much."""

    def initialize(self, site: Site, route: str, refusal: Problem | None = None) -> None:
        super().initialize(site, route)
        assert refusal is not None
        self._refusal = refusal

    async def prepare(self) -> None:
        self.connection.set_max_body_size(ANY_LENGTH)
        prepared = super().prepare()
        self.site.arriving.expect(self.connection.stream)
        if prepared is not None:
            await prepared
        if self.announced > MAX_DISCARDED or self._refusal.status_code == 431:
            raise self._refusal

    def data_received(self, chunk: bytes) -> None:
        self.discard(chunk, self._refusal)

    async def _refuse(self, *args: str) -> None:
        raise self._refusal

    get = head = post = put = patch = delete = options = _refuse


class Counted(HTTPMessageDelegate):
    """Takes a body of which nobody tells the length: for who is to have it, until it is longer than that takes."""

    def __init__(self, found: HTTPMessageDelegate, most: int, refuse: Callable[[], HTTPMessageDelegate]) -> None:
        self._takes = found
        self._left = most
        self._refuse: Callable[[], HTTPMessageDelegate] | None = refuse
        self._head: tuple[Any, HTTPHeaders] | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._head = start_line, headers
        return self._takes.headers_received(start_line, headers)

    async def data_received(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0 and self._refuse is not None:
            assert self._head is not None
            self._takes.on_connection_close()  # which forgets what has come
            self._takes, self._refuse = self._refuse(), None
            await _done(self._takes.headers_received(*self._head))
        await _done(self._takes.data_received(chunk))

    def finish(self) -> None:
        self._takes.finish()

    def on_connection_close(self) -> None:
        self._takes.on_connection_close()


def body_refusal(most: int) -> Problem:
    return Problem(413, f"The body is longer than {most} bytes.")


def head_refusal(request: HTTPServerRequest) -> Problem | None:
    """None where the head is not too long."""
    size = len(request.uri or "") + sum(len(name) + len(value) + 4 for name, value in request.headers.get_all())
    return Problem(431, f"The head of the request is longer than {MAX_HEAD} bytes.") if size > MAX_HEAD else None


async def _done(under_way: Awaitable[None] | None) -> None:
    if under_way is not None:
        await under_way
