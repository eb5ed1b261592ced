from __future__ import annotations

import asyncio
import logging
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from typing import Literal

import pytest
from msgspec import Struct
from prometheus_client.core import Metric, Sample
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.events import FailureReason, Instant, Run, RunEnded, Status, SystemMetrics
from exporter.host import Filesystem, Host, Memory, Transferred
from exporter.metrics import Metrics
from exporter.sampler import Reading
from exporter.sentences import Language
from exporter.settings import Duration, ScriptSettings
from tests.programs import program

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOON = Instant.parse("2026-01-31T12:00:00.000Z")
RUN_ID = "01KG9Z5JVG0000000000000000"

CONTRACT = """
cronscope_script_runs_total                              counter    script
cronscope_script_run_failures_total                      counter    script reason
cronscope_script_runs_skipped_total                      counter    script reason
cronscope_script_run_duration_seconds                    histogram  script
cronscope_script_cpu_seconds_total                       counter    script mode
cronscope_script_output_bytes_total                      counter    script stream
cronscope_script_runs_in_progress                        gauge      script
cronscope_script_enabled                                 gauge      script
cronscope_script_last_run_success                        gauge      script
cronscope_script_active_run_start_timestamp_seconds      gauge      script
cronscope_script_last_start_timestamp_seconds            gauge      script
cronscope_script_last_completion_timestamp_seconds       gauge      script
cronscope_script_last_success_timestamp_seconds          gauge      script
cronscope_script_next_run_timestamp_seconds              gauge      script
cronscope_script_last_run_duration_seconds               gauge      script
cronscope_script_last_run_exit_code                      gauge      script
cronscope_script_last_run_max_resident_memory_bytes      gauge      script
cronscope_script_schedule_interval_seconds               gauge      script
cronscope_script_timeout_seconds                         gauge      script
cronscope_script_success_age_limit_seconds               gauge      script
cronscope_script_published_samples                       gauge      script
cronscope_script_published_samples_rejected_total        counter    script reason
cronscope_script_info                                    gauge      script schedule timezone label_team
cronscope_scripts                                        gauge      state
cronscope_runs_queued                                    gauge
cronscope_run_slots                                      gauge
cronscope_scheduler_start_delay_seconds                  histogram
cronscope_scheduler_last_tick_timestamp_seconds          gauge
cronscope_config_last_reload_successful                  gauge
cronscope_config_last_reload_success_timestamp_seconds   gauge
cronscope_event_loop_lag_seconds                         histogram
cronscope_http_requests_total                            counter    handler method code
cronscope_http_request_duration_seconds                  histogram  handler
cronscope_websocket_clients                              gauge
cronscope_websocket_messages_sent_total                  counter    kind
cronscope_websocket_messages_dropped_total               counter    kind
cronscope_websocket_disconnects_total                    counter    reason
cronscope_websocket_resumes_total                        counter    result
cronscope_log_messages_total                             counter    level
cronscope_log_output_dropped_total                       counter
cronscope_store_write_failures_total                     counter
cronscope_store_size_bytes                               gauge
cronscope_store_output_suspended                         gauge
cronscope_host_cpu_usage_ratio                           gauge
cronscope_host_memory_usage_ratio                        gauge
cronscope_host_disk_usage_ratio                          gauge
cronscope_host_sample_timestamp_seconds                  gauge
cronscope_host_cpu_seconds_total                         counter    mode
cronscope_host_memory_total_bytes                        gauge
cronscope_host_memory_available_bytes                    gauge
cronscope_host_filesystem_size_bytes                     gauge      mountpoint
cronscope_host_filesystem_avail_bytes                    gauge      mountpoint
cronscope_host_network_receive_bytes_total               counter    device
cronscope_host_network_transmit_bytes_total              counter    device
cronscope_host_disk_read_bytes_total                     counter    device
cronscope_host_disk_written_bytes_total                  counter    device
cronscope_host_load1                                     gauge
cronscope_build_info                                     gauge      version revision python_version
"""

BUCKETS = {
    "cronscope_script_run_duration_seconds": [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, float("inf")],
    "cronscope_scheduler_start_delay_seconds": [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, float("inf"),
    ],
}  # fmt: skip

