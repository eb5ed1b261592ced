"""How often somebody may try to sign in: each failure lets the next attempts wait longer, by address and by account.

A right password makes up for what went wrong for the same account from the same address, and for nothing else: who has
one account cannot guess at others the faster, nor does a program that signs in with every request clear the way for
who guesses its password elsewhere.  From an address where an account's password was right before, attempts for it count
apart, so that nobody elsewhere holds its owner up: "Slow Down Online Guessing Attacks with Device Cookies", OWASP.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

FREE = 5
"""Failures that nothing has to wait for."""
LONGEST_SECONDS = 300.0
"""Wait after many failures; it begins at a second, and doubles."""
FORGET_SECONDS = 3600.0
"""After so long without an attempt, earlier ones do not count."""
MAX_KEYS = 10_000
"""Addresses, accounts and pairs of them that are remembered; of more, those that tried longest ago are forgotten."""


class _Tries(NamedTuple):
    failures: int
    at: float
    """When the last one was."""
    before: float
    """When the one before was."""

    @property
    def free_at(self) -> float:
        """When the next one may be."""
        if self.failures < FREE:
            return self.at
        return self.at + min(LONGEST_SECONDS, 2.0 ** min(self.failures - FREE, 30))


class Throttle:
    """An attempt is told by two keys: of an address and of an account."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, and never goes back."""
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        """Pairs that a right password came for, the latest last."""

    def admit(self, address: str, account: str) -> int:
        """Count an attempt, as a failure until it is forgiven; or the seconds to wait, and then it does not count.

        Counted before it is known how it ends, so that many at once are no way round.
        """
        now, pair = self._clock(), _pair(address, account)
        wait = max(math.ceil(self._of(key, now).free_at - now) for key in self._that_wait(address, account))
        if wait > 0:
            return wait
        for key in (address, account, pair):
            tries = self._of(key, now)
            self._tries[key] = _Tries(tries.failures + 1, now, tries.at)
            self._tries.move_to_end(key)
        _shorten(self._tries)
        return 0

    def forgive(self, address: str, account: str) -> None:
        """The password was right."""
        pair = _pair(address, account)
        tries = self._tries.pop(pair, None)
        self._take_back((address, account), tries.failures if tries else 0)
        self._known[pair] = None
        self._known.move_to_end(pair)
        _shorten(self._known)

    def withdraw(self, address: str, account: str) -> None:
        """The attempt was none; those before it still count."""
        self._take_back((address, account, _pair(address, account)), 1)

    def _that_wait(self, address: str, account: str) -> tuple[str, str]:
        pair = _pair(address, account)
        return address, pair if pair in self._known else account

    def _take_back(self, keys: Iterable[str], failures: int) -> None:
        """The last ones were no failures; earlier ones still count, from when they were."""
        for key in keys:
            if (tries := self._tries.get(key)) is not None:
                self._tries[key] = _Tries(max(0, tries.failures - failures), tries.before, tries.before)

    def _of(self, key: str, now: float) -> _Tries:
        tries = self._tries.get(key)
        return _Tries(0, now, now) if tries is None or now - tries.at > FORGET_SECONDS else tries


def _pair(address: str, account: str) -> str:
    return f"{address}, {account}"


def _shorten(remembered: OrderedDict[str, Any]) -> None:
    while len(remembered) > MAX_KEYS:
        remembered.popitem(last=False)


def keys_of(address: str, account: str) -> tuple[str, str]:
    """What an attempt counts for: the address, of IPv6 the network of a site, and the account, known or not."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket of another kind
        return f"address {address}", f"account {account[:64]}"
    if isinstance(parsed, IPv6Address):
        address = str(ip_network(f"{parsed}/64", strict=False))
    return f"address {address}", f"account {account[:64]}"
