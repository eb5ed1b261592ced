"""Whom the service under test knows, and how they ask."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from argon2 import PasswordHasher
from tornado.httpclient import HTTPResponse

from exporter.events import Instant
from exporter.settings import Settings, Token, User
from relay import roles
from relay.access import new_token, sha256_of
from tests.fake_engine import RUN_ID

Fetch = Callable[..., Awaitable[HTTPResponse]]
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse: battery, stäple"  # noqa: S105
TOKENS: dict[str, str] = {role: new_token() for role in roles.ROLES}
EXPIRED = new_token()
_NAMES = {"name": "backup", "id": RUN_ID, "file": "missing.svg", "path": "backup.sh", "number": "1"}


class Clock:
    """What tells the time to the service; the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0
        self.set_back = 0.0
        """By how many seconds the time of day was set back."""

    def now(self) -> Instant:
        return Instant(round((self.seconds - self.set_back) * 1000))

    def monotonic(self) -> float:
        return self.seconds


def settings(clock: Clock, **others: Any) -> Settings:
    """A user and a token of each role, and a token that has expired."""
    tokens = [Token(name=f"{role}-token", sha256=sha256_of(TOKENS[role]), role=role) for role in roles.ROLES]
    tokens.append(Token(name="old", sha256=sha256_of(EXPIRED), role="edit", expires=clock.now()))
    users = [User(name=f"{role}-user", password_hash=CHEAP.hash(PASSWORD), role=role) for role in roles.ROLES]
    return Settings(**{"users": users, "tokens": tokens, **others})


def address(route: str) -> str:
    """An address of a route that there is."""
    return re.sub(r"{(\w+)}", lambda placeholder: _NAMES[placeholder[1]], route)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def detail(answer: HTTPResponse) -> str:
    """What a problem says."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: str = json.loads(answer.body)["detail"]
    return told
