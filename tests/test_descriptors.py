from __future__ import annotations

import resource
import select
import socket
from collections.abc import Callable
from contextlib import ExitStack

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from exporter.events import Instant
from relay.descriptors import Shares, shares
from tests.service import DEADLINE, Service, until


@pytest.mark.parametrize(
    ("limit", "runs", "expected"),
    [(1_048_576, 16, 10_000), (20_000, 16, 10_000), (4096, 16, 2976), (1024, 16, 672), (256, 16, 144), (64, 16, 36)],
)
def test_clients_are_as_many_as_descriptors_allow(limit: int, runs: int, expected: int) -> None:
    assert shares(limit, runs).clients == expected


def test_connections_leave_descriptors_for_the_runs_but_never_take_less_than_three_quarters() -> None:
    assert shares(10_000, 100) == Shares(10_000 - 464, 7152)
    assert shares(1000, 10_000).connections == 750


def test_the_limit_on_open_files_is_raised_and_told(start_service: Callable[..., Service]) -> None:
    service = start_service("", limit="-S -n 500 && ulimit -H -n 2000")
    assert service.metrics()["process_max_fds"] == 2000
    assert service.get("/api/v1/status")["open_files_limit"] == 2000
    assert "at most 2000 files may be open, so at most 1404 clients" in "".join(service.errors)


def test_with_few_descriptors_clients_are_turned_away_and_scripts_go_on(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: [{name: job, command: 'true', every: 1s}]", limit="-n 200")
    allowed = shares(200, 16).clients
    with ExitStack() as stack:
        clients = [stack.enter_context(service.socket("?v=1")) for _ in range(allowed)]
        with pytest.raises(ConnectionClosed) as closed, service.socket("?v=1") as client:
            client.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        with pytest.raises(InvalidStatus) as refused, service.socket():
            pass
        assert refused.value.response.status_code == 503

        # Others come on top that have not said all that they have to say, until hardly a descriptor is left.
        begun = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(100)]
        for connection in begun:
            connection.sendall(b"POST /api/v1/config/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        refused_one = select.select(begun, [], [], DEADLINE)[0][0]
        answer = refused_one.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in answer
        assert answer.endswith(b'"Too many connections; try again later."}\n')
        crowded_at = Instant.now().rfc3339()
        while clients[0].wait("script_status", status="completed")["data"]["started_at"] < crowded_at:
            pass  # that was before
    log = "".join(service.errors)
    assert log.count("too many connections") == 1
    assert "Traceback" not in log


def test_without_any_descriptor_left_those_who_connect_wait_and_the_service_does_not_spin(
    start_service: Callable[..., Service],
) -> None:
    service = start_service("")
    assert service.process is not None
    process = psutil.Process(service.process.pid)
    soft, hard = process.rlimit(resource.RLIMIT_NOFILE)
    with service.socket("?v=1") as client, ExitStack() as stack:
        client.wait("snapshot")
        process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() - 1, hard))
        waiting = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(20)]
        for connection in waiting:
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: "".join(service.errors), lambda log: "no connection can be accepted" in log)
        before = sum(process.cpu_times()[:2])
        for number in range(2):  # samples, of which there is one in two seconds
            client.wait("system_metrics")
            client.send("ping", number)
            client.wait("pong", id=number)
        assert sum(process.cpu_times()[:2]) - before < 1
        process.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for connection in waiting:
            connection.settimeout(DEADLINE)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    log = "".join(service.errors)
    assert log.count("no connection can be accepted") == 1
    assert "Traceback" not in log
