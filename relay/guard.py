"""Who may come in: one pure decision, asked for every request before anything else happens.

A service is within reach of every page that its user's browser shows.  Two attacks follow, and two rules stop them:

- DNS rebinding: a foreign name is made to point at 127.0.0.1, so that the browser takes the service for that
  site.  The browser still sends the foreign name as `Host`: where anyone may come in, unknown names get 421.
- Cross-site requests: a foreign page posts to the service, or opens its WebSocket.  The browser says so in
  `Origin` (RFC 6454) or `Sec-Fetch-Site`: such requests get 403.  Programs that are no browsers send neither.

Who asks, and what they may do, is for `relay.access` and `relay.roles` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = IPv4Network("127.0.0.0/8")
_MAPPED = IPv6Network("::ffff:0:0/96")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([0-9]{0,5}))?")
_FORWARDED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)")


class Policy(Struct, frozen=True):
    """What the settings allow beside loopback names and the service's own pages, in canonical form."""

    hosts: frozenset[str]
    origins: frozenset[str]
    proxies: tuple[IPv4Network | IPv6Network, ...]
    user_header: str | None = None
    """In which the proxies tell who asks."""


class Source(Struct, frozen=True):
    """Where a request came from: what the connection says, or the proxies that are trusted."""

    address: str
    scheme: str
    host: str | None = None
    """The name by which a trusted proxy was asked, where it tells."""
    user: str | None = None
    """Who asks, where a trusted proxy tells; it may be no name of anybody."""


class Refusal(Struct, frozen=True):
    status: int
    detail: str
    """A sentence that has the very setting which would allow the request, where one would."""


def policy(
    listen_host: str, allowed_hosts: Iterable[str], allowed_origins: Iterable[str], trusted_proxies: Iterable[str] = (),
    user_header: str | None = None,
) -> Policy:  # fmt: skip
    """An entry that is no host, or no origin, allows nothing; a port of an allowed host is not looked at."""
    hosts = (_authority(f"[{host}]" if host.count(":") > 1 and host[0] != "[" else host)
             for host in (listen_host, *allowed_hosts))  # fmt: skip
    origins = (_origin(origin.rstrip("/")) for origin in allowed_origins)
    return Policy(
        frozenset(host[0] for host in hosts if host),
        frozenset(origin for origin in origins if origin),
        tuple(map(_network, trusted_proxies)),
        user_header,
    )


def source_of(rules: Policy, peer: str, scheme: str, headers: Mapping[str, str]) -> Source:
    """Where a request came from that `peer`, an address, sent.

    Only what a trusted proxy says is believed.  Of `X-Forwarded-For` that is the last address which is no trusted
    proxy itself, as each appends who asked it; of `X-Forwarded-Proto` and `-Host` the last value, as whoever asks may
    have sent others.
    """
    client = _address(peer) or peer
    if not _is_trusted(rules, client):
        return Source(client, scheme)
    for told in reversed(headers.get("X-Forwarded-For", "").split(",")):
        address = _address(told)
        if address is None:
            break
        client = address
        if not _is_trusted(rules, address):
            break
    told_scheme, told_host = (_last(headers.get(f"X-Forwarded-{name}", "")) for name in ("Proto", "Host"))
    told_user = headers.get(rules.user_header) if rules.user_header else None
    return Source(
        client, told_scheme.lower() if told_scheme.lower() in _DEFAULT_PORTS else scheme, told_host or None,
        told_user or None,
    )  # fmt: skip


def refusal(
    rules: Policy, source: Source, *, headers: Mapping[str, str], changes: bool, by_credentials: bool = False
) -> Refusal | None:
    """Why a request from `source` may not come in; None where it may.

    `by_credentials` says that it comes with some, or gets nothing without: then its name is not looked at, as a page
    under a name that was rebound has none.

    `headers` is looked up by canonical names (`Sec-Fetch-Site`); `changes` says that the request changes something
    or opens the WebSocket.  Both names count, that in `Host` and the proxy's: under a name that was rebound, a page
    may send any `X-Forwarded-Host` by way of a browser on the machine of the proxy.
    """
    host = headers.get("Host")
    if host is None and not by_credentials:
        return Refusal(421, "The request has no Host header, so it is for no name of this service; allowed_hosts can"
                            " add names.")  # fmt: skip
    for name in (host, source.host):
        if not by_credentials and name is not None and (refused := _misdirected(rules, name)):
            return refused
    return _cross_site(rules, f"{source.scheme}://{source.host or host or ''}", headers) if changes else None


def _misdirected(rules: Policy, name: str) -> Refusal | None:
    authority = _authority(name)
    if authority is not None and (_is_loopback(authority[0]) or authority[0] in rules.hosts):
        return None
    if authority is None:
        return Refusal(421, f"The request asks for {_quoted(name)}, which no entry of allowed_hosts can make a host.")
    setting = _setting("allowed_hosts", authority[0])
    return Refusal(421, f"The request asks for a host that is no name of this service; {setting} would make it one.")


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
    if canonical is None:
        return Refusal(
            403, f"A page of the origin {_quoted(origin)} may not do this, which allowed_origins cannot change."
        )
    setting = _setting("allowed_origins", origin.lower())
    return Refusal(403, f"A page of another site may not do this; {setting} would allow it.")


def _is_trusted(rules: Policy, address: str) -> bool:
    return bool(rules.proxies) and any(ip_address(address) in network for network in rules.proxies)


def _network(text: str) -> IPv4Network | IPv6Network:
    """One of IPv4 addresses as such, also where IPv6 writes them (RFC 4291, 2.5.5.2): as `_address` has them."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - _MAPPED.prefixlen))
    return network


def _address(text: str) -> str | None:
    """The address in an entry of `X-Forwarded-For`, which some proxies write with a port; None where it has none."""
    match = _FORWARDED.fullmatch(text.strip())
    try:
        address = ip_address(match[1] or match[2] if match else text.strip())
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _last(values: str) -> str:
    return values.rpartition(",")[2].strip()


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


def _setting(key: str, value: str) -> str:
    """As it stands in the configuration file, which may already have others."""
    return f'{key}: ["{value[:100]}"]'


def _quoted(text: str) -> str:
    return f"{text[:100]!r}"
