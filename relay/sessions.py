"""Sessions of the page: who has signed in with a password, and still is.

They are in memory alone: nothing of them is to be found on the disk, and a restart ends them all.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from exporter.events import Instant
from exporter.settings import Role, User

IDLE_MS = 12 * 3600 * 1000
"""How long nothing may have been asked for."""
LONGEST_MS = 7 * 24 * 3600 * 1000
"""How long it may last, however much is asked for."""
MAX_SESSIONS = 100
"""Of a user: of more, those that were idle longest end."""


class _Moment(NamedTuple):
    """By two clocks: one is set back at times, the other one stands still while the machine sleeps."""

    now: Instant
    seconds: float

    def since(self, earlier: _Moment) -> float:
        """Milliseconds, by the clock that has counted more of them."""
        return max(self.now - earlier.now, (self.seconds - earlier.seconds) * 1000)


class Session(Struct):
    key: str
    """Hash of the secret that the browser has."""
    name: str
    password_hash: str
    role: Role
    """As it was at the beginning, like the two before it: with others in the settings the session is over."""
    xsrf_token: str
    """What a request that changes something has to show beside the cookie, which browsers add by themselves."""
    began_at: _Moment
    seen_at: _Moment

    def is_of(self, user: User) -> bool:
        return (user.name, user.password_hash, user.role) == (self.name, self.password_hash, self.role)


class Sessions:
    """Belongs to the event loop's thread."""

    def __init__(self, now: Callable[[], Instant], clock: Callable[[], float]) -> None:
        """`now` tells the time of day, and `clock` seconds that are never set back."""
        self._now = now
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        """By key; those that were seen last come last."""

    def _moment(self) -> _Moment:
        return _Moment(self._now(), self._clock())

    def begin(self, user: User) -> str:
        """The secret of a new session, for the browser alone."""
        secret, now = secrets.token_urlsafe(32), self._moment()
        key = _key(secret)
        self._sessions[key] = Session(
            key, user.name, user.password_hash or "", user.role, secrets.token_urlsafe(32), now, now
        )
        of_user = [each.key for each in self._sessions.values() if each.name == user.name]
        for key in of_user[:-MAX_SESSIONS]:
            self.end(key)
        return secret

    def seen(self, secret: str) -> Session | None:
        """The session of a secret that a request came with."""
        session = self.get(_key(secret))
        if session is not None:
            session.seen_at = self._moment()
            self._sessions.move_to_end(session.key)
        return session

    def get(self, key: str) -> Session | None:
        """A session, unless its time is over."""
        session, now = self._sessions.get(key), self._moment()
        if session is not None and (now.since(session.seen_at) >= IDLE_MS or now.since(session.began_at) >= LONGEST_MS):
            self.end(key)
            return None
        return session

    def end(self, key: str) -> None:
        self._sessions.pop(key, None)

    def end_all(self, name: str) -> None:
        """End every session of a user."""
        for key in [session.key for session in self._sessions.values() if session.name == name]:
            self.end(key)


def _key(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
