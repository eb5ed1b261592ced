"""A second address that serves what Prometheus scrapes, and nothing else."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config import read
from exporter.faults import ConfigError
from relay.access import new_token, sha256_of
from tests.certificates import make
from tests.service import Service, until

SCRAPED = ("/metrics", "/-/healthy", "/-/ready")


def scraping(service: Service, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer at the address for scraping."""
    (where,) = re.findall(r"metrics are served at (\S+)/metrics", "".join(service.errors))
    page, service.url = service.url, where.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    try:
        status, _, body = service.fetch(path, headers=headers)
    finally:
        service.url = page
    return status, body


def test_it_serves_metrics_and_health_and_says_of_all_else_where_it_is(start_service: Callable[..., Service]) -> None:
    service = start_service("metrics_listen: 127.0.0.1:0\nurl_prefix: /sub\n")
    for path in SCRAPED:
        assert scraping(service, path)[0] == 200
    assert b"cronscope_build_info" in scraping(service, "/metrics")[1]
    for path in ("/", "/sub/metrics", "/ws", "/api/v1/status", "/login", "/-/reload", "/assets/x.js", "/favicon.svg"):
        status, body = scraping(service, path)
        assert status == 404
        assert json.loads(body)["detail"] == (
            "This address is for scraping alone: it has /metrics, /-/healthy and /-/ready."
        )
    assert service.fetch("/metrics")[0] == 200
    assert scraping(service, "/metrics", Host="evil.example")[0] == 421


def test_it_takes_the_role_that_scraping_takes(start_service: Callable[..., Service]) -> None:
    token = new_token()
    tokens = f"tokens: [{{name: prometheus, role: scrape, sha256: {sha256_of(token)}}}]\n"
    service = start_service(f"{tokens}metrics_listen: 0.0.0.0:0\n")
    for path in SCRAPED:
        assert scraping(service, path)[0] == 401
        assert scraping(service, path, Host="db1.example.org", Authorization=f"Bearer {token}")[0] == 200
    assert scraping(service, "/api/v1/status")[0] == 404


def test_anonymous_scraping_opens_it_to_the_network_and_the_page_to_nobody_else(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("anonymous: scrape\nmetrics_listen: 0.0.0.0:0\nallowed_hosts: [db1]\n")
    assert scraping(service, "/metrics")[0] == 200
    assert scraping(service, "/metrics", Host="db1:9100")[0] == 200
    assert scraping(service, "/-/reload")[0] == 404
    assert service.url.startswith("http://127.0.0.1:")
    assert service.fetch("/api/v1/config")[0] == 200
    service.config.write_text("metrics_listen: 127.0.0.1:0\n")  # no longer for anybody, and still on the network
    until(lambda: scraping(service, "/metrics")[0], lambda status: status == 401)
    assert any("metrics_listen has changed: this takes effect at the next start" in line for line in service.errors)


def faults(text: str, **flags: str) -> list[str]:
    try:
        read(text, Path("/c.yml"), environ={}, flags=flags)
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


ANYBODY = f"tokens: [{{name: a, role: scrape, sha256: {64 * 'a'}}}]\n"
RULE = "metrics_listen: Without any user or token the service listens on loopback only, such as 127.0.0.1:8918; to"
FORM = "metrics_listen: expected HOST:PORT such as 127.0.0.1:8917 or [::1]:8917, not "


@pytest.mark.parametrize(("text", "found"), [
    ("metrics_listen: 127.0.0.1:9100", []),
    ("metrics_listen: 0.0.0.0:9100", [RULE]),
    ("metrics_listen: 0.0.0.0:9100\nanonymous: scrape", []),
    ("metrics_listen: 0.0.0.0:9100\nanonymous: view", [RULE, "anonymous: Without any user or token whoever reaches"]),
    ("metrics_listen: 0.0.0.0:9100\nlisten: 0.0.0.0:80\nanonymous: scrape", ["listen: Without any user or token"]),
    (ANYBODY + "metrics_listen: 0.0.0.0:9100\nlisten: 0.0.0.0:80", []),
    ("anonymous: scrape", ["anonymous: Without any user or token whoever reaches"]),
    ("metrics_listen: 9100", [FORM + "9100"]),
    ("metrics_listen: 127.0.0.1:65536", ["metrics_listen: expected a port from 0 to 65535, not 65536"]),
    ("listen: 127.0.0.1:80\nmetrics_listen: 127.0.0.1:80",
     ["metrics_listen: expected another address than that of listen, which has the metrics too"]),
    ("listen: 127.0.0.1:0\nmetrics_listen: 127.0.0.1:0", []),
])  # fmt: skip
def test_off_loopback_it_takes_credentials_or_the_word_that_anybody_may_scrape(text: str, found: list[str]) -> None:
    told = [fault.partition(": ")[2] for fault in faults(text)]
    assert len(told) == len(found)
    assert all(each.startswith(expected) for each, expected in zip(told, found, strict=True)), told


def test_the_flag_is_named_where_it_is_at_fault() -> None:
    assert faults("", metrics_listen="0.0.0.0:1")[0].startswith(f"command line: --{RULE.replace('_', '-', 1)}")


def test_a_port_in_use_is_told_with_the_key_that_names_it(start_service: Callable[..., Service]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use.* metrics_listen"):
            start_service("", "--metrics-listen", f"127.0.0.1:{port}")


def test_it_shows_the_certificate_too(start_service: Callable[..., Service], tmp_path: Path) -> None:
    cert, key = make(tmp_path / "tls")
    service = start_service(f"metrics_listen: 127.0.0.1:0\ntls: {{cert: {cert}, key: {key}}}\n")
    service.trusted = ssl.create_default_context(cafile=str(cert))
    assert scraping(service, "/metrics")[0] == 200
