"""The service by TLS: what is shown, to whom, and what becomes of it when the certificate is renewed."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import shutil
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from tornado.netutil import bind_sockets

from exporter import certificates
from exporter.data_dir import announce, claim, owner
from exporter.settings import Tls
from relay import listening
from relay.listening import SecureServer
from tests.certificates import make
from tests.command_line import cronscope
from tests.service import DEADLINE, Service, until

CONFIG = """\
tls: {cert: ../tls/cert.pem, key: ../tls/key.pem}
scripts: [{name: job, command: 'echo $CRONSCOPE_TRIGGER'}]
"""
PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the certificate is."""
    make(tmp_path / "tls")
    return tmp_path / "tls"


@pytest.fixture
def service(start_service: Callable[..., Service], folder: Path) -> Service:
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    service = start_service(f"{CONFIG}users: [{{name: ann, role: edit, password_hash: '{hashed}'}}]\n")
    held = owner(service.folder / "data")
    assert held is not None
    service.token = held.token
    trust(service, folder)
    return service


def trust(service: Service, folder: Path) -> None:
    service.trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))


def fingerprint(folder: Path) -> str:
    return certificates.load(Tls(cert=folder / "cert.pem", key=folder / "key.pem")).fingerprint


def anybody() -> ssl.SSLContext:
    """A client that believes everybody, and agrees to everything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def shown(service: Service, client: ssl.SSLContext | None = None) -> str:
    """The fingerprint of the certificate that is shown now.  Raises OSError where TLS cannot be agreed on."""
    with (
        socket.create_connection(("127.0.0.1", service.port), timeout=10) as plain,
        (client or anybody()).wrap_socket(plain) as connection,
    ):
        return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def test_everything_is_served_by_https_alone(service: Service) -> None:
    assert service.url == f"https://127.0.0.1:{service.port}"
    with service.socket("?v=1") as rich:
        rich.wait("snapshot")
        service.run("job")
        assert rich.wait("script_status", status="completed")
    run, own = "/api/v1/scripts/job/run", service.url
    for origin, status in ((own, 202), (own.replace("https", "http"), 403)):
        assert service.fetch(run, method="POST", body=b"", headers={"Origin": origin})[0] == status
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, context=service.trusted)
    form = urlencode({"name": "ann", "password": PASSWORD})
    connection.request("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    assert (answer.status, "; Secure" in answer.headers["Set-Cookie"]) == (303, True)
    connection.close()
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(1000)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_nothing_older_than_tls_1_2_is_spoken(service: Service, folder: Path) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        client = anybody()
        client.minimum_version = client.maximum_version = version
        assert shown(service, client) == fingerprint(folder)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        client = anybody()
        client.minimum_version = client.maximum_version = version
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            shown(service, client)


def test_commands_find_the_service_and_know_it_by_its_certificate(service: Service, folder: Path) -> None:
    ran = cronscope("run", "job", "-c", service.config)
    assert (ran.returncode, ran.stdout) == (0, "manual\n")
    make(folder / "new")
    replace(folder, "cert.pem", "key.pem")
    until(lambda: shown(service), lambda seen: seen == fingerprint(folder))
    ran = cronscope("run", "job", "-c", service.config)
    assert (ran.returncode, ran.stdout) == (0, "manual\n")


def test_commands_tell_nobody_else_their_token(tmp_path: Path, folder: Path) -> None:
    config = tmp_path / "cronscope.yml"
    config.write_text("scripts: [{name: one, command: echo}]")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server, claim(tmp_path / "data") as lock:
        announce(lock, f"https://127.0.0.1:{server.getsockname()[1]}/", "secret", "0" * 64)
        code, error, heard = asyncio.run(asked(server, context, config))
    assert "another certificate is shown there than the service has left word of" in error
    assert (code, heard) == (1, b"")


async def asked(server: socket.socket, context: ssl.SSLContext, config: Path) -> tuple[int, str, bytes]:
    """What a command says, and what an impostor hears of it."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.set_result(await reader.read())
        except OSError:
            heard.set_result(b"")
        writer.close()

    async with await asyncio.start_server(hear, sock=server, ssl=context):
        result = await asyncio.to_thread(cronscope, "list", "-c", config)
        return result.returncode, result.stderr, await heard


# --- renewal ---


def replace(folder: Path, *names: str) -> None:
    """Put files of `new` in place as those do that renew certificates."""
    for name in names:
        shutil.copy(folder / "new" / name, folder / "draft")
        (folder / "draft").rename(folder / name)


def told(service: Service) -> list[str]:
    return [line for line in service.errors if "tls." in line and " ERROR " in line]


def problems(service: Service) -> list[str]:
    """What is wrong with the service, as it tells whoever asks now."""
    found: list[str] = service.get("/api/v1/status")["problems"]
    return found


