"""What every handler of the application has in common: who asks, the guard, what was sent, HEAD."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from msgspec import Struct
from tornado.http1connection import HTTP1Connection
from tornado.web import HTTPError

from exporter.etag import Precondition
from relay import body, guard, parameters, precondition
from relay.access import ANYONE, SignInRefused
from relay.answering import Answering
from relay.audit import Note, actor_of
from relay.problem import Problem
from relay.roles import Need, needed
from relay.sign_ins import TOLD_EACH, is_told
from relay.site import Site

T = TypeVar("T")
Q = TypeVar("Q", bound=Struct)
UNKNOWN = "unknown"
"""The route of whatever the table of URLs does not have."""
COOKIE = "cronscope_session"
MAX_URL = 8192
"""Longest path and query that is answered, in bytes."""
MAX_BODY = 1 << 20
"""Longest body that is read, in bytes, unless a handler says otherwise."""
MAX_STRANGERS_BODY = 64 << 10
"""Longest body, in bytes, that is read of somebody who may see nothing: it is in memory before they are refused."""


class Handler(Answering):
    """Base of every handler in the table of URLs."""

    guarded_as_change = False
    """True where even a GET takes what only the service's own pages may have: `/ws`."""
    needs_xsrf_token = True
    """False where a session is of no account, as to begin one."""
    answers_before_start = False
    max_body = MAX_BODY
    streams = False
    """True where it takes the body as it comes, and looks at its length."""

    def initialize(self, site: Site, route: str) -> None:
        """`route` is the address as the table of URLs has it, `/api/v1/runs/{id}`: the name that metrics use."""
        self.site = site
        self.engine = site.engine
        self.route = route
        request = self.request
        self.source = guard.source_of(site.policy, request.remote_ip or "", request.protocol, request.headers)
        """Where the request came from, which whatever becomes of it is told as."""
        request.remote_ip, request.protocol = self.source.address, self.source.scheme
        self.identity = ANYONE
        """Who asks; set once that is known."""
        self.note = Note(route, request.method or "")
        """What goes into the audit trail once the request is answered."""
        self.path_args = []  # Tornado sets it, but not where the address is no UTF-8
        # Taken away, so that Tornado does not look for the fields of a form in what is a file or JSON.
        self.content_type = request.headers.pop("Content-Type", "")

    @property
    def need(self) -> Need | None:
        """What the request takes.  Of what there is not, who may look at the page may know that."""
        method = self.request.method or ""
        need = needed(self.route, method)
        if need is not None or (self.route != UNKNOWN and method in self.allowed_methods()):
            return need
        return "nothing" if "nothing" in (needed(self.route, "GET"), needed(self.route, "POST")) else "view"

    def prepare(self) -> Awaitable[None] | None:
        headers = self.request.headers
        self.identity = self.site.access.known(headers, self.get_cookie(COOKIE), self.source.user)
        if self.identity is ANYONE and self.need == "scrape" and "Authorization" in headers:
            return self._prepare_with_password()
        self._admit()
        return None

    @property
    def connection(self) -> HTTP1Connection:
        assert isinstance(self.request.connection, HTTP1Connection)
        return self.request.connection

    @property
    def announced(self) -> int:
        """Length of the body, as far as it is known."""
        return announced(self.request.headers)

    async def _prepare_with_password(self) -> None:
        access, address = self.site.access, self.source.address
        try:
            self.identity = await access.with_password(self.request.headers, address)
        except SignInRefused as refused:
            self.note_refused(refused)
            raise
        if self.site.relay is not None and access.is_news(self.identity, address):  # else it is not told yet
            self.note.action, self.note.targets = "sign-in", [self.identity.name]
        self._admit()

    def _admit(self) -> None:
        """Raises Problem where the request may not come in."""
        request, access = self.request, self.site.access
        if self.identity is not ANYONE or access.is_open:
            self.site.arriving.come(self.connection.stream)
        shows_some = self.identity is not ANYONE or access.role(ANYONE) is None
        # What a proxy tells, a page under a name that was rebound can send too, from the machine of the proxy.
        by_credentials = shows_some and self.identity.kind != "proxy"
        if self.note.action is not None:  # now, as the request may change what its sender may do
            self.note.actor = actor_of(self.identity, access.role(self.identity))
        refused = guard.refusal(
            self.site.policy, self.source, headers=request.headers, by_credentials=by_credentials,
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

    def note_refused(self, refused: SignInRefused) -> None:
        """Somebody wanted to sign in."""
        self.note.is_counted = True
        self.note.action = "sign-in" if refused.is_told else None
        self.note.targets = [] if refused.account is None else [refused.account]
        self.note.detail = f"{refused.waited} attempts had to wait" if refused.waited > 1 else None

    def note_turned_away(self) -> None:
        """It was refused or failed; whoever shows no credentials can have that as often as they like."""
        note, access = self.note, self.site.access
        if note.action is None or note.is_counted or note.actor.kind != "anonymous" or access.is_open:
            return
        number = access.turned_away(self.source.address, note.action)
        if number > TOLD_EACH and not is_told(number):
            note.action = None
        elif number > TOLD_EACH:
            note.detail = f"{number} attempts from there"

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

    def tag(self, etag: str) -> str:
        """An `ETag` of the engine's as it is shown."""
        return precondition.shown(etag, self.engine.etag_key)

    def precondition(self) -> Precondition:
        """What the request says has to hold of what it is to change."""
        return precondition.precondition(self.request.headers, self.engine.etag_key)

    def body(self, of: type[T]) -> T:
        """The request's JSON body.  Raises Problem where it is of another type."""
        return body.read(self.request.body, self.content_type, of)

    def query(self, of: type[Q]) -> Q:
        """The parameters that a struct declares.  Raises Problem with every fault of the request's query."""
        return parameters.read(self.request.query_arguments, of)


def announced(headers: Mapping[str, str]) -> int:
    """Length of a body, as far as it is known."""
    length = headers.get("Content-Length", "")
    if not re.fullmatch("[0-9]+", length):
        return 0
    return int(length.lstrip("0")[:16] or "0")  # more digits are too much anyway, and slow to read


class NotFound(Handler):
    """Every address that the table of URLs does not have."""

    def prepare(self) -> Awaitable[None] | None:
        super().prepare()
        raise HTTPError(404)
