"""What all handlers of one service share."""

from __future__ import annotations

from copy import copy

from exporter.engine import Engine
from exporter.settings import Settings
from relay import guard
from relay.access import Access
from relay.arriving import Arriving
from relay.relay import Relay


class Site:
    """Belongs to the event loop's thread."""

    def __init__(self, engine: Engine, listen_host: str) -> None:
        self.engine = engine
        self.relay: Relay | None = None
        """None until the engine has started; only `/-/healthy` and `/-/ready` are answered till then."""
        self.access = Access(lambda: engine.settings, listen_host)
        self.arriving = Arriving()
        self._listen_host = listen_host
        self._policy: tuple[Settings, guard.Policy] | None = None

    def at(self, listen_host: str) -> Site:
        """The same at another address on which the service listens."""
        other = copy(self)
        other.access = self.access.at(listen_host)
        other._listen_host, other._policy = listen_host, None
        return other

    @property
    def policy(self) -> guard.Policy:
        """What the guard goes by; follows the settings when they are reloaded."""
        settings = self.engine.settings
        if self._policy is None or self._policy[0] is not settings:
            rules = guard.policy(
                self._listen_host, settings.allowed_hosts, settings.allowed_origins, settings.trusted_proxies,
                settings.auth_proxy.header if settings.auth_proxy else None,
            )  # fmt: skip
            self._policy = (settings, rules)
        return self._policy[1]
