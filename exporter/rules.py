"""Alert rules about scripts, for Prometheus.

One set of rules, made in two ways: for all scripts, where what is too long is read from the metrics that tell of each
script's configuration; and for the scripts of one configuration, with the numbers and the labels that follow from it.
Only the latter notice a script whose series are not there at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from exporter.metrics import facts_of
from exporter.settings import Duration, ScriptSettings, Settings
from exporter.triggers import timing
from exporter.yaml_text import block_item, scalar

_FREQUENT = Duration.parse("20m")
"""Of a script that starts more often, one failed run is no reason to alert anybody; a retry so near is waited for."""
_MISSED = Duration.parse("10m")
"""What the starts that were missed must amount to: a restart of the service is no reason to alert anybody."""
_OVERDRAWN = Duration.parse("1m")
"""How long after its timeout and kill_after a run must be gone."""
_ENDING = Duration.parse("10m")
"""The same where nothing tells of kill_after."""
_DAY = Duration.parse("1d")
"""How long a run may take where nothing else says so."""
_ORIGIN = ("alertname", "script", "job", "instance")
"""Labels that tell where an alert comes from; a script's own must not take their place."""
_BY_SCRIPT = "(job, instance, script)"
_NAME = "{{ $labels.script }}"


class Alert(Struct, frozen=True, kw_only=True):
    name: str
    expr: str
    lasting: str
    """For how long `expr` must hold before somebody is told."""
    severity: str
    summary: str
    """What follows the script's name."""
    description: str
    """What it means, and the remedy."""


class Limits(Struct, frozen=True, kw_only=True):
    """What is too long for some scripts: seconds, as PromQL; None: nothing is."""

    matchers: tuple[str, ...] = ()
    """That find the script; none: all scripts."""
    target: str = ""
    """The matcher that finds the service; none: all services."""
    success_age: str | None
    age: str = ""
    """The same as a duration; for all scripts, of which each has its own, there is none."""
    missed: str
    """How many starts may be missed."""
    stuck: str
    slow: str | None
    frequent: bool = True
    """Whether runs come so often that it takes many failed ones for an alert."""
    seldom: bool = True
    """Whether they come so seldom that it takes one."""
    skips: bool = True
    """Whether a start that comes while the script still runs is skipped."""
    retries: int | None = None
    """None: nothing tells of them."""

    def series(self, name: str, *more: str) -> str:
        """`cronscope_script_…` of these scripts."""
        matchers = ", ".join(filter(None, (*self.matchers, self.target, *more)))
        return f"cronscope_script_{name}" + (f"{{{matchers}}}" if matchers else "")

    def counted(self, name: str, *more: str) -> str:
        """What a counter grew by in the last hour."""
        return f"sum by {_BY_SCRIPT} (increase({self.series(name, *more)}[1h]))"

    @property
    def in_force(self) -> str:
        """The end of an expression that is not about disabled scripts."""
        return f"\nunless on {_BY_SCRIPT} {self.series('enabled')} == 0"


ALL = Limits(
    success_age="cronscope_script_success_age_limit_seconds",
    missed=f"on {_BY_SCRIPT} group_left () (\n  {_MISSED.seconds():.0f} / cronscope_script_schedule_interval_seconds\n"
    f'  or on {_BY_SCRIPT} 0 * cronscope_script_runs_skipped_total{{reason="missed"}}\n)',
    stuck=f"(\n  cronscope_script_timeout_seconds + {_ENDING.seconds():.0f}\n"
    "  or cronscope_script_success_age_limit_seconds\n"
    f"  or 0 * cronscope_script_enabled + {_DAY.seconds():.0f}\n)",
    slow="0.8 * (cronscope_script_timeout_seconds or cronscope_script_schedule_interval_seconds)",
)


def rules_for_all() -> str:
    """A rule file about whatever scripts there are."""
    return _file([("cronscope-scripts", ALL, {})])


def rules_for(settings: Settings, instance: str | None = None) -> str:
    """A rule file about the scripts of a configuration; `instance`: only as that instance tells of them."""
    return _file(
        (f"cronscope-script-{script.name}", _limits(script, settings.timezone, instance), _labels(script))
        for script in settings.scripts
    )


