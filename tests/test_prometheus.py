"""The service in the eyes of the real Prometheus."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.programs import program
from tests.service import Service, until

ROOT = Path(__file__).parent.parent
CONFIG = """\
scripts:
  - {name: quick, command: exit 0, every: 200ms, labels: {team: ops}, timeout: 5s}
  - {name: never, command: exit 1, cron: "0 0 1 1 *"}
"""


def test_a_live_scrape_is_clean_for_promtool(start_service: Callable[..., Service]) -> None:
    publisher = {"name": "load", "command": [sys.executable, str(ROOT / "examples/scripts/load-metric.py")]}
    service = start_service(f"{CONFIG}  - {json.dumps(publisher)}\n")
    service.run("load")
    name = 'cronscope_script_runs_total{script="quick"}'
    until(service.metrics, lambda metrics: metrics[name] > 1 and 'load_per_cpu{period="1m",script="load"}' in metrics)
    text = service.fetch("/metrics")[2]
    promtool = [program("promtool", "prometheus"), "check", "metrics"]
    checked = subprocess.run(promtool, input=text, capture_output=True, timeout=30, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_prometheus_scrapes_it_with_the_configuration_that_comes_along(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = start_service(CONFIG, "--listen", "127.0.0.1:8917")  # the address in prometheus.yml
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    prometheus = subprocess.Popen(
        [
            program("prometheus", "prometheus"), f"--config.file={ROOT / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:

        def ask(query: str) -> list[Any]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}") as answer:
                    result: list[Any] = json.load(answer)["data"]["result"]
                    return result
            except OSError:  # it is not up yet
                return []

        [up] = until(lambda: ask('up{job="cronscope"}'), lambda result: result and result[0]["value"][1] == "1")
        assert up["metric"]["instance"] == f"127.0.0.1:{service.port}"
        [runs] = until(lambda: ask('cronscope_script_runs_total{script="quick"}'), bool)
        assert float(runs["value"][1]) >= 0
    finally:
        prometheus.terminate()
        prometheus.wait(30)
