"""Requests that come slowly, or are far too long: they end, cost little, and nobody else waits for them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from relay.access import new_token, sha256_of
from relay.app import ROUTES
from relay.guard import SAFE_METHODS
from relay.too_large import MAX_HEAD, MAX_HEAD_READ
from tests.access.asking import address
from tests.service import DEADLINE, Service, until

TOKEN = new_token()
CONFIG = f'tokens: [{{name: edit, role: edit, sha256: "{sha256_of(TOKEN)}"}}]\n'
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
LOGIN = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname="
RESTORE = b"POST /api/v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nno"
UPLOAD = b"PUT /api/v1/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
CREDENTIALS = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
MIB = 1 << 20
CHANGES = [
    (route, method)
    for route, handler in ROUTES
    for method in handler.allowed_methods()
    if method not in SAFE_METHODS
]  # fmt: skip


@pytest.fixture
def connect() -> Iterator[Callable[[Service, bytes], socket.socket]]:
    """Opens a connection to a service, and sends how a request begins."""
    with ExitStack() as stack:

        def connect(service: Service, begin: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", service.port), DEADLINE)
            stack.enter_context(connection)
            connection.sendall(begin)
            return connection

        yield connect


def is_over(connection: socket.socket) -> bool:
    """Whether the service has closed a connection; waits for that."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def memory(service: Service) -> int:
    assert service.process is not None
    resident: int = psutil.Process(service.process.pid).memory_info().rss
    return resident


@pytest.mark.parametrize("begin", [HEAD, LOGIN, UPLOAD + CREDENTIALS + b"\r\nscripts:"])
def test_a_request_that_does_not_come_to_its_end_ends_nevertheless(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket], begin: bytes
) -> None:
    service = start_service(
        CONFIG, prepare="from relay import listening; listening.IDLE_SECONDS = listening.BODY_SECONDS = 0.5"
    )
    slow = connect(service, begin)
    slow.settimeout(0.05)
    until(lambda: _sends(slow), lambda there: not there)


def _sends(slow: socket.socket) -> bool:
    """Whether the connection is still there after one more byte, which is no reason to wait longer for the others."""
    try:
        slow.sendall(b"a")
        return slow.recv(1000) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize("begin", [HEAD, LOGIN, RESTORE])
def test_others_are_served_however_many_requests_do_not_come_to_their_end(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket], begin: bytes
) -> None:
    service = start_service(CONFIG, limit="-n 200")
    service.token = TOKEN
    upload = connect(service, UPLOAD + CREDENTIALS + b"\r\nscripts: []\n")
    with service.socket("?v=1") as client:
        client.wait("snapshot")
        slow = []
        for number in range(300):
            slow.append(connect(service, begin))
            client.send("ping", number)  # so that what has come is looked at before the next one connects
            client.wait("pong", id=number)
        assert service.fetch("/-/healthy")[0] == 200
        assert is_over(slow[0])
    upload.sendall(b"#" * (1_000_000 - len(b"scripts: []\n")))
    assert upload.recv(1000).startswith(b"HTTP/1.1 200 ")  # whoever has shown who they are is waited for


