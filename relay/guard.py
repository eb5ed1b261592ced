"""Who may come in: one pure decision, asked for every request before anything else happens.

A service that listens on loopback without credentials is within reach of every page that the user's browser
shows.  Two attacks follow, and two rules stop them:

- DNS rebinding: a foreign name is made to point at 127.0.0.1, so that the browser takes the service for that
  site.  The browser still sends the foreign name as `Host`: unknown names get 421.
- Cross-site requests: a foreign page posts to the service, or opens its WebSocket.  The browser says so in
  `Origin` (RFC 6454) or `Sec-Fetch-Site`: such requests get 403.  Programs that are no browsers send neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from msgspec import Struct

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = IPv4Network("127.0.0.0/8")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([0-9]{0,5}))?")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)")


class Policy(Struct, frozen=True):
    """What the settings allow beside loopback names and the service's own pages, in canonical form."""

    hosts: frozenset[str]
    origins: frozenset[str]


class Refusal(Struct, frozen=True):
    status: int
    detail: str
    """One sentence that names the setting which would allow the request."""


def policy(listen_host: str, allowed_hosts: Iterable[str], allowed_origins: Iterable[str]) -> Policy:
    """An entry that is no host, or no origin, allows nothing; a port of an allowed host is not looked at."""
    hosts = (_authority(f"[{host}]" if host.count(":") > 1 and host[0] != "[" else host)
             for host in (listen_host, *allowed_hosts))  # fmt: skip
    origins = (_origin(origin.rstrip("/")) for origin in allowed_origins)
    return Policy(frozenset(host[0] for host in hosts if host), frozenset(origin for origin in origins if origin))


def refusal(rules: Policy, *, scheme: str, headers: Mapping[str, str], changes: bool) -> Refusal | None:
    """Why a request may not come in; None where it may.

    `headers` is looked up by canonical names (`Sec-Fetch-Site`); `changes` says that the request changes something
    or opens the WebSocket.
    """
    host = headers.get("Host")
    authority = _authority(host) if host is not None else None
    if authority is None or not (_is_loopback(authority[0]) or authority[0] in rules.hosts):
        said = "has no Host header" if host is None else f"asks for host {_quoted(host)}"
        return Refusal(421, f"The request {said}, which is no name of this service; allowed_hosts can add names.")
    return _cross_site(rules, f"{scheme}://{host}", headers) if changes else None


def _cross_site(rules: Policy, own_origin: str, headers: Mapping[str, str]) -> Refusal | None:
    origin = headers.get("Origin")
    if origin is None:
        site = headers.get("Sec-Fetch-Site", "none")
        if site in ("same-origin", "none"):
            return None
        return Refusal(403, f"A page of another site ({_quoted(site)}) that does not tell its origin may not do this:"
                            " allowed_origins can allow only origins that are told.")  # fmt: skip
    canonical = _origin(origin)
    if canonical is not None and (canonical == _origin(own_origin) or canonical in rules.origins):
        return None
    return Refusal(403, f"A page of the origin {_quoted(origin)} may not do this: only this service's own page may,"
                        " and pages of the origins in allowed_origins.")  # fmt: skip


def _authority(text: str) -> tuple[str, str] | None:
    """Host in canonical form, and port as written, of `host[:port]` (RFC 9110, 7.2); None where malformed."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    host, port = match[1].lower(), match[2] or ""
    if not host.startswith("["):
        return host.removesuffix("."), port
    try:
        return f"[{IPv6Address(host[1:-1]).compressed}]", port
    except ValueError:
        return None


def _origin(text: str) -> str | None:
    """`scheme://host:port` in canonical form; None for `null` and whatever else is not of that form."""
    match = _ORIGIN.fullmatch(text.lower())
    authority = _authority(match[2]) if match else None
    if match is None or authority is None:
        return None
    host, port = authority
    return f"{match[1]}://{host}:{port or _DEFAULT_PORTS.get(match[1], '')}"


def _is_loopback(host: str) -> bool:
    """`localhost` and names below it (RFC 6761, 6.3), 127.0.0.0/8, ::1; no other spelling of an address."""
    if host == "[::1]" or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return IPv4Address(host) in _LOOPBACK
    except ValueError:
        return False


def _quoted(text: str) -> str:
    return f"{text[:100]!r}"
