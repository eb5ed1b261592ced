"""The application: one table of URLs, and what is noted of every request."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Coroutine
from functools import lru_cache
from typing import Any, ClassVar

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application, RequestHandler

from exporter.settings import Role
from exporter.versions import Content, content_of
from relay import guard, login, openapi, pages
from relay.api import audit, backup, config, files, logs, overview, runs, schedule, scripts, system
from relay.handler import COOKIE, MAX_BODY, MAX_STRANGERS_BODY, UNKNOWN, Handler, NotFound, announced
from relay.operation import Answer, operation
from relay.problem import Problem
from relay.roles import suffices
from relay.site import Site
from relay.socket import SocketHandler
from relay.too_large import ANY_LENGTH, Counted, TooLarge, body_refusal, head_refusal

log = logging.getLogger(__name__)


class Socket(Handler, SocketHandler):
    """`/ws` behind the guard."""

    guarded_as_change = True
    success = 101
    head = RequestHandler.head  # type: ignore[assignment]  # that is none: only a GET opens a WebSocket

    def initialize(self, site: Site, route: str) -> None:
        super().initialize(site, route)
        if site.relay is not None:  # else the guard answers
            self.relay = site.relay

    @property
    def role(self) -> Role | None:
        return self.site.access.role(self.identity)

    def get(self, *args: str, **kwargs: str) -> Coroutine[Any, Any, None]:
        """Tornado refuses what is no handshake (RFC 6455, 4.2.1) as well, but not as a problem."""
        headers = self.request.headers
        if not (
            headers.get("Upgrade", "").lower() == "websocket"
            and "upgrade" in re.split(r"[ \t]*,[ \t]*", headers.get("Connection", "").lower())
            and headers.get("Sec-WebSocket-Version") == "13"
            and headers.get("Sec-WebSocket-Key")
        ):
            wanted = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
            raise Problem(426, "This address answers WebSocket connections (RFC 6455) only.", headers=wanted)
        return super().get(*args, **kwargs)

    def open(self, *args: str, **kwargs: str) -> None:
        assert self.ws_connection is not None
        assert self.ws_connection.stream is not None
        self.site.arriving.come(self.ws_connection.stream)  # clients that do not read are seen to by the relay
        super().open(*args, **kwargs)


class OpenAPI(Handler):
    @operation("This document", {200: Answer(of=dict[str, Any], headers=("ETag",))}, conditional=True)
    async def get(self) -> None:
        document = await asyncio.to_thread(_document, self.engine.version, self.engine.settings.prefix)
        self.answer_tagged(document.data, "application/json", document.etag)


@lru_cache(2)
def _document(version: str, prefix: str) -> Content:
    return content_of(openapi.document(ROUTES, version, prefix))


ROUTES: list[tuple[str, type[Handler]]] = [
    ("/", pages.Page),
    ("/assets/{file}", pages.Asset),
    ("/login", login.Login),
    ("/logout", login.Logout),
    ("/ws", Socket),
    ("/metrics", system.Metrics),
    ("/-/healthy", system.Healthy),
    ("/-/ready", system.Ready),
    ("/-/reload", system.Reload),
    ("/api/v1/session", login.SessionOf),
    ("/api/v1/status", system.Status),
    ("/api/v1/scripts", scripts.Scripts),
    ("/api/v1/scripts/batch", scripts.ScriptBatch),
    ("/api/v1/scripts/{name}", scripts.Script),
    ("/api/v1/scripts/{name}/run", scripts.ScriptRun),
    ("/api/v1/scripts/{name}/stop", scripts.ScriptStop),
    ("/api/v1/scripts/{name}/enable", scripts.ScriptEnable),
    ("/api/v1/scripts/{name}/disable", scripts.ScriptDisable),
    ("/api/v1/recent", overview.Recent),
    ("/api/v1/planned", overview.Planned),
    ("/api/v1/runs", runs.Runs),
    ("/api/v1/runs/{id}", runs.Run),
    ("/api/v1/runs/{id}/stop", runs.RunStop),
    ("/api/v1/runs/{id}/output", runs.RunOutput),
    ("/api/v1/runs/{id}/output.txt", runs.RunOutputText),
    ("/api/v1/logs", logs.Logs),
    ("/api/v1/logs/{name}", logs.ScriptLogs),
    ("/api/v1/config", config.Config),
    ("/api/v1/config/check", config.ConfigCheck),
    ("/api/v1/schedule/preview", schedule.Preview),
    ("/api/v1/templates", files.Templates),
    ("/api/v1/files", files.Files),
    ("/api/v1/files/{path}/check", files.FileCheck),
    ("/api/v1/files/{path}/versions", files.FileVersions),
    ("/api/v1/files/{path}/versions/{number}", files.FileVersion),
    ("/api/v1/files/{path}/versions/{number}/restore", files.FileRestore),
    ("/api/v1/files/{path}", files.File),
    ("/api/v1/audit", audit.Audit),
    ("/api/v1/backup", backup.Backup),
    ("/api/v1/restore", backup.Restore),
    ("/api/v1/openapi.json", OpenAPI),
    ("/{file}", pages.PageFile),
]
"""Every address, and its name in the metrics.  The type is what puts the guard before each of them."""

_FILE = r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)"
"""A file of the page: nothing in its name needs escaping or leads elsewhere."""


def _pattern(route: str) -> str:
    return re.sub(r"{\w+}", "([^/]+)", route.replace("{file}", _FILE).replace("{path}", "(.+)"))


def _to_origin_form(request: HTTPServerRequest) -> None:
    """Take `http://HOST/PATH` for `/PATH`, asked of HOST whatever the header says: RFC 9112, 3.2.2."""
    if target := re.fullmatch(rf"{request.protocol}://([^/?]*)(.*)", request.uri or "", re.IGNORECASE):
        request.headers["Host"], path = target.groups()
        request.uri = path if path.startswith("/") else f"/{path}"
        request.path = request.uri.partition("?")[0]


SCRAPED = ("/metrics", "/-/healthy", "/-/ready")
"""What there is where one may only scrape."""


class App(Application):
    routes: ClassVar[list[tuple[str, type[Handler]]]] = ROUTES
    missing: ClassVar[type[Handler]] = NotFound
    """Answers for all that there is not."""

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(
            [(_pattern(route), handler, self._arguments(route)) for route, handler in self.routes],
            default_handler_class=self.missing,
            default_handler_args=self._arguments(UNKNOWN),
            static_hash_cache=False,  # the page may be built anew under a running service
        )
        self._metrics = site.engine.metrics
        self._metrics.http_request_duration.labels(UNKNOWN)
        for route, handler in self.routes:
            self._metrics.http_request_duration.labels(route)
            for method in handler.allowed_methods():
                self._metrics.http_requests.labels(route, method, handler.success)

    def _arguments(self, route: str) -> dict[str, Any]:
        return {"site": self.site, "route": route}

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Called once a request's headers have come, before its body."""
        _to_origin_form(request)
        return self._route(request, **kwargs)

    def _route(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        prefix = self.site.engine.settings.prefix
        if request.path == prefix or (prefix and request.path == "/"):
            return self._limited(request, self.get_handler_delegate(request, pages.ToPage, self._arguments("/")))
        if not request.path.startswith(f"{prefix}/"):
            return self._limited(request, self.get_handler_delegate(request, NotFound, self._arguments(UNKNOWN)))
        request.path = request.path.removeprefix(prefix)
        return self._find(request, **kwargs)

    def _find(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """What answers at a path of the table."""
        return self._limited(request, super().find_handler(request, **kwargs))

    def _limited(self, request: HTTPServerRequest, found: Any) -> HTTPMessageDelegate:
        """The same, with a bound to the head and the body that it takes."""
        if (refusal := head_refusal(request)) is not None:
            return self._refused(request, found, refusal)
        most = getattr(found.handler_class, "max_body", MAX_BODY)
        length, in_chunks = request.headers.get("Content-Length", ""), "Transfer-Encoding" in request.headers
        assert isinstance(request.connection, HTTP1Connection)
        if length or in_chunks:
            if self._is_stranger(request):
                most = min(most, MAX_STRANGERS_BODY)
            else:
                self.site.arriving.come(request.connection.stream)
        if announced(request.headers) > most:
            return self._refused(request, found, body_refusal(most))
        if in_chunks and not getattr(found.handler_class, "streams", False):
            request.connection.set_max_body_size(ANY_LENGTH)
            return Counted(found, most, lambda: self._refused(request, found, body_refusal(most)))
        request.connection.set_max_body_size(most)
        return found  # type: ignore[no-any-return]

    def _refused(self, request: HTTPServerRequest, found: Any, refusal: Problem) -> HTTPMessageDelegate:
        """What answers in the place of what was found: Tornado's own class of those is not public."""
        arguments = {**found.handler_kwargs, "refusal": refusal}
        return self.get_handler_delegate(request, TooLarge, arguments, found.path_args, found.path_kwargs)

    def _is_stranger(self, request: HTTPServerRequest) -> bool:
        """Whether whoever asks may see nothing, as far as that can be told without a password."""
        access, cookie, headers = self.site.access, request.cookies.get(COOKIE), request.headers
        source = guard.source_of(self.site.policy, request.remote_ip or "", request.protocol, headers)
        try:
            identity = access.known(headers, cookie.value if cookie else None, source.user)
        except Problem:
            return True
        return not suffices(access.role(identity), "view")

    def log_request(self, handler: RequestHandler) -> None:
        """Called once for every answer, that of a WebSocket's handshake included."""
        request, code = handler.request, handler.get_status()
        if isinstance(handler, Handler) and handler.note.action is not None and self.site.relay is not None:
            if code >= 400:
                handler.note_turned_away()
            named = handler.path_args[0] if handler.path_args else None
            method, path, address = request.method or "", request.path, request.remote_ip or ""
            self.site.engine.audit.note(
                *handler.note.deeds(status=code, named=named, address=address, method=method, path=path)
            )
        route = handler.route if isinstance(handler, Handler) else UNKNOWN
        method = request.method if request.method in handler.SUPPORTED_METHODS else "other"
        self._metrics.http_requests.labels(route, method, code).inc()
        self._metrics.http_request_duration.labels(route).observe(request.request_time())
        log.debug("%s %s %r: %d", request.remote_ip, request.method, request.uri, code)


class NotScraped(NotFound):
    """All that there is not at the address for scraping; who asks does not matter."""

    need = "nothing"

    def prepare(self) -> Awaitable[None] | None:
        Handler.prepare(self)
        raise Problem(404, f"This address is for scraping alone: it has {', '.join(SCRAPED[:-1])} and {SCRAPED[-1]}.")


class ScrapeApp(App):
    """The application at `metrics_listen`, without `url_prefix`: no proxy is between."""

    routes: ClassVar = [(route, handler) for route, handler in ROUTES if route in SCRAPED]
    missing = NotScraped

    def _route(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        return self._find(request, **kwargs)