def _limits(script: ScriptSettings, timezone: str, instance: str | None) -> Limits:
    facts = facts_of(script, timing(script, timezone))
    age, interval = facts.success_age_limit, facts.interval
    overdrawn = script.timeout + script.kill_after + _OVERDRAWN if script.timeout else age or _DAY
    slow = facts.timeout or interval
    return Limits(
        matchers=(f'script="{script.name}"',),
        target=f"instance={json.dumps(instance)}" if instance else "",
        success_age=None if age is None else _seconds(age),
        age=str(Duration(age or 0)),
        missed=f"{_MISSED // interval}" if interval else "0",
        stuck=_seconds(overdrawn),
        slow=_seconds(slow * 4 // 5) if slow else None,
        frequent=interval is not None and interval < _FREQUENT,
        seldom=interval is None or interval >= _FREQUENT,
        skips=script.overlap == "skip",
        retries=script.retries,
    )


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.13g}"


def alerts(limits: Limits) -> Iterator[Alert]:
    yield from _without_success(limits)
    yield from _failing(limits)
    yield from _not_started(limits)
    yield from _too_long(limits)


def _without_success(limits: Limits) -> Iterator[Alert]:
    if limits.success_age is None:
        return
    last, enabled = limits.series("last_success_timestamp_seconds"), limits.series("enabled")
    yield Alert(
        name="CronscopeScriptOverdue",
        expr=f"time() - {last} > {limits.success_age}{limits.in_force}",
        lasting="1m",
        severity="critical",
        summary="has not succeeded for too long",
        description="Its last success is {{ $value | humanizeDuration }} ago, longer than its success_age_limit.  See "
        f"why runs fail, or why none starts: cronscope logs {_NAME} and cronscope next.  If the script may take its "
        "time, raise success_age_limit.",
    )
    old = [f"{enabled} offset {limits.age} == 1"] if limits.age else [
        f"{limits.success_age} < on (job, instance) group_left ()"
        " (time() - cronscope_config_last_reload_success_timestamp_seconds)",
        f"{limits.success_age} < {_DAY.seconds():.0f} and on {_BY_SCRIPT} {enabled} offset {_DAY} == 1",
    ]  # fmt: skip
    never = "\n  or ".join([f"(\n  {limits.series('last_run_success')} == 0", *old])
    up = "up{" + ", ".join(filter(None, ('job="cronscope"', limits.target))) + "}"
    unknown = f"\nor {up} * on () group_left (script) absent({enabled}) == 1" if limits.matchers else ""
    yield Alert(
        name="CronscopeScriptNeverSucceeded",
        expr=f"{never}\n)\nunless on {_BY_SCRIPT} {last}{limits.in_force}{unknown}",
        lasting="10m",
        severity="critical",
        summary="has never succeeded",
        description="No run of it has completed since it was configured, or nothing is known of it any more.  Run "
        f"it by hand and read what it prints: cronscope run {_NAME}.  Success is an exit code in success_codes.",
    )


def _failing(limits: Limits) -> Iterator[Alert]:
    ended, interval = limits.counted("runs_total"), limits.series("schedule_interval_seconds")
    if limits.frequent:
        tries = 1 + (
            limits.retries or 0
        )  # if half of the starts fail in the end, so many runs come to one that completes
        only = "" if limits.matchers else f"\nand on {_BY_SCRIPT} {interval} < {_seconds(_FREQUENT)}"
        yield Alert(
            name="CronscopeScriptFailing",
            expr=f"{limits.counted('run_failures_total')}\n/ {ended} > {tries / (tries + 1):.3g}\n"
            f"and {ended} > {2 * tries}{only}{limits.in_force}",
            lasting="5m",
            severity="warning",
            summary="fails more often than not",
            description="{{ $value | humanizePercentage }} of its runs in the last hour failed.  Read what they "
            f"printed: cronscope logs {_NAME} --status failed.",
        )
    if limits.seldom:
        unless = "" if limits.matchers else f"\nunless on {_BY_SCRIPT} {interval} < {_seconds(_FREQUENT)}"
        yield Alert(
            name="CronscopeScriptRunFailed",
            expr=f"{limits.series('last_run_success')} == 0{unless}{_retried(limits)}{limits.in_force}",
            lasting="5m",
            severity="warning",
            summary="failed",
            description="Its last run failed, and the next one is far.  Read what it printed, and start it again when "
            f"the cause is gone: cronscope logs {_NAME}, cronscope run {_NAME}.  For causes that pass by themselves, "
            "set retries.",
        )


