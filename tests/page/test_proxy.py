"""The page and the service behind nginx, as `examples/nginx.conf` sets it up."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.page.conftest import OpenPage
from tests.programs import program
from tests.service import Service, until

EXAMPLE = Path(__file__).parents[2] / "examples/nginx.conf"
MAIN = """\
daemon off; pid nginx.pid; error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path other; uwsgi_temp_path other;
    scgi_temp_path other;
    include site;
}
"""
ORIGIN = "http://cron.example.org"
CONFIG = """\
allowed_hosts: [cron.example.org]
trusted_proxies: [127.0.0.1]
scripts: [{name: job, command: echo hello}]
"""

Proxied = Callable[..., Service]


@pytest.fixture
def proxied(tmp_path: Path, start_service: Callable[..., Service]) -> Iterator[Proxied]:
    """Starts a service, with nginx before it; `strip`: which takes the path away; `user`: who has signed in there."""
    nginx = program("nginx", "nginx-light")
    running: list[subprocess.Popen[bytes]] = []

    def start(config: str, *arguments: str, strip: bool = False, user: str = "") -> Service:
        service = start_service(config, *arguments)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        site = EXAMPLE.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
        site = site.replace("127.0.0.1:8917", f"127.0.0.1:{service.port}")
        if strip:
            site = site.replace("proxy_pass http://cronscope;", "proxy_pass http://cronscope/;")
        site = site.replace('Remote-User ""', f'Remote-User "{user}"')
        (tmp_path / "site").write_text(site)
        (tmp_path / "nginx.conf").write_text(MAIN)
        running.append(subprocess.Popen([nginx, "-p", tmp_path, "-c", "nginx.conf", "-e", "stderr"]))
        service.url = f"http://127.0.0.1:{port}/cronscope"
        until(lambda: answers(service), bool)
        return service

    yield start
    for process in running:
        process.terminate()
        process.wait()


def answers(service: Service) -> bool:
    try:
        return service.fetch("/-/healthy")[0] == 200
    except URLError:
        return False


@pytest.mark.parametrize("strip", [False, True])
def test_the_page_is_live_under_a_path_whether_the_proxy_takes_it_away_or_not(
    proxied: Proxied, open_page: OpenPage, strip: bool
) -> None:
    service = proxied(CONFIG if strip else CONFIG + "url_prefix: /cronscope", strip=strip)
    page = open_page(service)
    page.get_by_role("button", name="Run job").click()
    expect(page.get_by_role("row").filter(has_text="job")).to_contain_text("Completed")


def test_streams_metrics_and_changes_pass_and_foreign_origins_do_not(proxied: Proxied) -> None:
    service = proxied(CONFIG, "--url-prefix", "/cronscope", "--log-level", "debug")
    with service.socket() as plain, service.socket("?v=1") as rich:
        assert plain.next()["type"] == "system_metrics"
        assert rich.next()["type"] == "hello"
        # The page of the very site that nginx serves, by the name that nginx tells.
        own = {"Host": "cron.example.org", "Origin": ORIGIN, "X-Forwarded-For": "192.0.2.9"}
        run = "/api/v1/scripts/job/run"
        assert service.fetch(run, method="POST", body=b"", headers=own)[0] == 202
        assert plain.wait("script_status", status="completed")
        assert rich.wait("script_status", status="completed")
    assert "cronscope_script_runs_total" in service.fetch("/metrics")[2].decode()
    until(lambda: "".join(service.errors), lambda log: f"192.0.2.9 POST '/cronscope{run}': 202" in log)

    for origin in ("http://evil.example", "https://cron.example.org"):
        status, _, body = service.fetch(run, method="POST", body=b"", headers={**own, "Origin": origin})
        assert status == 403
        assert f'allowed_origins: ["{origin}"]' in json.loads(body)["detail"]
        with pytest.raises(InvalidStatus) as refused:
            connect(service.url.replace("http", "ws") + "/ws", origin=Origin(origin), compression=None)
        assert refused.value.response.status_code == 403
    status, _, body = service.fetch("/metrics", headers={"Host": "other.example.org"})
    assert status == 421
    assert 'allowed_hosts: ["other.example.org"]' in json.loads(body)["detail"]

    status, headers, _ = service.fetch(
        "/api/v1/scripts", method="POST", body=b'{"name": "new", "command": "true"}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert (status, headers["Location"]) == (201, "/cronscope/api/v1/scripts/new")


def test_who_signs_in_at_the_proxy_is_known_and_signs_out_there(proxied: Proxied, open_page: OpenPage) -> None:
    users = "users: [{name: ann@example.org, role: operate}]\n"
    service = proxied(f"{CONFIG}{users}auth_proxy: {{}}\nurl_prefix: /cronscope", user="ann@example.org")
    page = open_page(service)
    page.get_by_role("button", name="Run job").click()
    expect(page.get_by_role("row").filter(has_text="job")).to_contain_text("Completed")
    page.get_by_role("button", name="Settings of this page").click()
    expect(page.get_by_test_id("account")).to_have_text("ann@example.org (may run scripts)")
    expect(page.get_by_text("Signed in by the proxy, where you sign out too")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Sign "))).to_have_count(0)
    assert service.fetch("/api/v1/status", headers={"Remote-User": "root"})[0] == 200  # which nginx does not pass on
    service.url = f"http://127.0.0.1:{service.port}/cronscope"
    assert service.fetch("/api/v1/status")[0] == 401


def test_a_reload_applies_what_a_proxy_needs(proxied: Proxied) -> None:
    service = proxied("scripts: [{name: job, command: 'true'}]", "--url-prefix", "/cronscope")
    asked = {"Host": "cron.example.org", "Origin": "https://grafana.example.org"}

    def status() -> int:
        return service.fetch("/api/v1/scripts/job/run", method="POST", body=b"", headers=asked)[0]

    assert status() == 421
    for setting, expected in (
        ("allowed_hosts: [cron.example.org]", 403),
        (f"allowed_origins: ['{asked['Origin']}']", 202),
    ):
        service.config.write_text(f"{service.config.read_text()}\n{setting}\n")
        service.signal(signal.SIGHUP)
        until(status, expected.__eq__)
