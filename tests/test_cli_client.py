"""What commands do where the service, or what it left, is not as it should be."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.data_dir import announce, claim
from exporter.history import RunQuery
from relay.cli import client
from relay.cli.client import Client, NoAnswer
from tests.command_line import cronscope
from tests.service import Service


@contextmanager
def answering(*pieces: bytes) -> Iterator[str]:
    """The address of a server that answers every request with these bytes, then hangs up; without any it hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    for piece in pieces:
                        connection.sendall(piece)
                    if not pieces:
                        over.wait()

        over = threading.Event()
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "cronscope.yml"
    file.write_text("scripts: [{name: one, command: echo ünï, labels: {team: größe}}]")
    return file


def ask(config: Path, url: str, *arguments: str) -> tuple[int, str, str]:
    """A command's result where a service holds the data directory and says that it listens at `url`."""
    with claim(config.parent / "data") as lock:
        announce(lock, url)
        result = cronscope(*arguments, "-c", config)
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize(
    "arguments", [["list"], ["run", "one"], ["logs", "one", "--json"], ["clear-logs", "one", "-y"]]
)
def test_a_service_that_cannot_be_reached_is_told_in_a_line(config: Path, arguments: list[str]) -> None:
    code, output, errors = ask(config, "http://127.0.0.1:9/", *arguments)
    assert (code, output) == (1, "")
    assert f"the service (process {os.getpid()}) does not answer at http://127.0.0.1:9/: " in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
     b"HTTP/1.1 200 OK\r\n\r\n{\"scripts\": 1}"],
)  # fmt: skip
def test_an_answer_that_is_none_is_told_in_a_line(config: Path, answer: bytes) -> None:
    with answering(answer) as url:
        code, output, errors = ask(config, url, "list")
    assert (code, output) == (1, "")
    assert "does not answer" in errors
    assert errors.count("\n") == 1


def test_a_service_that_dies_in_the_middle_of_the_logs_is_told(config: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head, b'3\r\n{"a\r\n') as url:
        code, output, errors = ask(config, url, "logs", "one", "--json")
    assert (code, output) == (1, '{"a')
    assert "does not answer" in errors


def test_a_service_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.05)
    with answering() as url, pytest.raises(NoAnswer, match="timed out"):
        Client(url, 1, "").runs(RunQuery())


def test_a_refusal_without_words_is_told_by_its_status(config: Path) -> None:
    with answering(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n") as url:
        assert ask(config, url, "list") == (1, "", "Error: the service answers with status 500\n")


def test_a_data_directory_that_is_none_is_told(config: Path) -> None:
    (config.parent / "data").write_text("")
    for arguments in (["list"], ["run", "one"]):
        result = cronscope(*arguments, "-c", config)
        assert (result.returncode, result.stdout) == (1, "")
        assert f"data directory {config.parent / 'data'}" in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_service_is_found_by_the_data_directory_that_it_was_given(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    service = start_service("scripts: [{name: one, command: echo well}]", "--data-dir", str(elsewhere))
    result = cronscope("run", "one", "--data-dir", elsewhere, "-c", service.config)
    assert (result.returncode, result.stdout) == (0, "well\n")
    assert len(service.get("/api/v1/runs")["runs"]) == 1
    assert cronscope("list", "-c", service.config, CRONSCOPE_DATA_DIR=str(elsewhere)).stderr == ""
    assert "--data-dir" in cronscope("list", "-c", service.config).stderr


def test_a_terminal_that_cannot_show_everything_is_no_reason_to_fail(config: Path) -> None:
    for arguments in (["list"], ["list", "--json"], ["run", "one"], ["logs", "one"], ["logs", "one", "--json"]):
        result = cronscope(*arguments, "-c", config, PYTHONIOENCODING="ascii", LC_ALL="C")
        assert result.returncode == 0, result.stderr
