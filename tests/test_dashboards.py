"""The dashboards that come along: well made, current, and with data in every panel."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dashboards.generate import generated
from dashboards.panels import COLOURS, STYLE
from exporter.events import Instant
from tests.dashboard_linter import RULES, Board, panels, targets, variables
from tests.programs import program
from tests.prometheus import CONFIG as PROMETHEUS
from tests.prometheus import ROOT, Prometheus, adapted, exposed, prometheus
from tests.service import Service, until

FOLDER = ROOT / "dashboards"
BOARDS: dict[str, Board] = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "grafana").glob("*.json"))
}
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
GRAFANA = {
    "$__rate_interval": "1m",
    "$__range": "1m",
    '="$script': '=~".+',
    "$job": ".+",
    "$instance": ".+",
    "$script": ".+",
}
"""What Grafana puts in the place of its variables; for the one script, which is asked for by its name, there is any."""


def asked(board: Board) -> list[tuple[str, str]]:
    """Title and query of every panel, annotation and variable, as Prometheus gets them."""
    annotations = [(each["name"], each["expr"]) for each in board["annotations"]["list"]]
    selectors = [(name, re.sub(r"label_values\((.*), (\w+)\)", r"count by (\2) (\1)", each["query"]))
                 for name, each in variables(board).items() if each["type"] == "query"]  # fmt: skip
    found = []
    for title, query in [*targets(board), *annotations, *selectors]:
        for variable, value in GRAFANA.items():
            query = query.replace(variable, value)
        found.append((title, query))
    return found


# --- well made ---


def test_the_files_are_current() -> None:
    made = generated()
    assert {path: path.read_text() for path in made} == made, "say `make dashboards`"
    assert {path for path in made if path.suffix == ".json"} == set((FOLDER / "grafana").iterdir())


@each_board
@pytest.mark.parametrize("rule", RULES)
def test_they_keep_the_rules_of_the_dashboard_linter(board: Board, rule: str) -> None:
    assert [*RULES[rule](board)] == []


@each_board
def test_every_query_is_promql(board: Board, tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, (_, query) in enumerate(asked(board))]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "rules", path], capture_output=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stderr


@each_board
def test_they_ask_only_for_metrics_that_there_are(board: Board) -> None:
    known = {"up", "ALERTS"} | exposed()
    assert {metric for _, query in asked(board) for metric in metrics_of(query)} <= known


def metrics_of(query: str) -> list[str]:
    return re.findall(r"\b([a-zA-Z_]\w*)\{", query)


def test_scripts_are_matched_by_a_pattern_only_where_grafana_makes_it() -> None:
    operators = {"overview": "=~", "script": "="}  # of a variable with one value, it takes the value as it is
    for name, operator in operators.items():
        assert variables(BOARDS[name])["script"].get("multi", False) == (operator == "=~")
        assert {*re.findall(r'\bscript(\S+)"\$script"', str([*targets(BOARDS[name])]))} == {operator}


@each_board
def test_a_restart_is_marked_when_it_was_with_the_instance(board: Board) -> None:
    [restarts] = board["annotations"]["list"]
    assert restarts["expr"].startswith("process_start_time_seconds{")
    assert restarts["useValueForTime"]
    assert restarts["titleFormat"]
    assert restarts["tagKeys"] == "instance"


def test_their_addresses_are_fixed() -> None:
    assert {board["uid"] for board in BOARDS.values()} == {f"cronscope-{name}" for name in BOARDS}
    assert {name for name, board in BOARDS.items() if "script" in variables(board)} == {"overview", "script"}


@each_board
def test_they_have_the_colours_of_the_page(board: Board) -> None:
    used = set(re.findall(r"#[0-9a-f]{6}", json.dumps(board)))
    assert used <= set(COLOURS.values())
    assert {"good", "bad", "active", "warning", "quiet"} <= COLOURS.keys()
    assert all(f"({colour}, " in STYLE.read_text() for colour in used)


@each_board
def test_links_lead_to_dashboards_and_variables_that_there_are_and_to_the_page(board: Board) -> None:
    for uid, variable in re.findall(r'"/d/([\w-]+)\?(?:[^"]*&)?var-(\w+)=', json.dumps(board)):
        assert variable in variables(next(each for each in BOARDS.values() if each["uid"] == uid))
    for link in re.findall(r'"/d/cronscope-script\?[^"]*"', json.dumps(board)):
        assert {"${datasource:queryparam}", "${job:queryparam}", "${__url_time_range}"} <= {*re.split('[?&"]', link)}
    assert re.search(r'"\$\{scheme\}://\$\{__(data\.fields|field\.labels)\.[iI]nstance\}/"', json.dumps(board))
    assert "cronscope" in board["links"][0]["tags"]
    assert "cronscope" in board["tags"]


@each_board
def test_panels_fill_the_grid_without_overlap(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_grafana_is_given_the_interval_of_scrapes_and_the_dashboards() -> None:
    yaml = YAML(typ="safe")
    [source] = yaml.load(FOLDER / "provisioning" / "datasources" / "cronscope.yml")["datasources"]
    assert source["jsonData"]["timeInterval"] == yaml.load(PROMETHEUS)["global"]["scrape_interval"]
    [provider] = yaml.load(FOLDER / "provisioning" / "dashboards" / "cronscope.yml")["providers"]
    guide = (ROOT / "docs" / "grafana.md").read_text()
    assert all(each.removeprefix("$") in guide for each in (source["url"], provider["options"]["path"]))


# --- with data ---

CONFIG = """\
scripts:
  - {name: good, command: "echo done", every: 300ms, timeout: 5s}
  - {name: bad, command: "exit 3", every: 300ms}
  - {name: slow, command: "sleep 1", every: 300ms}
  - {name: long, command: "sleep 300", timeout: 5m}
  - name: publishes
    command: echo "answers 42" > "$CRONSCOPE_METRICS_FILE"
    every: 300ms
