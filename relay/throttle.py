"""How often somebody may try to sign in: each failure in a row lets the next attempts wait longer."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

FREE = 5
"""Attempts in a row that wait for nothing."""
LONGEST_SECONDS = 300.0
"""Wait after many failures; it begins at a second, and doubles."""
FORGET_SECONDS = 3600.0
"""After so long without an attempt, earlier ones do not count."""
MAX_KEYS = 10_000
"""Addresses and accounts that are remembered; of more, those that tried longest ago are forgotten."""


class _Tries(NamedTuple):
    failures: int
    at: float
    """When the last one was."""

    @property
    def free_at(self) -> float:
        """When the next one may be."""
        if self.failures < FREE:
            return self.at
        return self.at + min(LONGEST_SECONDS, 2.0 ** min(self.failures - FREE, 30))


class Throttle:
    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, and never goes back."""
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def admit(self, keys: Sequence[str]) -> int:
        """Count an attempt, as a failure until it is forgiven; or the seconds to wait, and then it does not count.

        Counted before it is known how it ends, so that many at once are no way round.
        """
        now = self._clock()
        wait = max(math.ceil(self._of(key, now).free_at - now) for key in keys)
        if wait > 0:
            return wait
        for key in keys:
            self._tries[key] = _Tries(self._of(key, now).failures + 1, now)
            self._tries.move_to_end(key)
        while len(self._tries) > MAX_KEYS:
            self._tries.popitem(last=False)
        return 0

    def forgive(self, keys: Sequence[str]) -> None:
        """It was no failure, and those before it do not count any more."""
        for key in keys:
            self._tries.pop(key, None)

    def withdraw(self, keys: Sequence[str]) -> None:
        """The attempt was none; those before it still count."""
        for key in keys:
            if (tries := self._tries.get(key)) is not None:
                self._tries[key] = tries._replace(failures=tries.failures - 1)

    def _of(self, key: str, now: float) -> _Tries:
        tries = self._tries.get(key)
        return _Tries(0, now) if tries is None or now - tries.at > FORGET_SECONDS else tries


def keys_of(address: str, account: str) -> tuple[str, str]:
    """What an attempt counts for: the address, of IPv6 the network of a site, and the account, known or not."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket of another kind
        return f"address {address}", f"account {account[:64]}"
    if isinstance(parsed, IPv6Address):
        address = str(ip_network(f"{parsed}/64", strict=False))
    return f"address {address}", f"account {account[:64]}"
