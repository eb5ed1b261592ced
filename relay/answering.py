"""How a service answers: headers, JSON at once or in pieces, errors as problems."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from itertools import islice
from types import TracebackType
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from exporter.events import to_json
from exporter.sentences import Language
from relay.accept import preferred_language
from relay.problem import CONTENT_TYPE, Problem, problem_of

PIECE = 100
"""Items of a list that are taken and encoded at a time."""
_CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


class Answering(RequestHandler):
    """What handlers answer with; who may have it is for `relay.handler` to say."""

    success = 200
    """Status of an answer that is no error."""

    def speak(self) -> Language:
        """The language to answer in; the headers say which it is, and that it could have been another one."""
        language = preferred_language(self.request.headers.get("Accept-Language", ""))
        self.set_header("Content-Language", language)
        self.set_header("Vary", "Accept-Language")
        return language

    def answer(self, value: Any, status: int | None = None) -> None:
        """Answer with one of the structs of `exporter.events`, or with builtins that hold them, as JSON."""
        self.set_status(status or self.success)
        self.set_header("Content-Type", "application/json")
        self.finish(to_json(value) + b"\n")

    async def answer_list(self, noun: str, items: Iterable[Any], **others: Any) -> None:
        """As `answer`, with an object that has `others`, and under their noun items of any number, taken as needed."""
        await self.answer_batches(noun, _batches(items), **others)

    async def answer_batches(self, noun: str, batches: AsyncIterator[list[Any]], **others: Any) -> None:
        """The same with items that come some at a time."""
        await self.answer_pieces("application/json", _pieces({**others, noun: []}, batches))

    def answer_tagged(self, content: bytes, content_type: str, etag: str) -> None:
        """Answer with what has a strong `ETag`, or that the asker has it already."""
        self.set_header("ETag", etag)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        self.set_header("Content-Type", content_type)
        self.finish(content)

    def answer_text(self, text: str | bytes) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def name_download(self, name: str) -> None:
        """Have browsers save the answer in a file of this name, which needs no quoting."""
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')

    async def answer_pieces(self, content_type: str, pieces: AsyncGenerator[bytes, None]) -> None:
        """Answer with what comes piece by piece, each as the client takes it; no more is in memory."""
        self.set_header("Content-Type", content_type)
        begun = False
        try:
            async with aclosing(pieces):
                if self.request.method == "HEAD":
                    await self.flush()
                    return
                async for piece in pieces:
                    self.write(piece)
                    begun = True
                    await self.flush()
        except StreamClosedError:
            return  # the client has what it wanted
        except Exception:
            if begun:
                self.detach().close()  # an orderly end would look as if this were all
            raise

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", _CONTENT_POLICY)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        # Not no-referrer: with that, browsers send the page's own forms with `Origin: null`.
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("X-Content-Type-Options", "nosniff")

    # --- errors ---

    @classmethod
    def allowed_methods(cls) -> list[str]:
        """The methods that the handler implements."""
        own = [m for m in cls.SUPPORTED_METHODS if getattr(cls, m.lower()) is not getattr(RequestHandler, m.lower())]
        return [method for method in own if method != "HEAD" or "GET" in own]

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Only our own mistakes are worth a line in the log."""
        if problem_of(value) is None:
            super().log_exception(typ, value, tb)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """As Tornado's, with exceptions of the engine given the status that they stand for."""
        error = kwargs.get("exc_info", (None, None))[1]
        problem = problem_of(error) or self._problem_of_status(status_code, error)
        self.answer_problem(problem)

    def answer_problem(self, problem: Problem) -> None:
        """As raising it, for where nobody would catch it."""
        super().send_error(problem.status_code, problem=problem)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem: Problem = kwargs["problem"]
        for name, value in problem.headers.items():
            self.set_header(name, value)
        self.set_header("Content-Type", CONTENT_TYPE)
        body, language = problem.spoken(self.speak())
        self.set_header("Content-Language", language)
        self.finish(body)

    def _problem_of_status(self, status: int, error: BaseException | None) -> Problem:
        """For what Tornado raises by itself, and for everything unforeseen."""
        if status == 404:
            return Problem(404, "There is nothing at this address.")
        if status == 405:
            allowed = ", ".join(self.allowed_methods())
            return Problem(405, f"This address answers {allowed} only.", headers={"Allow": allowed})
        if isinstance(error, HTTPError):
            return Problem(status, error.get_message() or "The request cannot be answered.")
        return Problem(status, "An error in Cronscope itself; its log has the details.")


async def _batches(items: Iterable[Any]) -> AsyncIterator[list[Any]]:
    left = iter(items)
    while batch := [*islice(left, PIECE)]:
        yield batch


async def _pieces(empty: dict[str, Any], batches: AsyncIterator[list[Any]]) -> AsyncGenerator[bytes, None]:
    """JSON of an object of which the last value is to hold all items; encoding all at once would hold up all others."""
    begin = to_json(empty)[: -len("]}")]
    async for batch in batches:
        if batch:  # the scripts that it was to be about may be gone
            yield begin + (await asyncio.to_thread(to_json, batch))[1:-1]
            begin = b","
    yield (b"" if begin == b"," else begin) + b"]}\n"
