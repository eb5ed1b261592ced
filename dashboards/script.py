"""The dashboard about one script: its state, how its runs go, and what they cost."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import panels as p
from dashboards.overview import state


def one_script() -> Dashboard:
    board = p.board("script", "Script", "One script: its state, its runs, and what they cost.", scripts="one")
    return p.fill(board, {"": _now(), "Runs": _runs(), "What runs cost": _cost(), "Its own metrics": _published()})


def _now() -> list[p.Panel]:
    info = "max by (instance, script, schedule, timezone) "
    return [
        p.number(
            "State",
            "Running, or the result of the last run.  Click for the live page.",
            p.now(state(p.script)),
            words=p.RESULT,
            links=p.PAGE,
        ),
        p.number(
            "Exit code",
            "Of the last run: 128+N where signal N ended it, -1 where there is none.",
            p.now(p.script("last_run_exit_code")),
            "none",
        ),
        p.number("Took", "Duration of the last run.", p.now(p.script("last_run_duration_seconds")), "s"),
        p.number(
            "Last success",
            "When a run completed last.",
            p.now(p.moment(p.script("last_success_timestamp_seconds"))),
            p.AGO,
        ),
        p.number(
            "Of the time allowed",
            "Age of the last success as a share of success_age_limit; from 100 % on the script is overdue.",
            p.now(f"(time() - {p.script('last_success_timestamp_seconds')}) / {p.script('success_age_limit_seconds')}"),
            "percentunit",
            bad_from=1,
        ),
        p.number(
            "Next start", "The next planned start.", p.now(p.moment(p.script("next_run_timestamp_seconds"))), p.AGO
        ),
        p.listing(
            "Schedule",
            "The schedule as configured.  The instance leads to the live page.",
            {"Configured": (p.rows(f"{info}({p.script('info')})"), p.HIDDEN)},
            {"script": "Script", "schedule": "Schedule", "timezone": "Time zone", "instance": "Instance"},
            height=4,
            links={"Instance": p.PAGE_OF_ROW},
        ),
        p.timeline(
            "Results",
            "Result of the last run, and when one was running.",
            p.lines(state(p.script), "{{instance}}"),
            p.RESULT,
            5,
        ),
    ]


def _runs() -> list[p.Panel]:
    return [
        p.heat(
            "How long runs take",
            "Runs by their duration.  A point is one run: its link opens what it printed.",
            p.script("run_duration_seconds_bucket"),
        ),
        p.chart(
            "Last run",
            "Duration of the last run at each time, the timeout, and the time between planned starts.",
            p.lines(p.script("last_run_duration_seconds"), "Took, {{instance}}"),
            p.lines(p.script("timeout_seconds"), "Timeout, {{instance}}"),
            p.lines(p.script("schedule_interval_seconds"), "Interval, {{instance}}"),
            unit="s",
            colours={"Took": "active", "Timeout": "bad", "Interval": "quiet"},
        ),
        p.chart(
            "Failures",
            f"Runs that failed {p.UP_TO_NOW}, by reason.",
            p.lines(f"sum by (reason) ({p.increase(p.script('run_failures_total'))})", "{{reason}}"),
        ),
        p.chart(
            "Starts that did not happen",
            f"Planned starts skipped {p.UP_TO_NOW}, by reason: the script still ran (overlap), the service was "
            "down (missed), or too many waited (queue_full).",
            p.lines(f"sum by (reason) ({p.increase(p.script('runs_skipped_total'))})", "{{reason}}"),
        ),
        p.chart(
            "Runs",
            f"Runs that ended {p.UP_TO_NOW}, and runs executing.",
            p.lines(f"sum({p.increase(p.script('runs_total'))})", "Ended"),
            p.lines(f"sum({p.script('runs_in_progress')})", "Running"),
            colours={"Ended": "quiet", "Running": "active"},
        ),
        p.chart(
            "Age of the run under way",
            "How long the run that has been executing longest has been, beside the timeout.",
            p.lines(p.age(p.script("active_run_start_timestamp_seconds")), "Running for, {{instance}}"),
            p.lines(p.script("timeout_seconds"), "Timeout, {{instance}}"),
            unit="s",
            colours={"Running for": "active", "Timeout": "bad"},
        ),
    ]


def _cost() -> list[p.Panel]:
    return [
        p.chart(
            "Processor",
            "CPU seconds a second, by mode, counted when a run ends.",
            p.lines(f"sum by (mode) ({p.rate(p.script('cpu_seconds_total'))})", "{{mode}}"),
            width=8,
        ),
        p.chart(
            "Memory of the last run",
            "Largest resident memory of any process of the last run.",
            p.lines(p.script("last_run_max_resident_memory_bytes"), "{{instance}}"),
            unit="bytes",
            width=8,
        ),
        p.chart(
            "Output",
            "Bytes printed a second, by stream, counted when a run ends.",
            p.lines(f"sum by (stream) ({p.rate(p.script('output_bytes_total'))})", "{{stream}}"),
            unit="Bps",
            width=8,
        ),
    ]


def _published() -> list[p.Panel]:
    return [
        p.chart(
            "Series published",
            "Series of the script's own, written to CRONSCOPE_METRICS_FILE by its last run.",
            p.lines(p.script("published_samples"), "{{instance}}"),
        ),
        p.chart(
            "Series rejected",
            f"Series that were refused {p.UP_TO_NOW}, by reason.",
            p.lines(f"sum by (reason) ({p.increase(p.script('published_samples_rejected_total'))})", "{{reason}}"),
        ),
    ]
