"""What strangers can do again and again: which of it the audit trail is told of, and how many sessions sign-ins begin.

A scraper signs in every few seconds, and so may whoever guesses: an entry for each would drown the others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

TOLD_AGAIN_SECONDS = 12 * 3600.0
"""After so long a program that signs in with every request is told anew."""
SESSIONS_AT_ONCE = 1000
"""That somebody may begin in a row."""
SESSION_SECONDS = 60.0
"""After so long, one more."""
TOLD_EACH = 10
"""Attempts in a row of somebody without credentials at the same thing that are told one by one."""
TURNED_AWAY_SECONDS = 3600.0
"""After so long without one, attempts of somebody without credentials are counted anew."""
MAX_PAIRS = 10_000
"""Accounts with an address each that are remembered; of more, those that came longest ago are told anew."""


def is_told(number: int) -> bool:
    """Whether the trail is to have the attempt of this number: the first, the tenth, the hundredth…"""
    return str(number).rstrip("0") == "1"


class _Seen(NamedTuple):
    told_at: float | None = None
    """When a success was told that no failure came after."""
    waiting: int = 0
    """Attempts in a row that had to wait."""


class SignIns:
    """Belongs to the event loop's thread.  An account is None where there is none of the name that was given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, and never goes back."""
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str | None], _Seen] = OrderedDict()
        self._turned_away: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        """How many attempts at something came from each site in a row, and when the last one did."""
        self._sessions: dict[str, float] = {}
        """When all those that each account began would have been due, one at a time."""

    def succeeded(self, site: str, account: str) -> bool:
        """Whether it is news that a program at `site` signs in."""
        now, (told_at, _) = self._clock(), self._of(site, account)
        is_news = told_at is None or now - told_at >= TOLD_AGAIN_SECONDS
        self._remember(site, account, _Seen(now if is_news else told_at))
        return is_news

    def failed(self, site: str, account: str | None) -> None:
        self._remember(site, account, _Seen())

    def waited(self, site: str, account: str | None) -> int:
        """How many in a row had to wait, with this one."""
        waiting = self._of(site, account).waiting + 1
        self._remember(site, account, _Seen(waiting=waiting))
        return waiting

    def turned_away(self, site: str, action: str) -> int:
        """How many attempts in a row at something nobody knows who came by, with this one."""
        now = self._clock()
        count, at = self._turned_away.pop((site, action), (0, now))
        count = count + 1 if now - at < TURNED_AWAY_SECONDS else 1
        self._turned_away[site, action] = count, now
        while len(self._turned_away) > MAX_PAIRS:
            self._turned_away.popitem(last=False)
        return count

    def begin_session(self, account: str) -> float:
        """Count a session; or the seconds to wait, and then it does not count."""
        now = self._clock()
        due = max(now, self._sessions.get(account, now))
        wait = due - now - (SESSIONS_AT_ONCE - 1) * SESSION_SECONDS
        if wait <= 0:
            self._sessions[account] = due + SESSION_SECONDS
        return max(0.0, wait)

    def _of(self, site: str, account: str | None) -> _Seen:
        return self._seen.get((site, account), _Seen())

    def _remember(self, site: str, account: str | None, seen: _Seen) -> None:
        self._seen[site, account] = seen
        self._seen.move_to_end((site, account))
        while len(self._seen) > MAX_PAIRS:
            self._seen.popitem(last=False)
