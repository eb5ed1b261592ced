"""Where the service listens, how, and whom it believes: what these settings mean together.

`exporter.credentials` has the users and tokens; `relay.guard` and `relay.access` go by all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeVar

from msgspec import Struct

from exporter import certificates
from exporter.certificates import Unusable
from exporter.document import Mapping, Node, shown
from exporter.settings import AuthProxy, Settings, Tls
from exporter.shapes import FAULTY, Fields, Reader

S = TypeVar("S", bound=Struct)

Report = Callable[[Node, str, str], None]
_FIRST_USER = "make the first user: cronscope passwd admin"
_RIGHTS = ("user", "group")
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"), ip_network("::ffff:127.0.0.0/104"))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches who listens at a host, of which an IPv6 address may be in brackets."""
    host = host.strip("[]").lower()
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False  # where a name leads to may change at any time


def host_of(address: str) -> str:
    """The host of `HOST:PORT`."""
    return address.rpartition(":")[0]


def port_fault(address: str) -> str | None:
    """What is wrong with the port of `HOST:PORT`."""
    port = address.rpartition(":")[2]
    return None if int(port) <= 65_535 else f"expected a port from 0 to 65535, not {port}"


def proxy_fault(proxy: str) -> str | None:
    """What is wrong with an entry of `trusted_proxies` that its pattern does not say."""
    try:
        ip_network(proxy)
    except ValueError as error:  # also where bits are set beyond the network's
        return f"expected addresses and networks that there can be, not {proxy}: {error}"
    return None


def faults(settings: Settings, *, means_credentials: bool) -> Iterator[tuple[str, str]]:
    """Keys, each with what is wrong with it in view of the others.

    `means_credentials`: there are to be users or tokens, which may be faulty themselves.
    """
    if not means_credentials:
        yield from _open(settings)
    if settings.auth_proxy is not None and not settings.trusted_proxies:
        message = "expected trusted_proxies beside it, with the proxy's address, as nobody else is believed"
        yield "auth_proxy", message
    if settings.metrics_listen == settings.listen and not settings.listen.endswith(":0"):
        yield "metrics_listen", "expected another address than that of listen, which has the metrics too"


def _open(settings: Settings) -> Iterator[tuple[str, str]]:
    """By which keys whoever comes without credentials could do more than is meant."""
    rule = "Without any user or token the service listens on loopback only, such as 127.0.0.1:"
    scraping = settings.metrics_listen
    if not is_loopback(host_of(settings.listen)):
        yield "listen", f"{rule}8917; to reach it from elsewhere, {_FIRST_USER}"
    elif settings.anonymous == "view" or (settings.anonymous == "scrape" and scraping is None):
        all_of_it = "Without any user or token whoever reaches the service may do everything"
        yield "anonymous", f"{all_of_it}; to allow {settings.anonymous} alone, {_FIRST_USER}"
    if scraping is not None and not is_loopback(host_of(scraping)) and settings.anonymous != "scrape":
        yield "metrics_listen", f"{rule}8918; to scrape it from elsewhere, say anonymous: scrape, or {_FIRST_USER}"


class Unbounded(NamedTuple):
    """By what scripts that have a `user` or `group` can do nevertheless all that the service can: each reaches it."""

    place: tuple[str | int, ...]
    """Keys and numbers of items that lead to where the configuration says so."""
    what: str
    remedy: str


def unbounded(settings: Settings) -> Unbounded | None:
    """None where scripts have no more rights than they are given, or have those of the service anyway."""
    own = ((number, key) for number, script in enumerate(settings.scripts) for key in _RIGHTS if getattr(script, key))
    if (first := next(own, None)) is None:
        return None
    nothing = "user and group of scripts keep them from nothing"
    if not settings.has_credentials:
        what = f"{nothing}: without any user or token each may have the service run whatever it likes with all rights"
        return Unbounded(("scripts", *first), what, _FIRST_USER)
    believed = settings.trusted_proxies if settings.auth_proxy is not None else []
    near = [proxy for proxy in believed if any(_overlap(ip_network(proxy), each) for each in _LOOPBACK)]
    if not near:
        return None
    what = f"{nothing}: they may come from {' and '.join(near)} as the proxy does, and by auth_proxy say who they are"
    remedy = "have the proxy come from an address that is not this machine's, and write that alone"
    return Unbounded(("trusted_proxies",), what, remedy)


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def tls(reader: Reader, report: Report, node: Node, *, look: Callable[[Tls], bool]) -> Tls | None:
    """The setting, if it is sound.  `look`: whether it matters that there is a certificate that can be shown."""
    fields = _fields(reader, report, node, Tls, "tls")
    for key in Tls.__struct_fields__:
        if fields is not None and key not in fields:
            file = {"cert": "the certificate, with those that lead to its authority", "key": "its private key"}[key]
            report(node, f"tls.{key}", f"missing; expected the path of a file in PEM with {file}")
    values = {name: value for name, (value, _) in (fields or {}).items() if value is not FAULTY}
    if fields is None or values.keys() != {*Tls.__struct_fields__}:
        return None
    sound = Tls(**values)
    if look(sound):
        try:
            certificates.load(sound)
        except Unusable as error:
            report(fields[error.key][1], f"tls.{error.key}", str(error))
    return sound


def auth_proxy(reader: Reader, report: Report, node: Node) -> AuthProxy:
    """The setting, without what is faulty."""
    fields = _fields(reader, report, node, AuthProxy, "auth_proxy") or {}
    return AuthProxy(**{name: value for name, (value, _) in fields.items() if value is not FAULTY})


def _fields(reader: Reader, report: Report, node: Node, of: type[Struct], key: str) -> Fields | None:
    if isinstance(node, Mapping):
        return reader.fields(node, of, key)
    report(node, key, f"expected a mapping of {' and '.join(of.__struct_fields__)}, not {shown(node)}")
    return None