"""


def test_every_query_has_data_where_the_service_has_it(start_service: Callable[..., Service], tmp_path: Path) -> None:
    service = start_service(CONFIG)
    long = service.run("long")
    with prometheus(adapted(tmp_path, f"127.0.0.1:{service.port}"), tmp_path / "tsdb") as server:
        until(lambda: server.ask("increase(cronscope_script_runs_total[1m]) > 0"), bool)
        missed = Instant(Instant.now() + 5000)
        once = json.dumps({"name": "once", "command": "true", "at": missed.rfc3339()}).encode()
        assert service.fetch("/api/v1/scripts", method="POST", body=once)[0] == 201
        service.kill()  # a start is missed, of which an alert tells, and a restart is there to be marked
        until(lambda: server.ask('up{job="cronscope"} == 0') and Instant.now() > missed, bool)
        service.start()
        until(lambda: server.ask("changes(process_start_time_seconds[1m]) > 0"), bool)
        until(lambda: server.ask('ALERTS{alertstate="firing"}'), bool)
        seen = {*server.api("label/__name__/values")}
        without = {
            f"{name}, {title}: {query}"
            for name, board in BOARDS.items()
            for title, query in asked(board)
            if seen.issuperset(metrics_of(query)) and not answered(server, query)
        }
    service.post(f"/api/v1/runs/{long}/stop")
    service.ended(long)
    assert without == set()
    wanted = {metric for board in BOARDS.values() for _, query in asked(board) for metric in metrics_of(query)}
    assert wanted - seen <= {
        "cronscope_host_disk_read_bytes_total", "cronscope_host_disk_written_bytes_total",  # a container may have none
        "cronscope_host_network_receive_bytes_total", "cronscope_host_network_transmit_bytes_total",
        "cronscope_script_published_samples", "cronscope_script_published_samples_rejected_total",
    }  # fmt: skip


def answered(server: Prometheus, query: str) -> Any:
    """What a query finds; some find it only a moment later."""
    try:
        return until(lambda: server.ask(query), bool)
    except AssertionError:
        return []