KNOWN_IN_ADVANCE = {
    ("cronscope_script_run_failures_total", "reason"): "exit_code signal timeout spawn cancelled lost",
    ("cronscope_script_runs_skipped_total", "reason"): "overlap missed queue_full",
    ("cronscope_script_cpu_seconds_total", "mode"): "user system",
    ("cronscope_script_output_bytes_total", "stream"): "stdout stderr",
    ("cronscope_script_published_samples_rejected_total", "reason"): "syntax reserved type limit",
    ("cronscope_websocket_messages_sent_total", "kind"): (
        "script_status script_changed run_skipped system_metrics output other"
    ),
    ("cronscope_websocket_messages_dropped_total", "kind"): (
        "script_status script_changed run_skipped system_metrics output other"
    ),
    ("cronscope_websocket_disconnects_total", "reason"): "closed slow error limit shutdown access",
    ("cronscope_websocket_resumes_total", "result"): "resumed snapshot",
    ("cronscope_log_messages_total", "level"): "debug info warning error critical",
}


class Daily(Struct):
    """As much of a timing as metrics look at."""

    kind: Literal["cron", "every", "at", "manual"] = "cron"
    value: str | None = "15 3 * * *"
    timezone: str = "Europe/Berlin"
    gap: Duration | None = Duration.parse("1d")

    def next(self, after: Instant) -> Instant | None:
        return None

    def describe(self, language: Language = "en") -> str:
        return ""

    def longest_gap(self) -> Duration | None:
        return self.gap


BY_HAND = Daily(kind="manual", value=None, gap=None)
BACKUP = ScriptSettings(name="backup", command="true", timeout=Duration.parse("10m"), labels={"team": "ops"})


def run(
    name: str = "backup",
    *,
    run_id: str = RUN_ID,
    start: Instant = NOON,
    status: Status = "running",
    reason: FailureReason | None = None,
    milliseconds: int = 1500,
    max_rss_bytes: int | None = 4096,
) -> Run:
    ended = status != "running"
    return Run(
        run_id=run_id,
        script_name=name,
        trigger="schedule",
        status=status,
        reason=reason,
        exit_code=(0 if reason is None else 3) if ended else None,
        scheduled_at=start,
        started_at=start,
        ended_at=Instant(start + milliseconds) if ended else None,
        duration=milliseconds if ended else None,
        max_rss_bytes=max_rss_bytes if ended else None,
        stdout_bytes=100 if ended else 0,
        stderr_bytes=7 if ended else 0,
    )


def ended(record: Run) -> RunEnded:
    return RunEnded(run=record, next_run_at=None, cpu_user_seconds=0.25, cpu_system_seconds=0.05)


def skipped() -> Run:
    return Run(
        run_id=RUN_ID, script_name="backup", trigger="schedule", status="skipped", reason="overlap", scheduled_at=NOON
    )


def reading() -> Reading:
    event = SystemMetrics(
        cpu_percent=12.3, memory_percent=45.6, disk_percent=78.9, active_scripts=0, total_executions=0, load1=0.5,
        memory_used_bytes=1, memory_total_bytes=2, network_receive_bytes_per_second=0.0,
        network_transmit_bytes_per_second=0.0, disk_read_bytes_per_second=0.0, disk_write_bytes_per_second=0.0,
        runs_queued=0,
    )  # fmt: skip
    host = Host(
        cpu_seconds={"user": 10.5, "idle": 99.0},
        memory=Memory(2000, 1500, 25.0),
        filesystem=Filesystem("/srv", 5000, 3000, 40.0),
        network={"eth0": Transferred(11, 22)},
        disks={"sda": Transferred(33, 44)},
        load1=0.5,
    )
    return Reading(timestamp=NOON, event=event, host=host, faults=[])


@pytest.fixture
def metrics() -> Metrics:
    """A service with one script that has not run yet."""
    metrics = Metrics("1.2.3", "abcdef0")
    metrics.script_configured(BACKUP, Daily())
    return metrics


@pytest.fixture
def busy(metrics: Metrics) -> Metrics:
    return after_everything(metrics)


