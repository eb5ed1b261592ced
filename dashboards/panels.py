"""The pieces that dashboards are made of: queries, panels in the colours of the page, and the frame around them.

A query names its job and instances, and says "per second" and "up to this point" in one way only; so a panel's
definition is what it shows, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Query = prometheus.Dataquery
Stat = stat.Panel
Timeseries = timeseries.Panel
Heatmap = heatmap.Panel
Timeline = statetimeline.Panel
Table = table.Panel
Panel = Stat | Timeseries | Heatmap | Timeline | Table
Words = Mapping[str, tuple[str, str]]
"""Of a value: what it is called, and the colour."""
Links = Mapping[str, str]
"""Title to address."""
P = TypeVar("P", Stat, Timeseries, Heatmap, Timeline, Table)

STYLE = Path(__file__).parents[1] / "relay" / "dashboard" / "src" / "style.css"
COLOURS: Final[Mapping[str, str]] = dict(re.findall(r"--(\w+): light-dark\((#\w{6}),", STYLE.read_text()))
"""By the page's names: `good`, `bad`, `warning`, `active`, `quiet`; those for a light background, as they are dark
enough to be text there, and light enough to be seen on a dark one."""
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "cronscope"
RESULT = {"0": ("Failed", "bad"), "1": ("Completed", "good"), "2": ("Running", "active")}
AGO = "dateTimeFromNow"
HIDDEN = {"custom.hidden": True}
"""Options of a column that is there to have its labels shown."""
UP = {"0": ("Down", "bad"), "1": ("Up", "good")}
YES = {"0": ("No", "bad"), "1": ("Yes", "good")}

# --- queries ---

_HERE = 'job=~"$job", instance=~"$instance"'
UP_TO_NOW = "in the minute up to each point, or longer where points are further apart"
"""Windows overlap: one of the time between two points would miss what lies between two scrapes."""


def here(metric: str, *more: str) -> str:
    """A metric of the chosen services; `more` are further matchers."""
    return f"{metric}{{{', '.join((_HERE, *more))}}}"


def scripts(metric: str, *more: str) -> str:
    """`cronscope_script_…` of the chosen scripts."""
    return here(f"cronscope_script_{metric}", 'script=~"$script"', *more)


def script(metric: str, *more: str) -> str:
    """`cronscope_script_…` of the one that is chosen, whose name Grafana does not escape for `=~`."""
    return here(f"cronscope_script_{metric}", 'script="$script"', *more)


def rate(series: str) -> str:
    return f"rate({series}[$__rate_interval])"


def increase(series: str) -> str:
    """What `UP_TO_NOW` tells of in a panel's description."""
    return f"increase({series}[$__rate_interval])"


def quantile(share: float, buckets: str, *by: str) -> str:
    """Of a histogram's `…_bucket` series."""
    return f"histogram_quantile({share}, sum by ({', '.join(('le', *by))}) ({rate(buckets)}))"


def each_script(expression: str) -> str:
    """One series a script, without the metric's name, so that several can be joined by their labels."""
    return f"max by (job, instance, script) ({expression})"


def age(series: str) -> str:
    """Seconds since a timestamp."""
    return f"time() - {series}"


def moment(series: str) -> str:
    """A timestamp in Grafana's unit for it."""
    return f"{series} * 1000"


def lines(expression: str, legend: str) -> Query:
    return Query().expr(expression).range().legend_format(legend)


def now(expression: str) -> Query:
    return Query().expr(expression).instant().legend_format("{{instance}}")


def rows(expression: str) -> Query:
    return Query().expr(expression).instant().format(PromQueryFormat.TABLE)


def buckets(series: str) -> Query:
    """Of a histogram's `…_bucket` series, with its exemplars."""
    query = Query().expr(f"sum by (le) ({increase(series)})").range().legend_format("{{le}}")
    return query.format(PromQueryFormat.HEATMAP).exemplar(True)


# --- panels ---


def _panel(panel: P, title: str, description: str, targets: Iterable[Query], unit: str, width: int, height: int) -> P:
    panel.title(title).description(description).datasource(SOURCE).unit(unit).span(width).height(height)
    for letter, target in zip(ascii_uppercase, targets, strict=False):
        panel.with_target(target.ref_id(letter))
    return panel


