"""Who asks: credentials of a request, and what whoever shows them may do.

Nothing is remembered of an answer: whoever holds an `Identity` asks again what it may do now, as users and tokens come
and go with the settings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from copy import copy
from typing import Literal, NamedTuple

from exporter.events import Instant
from exporter.exposure import is_loopback
from exporter.secrets import TOKEN_PREFIX
from exporter.settings import USER_NAME_PATTERN, Role, Settings, Token, User
from relay.passwords import Busy, Passwords
from relay.problem import Problem
from relay.roles import Need, suffices
from relay.sessions import Session, Sessions
from relay.sign_ins import SignIns, is_told
from relay.throttle import Throttle, keys_of

log = logging.getLogger(__name__)

_CHALLENGE = 'Bearer realm="Cronscope"'
_BASIC = 'Basic realm="Cronscope", charset="UTF-8"'


class Identity(NamedTuple):
    """Who asks.  What they may do is for `Access.role` to say."""

    kind: Literal["anyone", "local", "token", "user", "session", "proxy"]
    name: str = ""
    secret: str = ""
    """The hash that was shown to be known, or the key of a session: where it is another one, it is somebody else."""


ANYONE = Identity("anyone")


def new_token() -> str:
    """A secret for a program."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def sha256_of(token: str) -> str:
    """As a token stands in the settings."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class SignInRefused(Problem):
    """Somebody may not come in as the user of a name."""

    def __init__(self, problem: Problem, account: str | None, waited: int = 0) -> None:
        super().__init__(problem.status_code, problem.detail, headers=problem.headers)
        self.account = account
        """The name, where there is such a user: any other may be a password in the wrong field."""
        self.waited = waited
        """How many in a row had to wait, with this one; 0 where it was looked at."""

    @property
    def is_told(self) -> bool:
        """Whether the audit trail is to have it: of those that have to wait only some."""
        return self.waited == 0 or is_told(self.waited)


class Access:
    """Belongs to the event loop's thread."""

    def __init__(
        self, settings: Callable[[], Settings], listen_host: str,
        now: Callable[[], Instant] = Instant.now, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`now` tells by what tokens expire, and `clock` how long who failed has to wait; sessions go by both."""
        self._settings = settings
        self._is_loopback = is_loopback(listen_host)
        self._now = now
        self._passwords = Passwords()
        self._throttle = Throttle(clock)
        self._sign_ins = SignIns(clock)
        self.sessions = Sessions(now, clock)
        self.local_token = new_token()
        """For commands of whoever may read the data directory, as long as this service lives."""
        self._local_hash = sha256_of(self.local_token)
        self._xsrf_key = secrets.token_bytes(32)

    def at(self, listen_host: str) -> Access:
        """The same for another address on which the service listens."""
        other = copy(self)
        other._is_loopback = is_loopback(listen_host)
        return other

    @property
    def is_open(self) -> bool:
        """Whether whoever comes may do everything.  The settings may have changed since the service began to listen."""
        return self._is_loopback and not self._settings().has_credentials

    def role(self, identity: Identity) -> Role | None:
        """What somebody may do now."""
        settings = self._settings()
        match identity.kind:
            case "anyone":
                if self.is_open:
                    return "edit"
                return settings.anonymous if settings.anonymous != "none" else None
            case "local":
                return "edit"
            case "token":
                token = next((each for each in settings.tokens if each.sha256 == identity.secret), None)
                return None if token is None or self._has_expired(token) else token.role
            case "user":
                is_same = (user for user in settings.users if user.name == identity.name)
                return next((user.role for user in is_same if user.password_hash == identity.secret), None)
            case "session":
                session = self.session(identity)
                return session.role if session else None
            case "proxy":
                by_name = {user.name: user.role for user in settings.users}
                return by_name.get(identity.name, settings.auth_proxy.role) if settings.auth_proxy else None

    def xsrf_token(self, identity: Identity) -> str | None:
        """What only the page knows of somebody, who is known by what browsers send by themselves; else None."""
        if identity.kind == "proxy":
            return hmac.digest(self._xsrf_key, identity.name.encode(), hashlib.sha256).hex()
        session = self.session(identity)
        return session.xsrf_token if session else None

    def session(self, identity: Identity) -> Session | None:
        """The session by which somebody is known, if it still is one.  With another password or role it is over."""
        session = self.sessions.get(identity.secret) if identity.kind == "session" else None
        if session is None or any(session.is_of(user) for user in self._settings().users):
            return session
        self.sessions.end(session.key)
        return None

    def known(self, headers: Mapping[str, str], cookie: str | None = None, proxied: str | None = None) -> Identity:
        """Who asks, as far as that can be told without a password.

        `cookie` is the secret of a session; where that is over, they have not signed in.  `proxied` is whom a trusted
        proxy tells.  Raises Problem for a token that is none, and for a name that nobody can have.
        """
        if proxied is not None:
            if not re.fullmatch(USER_NAME_PATTERN, proxied):
                raise Problem(403, "The proxy tells a name that no user can have.")
            return Identity("proxy", proxied)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._of_token(token.strip())
        session = None if cookie is None or self.is_open else self.sessions.seen(cookie)
        if session is None:
            return ANYONE
        identity = Identity("session", session.name, session.key)
        return identity if self.session(identity) else ANYONE

    async def with_password(self, headers: Mapping[str, str], address: str) -> Identity:
        """Who asks by Basic (RFC 7617), where the password may be a token; ANYONE where nobody does so.

        Raises Problem where they are wrong.
        """
        scheme, _, encoded = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or self.is_open:  # which may be meant for a proxy
            return ANYONE
        try:
            name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            colon = ""
        if not colon:
            raise Problem(400, "The credentials are not of the form that Basic has (RFC 7617).")
        if password.startswith(TOKEN_PREFIX):
            return self._of_token(password)
        user = await self.sign_in(name, password, address)
        return Identity("user", user.name, user.password_hash or "")

    async def sign_in(self, name: str, password: str, address: str) -> User:
        """The user of a name and password, which somebody at an address gives.

        Raises SignInRefused with 401 or 429.
        """
        keys, users = keys_of(address, name), self._settings().users
        account = next((each.name for each in users if each.name == name), None)
        if wait := self._throttle.admit(*keys):
            raise self._too_many(wait, address, account)
        try:
            user = await self._passwords.user(users, name, password)
        except Busy:
            self._throttle.withdraw(*keys)
            raise self._too_many(1, address, account) from None
        if user is None:
            self._sign_ins.failed(keys[0], account)
            log.warning(
                "the sign-in of %s from %s failed", "an unknown user" if account is None else repr(account), address
            )
            headers = {"WWW-Authenticate": f"{_CHALLENGE}, {_BASIC}"}
            raise SignInRefused(Problem(401, "Name or password is wrong.", headers=headers), account)
        self._throttle.forgive(*keys)
        return user

    async def begin_session(self, name: str, password: str, address: str) -> tuple[User, str]:
        """As `sign_in`, with the secret of a new session, for the browser alone."""
        user = await self.sign_in(name, password, address)
        if wait := self._sign_ins.begin_session(user.name):
            raise self._too_many(math.ceil(wait), address, user.name)
        return user, self.sessions.begin(user)

    def is_news(self, identity: Identity, address: str) -> bool:
        """Whether the audit trail is to have that somebody at an address shows a password, as with every request."""
        return identity.kind == "user" and self._sign_ins.succeeded(keys_of(address, identity.name)[0], identity.name)

    def turned_away(self, address: str, action: str) -> int:
        """How many attempts in a row at something came from an address by nobody knows who, with this one."""
        return self._sign_ins.turned_away(keys_of(address, "")[0], action)

    def _too_many(self, seconds: int, address: str, account: str | None) -> SignInRefused:
        headers = {"Retry-After": str(seconds)}
        problem = Problem(429, f"Too many attempts to sign in: try again in {seconds} s.", headers=headers)
        return SignInRefused(problem, account, self._sign_ins.waited(keys_of(address, "")[0], account))

    def refuse(self, identity: Identity, need: Need | None) -> None:
        """Raises Problem where somebody may not have what takes a role."""
        role = self.role(identity)
        if suffices(role, need):
            return
        if need is None:
            raise Problem(403, "Nobody may do this.")
        if identity is ANYONE:
            challenge = f"{_CHALLENGE}, {_BASIC}" if need == "scrape" else _CHALLENGE
            raise Problem(401, f"This takes the role {need}: sign in.", headers={"WWW-Authenticate": challenge})
        raise Problem(403, f"This takes the role {need}, and {identity.name} has {role or 'none'}.")

    def _of_token(self, token: str) -> Identity:
        if hmac.compare_digest(sha256_of(token), self._local_hash):
            return Identity("local")
        if self.is_open:
            return ANYONE
        shown, found = sha256_of(token), None
        for each in self._settings().tokens:  # all of them, so that the time tells nothing
            if hmac.compare_digest(shown, each.sha256 or ""):
                found = each
        if found is not None and not self._has_expired(found):
            return Identity("token", found.name, shown)
        detail = "This token is none of this service." if found is None else "This token has expired."
        raise Problem(401, detail, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'})

    def _has_expired(self, token: Token) -> bool:
        return token.expires is not None and token.expires <= self._now()