def after_everything(metrics: Metrics) -> Metrics:
    """A service in which everything has happened, so that every series exists."""
    metrics.run_started(run())
    metrics.run_ended(ended(run(status="completed")))
    metrics.run_skipped(skipped())
    metrics.run_started(run(run_id="another"))
    metrics.next_run("backup", NOON)
    metrics.sampled(reading())
    metrics.start_delayed(0.002)
    metrics.ticked(NOON)
    metrics.reloaded(True, NOON)
    metrics.watch(runs_queued=lambda: 3, run_slots=lambda: 16, store_size=lambda: 8192, output_suspended=lambda: False)
    metrics.http_requests.labels("/", "GET", 200).inc()
    metrics.http_request_duration.labels("/").observe(0.01)
    metrics.event_loop_lag.observe(0.0004)
    return metrics


def text_of(metrics: Metrics, accept: str = "") -> str:
    return asyncio.run(metrics.render(accept))[0].decode()


def families(metrics: Metrics, accept: str = "") -> dict[str, Metric]:
    """What a scrape shows, by the names of the contract."""
    text = text_of(metrics, accept)
    parse = parse_openmetrics if accept else parse_text
    return {f"{each.name}_total" if each.type == "counter" else each.name: each for each in parse(text)}


def samples(metrics: Metrics, accept: str = "") -> Iterator[Sample]:
    for family in families(metrics, accept).values():
        yield from family.samples


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series; None where it is absent."""
    found = [sample.value for sample in samples(metrics) if (sample.name, sample.labels) == (name, labels)]
    assert len(found) <= 1
    return found[0] if found else None


def of_backup(metrics: Metrics, name: str, **labels: str) -> float | None:
    return value(metrics, f"cronscope_script_{name}", script="backup", **labels)


def label_names(family: Metric) -> set[str]:
    names = {frozenset(sample.labels) - {"le"} for sample in family.samples}
    assert len(names) == 1, f"{family.name} has series with different labels, or none"
    return set(names.pop())


# --- names, types, labels ---


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_names_types_and_labels_are_those_of_the_contract(busy: Metrics, accept: str) -> None:
    shown = {
        name: (family.type, label_names(family))
        for name, family in families(busy, accept).items()
        if name.startswith("cronscope_")
    }
    rows = [line.split() for line in CONTRACT.split("\n") if line]
    assert shown == {name: (kind, set(labels)) for name, kind, *labels in rows}


def test_the_process_and_the_python_that_runs_it_are_shown_too(metrics: Metrics) -> None:
    names = families(metrics).keys()
    assert {"python_info", "python_gc_collections_total"} <= names
    if platform.system() == "Linux":
        assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"} <= names


@pytest.mark.parametrize("name", BUCKETS)
def test_histograms_have_the_buckets_of_the_contract(metrics: Metrics, name: str) -> None:
    bounds = [float(sample.labels["le"]) for sample in families(metrics)[name].samples if "le" in sample.labels]
    assert bounds == BUCKETS[name]


@pytest.mark.parametrize(("name", "label"), KNOWN_IN_ADVANCE)
def test_counters_known_in_advance_begin_with_0(metrics: Metrics, name: str, label: str) -> None:
    shown = {sample.labels[label]: sample.value for sample in families(metrics)[name].samples}
    assert shown == dict.fromkeys(KNOWN_IN_ADVANCE[name, label].split(), 0.0)


def test_gauges_without_a_value_are_absent() -> None:
    metrics = Metrics("1.2.3")
    metrics.script_configured(ScriptSettings(name="backup", command="true"), BY_HAND)
    gauges = {name for name, family in families(metrics).items() if family.type == "gauge" and family.samples}
    assert {name for name in gauges if name.startswith("cronscope_")} == {
        "cronscope_script_runs_in_progress",
        "cronscope_script_enabled",
        "cronscope_script_published_samples",
        "cronscope_script_info",
        "cronscope_scripts",
        "cronscope_websocket_clients",
        "cronscope_build_info",
    }


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_there_are_no_created_series(busy: Metrics, accept: str) -> None:
    assert "_created" not in text_of(busy, accept)


def test_no_series_is_shown_twice(busy: Metrics) -> None:
    shown = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples(busy)]
    assert len(shown) == len(set(shown))


def test_every_family_has_a_help_text_that_is_a_sentence(metrics: Metrics) -> None:
    for name, family in families(metrics).items():
        if name.startswith("cronscope_"):
            assert re.fullmatch(r"[A-Z].{15,}\.", family.documentation), name


def test_two_services_in_one_process_share_nothing(busy: Metrics) -> None:
    assert "backup" not in text_of(Metrics("1.2.3"))


def test_promtool_finds_nothing_to_complain_of(busy: Metrics) -> None:
    promtool = program("promtool", "prometheus")
    check = subprocess.run(
        [promtool, "check", "metrics"], input=text_of(busy), text=True, capture_output=True, check=False, timeout=60
    )
    assert (check.returncode, check.stdout + check.stderr) == (0, "")


# --- negotiation ---


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; version=1.0.0; escaping=allow-utf-8", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=0.0.1", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=none", "text/plain; version=0.0.4; charset=utf-8"),
        *(
            (f"application/openmetrics-text{version}", "application/openmetrics-text; version=1.0.0; charset=utf-8")
            for version in ("", "; version=1.0.0", ';version="1.0.0"', ";VERSION=2.0.0;escaping=underscores;q=0.5")
        ),
    ],
)
def test_the_format_is_the_one_asked_for(metrics: Metrics, accept: str, content_type: str) -> None:
    body, answered = asyncio.run(metrics.render(accept))
    assert answered == content_type
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=none", "text/plain; version=1.x", "; ="])
def test_a_version_that_makes_no_sense_is_answered_all_the_same(metrics: Metrics, accept: str) -> None:
    assert "cronscope_build_info" in text_of(metrics, accept)


# --- a script's life ---


def test_a_script_that_never_ran_shows_only_what_is_configured(metrics: Metrics) -> None:
    assert of_backup(metrics, "runs_total") == 0
    assert of_backup(metrics, "enabled") == 1
    assert of_backup(metrics, "schedule_interval_seconds") == 86400
    assert of_backup(metrics, "timeout_seconds") == 600
    assert of_backup(metrics, "success_age_limit_seconds") == 2 * (86400 + 600)
    assert value(
        metrics, "cronscope_script_info", script="backup", schedule="15 3 * * *", timezone="Europe/Berlin",
        label_team="ops",
    ) == 1  # fmt: skip


def test_the_success_age_limit_is_the_configured_one_where_there_is_one(metrics: Metrics) -> None:
    script = ScriptSettings(name="backup", command="true", success_age_limit=Duration.parse("26h"))
    metrics.script_configured(script, Daily())
    assert of_backup(metrics, "success_age_limit_seconds") == 26 * 3600


def test_a_run_is_in_progress_from_its_start_to_its_end(metrics: Metrics) -> None:
    metrics.run_started(run())
    assert of_backup(metrics, "runs_in_progress") == 1
    assert of_backup(metrics, "last_start_timestamp_seconds") == NOON.seconds()
    assert of_backup(metrics, "runs_total") == 0
    assert of_backup(metrics, "last_run_success") is None
    metrics.run_ended(ended(run(status="completed")))
    assert of_backup(metrics, "runs_in_progress") == 0
    assert of_backup(metrics, "runs_total") == 1


def test_of_several_active_runs_the_oldest_start_is_shown(metrics: Metrics) -> None:
    first, second = run(run_id="1"), run(run_id="2", start=Instant(NOON + 5000))
    metrics.run_started(first)
    metrics.run_started(second)
    assert of_backup(metrics, "active_run_start_timestamp_seconds") == NOON.seconds()
    assert of_backup(metrics, "last_start_timestamp_seconds") == NOON.seconds() + 5
    metrics.run_ended(ended(run(run_id="1", status="completed", milliseconds=6000)))
    assert of_backup(metrics, "active_run_start_timestamp_seconds") == NOON.seconds() + 5
    assert of_backup(metrics, "last_start_timestamp_seconds") == NOON.seconds() + 5
    metrics.run_ended(ended(run(run_id="2", start=second.scheduled_at, status="completed")))
    assert of_backup(metrics, "active_run_start_timestamp_seconds") is None


def test_a_completed_run_is_the_last_run_and_the_last_success(metrics: Metrics) -> None:
    metrics.run_ended(ended(run(status="completed")))
    assert of_backup(metrics, "last_run_success") == 1
    assert of_backup(metrics, "last_run_exit_code") == 0
    assert of_backup(metrics, "last_run_duration_seconds") == 1.5
    assert of_backup(metrics, "last_run_max_resident_memory_bytes") == 4096
    assert of_backup(metrics, "last_completion_timestamp_seconds") == NOON.seconds() + 1.5
    assert of_backup(metrics, "last_success_timestamp_seconds") == NOON.seconds() + 1.5


def test_a_failed_run_is_the_last_run_but_leaves_the_last_success(metrics: Metrics) -> None:
    metrics.run_ended(ended(run(status="completed")))
    later = Instant(NOON + 60_000)
    metrics.run_ended(ended(run(start=later, status="failed", reason="timeout", max_rss_bytes=None)))
    assert of_backup(metrics, "run_failures_total", reason="timeout") == 1
    assert of_backup(metrics, "last_run_success") == 0
    assert of_backup(metrics, "last_run_exit_code") == 3
    assert of_backup(metrics, "last_run_max_resident_memory_bytes") is None
    assert of_backup(metrics, "last_completion_timestamp_seconds") == later.seconds() + 1.5
    assert of_backup(metrics, "last_success_timestamp_seconds") == NOON.seconds() + 1.5


def test_the_last_run_is_the_one_that_ended_last_whichever_is_told_last(metrics: Metrics) -> None:
    late = Instant(NOON + 60_000)
    metrics.run_ended(ended(run(run_id="2", start=late, status="completed")))
    metrics.run_ended(ended(run(run_id="1", status="completed", milliseconds=500)))
    metrics.run_ended(ended(run(run_id="0", status="failed", reason="exit_code")))
    assert of_backup(metrics, "runs_total") == 3
    assert of_backup(metrics, "last_run_success") == 1
    assert of_backup(metrics, "last_run_duration_seconds") == 1.5
    assert of_backup(metrics, "last_start_timestamp_seconds") == late.seconds()
    assert of_backup(metrics, "last_completion_timestamp_seconds") == late.seconds() + 1.5
    assert of_backup(metrics, "last_success_timestamp_seconds") == late.seconds() + 1.5


def test_cpu_time_and_output_add_up_over_runs(metrics: Metrics) -> None:
    for _ in range(2):
        metrics.run_ended(ended(run(status="completed")))
    assert of_backup(metrics, "cpu_seconds_total", mode="user") == pytest.approx(0.5)
    assert of_backup(metrics, "cpu_seconds_total", mode="system") == pytest.approx(0.1)
    assert of_backup(metrics, "output_bytes_total", stream="stdout") == 200
    assert of_backup(metrics, "output_bytes_total", stream="stderr") == 14


def test_a_start_that_did_not_happen_counts_and_changes_nothing_else(metrics: Metrics) -> None:
    metrics.run_ended(ended(run(status="completed")))
    before = text_of(metrics)
    metrics.run_skipped(skipped())
    counted = 'cronscope_script_runs_skipped_total{reason="overlap",script="backup"}'
    own = [line for line in text_of(metrics).splitlines() if line.startswith("cronscope_script")]
    assert [line for line in own if line not in before.splitlines()] == [f"{counted} 1.0"]


def test_last_values_come_back_from_the_history_without_being_counted(metrics: Metrics) -> None:
    metrics.restore_last("backup", run(status="failed", reason="exit_code"), Instant(NOON - 60_000))
    assert of_backup(metrics, "last_run_success") == 0
    assert of_backup(metrics, "last_start_timestamp_seconds") == NOON.seconds()
    assert of_backup(metrics, "last_completion_timestamp_seconds") == NOON.seconds() + 1.5
    assert of_backup(metrics, "last_success_timestamp_seconds") == NOON.seconds() - 60
    assert of_backup(metrics, "runs_total") == 0
    assert of_backup(metrics, "run_failures_total", reason="exit_code") == 0
    assert of_backup(metrics, "run_duration_seconds_count") == 0


def test_the_next_run_is_shown_while_there_is_one(metrics: Metrics) -> None:
    metrics.next_run("backup", NOON)
    assert of_backup(metrics, "next_run_timestamp_seconds") == NOON.seconds()
    metrics.next_run("backup", None)
    assert of_backup(metrics, "next_run_timestamp_seconds") is None


def test_a_changed_script_keeps_its_counters(metrics: Metrics) -> None:
    metrics.run_ended(ended(run(status="completed")))
    metrics.script_configured(ScriptSettings(name="backup", command="true", enabled=False), BY_HAND)
    assert of_backup(metrics, "runs_total") == 1
    assert of_backup(metrics, "enabled") == 0
    assert of_backup(metrics, "timeout_seconds") is None
    assert value(metrics, "cronscope_scripts", state="enabled") == 0
    assert value(metrics, "cronscope_scripts", state="disabled") == 1


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_all_series_of_a_removed_script_go_at_once(busy: Metrics, accept: str) -> None:
    busy.script_removed("backup")
    assert "backup" not in text_of(busy, accept)


def test_the_end_of_a_removed_scripts_run_brings_nothing_back(busy: Metrics) -> None:
    busy.script_removed("backup")
    busy.run_ended(ended(run(run_id="another", status="completed")))
    busy.next_run("backup", NOON)
    assert "backup" not in text_of(busy)


def test_every_script_has_the_labels_of_all_and_empty_ones_it_does_not_set(metrics: Metrics) -> None:
    metrics.script_configured(ScriptSettings(name="probe", command="true", labels={"site": "north"}), BY_HAND)
    shown = {sample.labels["script"]: sample.labels for sample in families(metrics)["cronscope_script_info"].samples}
    assert shown == {
        "backup": {
            "script": "backup", "schedule": "15 3 * * *", "timezone": "Europe/Berlin", "label_site": "",
            "label_team": "ops",
        },
        "probe": {
            "script": "probe", "schedule": "", "timezone": "Europe/Berlin", "label_site": "north", "label_team": "",
        },
    }  # fmt: skip


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize("odd", ['say "hi"', "back\\slash", "two\nlines", "\\n", '{a="b"} # 1', "Größe ☃", " ", "\\"])
def test_odd_label_values_come_through_unharmed(metrics: Metrics, accept: str, odd: str) -> None:
    metrics.script_configured(ScriptSettings(name="backup", command="true", labels={"note": odd}), Daily(value=odd))
    (info,) = families(metrics, accept)["cronscope_script_info"].samples
    assert (info.labels["label_note"], info.labels["schedule"]) == (odd, odd)


# --- histograms and exemplars ---


def buckets(samples: Iterable[Sample], name: str) -> dict[float, float]:
    return {float(sample.labels["le"]): sample.value for sample in samples if sample.name == f"{name}_bucket"}


def test_durations_are_counted_in_every_bucket_up_from_their_own(metrics: Metrics) -> None:
    for milliseconds in (0, 100, 101, 14_400_000, 14_400_001):
        metrics.run_ended(ended(run(status="completed", milliseconds=milliseconds)))
    shown = buckets(samples(metrics), "cronscope_script_run_duration_seconds")
    assert (shown[0.1], shown[0.5], shown[3600], shown[14400], shown[float("inf")]) == (2, 3, 3, 4, 5)
    assert of_backup(metrics, "run_duration_seconds_count") == 5
    assert of_backup(metrics, "run_duration_seconds_sum") == pytest.approx(28800.202)


def test_a_bucket_names_the_latest_run_that_fell_into_it(metrics: Metrics) -> None:
    for run_id in ("01EARLIER", "01LATER"):
        metrics.run_ended(ended(run(run_id=run_id, status="completed")))
    named = {
        sample.labels["le"]: sample.exemplar
        for sample in families(metrics, OPENMETRICS)["cronscope_script_run_duration_seconds"].samples
        if sample.exemplar is not None
    }
    assert named.keys() == {"5.0"}
    exemplar = named["5.0"]
    assert (exemplar.labels, exemplar.value) == ({"run_id": "01LATER"}, 1.5)
    assert exemplar.timestamp is not None
    assert float(exemplar.timestamp) == NOON.seconds() + 1.5


def test_no_run_id_is_a_label_or_in_the_plain_text_format(metrics: Metrics) -> None:
    metrics.run_started(run(run_id="01ACTIVE"))
    metrics.run_ended(ended(run(status="completed")))
    assert RUN_ID not in text_of(metrics)
    assert "01ACTIVE" not in text_of(metrics, OPENMETRICS)


def test_a_delay_is_never_negative_whatever_the_clock_did(metrics: Metrics) -> None:
    metrics.start_delayed(-5.0)
    assert value(metrics, "cronscope_scheduler_start_delay_seconds_sum") == 0
    assert value(metrics, "cronscope_scheduler_start_delay_seconds_count") == 1


# --- the service and the machine ---


def test_the_machine_is_shown_as_in_the_last_sample(metrics: Metrics) -> None:
    metrics.sampled(reading())
    assert value(metrics, "cronscope_host_cpu_usage_ratio") == 12.3 / 100
    assert value(metrics, "cronscope_host_memory_usage_ratio") == 45.6 / 100
    assert value(metrics, "cronscope_host_disk_usage_ratio") == 78.9 / 100
    assert value(metrics, "cronscope_host_sample_timestamp_seconds") == NOON.seconds()
    assert value(metrics, "cronscope_host_cpu_seconds_total", mode="user") == 10.5
    assert value(metrics, "cronscope_host_memory_total_bytes") == 2000
    assert value(metrics, "cronscope_host_memory_available_bytes") == 1500
    assert value(metrics, "cronscope_host_filesystem_size_bytes", mountpoint="/srv") == 5000
    assert value(metrics, "cronscope_host_filesystem_avail_bytes", mountpoint="/srv") == 3000
    assert value(metrics, "cronscope_host_network_receive_bytes_total", device="eth0") == 11
    assert value(metrics, "cronscope_host_network_transmit_bytes_total", device="eth0") == 22
    assert value(metrics, "cronscope_host_disk_read_bytes_total", device="sda") == 33
    assert value(metrics, "cronscope_host_disk_written_bytes_total", device="sda") == 44
    assert value(metrics, "cronscope_host_load1") == 0.5


def test_what_could_not_be_read_of_the_machine_is_absent(metrics: Metrics) -> None:
    whole = reading()
    metrics.sampled(Reading(timestamp=NOON, event=whole.event, host=Host(), faults=["all of it"]))
    shown = {sample.name for sample in samples(metrics) if sample.name.startswith("cronscope_host_")}
    assert shown == {
        "cronscope_host_cpu_usage_ratio",
        "cronscope_host_memory_usage_ratio",
        "cronscope_host_disk_usage_ratio",
        "cronscope_host_sample_timestamp_seconds",
    }


def test_a_failed_reload_is_shown_and_the_time_of_the_last_good_one_stays(metrics: Metrics) -> None:
    metrics.reloaded(True, NOON)
    metrics.reloaded(False, Instant(NOON + 60_000))
    assert value(metrics, "cronscope_config_last_reload_successful") == 0
    assert value(metrics, "cronscope_config_last_reload_success_timestamp_seconds") == NOON.seconds()


def test_what_is_watched_is_read_with_every_scrape(metrics: Metrics) -> None:
    waiting = [1]
    metrics.watch(
        runs_queued=lambda: len(waiting), run_slots=lambda: 16, store_size=lambda: 8192,
        output_suspended=lambda: len(waiting) > 1,
    )  # fmt: skip
    waiting.append(2)
    assert value(metrics, "cronscope_runs_queued") == 2
    assert value(metrics, "cronscope_run_slots") == 16
    assert value(metrics, "cronscope_store_size_bytes") == 8192
    assert value(metrics, "cronscope_store_output_suspended") == 1


def test_a_history_whose_size_cannot_be_read_does_not_break_the_scrape(metrics: Metrics) -> None:
    def gone() -> int:
        raise FileNotFoundError

    metrics.watch(runs_queued=lambda: 0, run_slots=lambda: 16, store_size=gone, output_suspended=lambda: False)
    assert value(metrics, "cronscope_store_size_bytes") is None
    assert value(metrics, "cronscope_run_slots") == 16


def test_failed_writes_of_the_history_are_counted(metrics: Metrics) -> None:
    metrics.store_write_failed()
    assert value(metrics, "cronscope_store_write_failures_total") == 1


def test_log_messages_are_counted_by_level(metrics: Metrics) -> None:
    logger = logging.Logger("apart from the others", logging.DEBUG)
    logger.addHandler(metrics.log_handler)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.WARNING + 5, logging.ERROR, logging.CRITICAL):
        logger.log(level, "something")
    counted = families(metrics)["cronscope_log_messages_total"].samples
    assert {sample.labels["level"]: sample.value for sample in counted} == {
        "debug": 1,
        "info": 1,
        "warning": 2,
        "error": 1,
        "critical": 1,
    }


def test_the_build_is_shown(metrics: Metrics) -> None:
    labels = {"version": "1.2.3", "revision": "abcdef0", "python_version": platform.python_version()}
    assert value(metrics, "cronscope_build_info", **labels) == 1
