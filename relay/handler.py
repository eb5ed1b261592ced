"""What every handler of the application has in common: the guard, the headers, errors as problems, HEAD."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable
from contextlib import aclosing
from copy import copy
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

from msgspec import Struct
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from exporter.engine import Engine
from exporter.events import to_json
from exporter.sentences import Language
from exporter.settings import Settings
from relay import body, guard, parameters
from relay.accept import preferred_language
from relay.access import ANYONE, Access, SignInRefused
from relay.arriving import Arriving
from relay.audit import Note, actor_of
from relay.problem import CONTENT_TYPE, Problem, problem_of
from relay.relay import Relay
from relay.roles import Need, needed

T = TypeVar("T")
Q = TypeVar("Q", bound=Struct)
UNKNOWN = "unknown"
"""The route of whatever the table of URLs does not have."""
COOKIE = "cronscope_session"
MAX_URL = 8192
"""Longest path and query that is answered, in bytes."""
MAX_BODY = 1 << 20
"""Longest body that is read, in bytes, unless a handler says otherwise."""
PIECE = 100
"""Items of a list that are taken and encoded at a time."""
MAX_STRANGERS_BODY = 64 << 10
"""Longest body, in bytes, that is read of somebody who may see nothing: it is in memory before they are refused."""
MAX_DISCARDED = 64 << 20
"""Longest body that is read and thrown away, so that its sender gets an answer and no reset connection."""
_CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


class Site:
    """What all handlers of one service share."""

    def __init__(self, engine: Engine, listen_host: str) -> None:
        self.engine = engine
        self.relay: Relay | None = None
        """None until the engine has started; only `/-/healthy` and `/-/ready` are answered till then."""
        self.access = Access(lambda: engine.settings, listen_host)
        self.arriving = Arriving()
        self._listen_host = listen_host
        self._policy: tuple[Settings, guard.Policy] | None = None

    def at(self, listen_host: str) -> Site:
        """The same at another address on which the service listens."""
        other = copy(self)
        other.access = self.access.at(listen_host)
        other._listen_host, other._policy = listen_host, None
        return other

    @property
    def policy(self) -> guard.Policy:
        """What the guard goes by; follows the settings when they are reloaded."""
        settings = self.engine.settings
        if self._policy is None or self._policy[0] is not settings:
            rules = guard.policy(
                self._listen_host, settings.allowed_hosts, settings.allowed_origins, settings.trusted_proxies,
                settings.auth_proxy.header if settings.auth_proxy else None,
            )  # fmt: skip
            self._policy = (settings, rules)
        return self._policy[1]


class Handler(RequestHandler):
    """Base of every handler in the table of URLs."""

    guarded_as_change = False
    """True where even a GET takes what only the service's own pages may have: `/ws`."""
    needs_xsrf_token = True
    """False where a session is of no account, as to begin one."""
    answers_before_start = False
    max_body = MAX_BODY
    success = 200
    """Status of an answer that is no error."""

    def initialize(self, site: Site, route: str) -> None:
        """`route` is the address as the table of URLs has it, `/api/v1/runs/{id}`: the name that metrics use."""
        self.site = site
        self.engine = site.engine
        self.route = route
        self.identity = ANYONE
        """Who asks; set once that is known."""
        self.note = Note(route, self.request.method or "")
        """What goes into the audit trail once the request is answered."""
        self.path_args = []  # Tornado sets it, but not where the address is no UTF-8
        # Taken away, so that Tornado does not look for the fields of a form in what is a file or JSON.
        self.content_type = self.request.headers.pop("Content-Type", "")

    @property
    def need(self) -> Need | None:
        """What the request takes.  Of what there is not, who may look at the page may know that."""
        method = self.request.method or ""
        need = needed(self.route, method)
        if need is not None or (self.route != UNKNOWN and method in self.allowed_methods()):
            return need
        return "nothing" if "nothing" in (needed(self.route, "GET"), needed(self.route, "POST")) else "view"

    def prepare(self) -> Awaitable[None] | None:
        request, access = self.request, self.site.access
        self.site.arriving.come(self.connection.stream)
        source = guard.source_of(self.site.policy, request.remote_ip or "", request.protocol, request.headers)
        request.remote_ip, request.protocol = source.address, source.scheme
        self.identity = access.known(request.headers, self.get_cookie(COOKIE), source.user)
        if self.identity is ANYONE and self.need == "scrape" and "Authorization" in request.headers:
            return self._prepare_with_password(source)
        self._admit(source)
        return None

    @property
    def connection(self) -> HTTP1Connection:
        assert isinstance(self.request.connection, HTTP1Connection)
        return self.request.connection

    @property
    def announced(self) -> int:
        """Length of the body, as far as it is known."""
        length = self.request.headers.get("Content-Length", "")
        return int(length[:16]) if length.isdecimal() else 0  # more digits are too much anyway, and slow to read

    async def _prepare_with_password(self, source: guard.Source) -> None:
        try:
            self.identity = await self.site.access.with_password(self.request.headers, source.address)
        except SignInRefused as refused:
            if refused.status_code == 401:  # others are not looked at, and a scraper may send one every few seconds
                self.note.action = "sign-in"
                self.note_account(refused.account)
            raise
        self._admit(source)

    def _admit(self, source: guard.Source) -> None:
        """Raises Problem where the request may not come in."""
        request, access = self.request, self.site.access
        shows_some = self.identity is not ANYONE or access.role(ANYONE) is None
        # What a proxy tells, a page under a name that was rebound can send too, from the machine of the proxy.
        by_credentials = shows_some and self.identity.kind != "proxy"
        if self.note.action is not None:  # now, as the request may change what its sender may do
            self.note.actor = actor_of(self.identity, access.role(self.identity))
        refused = guard.refusal(
            self.site.policy, source, headers=request.headers, by_credentials=by_credentials,
            changes=self.guarded_as_change or request.method not in guard.SAFE_METHODS,
        )  # fmt: skip
        if refused is not None:
            raise Problem(refused.status, refused.detail)
        if len(request.uri or "") > MAX_URL:
            raise Problem(414, f"The address is longer than {MAX_URL} bytes.")
        access.refuse(self.identity, self.need)
        self._check_xsrf_token()
        if self.site.relay is None and not self.answers_before_start:
            raise Problem(503, "Cronscope is starting.", headers={"Retry-After": "1"})

    def _check_xsrf_token(self) -> None:
        """Raises Problem where what a browser sends by itself comes without what only the page knows."""
        if self.request.method in guard.SAFE_METHODS or not self.needs_xsrf_token:
            return
        token, shown = self.site.access.xsrf_token(self.identity), self.request.headers.get("X-XSRF-Token", "")
        if token is not None and not hmac.compare_digest(token.encode(), shown.encode(errors="replace")):
            raise Problem(403, "With a session this takes the X-XSRF-Token that GET /api/v1/session tells.")

    def note_account(self, name: str | None) -> None:
        """As whom somebody wants to sign in."""
        self.note.targets = [] if name is None else [name]

    def check_role(self, need: Need | None) -> None:
        """Raises Problem where who asks may not do a part of what the address is for."""
        self.site.access.refuse(self.identity, need)

    async def head(self, *args: str) -> None:
        """As GET; Tornado leaves out the body."""
        answer = self.get(*args)
        if answer is not None:
            await answer

    def address(self, path: str) -> str:
        """The address of what the table of URLs has at `path`."""
        return self.engine.settings.prefix + path

    def speak(self) -> Language:
        """The language to answer in; the headers say which it is, and that it could have been another one."""
        language = preferred_language(self.request.headers.get("Accept-Language", ""))
        self.set_header("Content-Language", language)
        self.set_header("Vary", "Accept-Language")
        return language

    def body(self, of: type[T]) -> T:
        """The request's JSON body.  Raises Problem where it is of another type."""
        return body.read(self.request.body, self.content_type, of)

    def query(self, of: type[Q]) -> Q:
        """The parameters that a struct declares.  Raises Problem with every fault of the request's query."""
        return parameters.read(self.request.query_arguments, of)

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


class NotFound(Handler):
    """Every address that the table of URLs does not have."""

    def prepare(self) -> Awaitable[None] | None:
        super().prepare()
        raise HTTPError(404)