def _retried(limits: Limits) -> str:
    """Leaves out scripts that began to fail within the last hour and have another try planned soon, or under way."""
    if limits.retries == 0:
        return ""
    ended = limits.series("last_completion_timestamp_seconds")
    soon = _seconds(_FREQUENT)
    return (
        f"\nunless on {_BY_SCRIPT} (\n  (\n    {limits.series('next_run_timestamp_seconds')} - {ended} < {soon}\n"
        f"    or {limits.series('last_start_timestamp_seconds')} - {ended} > 0 < {soon}\n"
        f"  )\n  and max_over_time({limits.series('last_run_success')}[1h]) == 1\n)"
    )


def _not_started(limits: Limits) -> Iterator[Alert]:
    missed = limits.series("runs_skipped_total", 'reason=~"missed|queue_full"')
    yield Alert(
        name="CronscopeScriptStartMissed",
        # What was missed while the service was down is counted before the first scrape, so it is no increase.
        expr=f"(\n  {missed}\n  and on (job, instance) time() - process_start_time_seconds < 3600\n"
        f"  or increase({missed}[1h])\n) > {limits.missed}{limits.in_force}",
        lasting="0m",
        severity="warning",
        summary="was not started when it should have been",
        description="About {{ $value | humanize }} starts of the last hour did not happen ({{ $labels.reason }}).  "
        f"missed: the service was down; start what matters by hand, by cronscope run {_NAME}, and set missed: once for "
        "scripts that must catch up.  queue_full: the script takes longer than its schedule allows.",
    )
    if limits.skips:
        skipped = limits.counted("runs_skipped_total", 'reason="overlap"')
        yield Alert(
            name="CronscopeScriptOverlapping",
            expr=f"{skipped}\n/ ({skipped} + {limits.counted('runs_total')}) > 0.2{limits.in_force}",
            lasting="5m",
            severity="warning",
            summary="still runs when its next start comes",
            description="{{ $value | humanizePercentage }} of its starts in the last hour were skipped.  Start it less "
            "often, make it faster, or choose with overlap what becomes of such a start.",
        )


def _too_long(limits: Limits) -> Iterator[Alert]:
    started = limits.series("active_run_start_timestamp_seconds")
    yield Alert(
        name="CronscopeScriptStuck",
        expr=f"time() - {started} > {limits.stuck}{limits.in_force}",
        lasting="5m",
        severity="critical",
        summary="hangs",
        description="A run has been going on for {{ $value | humanizeDuration }}, longer than it may.  Look what it "
        f"waits for, then stop it: cronscope logs {_NAME} --follow, cronscope stop {_NAME}.  Give it a timeout if it "
        "has none.",
    )
    if limits.slow:
        yield Alert(
            name="CronscopeScriptSlow",
            expr=f"{limits.series('last_run_duration_seconds')} > {limits.slow}\n"
            f"and on {_BY_SCRIPT} {limits.series('last_run_success')} == 1{limits.in_force}",
            lasting="5m",
            severity="info",
            summary="is close to its limit",
            description="Its last run took {{ $value | humanizeDuration }}, more than four fifths of its timeout, or "
            "of the time to its next start.  Raise timeout, start it less often, or find what has become slow.",
        )


# --- as a file ---


def _file(groups: Iterable[tuple[str, Limits, Mapping[str, str]]]) -> str:
    """The groups, by name, limits, and labels of all alerts in it."""
    text = "".join(_group(*group) for group in groups)
    return f"groups:\n{text}" if text else "groups: []\n"


def _group(name: str, limits: Limits, labels: Mapping[str, str]) -> str:
    rules = "".join(block_item(_rule(alert, labels), 6, 2) for alert in alerts(limits))
    return f"  - name: {scalar(name)}\n    rules:\n{rules}"


def _rule(alert: Alert, labels: Mapping[str, str]) -> dict[str, object]:
    where = f"{_NAME}{{{{ with $labels.instance }}}} on {{{{ . }}}}{{{{ end }}}}"
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasting,
        "labels": {"severity": alert.severity, **labels},
        "annotations": {"summary": f"{where} {alert.summary}", "description": alert.description},
    }


def _labels(script: ScriptSettings) -> dict[str, str]:
    """Of a script's alerts: its name, which tells promtool two scripts' alerts of a kind apart, and its own labels."""
    own = {
        name: text.replace("{{", '{{"{{"}}')  # no template of Prometheus'
        for name, text in script.labels.items()
        if name not in _ORIGIN and not name.startswith("__")
    }
    return {"script": script.name, **own}
