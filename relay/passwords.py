"""Passwords against their hashes: on worker threads, few at a time, at the same cost whoever is named."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from exporter.settings import User

AT_A_TIME = 2
"""Verifications under way; each takes 64 MiB with the parameters of `hash_password`."""
MAX_WAITING = 32
"""Verifications that wait for their turn."""
LONGEST = 1024
"""Characters of a password."""
_REMEMBERED = 64
"""Correct passwords, so that a scraper's costs a hash once and not every few seconds."""

_hasher = PasswordHasher()


class Busy(Exception):
    """So many passwords are being verified that this one has to come again."""


def hash_password(password: str) -> str:
    """An argon2id hash, with the parameters that RFC 9106 recommends for little memory."""
    return _hasher.hash(password)


class Passwords:
    """Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_A_TIME)
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._correct: OrderedDict[bytes, None] = OrderedDict()

    async def user(self, users: Sequence[User], name: str, password: str) -> User | None:
        """The user of a name, if the password is right.  Raises Busy.

        An unknown name costs what the first user's does, so that nobody learns by the time which names there are.
        """
        with_password = [user for user in users if user.password_hash]
        found = next((user for user in with_password if user.name == name), None)
        tried = found or (with_password[0] if with_password else None)
        if tried is None or len(password) > LONGEST:
            return None
        hashed = tried.password_hash or ""
        mark = hmac.digest(self._key, f"{hashed}\0{password}".encode(errors="surrogatepass"), hashlib.sha256)
        if found is not None and mark in self._correct:
            return found
        if self._waiting >= MAX_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                right = await asyncio.to_thread(_verify, hashed, password)
        finally:
            self._waiting -= 1
        if not right or found is None:
            return None
        self._correct[mark] = None
        while len(self._correct) > _REMEMBERED:
            self._correct.popitem(last=False)
        return found


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
