"""What `/metrics` tells of each script: one object holds all of it, and its series go when it goes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.events import FAILURE_REASONS, SKIP_REASONS, Instant, Run, RunEnded
from exporter.published import REJECTION_REASONS

DURATION_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Upper bounds in seconds: from a health probe to a long backup."""
_BOUNDS = (*map(str, DURATION_BUCKETS), "+Inf")


class Durations:
    """The histogram of one script's runs, with the latest run of each bucket as its exemplar."""

    def __init__(self) -> None:
        self._counts = [0] * len(_BOUNDS)
        self._exemplars: list[Exemplar | None] = [None] * len(_BOUNDS)
        self._milliseconds = 0

    def observe(self, run: Run, duration: int) -> None:
        """Count a run that took `duration` milliseconds."""
        bucket = bisect_left(DURATION_BUCKETS, duration / 1000)  # a bound belongs to its bucket: `le`
        self._counts[bucket] += 1
        self._milliseconds += duration
        self._exemplars[bucket] = Exemplar({"run_id": run.run_id}, duration / 1000, _seconds(run.ended_at))

    @property
    def sum(self) -> float:
        """Seconds over all runs."""
        return self._milliseconds / 1000

    def buckets(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Bound, runs up to it, and the exemplar where there is one, as HistogramMetricFamily wants them."""
        rows: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
        total = 0
        for bound, count, exemplar in zip(_BOUNDS, self._counts, self._exemplars, strict=True):
            total += count
            rows.append((bound, total) if exemplar is None else (bound, total, exemplar))
        return rows


class ScriptFacts(Struct, frozen=True, kw_only=True):
    """What the configuration says of a script; durations in ms, None where there is none."""

    schedule: str
    """As written; empty for a script started by hand only."""
    timezone: str
    labels: dict[str, str]
    enabled: bool
    timeout: int | None
    interval: int | None
    """The longest time between two planned starts."""
    success_age_limit: int | None


class Block(NamedTuple):
    """The lines of one script's samples, family by family in the order of `script_families`."""

    text: tuple[bytes, ...]
    openmetrics: tuple[bytes, ...]


class ScriptSeries(Struct):
    """One script: its facts, its counters since the service started, and its runs of now and last."""

    facts: ScriptFacts
    runs: int = 0
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAILURE_REASONS, 0))
    skips: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKIP_REASONS, 0))
    durations: Durations = field(default_factory=Durations)
    cpu_seconds: dict[str, float] = field(default_factory=lambda: {"user": 0.0, "system": 0.0})
    output_bytes: dict[str, int] = field(default_factory=lambda: {"stdout": 0, "stderr": 0})
    active: dict[str, Instant] = field(default_factory=dict)
    """Start of every run that executes now, by run id."""
    last_start: Instant | None = None
    last_run: Run | None = None
    """The run that ended last."""
    last_success: Instant | None = None
    next_run: Instant | None = None
    published_samples: int = 0
    rejected_samples: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REJECTION_REASONS, 0))
    stale: bool = True
    """Whether something has changed since `block` was rendered."""
    block: Block | None = None

    def started(self, run: Run) -> None:
        if run.started_at is not None:
            self.active[run.run_id] = run.started_at
            self._note_start(run.started_at)

    def ended(self, event: RunEnded) -> None:
        run = event.run
        self.active.pop(run.run_id, None)  # one that could not be started never was in it
        self.runs += 1
        if run.status == "failed" and run.reason is not None:
            self.failures[run.reason] += 1
        if run.duration is not None:
            self.durations.observe(run, run.duration)
        self.cpu_seconds["user"] += event.cpu_user_seconds
        self.cpu_seconds["system"] += event.cpu_system_seconds
        self.output_bytes["stdout"] += run.stdout_bytes
        self.output_bytes["stderr"] += run.stderr_bytes
        if run.started_at is not None:
            self._note_start(run.started_at)
        if run.ended_after(self.last_run):
            self.last_run = run
        if run.status == "completed" and run.ended_at is not None:
            self.last_success = run.ended_at if self.last_success is None else max(self.last_success, run.ended_at)

    def restore_last(self, run: Run | None, last_success: Instant | None) -> None:
        """Take over what the history has of the latest run that ended; what was known of earlier ones is forgotten."""
        self.last_start = max(self.active.values(), default=None)
        self.last_run, self.last_success = run, last_success
        if run is not None and run.started_at is not None:
            self._note_start(run.started_at)

    def skipped(self, run: Run) -> None:
        if run.reason is not None:
            self.skips[run.reason] += 1

    def _note_start(self, at: Instant) -> None:
        self.last_start = at if self.last_start is None else max(self.last_start, at)