@pytest.mark.parametrize("anonymous", ["none", "scrape", "view"])
def test_others_are_served_however_many_strangers_read_no_answer(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket], tmp_path: Path,
    anonymous: str,
) -> None:  # fmt: skip
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "assets/large.js").write_bytes(os.urandom(8 * MIB))  # more than the kernel takes of what nobody reads
    service = start_service(
        f"{CONFIG}anonymous: {anonymous}\nscripts: [{{name: job, command: 'true'}}]\n", limit="-n 200",
        prepare=f"from pathlib import Path; from relay import pages; pages.STATIC = Path({str(page)!r})",
    )  # fmt: skip
    with ExitStack() as stack:
        if anonymous == "view":
            looker = stack.enter_context(service.socket("?v=1"))
        service.token = TOKEN
        client = stack.enter_context(service.socket("?v=1"))
        client.wait("snapshot")
        unread = []
        for number in range(300):
            unread.append(connect(service, b"GET /assets/large.js HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            client.send("ping", number)
            client.wait("pong", id=number)
        assert service.fetch("/-/healthy")[0] == 200
        assert service.ended(service.run("job"))["status"] == "completed"
        assert is_over(unread[0])
        if anonymous == "view":
            looker.send("ping", 1)
            assert looker.wait("pong", id=1)
    assert files_below(service, page) == []
    assert "Traceback" not in "".join(service.errors)


def files_below(service: Service, folder: Path) -> list[str]:
    """Files of a folder that a service has open."""
    assert service.process is not None
    opened = psutil.Process(service.process.pid).open_files()
    return [file.path for file in opened if folder in Path(file.path).parents]


def test_strangers_have_little_kept_of_what_they_send(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket]
) -> None:
    service = start_service(CONFIG)
    before = memory(service)
    for _ in range(60):
        connect(service, UPLOAD + b"\r\n" + b"#" * 990_000)
        connect(service, b"PUT /api/v1/config HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf0000\r\n")
    assert service.fetch("/-/healthy", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
    assert memory(service) - before < 30 * MIB


def test_headers_without_end_are_not_read_to_their_end(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket]
) -> None:
    service = start_service(CONFIG)
    before = memory(service)
    for endless in (HEAD + b"a" * 10 * MIB, b"GET /" + b"a" * 10 * MIB, HEAD + b"\r\nX: y" * 2 * MIB):
        for _ in range(5):
            try:
                assert is_over(connect(service, endless))
            except OSError:
                continue  # it was over before all was sent
    assert service.fetch("/-/healthy", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
    assert memory(service) - before < 10 * MIB
    assert "Traceback" not in "".join(service.errors)


def test_a_head_that_is_too_long_is_refused_with_a_problem(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket]
) -> None:
    service = start_service(CONFIG)
    service.token = TOKEN
    for size, status in ((MAX_HEAD - 500, 200), (MAX_HEAD, 431), (MAX_HEAD_READ - 500, 431)):
        head = HEAD + size * b"x" + b"\r\n" + CREDENTIALS + b"Connection: close\r\n\r\n"
        answer = connect(service, head).makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:100]
        assert (b"application/problem+json" in answer) == (status == 431)
    changed = HEAD.replace(b"GET / ", b"POST /-/reload ") + MAX_HEAD * b"x" + b"\r\n\r\n"
    assert connect(service, changed).recv(1000).startswith(b"HTTP/1.1 401 ")  # of a stranger
    entry = service.get("/api/v1/audit")["audit"][0]
    assert (entry["action"], entry["outcome"]) == ("config.reload", "refused")


def test_a_stranger_is_refused_however_long_the_number_that_tells_a_length(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket]
) -> None:
    service = start_service(CONFIG)
    for digits in (20, 5000):
        answer = connect(service, RESTORE.replace(b"9999", b"9" * digits)).recv(1000)
        assert answer.startswith(b"HTTP/1.1 401 ")
    assert "Traceback" not in "".join(service.errors)


def test_a_body_of_10_mb_is_refused_wherever_something_is_changed(
    start_service: Callable[..., Service], connect: Callable[[Service, bytes], socket.socket]
) -> None:
    service = start_service(CONFIG)
    service.token = TOKEN
    before = memory(service)
    for route, method in CHANGES:
        status, headers, body = service.fetch(address(route), method=method, body=bytes(10 * MIB))
        told = f"{method} {route}: {status}"
        if route == "/api/v1/restore":  # an archive may be of any size; this is none
            assert status == 422, told
            continue
        assert (status, headers["Content-Type"]) == (413, "application/problem+json"), told
        assert json.loads(body)["status"] == 413
    assert memory(service) - before < 20 * MIB
    for route, method in CHANGES:  # nor may it come without its length being told
        head = f"{method} {address(route)} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n".encode()
        chunk = b"%x\r\n" % (10 * MIB) + bytes(10 * MIB) + b"\r\n0\r\n\r\n"
        try:
            answer = connect(service, head + CREDENTIALS + b"\r\n" + chunk).recv(1000)
        except ConnectionError:
            continue
        assert (b" 422 " if route == "/api/v1/restore" else b" 413 ") in answer, (route, answer)
    assert memory(service) - before < 20 * MIB
    assert [line for line in service.errors if " ERROR " in line] == []