def test_a_new_certificate_is_shown_to_whoever_comes_and_streams_go_on(service: Service, folder: Path) -> None:
    old = fingerprint(folder)
    with service.socket("?v=1") as rich:
        rich.wait("snapshot")
        make(folder / "new")
        replace(folder, "cert.pem")  # of which the key is not there yet
        assert shown(service) == old
        replace(folder, "key.pem")
        until(lambda: shown(service), lambda seen: seen == fingerprint(folder))
        assert told(service) == []

        (folder / "key.pem").write_text("")
        broken = rich.wait("error")["data"]["message"]
        assert broken.startswith("the certificate of before stays, as the new one cannot be used: tls.key: ")
        assert "key.pem holds no private key in PEM" in broken
        assert shown(service) == fingerprint(folder / "new")
        trust(service, folder / "new")
        assert problems(service) == [broken]  # also who comes only now

        make(folder / "new")
        replace(folder, "key.pem", "cert.pem")
        until(lambda: shown(service), lambda seen: seen == fingerprint(folder))
        assert len(told(service)) == 1
        trust(service, folder)
        assert problems(service) == []
        service.run("job")
        assert rich.wait("script_status", status="completed")


def test_a_reload_takes_other_paths_and_leaves_tls_on_till_the_next_start(service: Service, folder: Path) -> None:
    make(folder / "new")
    config = service.config.read_text()
    service.config.write_text(config.replace("../tls/", "../tls/new/"))
    until(lambda: shown(service), lambda seen: seen == fingerprint(folder / "new"))
    service.config.write_text(config.replace("../tls/cert.pem", "../tls/missing.pem"))
    trust(service, folder / "new")
    status, _, body = service.fetch("/-/reload", method="POST", body=b"")
    assert (status, b"missing.pem cannot be read: No such file" in body) == (422, True)
    service.config.write_text(config.partition("\n")[2])
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    change = "tls has changed: this takes effect at the next start"
    until(lambda: any(change in line for line in service.errors), bool)
    assert shown(service) == fingerprint(folder / "new")


def test_scripts_are_changed_whatever_becomes_of_the_certificate_that_is_shown(service: Service, folder: Path) -> None:
    old, text = fingerprint(folder), service.config.read_text()
    (folder / "cert.pem").write_text("")
    change = b'{"timeout": "5s"}'
    assert service.fetch("/api/v1/scripts/job", method="PATCH", body=change)[0] == 200
    status, _, body = service.fetch("/api/v1/config/check", method="POST", body=text.encode())
    assert (status, json.loads(body)["faults"]) == (200, [])
    assert service.fetch("/api/v1/config", method="PUT", body=text.encode())[0] == 200
    service.config.write_text(text.replace("name: job", "name: other"))
    until(
        lambda: [each["name"] for each in service.get("/api/v1/scripts")["scripts"]], lambda names: names == ["other"]
    )
    assert (shown(service), service.fetch("/api/v1/backup")[0]) == (old, 200)

    # What is asked about the certificate, or changed in what is said of it, is another matter.
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 422
    assert "cert.pem holds no certificate" in problems(service)[0]
    moved = text.replace("../tls/cert.pem", "../tls/other.pem").encode()
    assert service.fetch("/api/v1/config", method="PUT", body=moved)[0] == 422
    make(folder / "new")
    replace(folder, "key.pem", "cert.pem")
    until(lambda: shown(service), lambda seen: seen == fingerprint(folder))
    trust(service, folder)
    until(lambda: problems(service), lambda left: left == [])  # though nobody asks for the reload again
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200


# --- clients that stall ---


@pytest.fixture
def hello(folder: Path) -> bytes:
    """What a client says first."""
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        anybody().wrap_bio(theirs, ours).do_handshake()
    return ours.read()


def test_who_does_not_finish_a_handshake_holds_nobody_up_and_is_gone_soon(
    folder: Path, hello: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificates.load(Tls(cert=folder / "cert.pem", key=folder / "key.pem")).context

    async def stalled(port: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connections on which nothing was said, or a little."""
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for number, (_, writer) in enumerate(connections):
            writer.write(hello[: number * 10])
        return connections

    async def stall() -> None:
        server = SecureServer(lambda request: None, ssl_options=context)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        port = sockets[0].getsockname()[1]
        monkeypatch.setattr(listening, "HANDSHAKE_SECONDS", 600.0)
        waiting = await stalled(port)
        _, other = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, ssl=anybody()), DEADLINE)
        other.close()
        monkeypatch.setattr(listening, "HANDSHAKE_SECONDS", 0.1)
        for reader, _ in (gone := await stalled(port)):
            assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
        for _, writer in waiting + gone:
            writer.close()
        server.stop()
        await server.close_all_connections()

    asyncio.run(stall())
