"""What is meant to cost too much, or to get where it does not belong, by whatever address it comes."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed

from relay import openapi
from relay.app import ROUTES
from tests.service import DEADLINE, Service

PLANTED = "X-Planted"
KINDS = ("path", "query")
BREAKS = ("\r\n", "\n", "\r", "\r\n\r\n", "\x85", "\u2028", "\0", "\x0b")
DOCUMENT = json.loads(openapi.document(ROUTES, "1.2.3", ""))
MODULUS = sys.hash_info.modulus
"""Multiples of it have the same hash."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("hostile"), "scripts: [{name: greet, command: echo hello}]\n").start()
    yield service
    assert [line for line in service.errors if " ERROR " in line] == []
    service.stop()


# --- headers ---


@pytest.mark.parametrize("line_break", BREAKS)
def test_nothing_that_is_asked_for_becomes_a_header_of_the_answer(service: Service, line_break: str) -> None:
    planted = quote(f"#/a{line_break}{PLANTED}: yes", safe="")
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            names = {kind: [each["name"] for each in operation["parameters"] if each["in"] == kind] for kind in KINDS}
            address = path.format_map(dict.fromkeys(names["path"], planted))
            sound = path.format_map(dict.fromkeys(names["path"], "greet"))
            for each in [
                address,
                f"{address}?next={planted}",
                *(f"{sound}?{name}={planted}" for name in names["query"]),
            ]:
                body = b"{}" if method in ("post", "put", "patch") else None
                status, headers, _ = service.fetch(each, method=method.upper(), body=body)
                assert (status < 500, PLANTED in headers) == (True, False), (method, each)
    body = json.dumps({"name": f"a{line_break}{PLANTED}: yes", "command": "x"}).encode()
    assert service.fetch("/api/v1/scripts", method="POST", body=body)[0] == 422


@pytest.mark.parametrize("sign", [b"\t", b"\x0b", b"\x7f", b"\x85", b"\xe2\x80\xa8", b"\0", b"\x1b[2J"])
def test_signs_that_an_address_may_not_have_get_no_further_than_an_error(service: Service, sign: bytes) -> None:
    head = b"PUT /api/v1/files/a%b.sh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as connection:
        connection.sendall(head % sign)
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert (answer[9:10], sign in answer.partition(b"\r\n\r\n")[0]) == (b"4", False)


# --- costs ---

_LAUGH = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
_MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
_INTEGERS = [f"{n * MODULUS}: a" for n in range(40_000)]
COSTLY = {
    "keys of one hash": "scripts: [{name: a, command: x, env: {" + ", ".join(_INTEGERS) + "}}]",
    "settings of one hash": "\n".join(_INTEGERS),
    "the same key again": "a:\n" * 300_000,
    "aliases of aliases": _LAUGH,
    "merges of merges": _MERGED,
    "lists in lists": "[" * 1_000_000,
    "entries in entries": "- " * 500_000,
    "mappings in mappings": "{a: " * 250_000,
    "keys that are keys": "? " * 500_000,
    "quotes": "'" * 1_000_000,
    "spaces": "a: " + " " * 1_000_000 + "b",
    "a long number": "max_concurrent_runs: " + "9" * 1_000_000,
    "a long duration": "sample_interval: " + "1h" * 500_000,
    "a long expression": 'scripts: [{name: a, command: x, cron: "' + "1," * 500_000 + '1 * * * *"}]',
    "a long glob": 'scripts: [{name: a, command: x, cron: "' + "*/" * 500_000 + '"}]',
}
OBJECTS = {
    "keys of one hash": "{" + ",".join(f'"{n * MODULUS}": 1' for n in range(40_000)) + "}",
    "the same key again": "{" + ",".join(['"name": 1'] * 90_000) + "}",
    "lists in lists": "[" * 1_000_000,
    "objects in objects": '{"env":' * 140_000,
    "lists in an object": '{"name": "a", "command": ' + "[" * 500_000 + "]" * 500_000 + "}",
    "a long number": '{"name": "a", "command": "x", "retries": ' + "9" * 1_000_000 + "}",
    "a small number": '{"name": "a", "command": "x", "retries": 1e-' + "9" * 1_000_000 + "}",
    "a long name": '{"command": "x", "name": "' + "a" * 1_000_000 + '"}',
    "half a sign": '{"command": "x", "name": "\\ud800"}',
}
SECONDS = 15
"""Where the cost grows with the square of the length, it is minutes."""


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_no_configuration_costs_more_than_its_length(service: Service, text: str) -> None:
    began = time.monotonic()
    status, _, body = service.fetch("/api/v1/config/check", method="POST", body=text.encode())
    assert time.monotonic() - began < SECONDS
    assert (status, "faults" in json.loads(body)) == (200, True)


@pytest.mark.parametrize("text", OBJECTS.values(), ids=OBJECTS)
@pytest.mark.parametrize("path", ["/api/v1/scripts", "/api/v1/scripts/batch", "/api/v1/schedule/preview"])
def test_no_body_costs_more_than_its_length(service: Service, path: str, text: str) -> None:
    began = time.monotonic()
    status, _, _ = service.fetch(path, method="POST", body=text.encode())
    assert time.monotonic() - began < SECONDS
    assert status in (400, 413, 422)


@pytest.mark.parametrize("text", OBJECTS.values(), ids=OBJECTS)
def test_no_message_costs_more_than_its_length(service: Service, text: str) -> None:
    with service.socket("?v=1") as client:
        client.wait("snapshot")
        client.connection.send('{"type": "ping", "id": 1, "data": {"a": ' + text[:60_000])
        with pytest.raises(ConnectionClosed) as closed:
            client.wait("pong")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4501
