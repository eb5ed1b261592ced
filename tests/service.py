"""The real service, as its users start it, for tests that look at it from outside."""

from __future__ import annotations

import errno
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psutil
from websockets.sync.client import ClientConnection, connect

T = TypeVar("T")
DEADLINE = 30.0
"""Seconds after which a test gives up waiting; long, because machines are slow at times."""


class Service:
    """`cronscope serve` on a free port of the loopback address, with a configuration and data of its own."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.config = folder / "cronscope.yml"
        self.config.write_text(config)
        self.port = 0
        self.url = ""
        """Where it is asked; it may be that of a proxy."""
        self.token = ""
        """What it is asked with, if anything."""
        self.trusted: ssl.SSLContext | None = None
        """Whom to believe by TLS, if not authorities."""
        self.process: subprocess.Popen[str] | None = None
        self.errors: list[str] = []

    def start(self, *arguments: str, limit: str = "", prepare: str = "") -> Service:
        """Start, and wait until it is ready; a restart keeps the port.

        `limit`: options of the shell's ulimit.  `prepare`: Python to be run in the service's process before it begins.
        """
        begin = f"{prepare}\nimport runpy\nrunpy.run_module('relay.cli', run_name='__main__')"
        command = [sys.executable, "-c", begin, "serve", "-c", str(self.config)]
        if limit:
            command = ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]
        self.process = subprocess.Popen(
            [*command, "--listen", f"127.0.0.1:{self.port}", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        threading.Thread(target=self._collect, args=(self.process.stderr,), daemon=True).start()
        ready = self.process.stdout.readline()
        if not ready:
            self.process.wait()
            raise AssertionError(f"the service did not start: {''.join(self.errors)}")
        self.url = ready.rstrip("/\n").rpartition(" ")[2]
        self.port = urlsplit(self.url).port or 0
        return self

    def _collect(self, stream: Any) -> None:
        for line in stream:
            self.errors.append(line)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """Stop as a user does; answers the exit status."""
        self.signal(signal.SIGTERM)
        return self._gone()

    def kill(self) -> None:
        """End the service as a crash does."""
        self.signal(signal.SIGKILL)
        self._gone()

    def end_runs(self) -> None:
        """Kill scripts that go on without the service, as they are meant to."""
        for told in self.folder.glob("data/runs/*/pid"):
            with suppress(OSError, ValueError, psutil.Error):
                launcher = psutil.Process(int(told.read_text()))
                if str(told.parent) in launcher.cmdline():
                    os.killpg(launcher.pid, signal.SIGKILL)

    def _gone(self) -> int:
        assert self.process is not None
        status = self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status

    # --- asking it ---

    def fetch(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, whatever the status."""
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.url + path, body, {**shown, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE, context=self.trusted) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def get(self, path: str) -> Any:
        status, _, body = self.fetch(path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str) -> Any:
        status, _, body = self.fetch(path, method="POST", body=b"")
        assert status in (200, 202), body
        return json.loads(body)

    def run(self, name: str) -> str:
        run_id: str = self.post(f"/api/v1/scripts/{name}/run")["run_id"]
        return run_id

    def ended(self, run_id: str) -> dict[str, Any]:
        """A run's record, once it has ended."""
        return until(lambda: self.record(run_id), lambda run: run["status"] != "running")

    def record(self, run_id: str) -> Any:
        """A run's record."""
        return self.get(f"/api/v1/runs/{run_id}")

    def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics`, by its name and labels as written."""
        text = self.fetch("/metrics")[2].decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    @contextmanager
    def socket(self, query: str = "") -> Iterator[Frames]:
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        address = f"ws{self.url.removeprefix('http')}/ws{query}"
        with connect(
            address, additional_headers=shown, compression=None, max_size=None, open_timeout=DEADLINE, close_timeout=1,
            ssl=self.trusted,
        ) as connection:  # fmt: skip
            yield Frames(connection)


class Frames:
    """The frames of one WebSocket connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=DEADLINE))
        self.seen.append(frame)
        return frame

    def wait(self, kind: str, **data: Any) -> dict[str, Any]:
        """The next frame of a type whose data has these values."""
        while True:
            frame = self.next()
            if frame["type"] == kind and all(frame["data"].get(key) == value for key, value in data.items()):
                return frame

    def send(self, kind: str, number: int, **data: Any) -> None:
        self.connection.send(json.dumps({"type": kind, "id": number, "data": data}))


def until(look: Callable[[], T], done: Callable[[T], object]) -> T:
    """Look again and again until what is seen is what was waited for."""
    deadline = time.monotonic() + DEADLINE
    pause = threading.Event()
    while not done(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        pause.wait(0.02)
    return seen


def leave_free(disk: Path, size: int) -> None:
    """Fill a disk up to this many bytes, by a file that is called `fill`."""
    with (disk / "fill").open("wb") as file:
        while True:
            found = os.statvfs(disk)
            try:
                os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - size)
            except OSError as error:
                if error.errno != errno.ENOSPC:  # something else may have taken some of it just now
                    raise
            else:
                return
