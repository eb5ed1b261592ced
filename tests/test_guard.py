from __future__ import annotations

import pytest

from relay.guard import Policy, Source, policy, refusal, source_of

RULES = policy("127.0.0.1", [], [])
DIRECT = Source("127.0.0.1", "http")
PROXIED = policy("127.0.0.1", ["cron.example"], [], ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"])


def status(
    host: str | None, rules: Policy = RULES, *, changes: bool = False, scheme: str = "http", **headers: str
) -> int | None:
    """Status of the refusal; None where the request may come in."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if host is not None:
        sent["Host"] = host
    refused = refusal(rules, source_of(rules, "192.0.2.1", scheme, sent), headers=sent, changes=changes)
    return refused.status if refused else None


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8917", "LOCALHOST:8917", "localhost.", "localhost.:80", "a.b.localhost",
        "127.0.0.1", "127.0.0.1:8917", "127.8.9.10:80", "127.255.255.255", "127.0.0.1:",
        "[::1]", "[::1]:8917", "[0:0:0:0:0:0:0:1]:8917", "[0000::0001]",
    ],
)  # fmt: skip
def test_loopback_names_may_come_in_with_any_port(host: str) -> None:
    assert status(host) is None


@pytest.mark.parametrize(
    "host",
    [
        None, "", ":8917", "evil.example", "evil.example:8917",
        "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost", "evillocalhost", "127.0.0.1.nip.io",
        ".localhost", "a..localhost", "localhost..", "local host", "localhost\n", "localhost,localhost",
        "user@localhost", "user:secret@127.0.0.1", "evil.example@localhost", "localhost@evil.example",
        "localhost/", "localhost#", "localhost?", "localhost\\", "localhost:port", "localhost:80:80", "localhost:-1",
        "localhost:123456", "http://localhost", "%6cocalhost", "ⅼocalhost", "127。0。0。1",
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "127.0.0.256", "128.0.0.1", "0",
        "0.0.0.0", "::1", "::1:8917", "[::1", "::1]", "[::]", "[::2]", "[::ffff:127.0.0.1]", "[::1%lo]",  # noqa: S104
        "[::1]evil", "[127.0.0.1]", "[localhost]", "[]", "192.168.1.5:8917", "10.0.0.1",
    ],
)  # fmt: skip
def test_every_other_host_is_misdirected(host: str | None) -> None:
    assert status(host) == 421


@pytest.mark.parametrize("method_changes", [False, True])
def test_the_host_is_checked_whatever_the_request_does(method_changes: bool) -> None:
    assert status("evil.example", changes=method_changes, Origin="http://evil.example") == 421


@pytest.mark.parametrize(
    ("listen", "host"),
    [("10.0.0.5", "10.0.0.5:8917"), ("[fd00::5]", "[FD00:0::5]:8917"), ("fd00::5", "[fd00::5]"), ("nas", "NAS.:8917")],
)
def test_the_listen_address_is_a_name_of_the_service(listen: str, host: str) -> None:
    assert status(host, policy(listen, [], [])) is None


def test_allowed_hosts_are_names_of_the_service() -> None:
    rules = policy("127.0.0.1", ["Cron.Example", "10.0.0.7:8080", "fd00::9", "not a host", ""], [])
    for host in ("cron.example", "CRON.example.:99", "10.0.0.7", "[fd00::9]:1"):
        assert status(host, rules) is None
    for host in ("sub.cron.example", "example", "10.0.0.70", "not a host", ""):
        assert status(host, rules) == 421


def test_a_refused_host_learns_the_setting_that_would_allow_it() -> None:
    refused = refusal(RULES, DIRECT, headers={"Host": "cron.example"}, changes=False)
    assert refused is not None
    assert 'allowed_hosts: ["cron.example"]' in refused.detail
    assert status("cron.example", policy("127.0.0.1", ["cron.example"], [])) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8917", "http://localhost:8917"), ("LOCALHOST:8917", "http://localhost:8917"),
        ("127.0.0.1", "http://127.0.0.1"), ("127.0.0.1:80", "http://127.0.0.1"), ("[::1]:8917", "http://[::1]:8917"),
    ],
)  # fmt: skip
def test_the_services_own_pages_may_change_something(host: str, origin: str) -> None:
    assert status(host, changes=True, Origin=origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://evil.example", "https://localhost:8917", "http://localhost", "http://localhost:8918",
        "http://127.0.0.1:8917", "http://[::1]:8917", "http://a.localhost:8917", "http://localhost:8917.evil.example",
        "http://localhost:8917@evil.example", "http://evil.example#http://localhost:8917", "http://localhost:8917/",
        "http://localhost:8917, http://evil.example", "localhost:8917", "//localhost:8917", "file://", "ws://localhost:8917",
        "moz-extension://0b6a2c1e", " http://localhost:8917",
    ],
)  # fmt: skip
def test_foreign_origins_may_not_change_anything(origin: str) -> None:
    assert status("localhost:8917", changes=True, Origin=origin) == 403


def test_foreign_origins_may_read_because_browsers_keep_the_answer_from_them() -> None:
    assert status("localhost:8917", Origin="https://evil.example", Sec_Fetch_Site="cross-site") is None


def test_the_scheme_of_the_request_is_part_of_its_own_origin() -> None:
    assert status("localhost", changes=True, scheme="https", Origin="https://localhost:443") is None
    assert status("localhost", changes=True, scheme="https", Origin="http://localhost") == 403


def test_pages_of_allowed_origins_may_change_something() -> None:
    rules = policy("127.0.0.1", [], ["https://Grafana.example/", "http://10.0.0.9:3000", "null", "*", "grafana.lan"])
    for origin in ("https://grafana.example", "https://grafana.example:443", "http://10.0.0.9:3000"):
        assert status("localhost", rules, changes=True, Origin=origin, Sec_Fetch_Site="cross-site") is None
    for origin in ("http://grafana.example", "https://grafana.example:8443", "null", "*", "http://grafana.lan"):
        assert status("localhost", rules, changes=True, Origin=origin) == 403


def test_a_refused_origin_learns_the_setting_that_would_allow_it() -> None:
    headers = {"Host": "localhost", "Origin": "https://grafana.example:8443"}
    refused = refusal(RULES, DIRECT, headers=headers, changes=True)
    assert refused is not None
    assert 'allowed_origins: ["https://grafana.example:8443"]' in refused.detail
    assert refusal(policy("", [], ["https://grafana.example:8443"]), DIRECT, headers=headers, changes=True) is None


def test_programs_that_are_no_browsers_may_change_something() -> None:
    assert status("localhost", changes=True) is None


@pytest.mark.parametrize(("site", "expected"), [
    ("none", None), ("same-origin", None), ("same-site", 403), ("cross-site", 403), ("", 403), ("else", 403),
])  # fmt: skip
def test_without_an_origin_the_browsers_word_on_the_site_decides(site: str, expected: int | None) -> None:
    assert status("localhost", changes=True, Sec_Fetch_Site=site) == expected
    assert status("localhost", Sec_Fetch_Site=site) is None


def test_what_the_request_says_is_cut_short_in_the_answer() -> None:
    refused = refusal(RULES, DIRECT, headers={"Host": "x" * 5000}, changes=False)
    assert refused is not None
    assert len(refused.detail) < 300


# --- behind proxies ---


def forwarded(peer: str, told: str) -> str:
    return source_of(PROXIED, peer, "http", {"X-Forwarded-For": told}).address


def test_only_trusted_proxies_are_believed_who_asks() -> None:
    headers = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "cron.example"}
    assert source_of(PROXIED, "127.0.0.1", "http", headers) == Source("192.0.2.9", "https", "cron.example")
    assert source_of(PROXIED, "::ffff:127.0.0.1", "http", headers) == Source("192.0.2.9", "https", "cron.example")
    assert source_of(PROXIED, "127.0.0.2", "http", headers) == Source("127.0.0.2", "http")
    assert source_of(RULES, "127.0.0.1", "http", headers) == DIRECT
    assert source_of(PROXIED, "127.0.0.1", "http", {}) == DIRECT


@pytest.mark.parametrize(
    ("proxy", "peer", "trusted"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1", True), ("::ffff:10.0.0.1", "::ffff:10.0.0.1", True),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True), ("::ffff:10.0.0.0/104", "11.0.0.1", False),
        ("10.0.0.1", "::ffff:a00:1", True), ("::/0", "10.0.0.1", False), ("0.0.0.0/0", "::1", False),
        ("fe80::/10", "fe80::1%eth0", True), ("2001:db8::/64", "2001:db8:0:0:ffff::1", True),
    ],
)  # fmt: skip
def test_an_ipv4_address_is_the_same_however_ipv6_writes_it(proxy: str, peer: str, trusted: bool) -> None:
    rules = policy("127.0.0.1", [], [], [proxy])
    client = source_of(rules, peer, "http", {"X-Forwarded-For": "192.0.2.9"}).address
    assert (client == "192.0.2.9") is trusted


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("192.0.2.9", "192.0.2.9"), ("203.0.113.1, 192.0.2.9", "192.0.2.9"), ("192.0.2.9, 10.1.2.3,::1", "192.0.2.9"),
        ("2001:db8::1", "2001:db8::1"), ("[2001:DB8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("192.0.2.9:4711", "192.0.2.9"), ("::ffff:192.0.2.9", "192.0.2.9"), ("192.0.2.9, fd00::1", "192.0.2.9"),
        ("10.0.0.1", "10.0.0.1"), ("10.0.0.1, 10.0.0.2", "10.0.0.1"), ("192.0.2.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("", "127.0.0.1"), ("unknown", "127.0.0.1"), ("192.0.2.9,", "127.0.0.1"), ("evil\n", "127.0.0.1"),
    ],
)  # fmt: skip
def test_the_client_is_the_last_one_that_is_no_trusted_proxy(told: str, client: str) -> None:
    assert forwarded("127.0.0.1", told) == client


@pytest.mark.parametrize(
    ("told", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("ftp", "http"),
        ("", "http"),
    ],
)
def test_of_several_schemes_the_last_counts(told: str, scheme: str) -> None:
    assert source_of(PROXIED, "127.0.0.1", "http", {"X-Forwarded-Proto": told}).scheme == scheme


def behind(host: str, origin: str, peer: str = "127.0.0.1", **told: str) -> int | None:
    sent = {"Host": host, "Origin": origin, **{f"X-Forwarded-{name}": value for name, value in told.items()}}
    refused = refusal(PROXIED, source_of(PROXIED, peer, "http", sent), headers=sent, changes=True)
    return refused.status if refused else None


def test_a_page_that_a_trusted_proxy_serves_may_change_something_without_more_settings() -> None:
    assert behind("cron.example", "https://cron.example", Proto="https") is None
    assert behind("127.0.0.1:8917", "https://cron.example", Proto="https", Host="cron.example") is None
    assert (
        behind("127.0.0.1:8917", "https://cron.example:8443", Proto="https", Host="evil.example, cron.example:8443")
        is None
    )
    assert behind("cron.example", "https://cron.example", Proto="http") == 403
    assert behind("cron.example", "https://evil.example", Proto="https") == 403
    assert behind("127.0.0.1:8917", "https://cron.example", "192.0.2.1", Proto="https", Host="cron.example") == 403


def test_what_a_proxy_forwards_excuses_no_foreign_host() -> None:
    assert behind("evil.example", "http://evil.example", Host="localhost") == 421
    assert behind("localhost", "http://evil.example", Host="evil.example") == 421
