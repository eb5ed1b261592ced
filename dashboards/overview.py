"""The dashboard about all scripts: what is wrong now, what each one did, and how much there is to do."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import panels as p

_ENABLED = f"on (job, instance, script) {p.scripts('enabled')} == 1"
_OVERDUE = f"time() - {p.scripts('last_success_timestamp_seconds')} > {p.scripts('success_age_limit_seconds')}"
_SCRIPT = "{{script}} ({{instance}})"
_IN_FORCE = p.here("cronscope_scripts", 'state="enabled"')


def state(series: Callable[[str], str]) -> str:
    """Of the scripts that `series` is about; running goes before the result of the last run."""
    return p.each_script(f"2 * clamp_max({series('runs_in_progress')} > 0, 1) or {series('last_run_success')}")


def overview() -> Dashboard:
    board = p.board("overview", "Overview", "All scripts: what is wrong now, and what each one did.", scripts="many")
    return p.fill(board, {"": _now(), "Each script": _each(), "Runs": _runs(), "What runs cost": _cost()})


def _now() -> list[p.Panel]:
    return [
        p.number(
            "Services",
            "Whether Prometheus reaches each service.  Click for the live page.",
            p.now(p.here("up")),
            words=p.UP,
            links=p.PAGE,
            named=True,
        ),
        p.number(
            "Last run failed",
            "Scripts in force whose last run failed.",
            p.now(f"count({p.scripts('last_run_success')} == 0 and {_ENABLED}) or vector(0)"),
            bad_from=1,
        ),
        p.number(
            "Overdue",
            "Scripts in force that have not succeeded for longer than their success_age_limit.",
            p.now(f"count({_OVERDUE} and {_ENABLED}) or vector(0)"),
            bad_from=1,
        ),
        p.number("Running", "Runs that execute now.", p.now(f"sum({p.scripts('runs_in_progress')})")),
        p.number(
            "Waiting",
            "Starts that wait for a free slot, or for an earlier run of their script.",
            p.now(f"sum({p.here('cronscope_runs_queued')})"),
            colour="quiet",
        ),
        p.number(
            "Scripts",
            "Scripts whose schedule is in force.",
            p.now(f"sum({_IN_FORCE})"),
            colour="quiet",
        ),
    ]


def _each() -> list[p.Panel]:
    # An alert need not be about an instance: that there is none, say.
    alerts = 'ALERTS{job=~"$job", instance=~"$instance|", alertstate="firing"}'
    return [
        p.timeline(
            "Results",
            "Result of each script's last run, and when it was running.  Runs shorter than the scrape interval show by "
            "their result only.",
            p.lines(state(p.scripts), _SCRIPT),
            p.RESULT,
            10,
        ),
        p.listing(
            "Scripts",
            "Every script.  Its name leads to its own dashboard, its instance to the live page.",
            {
                "State": (p.rows(state(p.scripts)), p.worded(p.RESULT)),
                "Last end": (
                    p.rows(p.each_script(p.moment(p.scripts("last_completion_timestamp_seconds")))),
                    {"unit": p.AGO},
                ),
                "Took": (p.rows(p.each_script(p.scripts("last_run_duration_seconds"))), {"unit": "s"}),
                "Exit code": (p.rows(p.each_script(p.scripts("last_run_exit_code"))), {"unit": "none"}),
                "Next start": (
                    p.rows(p.each_script(p.moment(p.scripts("next_run_timestamp_seconds")))),
                    {"unit": p.AGO},
                ),
                "Since success": (
                    p.rows(p.each_script(p.age(p.scripts("last_success_timestamp_seconds")))),
                    {"unit": "dtdurations"},
                ),
                "At most": (p.rows(p.each_script(p.scripts("success_age_limit_seconds"))), {"unit": "dtdurations"}),
                "Failures": (
                    p.rows(f"sum by (job, instance, script) (increase({p.scripts('run_failures_total')}[$__range]))"),
                    {"unit": "short", "decimals": 0},
                ),
                "In force": (
                    p.rows(p.each_script(p.scripts("enabled"))),
                    p.worded({"0": ("No", "quiet"), "1": ("Yes", "good")}),
                ),
            },
            {"script": "Script", "instance": "Instance"},
            links={
                "Script": p.TO_SCRIPT_OF_ROW,
                "Instance": p.PAGE_OF_ROW,
            },
        ),
        p.listing(
            "Alerts",
            "Alerts that Prometheus has firing now, of scripts and services.",
            {
                "Firing": (
                    p.rows(f"sum by (alertname, severity, job, instance, script) ({alerts})"),
                    p.HIDDEN,
                )
            },
            {"alertname": "Alert", "severity": "Severity", "script": "Script", "instance": "Instance"},
            height=6,
            links={"Script": p.TO_SCRIPT_OF_ROW},
        ),
    ]


def _runs() -> list[p.Panel]:
    ended, failed = f"sum({p.rate(p.scripts('runs_total'))})", f"sum({p.rate(p.scripts('run_failures_total'))})"
    return [
        p.chart(
            "Runs a minute",
            "Runs that ended, by result.",
            p.lines(f"60 * ({ended} - {failed})", "Completed"),
            p.lines(f"60 * {failed}", "Failed"),
            unit="cpm",
            colours={"Completed": "good", "Failed": "bad"},
        ),
        p.chart(
            "Failures",
            f"Runs that failed {p.UP_TO_NOW}, by script and reason.",
            p.lines(
                f"sum by (instance, script, reason) ({p.increase(p.scripts('run_failures_total'))}) > 0",
                f"{_SCRIPT}: {{{{reason}}}}",
            ),
            links=p.TO_SCRIPT,
        ),
        p.chart(
            "Starts that did not happen",
            f"Planned starts skipped {p.UP_TO_NOW}, by script and reason: the script still ran (overlap), the service "
            "was down (missed), or too many waited (queue_full).",
            p.lines(
                f"sum by (instance, script, reason) ({p.increase(p.scripts('runs_skipped_total'))}) > 0",
                f"{_SCRIPT}: {{{{reason}}}}",
            ),
            links=p.TO_SCRIPT,
        ),
        p.chart(
            "Running and waiting",
            "Runs that execute, starts that wait, and how many may execute at a time.",
            p.lines(f"sum({p.scripts('runs_in_progress')})", "Running"),
            p.lines(f"sum({p.here('cronscope_runs_queued')})", "Waiting"),
            p.lines(f"sum({p.here('cronscope_run_slots')})", "At most"),
            colours={"Running": "active", "Waiting": "warning", "At most": "quiet"},
        ),
    ]


def _cost() -> list[p.Panel]:
    return [
        p.heat(
            "How long runs take",
            "Runs by their duration, of all chosen scripts.",
            p.scripts("run_duration_seconds_bucket"),
        ),
        p.chart(
            "Duration, 95th percentile",
            "What 95 % of each script's runs stay below, within the bounds of the histogram.",
            p.lines(p.quantile(0.95, p.scripts("run_duration_seconds_bucket"), "instance", "script"), _SCRIPT),
            unit="s",
            links=p.TO_SCRIPT,
        ),
        p.chart(
            "Processor",
            "CPU seconds a second that each script's runs take, counted when a run ends.",
            p.lines(f"sum by (instance, script) ({p.rate(p.scripts('cpu_seconds_total'))})", _SCRIPT),
            links=p.TO_SCRIPT,
        ),
        p.chart(
            "Memory of the last run",
            "Largest resident memory of any process of each script's last run.",
            p.lines(p.each_script(p.scripts("last_run_max_resident_memory_bytes")), _SCRIPT),
            unit="bytes",
            links=p.TO_SCRIPT,
        ),
    ]
