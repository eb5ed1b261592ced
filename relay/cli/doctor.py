"""Looking for what will go wrong."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.options import config_file, config_option, json_option, printable

if TYPE_CHECKING:
    from exporter.faults import ConfigError
    from exporter.findings import Finding, Lines
    from exporter.settings import Settings

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command()
@config_option
@json_option
def doctor(config: Path | None, as_json: bool) -> None:
    """Look for what will go wrong, in the configuration and on this machine, and tell what to do about it.

    Beside faults of the configuration: programs, interpreters and folders that are missing, line ends of Windows, files
    that others may change or read, names that a proxy's requests cannot match, clock, time zone, disk and limits.
    Best run as the user that the service runs as.  Nothing is changed.

    Exit code 0 without errors, 1 with; warnings are no errors.
    """
    import msgspec
    from msgspec import structs

    findings = [
        structs.replace(each, where=printable(each.where), what=printable(each.what), remedy=printable(each.remedy))
        for each in _findings(config)
    ]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"findings": findings})))
    else:
        for finding in findings:
            severity = click.style(finding.severity, fg=_COLOURS[finding.severity])
            click.echo(f"{finding.where}: {severity}: {finding.what}")
            if finding.remedy:
                click.echo(f"    {finding.remedy}")
        click.echo(_summary(findings))
    sys.exit(any(finding.severity == "error" for finding in findings))


def _findings(config: Path | None) -> Iterator[Finding]:
    from exporter import doctor, machine
    from exporter.faults import ConfigError
    from exporter.findings import Lines
    from exporter.settings import Settings

    try:
        loaded = config_file(config).load()
    except ConfigError as error:
        yield from _faults(error)
        yield from machine.examine(Settings(data_dir=Path.cwd()), os.environ)
        return
    yield from doctor.examine(loaded, os.environ)
    lines = Lines(loaded)
    yield from names_behind_proxy(loaded.settings, lines)
    yield from believed_of_anybody(loaded.settings, lines)
    yield from in_the_clear(loaded.settings, lines)
    yield from bounding_nothing(loaded.settings, lines)
    yield from machine.examine(loaded.settings, os.environ)


def _faults(error: ConfigError) -> Iterator[Finding]:
    from exporter.findings import Finding

    for fault in error.faults:
        where = f"{fault.file}:{fault.line}" if fault.line else fault.file
        yield Finding(severity="error", where=where, what=fault.message, remedy="correct it; nothing starts before")


def names_behind_proxy(settings: Settings, lines: Lines) -> Iterator[Finding]:
    """Entries of allowed_hosts and allowed_origins that no request can match, and origins that are lacking."""
    from exporter.findings import Finding
    from relay.guard import policy

    for host in settings.allowed_hosts:
        if not policy(host, [], []).hosts:
            what = f'allowed_hosts: no request can ask for "{host}", which is no address'
            remedy = "write a host name, or an address such as 192.0.2.1 or 2001:db8::1"
            yield Finding(severity="error", where=lines.of("allowed_hosts"), what=what, remedy=remedy)
    for origin in settings.allowed_origins:
        scheme, _, rest = origin.lower().rstrip("/").partition("://")
        port = re.search(r":([0-9]+)$", rest)
        if scheme in ("ws", "wss") or not policy("", [], [origin]).origins or (port and not 0 < int(port[1]) < 1 << 16):
            what = f'allowed_origins: no page can come from "{origin}"'
            remedy = "write what the browser shows before the path, such as https://grafana.example.org or …:8443"
            yield Finding(severity="error", where=lines.of("allowed_origins"), what=what, remedy=remedy)
    if settings.trusted_proxies or settings.tls:  # so the scheme that browsers see is known
        return
    origins = policy("", [], settings.allowed_origins).origins
    for host in settings.allowed_hosts:
        secure = f"https://{host}"
        if policy(host, [], []).hosts and not policy("", [], [secure]).origins & origins:
            what = f"allowed_hosts: where a proxy serves {host} by HTTPS, its page may not start scripts or open /ws"
            remedy = f"add {secure} to allowed_origins, or the proxy to trusted_proxies"
            yield Finding(severity="warning", where=lines.of("allowed_hosts"), what=what, remedy=remedy)


def believed_of_anybody(settings: Settings, lines: Lines) -> Iterator[Finding]:
    """Networks that hold everybody, of whom each could say that he is somebody else."""
    from exporter.findings import Finding

    for proxy in settings.trusted_proxies if settings.auth_proxy else []:
        if proxy.endswith("/0"):
            what = f"trusted_proxies: {proxy} is everybody, and with auth_proxy whoever comes can say who he is"
            remedy = "write the address of the proxy alone"
            yield Finding(severity="error", where=lines.of("trusted_proxies"), what=what, remedy=remedy)


def in_the_clear(settings: Settings, lines: Lines) -> Iterator[Finding]:
    """Addresses on the network at which nothing is known to encrypt what is shown there."""
    from exporter.exposure import host_of, is_loopback
    from exporter.findings import Finding

    if settings.tls or settings.trusted_proxies or not settings.has_credentials:
        return
    for key, address in (("listen", settings.listen), ("metrics_listen", settings.metrics_listen)):
        if address is not None and not is_loopback(host_of(address)):
            what = f"{key}: passwords and tokens go over the network as they are"
            remedy = "set tls, or have a proxy with TLS before it and say trusted_proxies"
            yield Finding(severity="warning", where=lines.of(key), what=what, remedy=remedy)


def bounding_nothing(settings: Settings, lines: Lines) -> Iterator[Finding]:
    """Rights of scripts that are less than the service's, and may be had by the service all the same."""
    from exporter.exposure import unbounded
    from exporter.findings import Finding

    if (found := unbounded(settings)) is not None:
        where = lines.of(*found.place)
        yield Finding(severity="warning", where=where, what=found.what, remedy=found.remedy)


def _summary(findings: list[Finding]) -> str:
    counts = [(sum(each.severity == severity for each in findings), severity) for severity in ("error", "warning")]
    parts = [f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts if count]
    return ", ".join(parts) or "nothing wrong was found"
