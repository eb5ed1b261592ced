"""The rules of Grafana's dashboard-linter, of which there is no Python package: https://github.com/grafana/dashboard-linter

Each takes a dashboard and yields what is wrong with it.  That of LogQL have nothing to look at but the type of sources.
Two ask for something else than the linter's:

- template-job-rule and template-instance-rule: without `allValue: .+`, *All* is what the query finds.  With it, `up`
  and `process_…` of every target there is would be on the dashboards.
- target-instance-rule: `ALERTS` may be without an instance, as where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Board = dict[str, Any]
_SOURCES = ("$datasource", "${datasource}")
_UNITS = {
    "none", "short", "percentunit", "bytes", "Bps", "s", "dtdurations", "dateTimeFromNow", "cpm", "cps", "reqps",
}  # fmt: skip
"""Those of Grafana's that are in use here."""
_DATA_PANELS = ("stat", "table", "timeseries", "gauge", "heatmap", "state-timeline")
"""The linter's, and two of those that it does not know."""


def panels(board: Board) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(board: Board) -> Iterator[tuple[str, str]]:
    """Title of the panel and query."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def variables(board: Board) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in board["templating"]["list"]}


def template_datasource(board: Board) -> Iterator[str]:
    sources = [each for each in variables(board).values() if each["type"] == "datasource"]
    if [(each["name"], each["label"], each["query"]) for each in sources] != [
        ("datasource", "Data source", "prometheus")
    ]:
        yield "the data source is no variable `datasource` labelled `Data source`"


def _template(name: str) -> Callable[[Board], Iterator[str]]:
    def rule(board: Board) -> Iterator[str]:
        found = variables(board).get(name, {})
        asked = {key: found.get(key) for key in ("type", "label", "multi", "includeAll", "allValue")}
        if asked != {
            "type": "query", "label": name.capitalize(), "multi": True, "includeAll": True, "allValue": None
        }:  # fmt: skip
            yield f"variable {name}: {asked}"
        if found["datasource"]["uid"] not in _SOURCES:
            yield f"variable {name} has a data source of its own"
        if not re.match(r"label_values\(cronscope_build_info\b", found["query"]):
            yield f"variable {name} is about others than Cronscopes"

    return rule


def template_label_promql(board: Board) -> Iterator[str]:
    for name, each in variables(board).items():
        if each["type"] == "query" and not re.fullmatch(r"label_values\(\w+(\{.*\})?, \w+\)", each["query"]):
            yield f"variable {name}: {each['query']}"


def template_on_time_change_reload(board: Board) -> Iterator[str]:
    for name, each in variables(board).items():
        if each["type"] == "query" and each["refresh"] != 2:
            yield f"variable {name} is not read again when the time range changes"


def panel_datasource(board: Board) -> Iterator[str]:
    return (panel["title"] for panel in panels(board) if panel["datasource"]["uid"] not in _SOURCES)


def panel_title_description(board: Board) -> Iterator[str]:
    return (panel["title"] for panel in panels(board) if not (panel["title"] and panel["description"]))


def panel_units(board: Board) -> Iterator[str]:
    for panel in panels(board):
        overridden = [each["value"] for override in panel["fieldConfig"]["overrides"]
                      for each in override["properties"] if each["id"] == "unit"]  # fmt: skip
        if not {panel["fieldConfig"]["defaults"]["unit"], *overridden} <= _UNITS:
            yield panel["title"]


def panel_no_targets(board: Board) -> Iterator[str]:
    return (panel["title"] for panel in panels(board) if panel["type"] in _DATA_PANELS and not panel["targets"])


def target_logql(board: Board) -> Iterator[str]:
    return (panel["title"] for panel in panels(board) if panel["datasource"]["type"] != "prometheus")


def target_rate_interval(board: Board) -> Iterator[str]:
    for title, query in targets(board):
        if any(range != "$__rate_interval" for range in re.findall(r"\bi?rate\([^[]*\[([^]]+)\]", query)):
            yield f"{title}: {query}"


def _matcher(label: str) -> Callable[[Board], Iterator[str]]:
    def rule(board: Board) -> Iterator[str]:
        for title, query in targets(board):
            for metric in re.findall(r"\b(?:cronscope|process)_\w+|\bup\b|\bALERTS\b", query):
                or_none = r"\|" if (metric, label) == ("ALERTS", "instance") else ""
                with_matcher = rf'\b{metric}\{{[^}}]*\b{label}=~"\${label}{or_none}"'
                if len(re.findall(with_matcher, query)) != len(re.findall(rf"\b{metric}\b", query)):
                    yield f"{title}: {query}"

    return rule


def target_counter_agg(board: Board) -> Iterator[str]:
    for title, query in targets(board):
        counters = len(re.findall(r"\b\w+_total\b", query))
        if len(re.findall(r"\b(?:rate|irate|increase)\(\w+_total\b\{[^}]*\}\[", query)) != counters:
            yield f"{title}: {query}"


def uneditable_dashboard(board: Board) -> Iterator[str]:
    if board["editable"]:
        yield "it can be edited in place, where the next provisioning overwrites it"


RULES: dict[str, Callable[[Board], Iterator[str]]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": _template("job"),
    "template-instance-rule": _template("instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": _matcher("job"),
    "target-instance-rule": _matcher("instance"),
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard-rule": uneditable_dashboard,
}
"""All but target-promql-rule, which promtool looks after."""