def number(
    title: str, description: str, target: Query, unit: str = "short", *, words: Words | None = None,
    bad_from: float | None = None, colour: str = "active", links: Links | None = None, named: bool = False,
) -> Stat:  # fmt: skip
    """The latest value: as a word, or a number that is an alarm from `bad_from` on.

    `named`: with the instance, which else is there only where there are several.
    """
    panel = _panel(Stat(), title, description, [target], unit, 4, 4)
    panel.color_mode(looks.BigValueColorMode.VALUE).graph_mode(looks.BigValueGraphMode.NONE).no_value("–")
    panel.text_mode(looks.BigValueTextMode.VALUE_AND_NAME if named else looks.BigValueTextMode.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    steps = [model.Threshold(None, COLOURS[colour if bad_from is None else "good"])]
    if bad_from is not None:
        steps.append(model.Threshold(bad_from, COLOURS["bad"]))
    panel.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    if words:
        panel.mappings([_words(words)])
    return panel.data_links([_link(*each) for each in (links or {}).items()])


def chart(
    title: str, description: str, *targets: Query, unit: str = "short", width: int = 12, most: float | None = None,
    colours: Mapping[str, str] | None = None, links: Links | None = None,
) -> Timeseries:  # fmt: skip
    """Lines over time, from zero on; `colours` by how the legend's text begins."""
    panel = _panel(Timeseries(), title, description, targets, unit, width, 8).min(0).fill_opacity(10)
    panel.show_points(looks.VisibilityMode.NEVER)
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(True)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
    if most is not None:
        panel.max(most)
    for name, colour in (colours or {}).items():
        panel.override_by_regexp(
            f"/^{name}\\b/", [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": COLOURS[colour]})]
        )
    return panel.data_links([_link(*each) for each in (links or {}).items()])


def heat(title: str, description: str, series: str) -> Heatmap:
    """How a histogram of seconds is spread over time; a point is an exemplar, and leads to what it stands for."""
    panel = _panel(Heatmap(), title, description, [buckets(series)], "short", 12, 8)
    panel.color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.OPACITY).fill(COLOURS["active"]).exponent(0.5))
    panel.rows_frame(heatmap.RowsHeatmapOptions().layout(looks.HeatmapCellLayout.AUTO))
    return panel.y_axis(heatmap.YAxisConfig().unit("s")).exemplars_color(COLOURS["warning"]).show_legend()


def timeline(title: str, description: str, target: Query, words: Words, height: int) -> Timeline:
    """Which state each series had when."""
    panel = _panel(Timeline(), title, description, [target], "short", 24, height)
    panel.mappings([_words(words)]).merge_values(True).show_value(looks.VisibilityMode.NEVER)
    panel.row_height(0.8).fill_opacity(85)
    return panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))


def listing(
    title: str, description: str, columns: Mapping[str, tuple[Query, Mapping[str, Any]]], names: Mapping[str, str], *,
    height: int = 10, links: Mapping[str, Links],
) -> Table:  # fmt: skip
    """One row for each set of labels.  `columns`: query and field options (of values, which are missing where there is
    no such series), `names`: label to heading, `links`: by heading."""
    panel = _panel(Table(), title, description, (query for query, _ in columns.values()), "short", 24, height)
    headings = dict(zip((f"Value #{letter}" for letter in ascii_uppercase), columns, strict=False))
    if len(columns) == 1:
        headings = {"Value": next(iter(columns))}
    order = {name: place for place, name in enumerate((*names, *headings))}
    panel.with_transformation(model.DataTransformerConfig("merge", options={}))
    panel.with_transformation(
        model.DataTransformerConfig(
            "organize",
            options={"excludeByName": {"Time": True, "job": "job" not in names}, "indexByName": order,
                     "renameByName": {**names, **headings}},
        )
    )  # fmt: skip
    for heading, (_, options) in columns.items():
        panel.override_by_name(heading, [model.DynamicConfigValue(*each) for each in options.items()])
    for heading, targets in links.items():
        found = [_link(*each).build() for each in targets.items()]
        panel.override_by_name(heading, [model.DynamicConfigValue("links", found)])
    return panel.filterable(True)


