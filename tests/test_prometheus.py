"""The service in the eyes of the real Prometheus."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.programs import program
from tests.prometheus import CONFIG as SHIPPED
from tests.prometheus import ROOT, adapted, prometheus
from tests.service import Service, until

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


def test_promtool_and_amtool_find_the_configurations_sound() -> None:
    for name, package, kind, file in (
        ("promtool", "prometheus", "config", SHIPPED),
        ("amtool", "prometheus-alertmanager", "", ROOT / "dashboards" / "alertmanager.yml"),
    ):
        check = ["check", kind] if kind else ["check-config"]
        checked = subprocess.run([program(name, package), *check, file], capture_output=True, timeout=30, check=False)
        assert checked.returncode == 0, checked.stderr


def test_prometheus_scrapes_it_with_the_configuration_that_comes_along(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = start_service(CONFIG, "--listen", "127.0.0.1:8917")  # the address in prometheus.yml
    with prometheus(SHIPPED, tmp_path / "tsdb") as server:
        [up] = until(lambda: server.ask('up{job="cronscope"}'), lambda result: result and result[0]["value"][1] == "1")
        assert up["metric"]["instance"] == f"127.0.0.1:{service.port}"
        [runs] = until(lambda: server.ask('cronscope_script_runs_total{script="quick"}'), bool)
        assert float(runs["value"][1]) >= 0
        assert {group["name"] for group in server.api("rules")["groups"]} == {"cronscope-scripts", "cronscope-service"}


def test_rules_are_evaluated_without_fault_and_a_failure_arrives_as_an_alert(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = start_service(CONFIG)
    service.ended(service.run("never"))
    with prometheus(adapted(tmp_path, f"127.0.0.1:{service.port}"), tmp_path / "tsdb") as server:

        def rules() -> list[dict[str, Any]]:
            return [rule for group in server.api("rules")["groups"] for rule in group["rules"]]

        evaluated = until(rules, lambda found: all(rule["health"] != "unknown" for rule in found))
        assert [(rule["name"], rule.get("lastError")) for rule in evaluated if rule["health"] != "ok"] == []
        about = ("CronscopeScriptRunFailed", "never")
        [alert] = until(
            lambda: [each for each in server.api("alerts")["alerts"]
                     if (each["labels"]["alertname"], each["labels"].get("script")) == about],
            bool,
        )  # fmt: skip
        assert alert["annotations"]["summary"] == f"never on 127.0.0.1:{service.port} failed"


def test_an_exemplar_leads_to_what_its_run_printed(start_service: Callable[..., Service], tmp_path: Path) -> None:
    service = start_service("scripts: [{name: greet, command: echo hello}]")
    run_id = service.run("greet")
    service.ended(run_id)
    config = adapted(tmp_path, f"127.0.0.1:{service.port}")
    with prometheus(config, tmp_path / "tsdb", "--enable-feature=exemplar-storage") as server:
        series = "cronscope_script_run_duration_seconds_bucket"
        ask = {"query": series, "start": "0", "end": "9999999999"}
        [found] = until(lambda: server.api("query_exemplars", **ask), bool)
        [exemplar] = found["exemplars"]
        assert exemplar["labels"] == {"run_id": run_id}
    sources = YAML(typ="safe").load(ROOT / "dashboards" / "provisioning" / "datasources" / "cronscope.yml")
    [link] = sources["datasources"][0]["jsonData"]["exemplarTraceIdDestinations"]
    assert [*exemplar["labels"]] == [link["name"]]
    path = link["url"].removeprefix("$CRONSCOPE_URL").replace("$${__value.raw}", run_id)
    assert service.fetch(path)[::2] == (200, b"hello\n")