class _Counter(NamedTuple):
    name: str
    documentation: str
    label: str
    read: Callable[[ScriptSeries], Mapping[str, float]]
    """By value of `label`."""


class _Gauge(NamedTuple):
    name: str
    documentation: str
    read: Callable[[ScriptSeries], float | None]
    """None: absent."""


def _seconds(at: Instant | None) -> float | None:
    return None if at is None else at.seconds()


def _duration(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _of_last_run(read: Callable[[Run], float | None]) -> Callable[[ScriptSeries], float | None]:
    return lambda series: None if series.last_run is None else read(series.last_run)


_COUNTERS = (
    _Counter(
        "cronscope_script_run_failures_total",
        "Runs of the script that failed since the service started, by reason.",
        "reason",
        lambda series: series.failures,
    ),
    _Counter(
        "cronscope_script_runs_skipped_total",
        "Planned starts of the script that did not happen since the service started, by reason.",
        "reason",
        lambda series: series.skips,
    ),
    _Counter(
        "cronscope_script_cpu_seconds_total",
        "CPU time in seconds spent by runs of the script that have ended, child processes included, by mode.",
        "mode",
        lambda series: series.cpu_seconds,
    ),
    _Counter(
        "cronscope_script_output_bytes_total",
        "Bytes of output written by runs of the script that have ended, by stream.",
        "stream",
        lambda series: series.output_bytes,
    ),
    _Counter(
        "cronscope_script_published_samples_rejected_total",
        "Samples published by the script that were refused, by reason; a file that cannot be read counts as one.",
        "reason",
        lambda series: series.rejected_samples,
    ),
)

_GAUGES = (
    _Gauge(
        "cronscope_script_runs_in_progress",
        "Runs of the script that execute now.",
        lambda series: len(series.active),
    ),
    _Gauge(
        "cronscope_script_enabled",
        "Whether the script's schedule is in force: 1 yes, 0 no.",
        lambda series: float(series.facts.enabled),
    ),
    _Gauge(
        "cronscope_script_active_run_start_timestamp_seconds",
        "Start of the script's run that has been executing longest, in seconds since the Unix epoch.",
        lambda series: _seconds(min(series.active.values(), default=None)),
    ),
    _Gauge(
        "cronscope_script_last_start_timestamp_seconds",
        "Latest start of a run of the script, in seconds since the Unix epoch.",
        lambda series: _seconds(series.last_start),
    ),
    _Gauge(
        "cronscope_script_last_completion_timestamp_seconds",
        "End of the script's last run, whatever its result, in seconds since the Unix epoch.",
        _of_last_run(lambda run: _seconds(run.ended_at)),
    ),
    _Gauge(
        "cronscope_script_last_success_timestamp_seconds",
        "End of the script's last run that completed, in seconds since the Unix epoch.",
        lambda series: _seconds(series.last_success),
    ),
    _Gauge(
        "cronscope_script_next_run_timestamp_seconds",
        "Next planned start of the script, in seconds since the Unix epoch.",
        lambda series: _seconds(series.next_run),
    ),
    _Gauge(
        "cronscope_script_last_run_success",
        "Result of the script's last run: 1 completed, 0 failed.",
        _of_last_run(lambda run: float(run.status == "completed")),
    ),
    _Gauge(
        "cronscope_script_last_run_duration_seconds",
        "Seconds from start to end of the script's last run.",
        _of_last_run(lambda run: _duration(run.duration)),
    ),
    _Gauge(
        "cronscope_script_last_run_exit_code",
        "Exit code of the script's last run: 128+N where signal N ended it, -1 where there is none.",
        _of_last_run(lambda run: run.exit_code),
    ),
    _Gauge(
        "cronscope_script_last_run_max_resident_memory_bytes",
        "Largest resident memory of any process of the script's last run, in bytes.",
        _of_last_run(lambda run: run.max_rss_bytes),
    ),
    _Gauge(
        "cronscope_script_schedule_interval_seconds",
        "Longest time between two planned starts of the script, in seconds.",
        lambda series: _duration(series.facts.interval),
    ),
    _Gauge(
        "cronscope_script_timeout_seconds",
        "Seconds after which a run of the script is stopped.",
        lambda series: _duration(series.facts.timeout),
    ),
    _Gauge(
        "cronscope_script_success_age_limit_seconds",
        "Age in seconds that the script's last success must not exceed.",
        lambda series: _duration(series.facts.success_age_limit),
    ),
    _Gauge(
        "cronscope_script_published_samples",
        "Samples of the script's own that are shown now.",
        lambda series: series.published_samples,
    ),
)


def script_families(scripts: Mapping[str, ScriptSeries], own_labels: Sequence[str]) -> Iterator[Metric]:
    """What is told of each of these scripts, by its name; `own_labels` are the names of all labels of their own."""
    yield _runs(scripts)
    for counter in _COUNTERS:
        counters = CounterMetricFamily(counter.name, counter.documentation, labels=["script", counter.label])
        for name, series in scripts.items():
            for value, count in counter.read(series).items():
                counters.add_metric([name, value], count)
        yield counters
    yield _durations(scripts)
    for gauge in _GAUGES:
        gauges = GaugeMetricFamily(gauge.name, gauge.documentation, labels=["script"])
        for name, series in scripts.items():
            if (reading := gauge.read(series)) is not None:
                gauges.add_metric([name], reading)
        yield gauges
    yield _info(scripts, own_labels)


def _runs(scripts: Mapping[str, ScriptSeries]) -> Metric:
    family = CounterMetricFamily(
        "cronscope_script_runs_total",
        "Runs of the script that ended since the service started, whatever their result.",
        labels=["script"],
    )
    for name, series in scripts.items():
        family.add_metric([name], series.runs)
    return family


def _durations(scripts: Mapping[str, ScriptSeries]) -> Metric:
    family = HistogramMetricFamily(
        "cronscope_script_run_duration_seconds",
        "Seconds from start to end of the script's runs that ended since the service started.",
        labels=["script"],
    )
    for name, series in scripts.items():
        family.add_metric([name], series.durations.buckets(), series.durations.sum)
    return family


def _info(scripts: Mapping[str, ScriptSeries], own_labels: Sequence[str]) -> Metric:
    family = GaugeMetricFamily(
        "cronscope_script_info",
        "Always 1: the script's schedule as configured, its time zone, and the labels of its own.",
        labels=["script", "schedule", "timezone", *(f"label_{label}" for label in own_labels)],
    )
    for name, series in scripts.items():
        facts = series.facts
        own = (facts.labels.get(label, "") for label in own_labels)
        family.add_metric([name, facts.schedule, facts.timezone, *own], 1)
    return family


class ScriptCollector(Collector):
    """The series of all scripts.  Collected are their totals only: there may be many scripts, and few change at a time.

    So what is told of each is rendered by `exposition`, when something about it has changed.
    """

    def __init__(self) -> None:
        self.scripts: dict[str, ScriptSeries] = {}
        self.version = 0
        """Changes whenever something about any script does."""

    def configure(self, name: str, facts: ScriptFacts) -> None:
        series = self.touch(name)
        if series is None:
            self.scripts[name] = ScriptSeries(facts)
            self.version += 1
        else:
            series.facts = facts

    def remove(self, name: str) -> None:
        self.scripts.pop(name, None)
        self.version += 1

    def touch(self, name: str) -> ScriptSeries | None:
        """The series of a script, about which something changes now; None where it is not configured."""
        if (series := self.scripts.get(name)) is not None:
            series.stale = True
            self.version += 1
        return series

    def own_labels(self) -> list[str]:
        return sorted({label for series in self.scripts.values() for label in series.facts.labels})

    def describe(self) -> Iterator[Metric]:
        """For the registry, which refuses what clashes with another family."""
        yield from script_families({}, ())
        yield from self.collect()

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("cronscope_scripts", "Scripts configured, by state.", labels=["state"])
        enabled = sum(series.facts.enabled for series in self.scripts.values())
        family.add_metric(["enabled"], enabled)
        family.add_metric(["disabled"], len(self.scripts) - enabled)
        yield family