def worded(words: Words) -> dict[str, Any]:
    """Options of a column that shows words in their colours."""
    return {"mappings": [_words(words)], "custom.cellOptions": {"type": "color-text"}}


def _words(words: Words) -> model.ValueMap:
    places = count()
    return model.ValueMap({
        value: model.ValueMappingResult(text=text, color=COLOURS[colour], index=next(places))
        for value, (text, colour) in words.items()
    })  # fmt: skip


# --- links ---

PAGE = {"Open the live page": "${scheme}://${__field.labels.instance}/"}
"""Where a field has its instance among its labels."""
PAGE_OF_ROW = {"Open the live page": "${scheme}://${__data.fields.Instance}/"}


def _link(title: str, url: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).url(url).target_blank(not url.startswith("/"))


def _to_script(script: str, instance: str) -> Links:
    """To the dashboard about one script; both are Grafana's text for a label."""
    chosen = f"${{datasource:queryparam}}&${{job:queryparam}}&var-instance={instance}&var-script={script}"
    return {"Show the script": f"/d/cronscope-script?{chosen}&${{__url_time_range}}"}


TO_SCRIPT = _to_script("${__field.labels.script}", "${__field.labels.instance}")
TO_SCRIPT_OF_ROW = _to_script("${__data.fields.Script}", "${__data.fields.Instance}")


# --- the frame ---


def board(name: str, title: str, description: str, *, scripts: str = "") -> dashboard.Dashboard:
    """An empty dashboard.  `scripts`: `many`, `one`, or nothing where there are none to choose from."""
    made = dashboard.Dashboard(f"Cronscope / {title}").uid(f"cronscope-{name}").description(description).tags([TAG])
    made.readonly().time("now-6h", "now").refresh("30s").timezone("browser")
    made.tooltip(model.DashboardCursorSync.CROSSHAIR)
    made.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    made.with_variable(_many("job", "label_values(cronscope_build_info, job)"))
    made.with_variable(_many("instance", 'label_values(cronscope_build_info{job=~"$job"}, instance)'))
    query = f"label_values({here('cronscope_script_enabled')}, script)"
    if scripts == "one":
        made.with_variable(_choice("script", query))
    elif scripts == "many":
        made.with_variable(_many("script", query).all_value(".+"))  # there may be thousands
    scheme = dashboard.CustomVariable("scheme").label("Page by").values("http,https")
    scheme.current(model.VariableOption(text="http", value="http", selected=True))
    made.with_variable(scheme.description("How browsers reach the live page at the instance's address"))
    starts = moment(here("process_start_time_seconds"))
    made.annotation(_Restarts(name="Restarts", datasource=SOURCE, icon_color=COLOURS["warning"], expr=starts))
    others = dashboard.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return made.link(others.include_vars(True).keep_time(True))


class _Restarts(model.AnnotationQuery, Builder[model.AnnotationQuery]):
    """Marks each start of the service at the time of it, however long it was down before.

    It has options of the Prometheus data source that the SDK does not know, and so is its own builder.
    """

    def build(self) -> model.AnnotationQuery:
        return self

    def to_json(self) -> dict[str, object]:
        options = {"useValueForTime": True, "titleFormat": "Cronscope started", "tagKeys": "instance"}
        return super().to_json() | options


def _choice(label: str, query: str) -> dashboard.QueryVariable:
    made = dashboard.QueryVariable(label).label(label.capitalize()).datasource(SOURCE).query(query)
    made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    return made


def _many(label: str, query: str) -> dashboard.QueryVariable:
    """All of them unless some are chosen: those that the query finds, where nothing else is set as `all_value`."""
    made = _choice(label, query).current(model.VariableOption(text="All", value="$__all", selected=True))
    return made.multi(True).include_all(True)


def fill(made: dashboard.Dashboard, sections: Mapping[str, Iterable[Panel]]) -> dashboard.Dashboard:
    """Lay panels out, row by row; a section without a name has no heading."""
    ids = count(1)
    for heading, panels in sections.items():
        if heading:
            made.with_row(dashboard.Row(heading).id(next(ids)))
        for panel in panels:
            made.with_panel(panel.id(next(ids)))
    return made
