"""Signing in and out: a plain form, which needs none of the page's own script, and password managers know."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qs

from msgspec import Struct
from tornado.escape import xhtml_escape

from exporter.audit import Actor
from exporter.sentences import Language
from exporter.settings import Role, Settings
from relay.access import ANYONE, SignInRefused
from relay.audit import actor_of
from relay.handler import COOKIE, Handler
from relay.operation import Answer, operation
from relay.problem import Problem
from relay.sessions import LONGEST_MS
from relay.translation import in_language

log = logging.getLogger(__name__)

FORM = "application/x-www-form-urlencoded"
_HTML = "text/html"
_PLACE = re.compile(r"#/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,2000}")
"""Places in the page, and nowhere else."""
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Sign in",
        "name": "Name",
        "password": "Password",
        "submit": "Sign in",
        "nobody": "Nobody can sign in yet: cronscope passwd NAME makes the first user.",
    },
    "zh-Hant": {
        "title": "登入",
        "name": "名稱",
        "password": "密碼",
        "submit": "登入",
        "nobody": "目前還沒有使用者：cronscope passwd NAME 可建立第一位。",
    },
}
_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – Cronscope</title>
<link rel="icon" type="image/svg+xml" href="{prefix}/icon.svg">
<link rel="stylesheet" href="{prefix}/login.css">
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 32 32" aria-hidden="true">
<circle cx="16" cy="16" r="13"/><path d="M16 8v8l5 4"/></svg>
Cronscope</p>
<h1>{title}</h1>
{told}
{form}
</main>
</body>
</html>
"""
_FORM = """\
<form method="post" action="{prefix}/login">
<input type="hidden" name="next" value="{place}">
<label for="name">{name}</label>
<input id="name" name="name" value="{given}" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="64" required{focus_name}>
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024"
 required{focus_password}>
<button>{submit}</button>
</form>
"""


class SessionState(Struct, frozen=True):
    """Who asks, and what they may do."""

    name: str | None
    """Of the user or the token; null for whoever comes without credentials."""
    role: Role
    signed_in: bool
    """Whether there is a session, which `POST /logout` ends."""
    can_sign_in: bool
    """Whether there are users, so that who has not signed in may do so."""
    by_proxy: bool
    """Whether a proxy has told who asks, so that only there they can sign out."""
    xsrf_token: str | None
    """What requests that change something show as `X-XSRF-Token`, with a session or by a proxy's word."""


class Login(Handler):
    needs_xsrf_token = False

    @operation(
        "The form to sign in; `next` is the place in the page to go on to",
        {200: Answer(media=(_HTML,)), 303: Answer(headers=("Location",))},
    )
    def get(self) -> None:
        place = self.get_query_argument("next", "")
        if self.site.access.is_open or self.identity.kind in ("session", "proxy"):
            self._go_on(place)  # whoever else they want to be, the page signs them out first
        else:
            self._show(200, place=place)

    @operation(
        "Sign in", {303: Answer(headers=("Location",)), **{code: Answer(media=(_HTML,)) for code in (401, 429)}},
        takes=FORM, problems=(400, 415),
    )  # fmt: skip
    async def post(self) -> None:
        """A new session, whatever cookie came along: one that somebody else has put there is of no use to them."""
        access, fields = self.site.access, self._fields()
        place, name, password = fields.get("next", ""), fields["name"], fields["password"]
        if access.is_open:
            self.note.action = None  # nobody has to
            self._go_on(place)
            return
        self.note.actor = actor_of(ANYONE, None)  # whoever it is that has a session yet
        try:
            user, secret = await access.begin_session(name, password, self.request.remote_ip or "")
        except SignInRefused as problem:
            self.note_refused(problem)
            for header, value in problem.headers.items():
                self.set_header(header, value.partition(", Basic")[0])
            self._show(problem.status_code, problem.detail, place, name)
            return
        log.info("%s has signed in from %s", user.name, self.request.remote_ip)
        self.note.targets = [user.name]
        self.note.actor = Actor(kind="user", name=user.name, role=user.role)
        if self.identity.kind == "session":
            access.sessions.end(self.identity.secret)
        self.set_cookie(
            COOKIE, secret, path=self.engine.settings.prefix or "/", httponly=True,
            secure=self.request.protocol == "https", samesite="Strict", max_age=LONGEST_MS // 1000,
        )  # fmt: skip
        self._go_on(place)

    def _fields(self) -> dict[str, str]:
        """The form's, of which name and password are there.  Raises Problem."""
        if self.content_type.partition(";")[0].strip().lower() != FORM:
            raise Problem(415, f"This takes a form: {FORM}.")
        try:
            fields = parse_qs(self.request.body.decode(), keep_blank_values=True, max_num_fields=10, errors="strict")
        except ValueError as error:
            raise Problem(400, "This is no form.") from error
        if not {"name", "password"} <= fields.keys():
            raise Problem(400, "The form has no name and password.")
        return {key: values[0] for key, values in fields.items()}

    def _go_on(self, place: str) -> None:
        self.set_status(303)
        self.set_header("Location", self.address("/") + (place if _PLACE.fullmatch(place) else ""))
        self.finish()

    def _show(self, status: int, detail: str = "", place: str = "", name: str = "") -> None:
        language = self.speak()
        words = _WORDS[language]
        is_of_use = can_sign_in(self.engine.settings)
        told = in_language(detail, language).text if is_of_use else words["nobody"]
        fields = {
            **words, "language": language, "prefix": self.engine.settings.prefix, "given": name[:64],
            "place": place if _PLACE.fullmatch(place) else "",
        }  # fmt: skip
        escaped = {key: xhtml_escape(value) for key, value in fields.items()}
        focus = " autofocus"
        form = _FORM.format(**escaped, focus_name="" if name else focus, focus_password=focus if name else "")
        self.set_status(status, HTTPStatus(status).phrase)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            _PAGE.format(
                **escaped,
                told=f'<p role="alert">{xhtml_escape(told)}</p>' if told else "",
                form=form if is_of_use else "",
            )
        )


def can_sign_in(settings: Settings) -> bool:
    """Whether anybody has a password."""
    return any(user.password_hash for user in settings.users)


class Which(Struct, frozen=True):
    sessions: Literal["this", "all"] = "this"
    """All: those of the user on whatever machine."""


class Logout(Handler):
    @operation("Sign out", {204: Answer()}, query=Which)
    def post(self) -> None:
        """Fine, too, where nobody has signed in."""
        sessions, identity = self.site.access.sessions, self.identity
        which = self.query(Which).sessions
        if identity.kind == "session":
            sessions.end(identity.secret)
            if which == "all":
                sessions.end_all(identity.name)
                self.note.detail = "everywhere"
        else:
            self.note.action = None
        self.clear_cookie(COOKIE, path=self.engine.settings.prefix or "/", httponly=True, samesite="Strict")
        self.set_status(204)


class SessionOf(Handler):
    @operation("Who asks, and what they may do", {200: SessionState})
    def get(self) -> None:
        access, identity = self.site.access, self.identity
        role = access.role(identity)
        assert role is not None  # else the guard has answered
        self.answer(
            SessionState(
                name=identity.name or None,
                role=role,
                signed_in=identity.kind == "session",
                can_sign_in=can_sign_in(self.engine.settings),
                by_proxy=identity.kind == "proxy",
                xsrf_token=access.xsrf_token(identity),
            )
        )
