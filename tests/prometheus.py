"""The real Prometheus, with a configuration and data of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from exporter.metrics import Metrics
from tests.programs import program
from tests.service import DEADLINE, until
from tests.test_metrics import BACKUP, Daily, after_everything, families

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "prometheus.yml"


class Prometheus:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def api(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer.  Raises ValueError where Prometheus refuses, OSError where there is none."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from error

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        result: list[dict[str, Any]] = self.api("query", query=query)["result"]
        return result

    def is_ready(self) -> bool:
        try:
            return bool(self.ask("vector(1)"))
        except (OSError, ValueError):
            return False


@contextmanager
def prometheus(config: Path, folder: Path, *arguments: str) -> Iterator[Prometheus]:
    """A Prometheus that is ready; its data is in `folder`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            program("prometheus", "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}", *arguments,
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        server = Prometheus(port)
        until(server.is_ready, bool)
        yield server
    finally:
        process.terminate()
        process.wait(DEADLINE)


def adapted(folder: Path, target: str) -> Path:
    """The configuration that comes along, but for another target, every second."""
    text = CONFIG.read_text()
    for shipped, ours in (
        ("127.0.0.1:8917", target),
        ("_interval: 15s", "_interval: 1s"),
        ("scrape_timeout: 10s", "scrape_timeout: 1s"),
        ("dashboards/rules/", f"{ROOT}/dashboards/rules/"),
    ):
        assert shipped in text
        text = text.replace(shipped, ours)
    path = folder / "prometheus.yml"
    path.write_text(text)
    return path


def exposed() -> set[str]:
    """Names of all series of a service with scripts."""
    metrics = Metrics("1")
    metrics.script_configured(BACKUP, Daily())
    found = families(after_everything(metrics))
    return found.keys() | {sample.name for family in found.values() for sample in family.samples}
