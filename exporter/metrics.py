"""Every metric of the service, and the methods by which the engine and `relay` feed them.

Families whose series come and go - scripts, the machine's devices - are collected from plain objects
(`script_series`, `host_series`); the others are prometheus_client's own.  Everything but log messages is fed
on the event loop's thread; `exposition` renders it.
"""

from __future__ import annotations

import logging
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from exporter.events import Instant, Run, RunEnded
from exporter.exposition import Exposition
from exporter.host_series import HostCollector
from exporter.published import Publications, Published
from exporter.sampler import Reading
from exporter.script_series import ScriptCollector, ScriptFacts
from exporter.settings import ScriptSettings

if TYPE_CHECKING:
    from exporter.triggers import Timing

START_DELAY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds, for HTTP requests and the event loop: most of both take a few milliseconds."""
MESSAGE_KINDS = ("script_status", "script_changed", "run_skipped", "system_metrics", "output", "other")
DISCONNECT_REASONS = ("closed", "slow", "error", "limit", "shutdown", "access")
RESUME_RESULTS = ("resumed", "snapshot")
_LOG_LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.NOTSET,
}
"""From which level number on a record counts as which."""
_OPENMETRICS_1_0_0 = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Whichever later version is asked for."""
_SINCE_1 = re.compile(r"[1-9][0-9]*(\.[0-9]+)*")


class _Registry(CollectorRegistry):
    """Without `_created` series, which prometheus_client can only leave out for a whole process."""

    def collect(self) -> Iterator[Metric]:
        for metric in super().collect():
            created = f"{metric.name}_created"
            metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


class _LateGauge(Collector):
    """A gauge that is absent while it has no value, where prometheus_client's own would say 0."""

    def __init__(self, name: str, documentation: str, registry: CollectorRegistry) -> None:
        self.read: Callable[[], float | None] = lambda: None
        """Called with every scrape; the gauge is absent too where this raises OSError."""
        self._name = name
        self._documentation = documentation
        registry.register(self)

    def set(self, value: float) -> None:
        self.read = lambda: value

    def collect(self) -> Iterator[Metric]:
        try:
            value = self.read()
        except OSError:
            value = None
        yield GaugeMetricFamily(self._name, self._documentation, value=value)


class _LogCounter(logging.Handler):
    """Counts log records of any thread by level; a level of somebody's own counts as the standard one below it."""

    def __init__(self, messages: Counter) -> None:
        super().__init__()
        self._by_level = [(number, messages.labels(level)) for level, number in _LOG_LEVELS.items()]

    def emit(self, record: logging.LogRecord) -> None:
        next(counter for number, counter in self._by_level if record.levelno >= number).inc()


class Metrics:
    """The service's metrics.  What is told of a script that is not configured (any more) is not counted."""

    def __init__(self, version: str, revision: str = "unknown") -> None:
        """`revision`: the commit that the service was built from."""
        self.registry: CollectorRegistry = _Registry(auto_describe=True)
        self._scripts = ScriptCollector()
        self._publications = Publications()
        self._host = HostCollector()
        self.registry.register(self._scripts)
        self._declare_scheduler()
        self._declare_service(version, revision)
        self._declare_http()
        self._declare_websocket()
        self.registry.register(self._host)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._exposition = Exposition(self.registry, self._scripts, self._publications)

    def _declare_scheduler(self) -> None:
        self._runs_queued = self._late_gauge(
            "cronscope_runs_queued",
            "Starts that wait for a free slot or for an earlier run of their script.",
        )
        self._run_slots = self._late_gauge(
            "cronscope_run_slots",
            "Runs that may execute at a time, over all scripts.",
        )
        self._start_delay = Histogram(
            "cronscope_scheduler_start_delay_seconds",
            "Seconds from the planned to the true start of runs.",
            buckets=START_DELAY_BUCKETS,
            registry=self.registry,
        )
        self._last_tick = self._late_gauge(
            "cronscope_scheduler_last_tick_timestamp_seconds",
            "When the event loop last looked after the timetable, in seconds since the Unix epoch.",
        )

    def _declare_service(self, version: str, revision: str) -> None:
        build = Gauge(
            "cronscope_build_info",
            "Always 1: the version of the service, the commit that it was built from, and the Python that runs it.",
            ["version", "revision", "python_version"],
            registry=self.registry,
        )
        build.labels(version, revision, platform.python_version()).set(1)
        self._reload_ok = self._late_gauge(
            "cronscope_config_last_reload_successful",
            "Whether the configuration was sound when it was last read: 1 yes, 0 no.",
        )
        self._reloaded_at = self._late_gauge(
            "cronscope_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read, in seconds since the Unix epoch.",
        )
        self.event_loop_lag = Histogram(
            "cronscope_event_loop_lag_seconds",
            "Seconds by which the event loop was late with a timer, held up by other work.",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        log_messages = self._counter(
            "cronscope_log_messages_total", "Messages logged, by level.", "level", known=_LOG_LEVELS
        )
        self.log_handler: logging.Handler = _LogCounter(log_messages)
        """Counts what is logged; for the root logger."""
        self.log_output_dropped = self._counter(
            "cronscope_log_output_dropped_total",
            "Lines for standard output that were lost, as whoever reads it was too slow.",
        )
        self._store_write_failures = self._counter(
            "cronscope_store_write_failures_total",
            "Commits of the history that failed; what they held is kept and tried again.",
        )
        self._store_size = self._late_gauge(
            "cronscope_store_size_bytes",
            "What the history takes on disk, in bytes.",
        )
        self._output_suspended = self._late_gauge(
            "cronscope_store_output_suspended",
            "Whether output of scripts is not stored now, as the disk is almost full: 1 yes, 0 no.",
        )

    def _declare_http(self) -> None:
        self.http_requests = self._counter(
            "cronscope_http_requests_total",
            "HTTP requests answered, by handler, method and status code.",
            "handler",
            "method",
            "code",
        )
        self.http_request_duration = Histogram(
            "cronscope_http_request_duration_seconds",
            "Seconds from an HTTP request to the end of its answer, by handler.",
            ["handler"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

    def _declare_websocket(self) -> None:
        self.websocket_clients = Gauge(
            "cronscope_websocket_clients", "WebSocket connections open now.", registry=self.registry
        )
        self.websocket_messages_sent = self._counter(
            "cronscope_websocket_messages_sent_total",
            "WebSocket messages handed to connections, by kind: one for each message and connection.",
            "kind",
            known=MESSAGE_KINDS,
        )
        self.websocket_messages_dropped = self._counter(
            "cronscope_websocket_messages_dropped_total",
            "WebSocket messages that a slow connection did not get, by kind.",
            "kind",
            known=MESSAGE_KINDS,
        )
        self.websocket_disconnects = self._counter(
            "cronscope_websocket_disconnects_total",
            "WebSocket connections that ended, by reason.",
            "reason",
            known=DISCONNECT_REASONS,
        )
        self.websocket_resumes = self._counter(
            "cronscope_websocket_resumes_total",
            "Clients that came back asking for what they missed, by what they got.",
            "result",
            known=RESUME_RESULTS,
        )

    def _counter(self, name: str, documentation: str, *labels: str, known: Iterable[str] = ()) -> Counter:
        """Declare a counter; the series of the one label's `known` values exist from the start, with 0."""
        counter = Counter(name, documentation, labels, registry=self.registry)
        for value in known:
            counter.labels(value)
        return counter

    def _late_gauge(self, name: str, documentation: str) -> _LateGauge:
        return _LateGauge(name, documentation, self.registry)

    # --- scripts and their runs ---

    def script_configured(self, script: ScriptSettings, timing: Timing) -> None:
        """A script is new or has changed; its counters and last results stay."""
        self._scripts.configure(script.name, facts_of(script, timing))

    def script_removed(self, name: str) -> None:
        """All of the script's series go."""
        self._scripts.remove(name)
        self._publications.withdraw(name)

    def restore_last(self, name: str, run: Run | None, last_success_at: Instant | None) -> None:
        """Take over from the history the latest run that ended, and when the latest completed one did."""
        if series := self._scripts.touch(name):
            series.restore_last(run, last_success_at)

    def success(self, name: str) -> tuple[Instant | None, int | None]:
        """When a configured script last succeeded, and how old in ms that must not get; None where there is none."""
        series = self._scripts.scripts[name]
        limit = series.facts.success_age_limit
        return series.last_success, None if limit is None else int(limit)

    def run_started(self, run: Run) -> None:
        """A run executes, new or taken up from the last life of the service."""
        if series := self._scripts.touch(run.script_name):
            series.started(run)

    def run_ended(self, event: RunEnded) -> None:
        if series := self._scripts.touch(event.run.script_name):
            series.ended(event)

    def run_skipped(self, run: Run) -> None:
        """A planned start did not happen; nothing told of the last run changes."""
        if series := self._scripts.touch(run.script_name):
            series.skipped(run)

    def next_run(self, name: str, at: Instant | None) -> None:
        if series := self._scripts.touch(name):
            series.next_run = at

    def published(self, name: str, published: Published, at: Instant) -> Published:
        """Show what a run of the script that ended at that time published, unless a later one has published already.

        Answers what of it is shown, and what is refused.
        """
        if (series := self._scripts.touch(name)) is None:
            return Published([], [])
        found = Published([], published.refusals)
        if self._publications.is_news(name, at):
            found = self._publications.replace(name, published, at)
            series.published_samples = sum(family.samples for family in found.families)
        for refusal in found.refusals:
            series.rejected_samples[refusal.reason] += refusal.samples
        return found

    def withdraw_old(self, now: Instant) -> list[str]:
        """Show no more what scripts published longer ago than their success_age_limit; the names of those scripts."""
        gone = []
        for name, at in self._publications.ages():
            series = self._scripts.scripts[name]
            limit = series.facts.success_age_limit
            if limit is not None and at + limit < now:
                self._publications.withdraw(name)
                self._scripts.touch(name)
                series.published_samples = 0
                gone.append(name)
        return gone

    # --- the service and the machine ---

    def sampled(self, reading: Reading) -> None:
        """Show this sample from now on; the same must go to `/ws`."""
        self._host.reading = reading

    def start_delayed(self, seconds: float) -> None:
        """A run was started this much later than planned."""
        self._start_delay.observe(max(0.0, seconds))

    def ticked(self, at: Instant) -> None:
        self._last_tick.set(at.seconds())

    def reloaded(self, ok: bool, at: Instant) -> None:
        """The configuration was read, at the start or later; where it was at fault the old one stays."""
        self._reload_ok.set(ok)
        if ok:
            self._reloaded_at.set(at.seconds())

    def store_write_failed(self) -> None:
        self._store_write_failures.inc()

    def watch(
        self, *, runs_queued: Callable[[], int], run_slots: Callable[[], int], store_size: Callable[[], int],
        output_suspended: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Where to look, with every scrape, for starts that wait, places for runs, and what is told of the history."""
        self._runs_queued.read, self._run_slots.read, self._store_size.read = runs_queued, run_slots, store_size
        self._output_suspended.read = output_suspended

    async def render(self, accept: str, *, compress: bool = False) -> tuple[bytes, str]:
        """All metrics in the format that an item of an `Accept` header asks for, and the content type of it.

        `compress`: as gzip.
        """
        openmetrics = is_openmetrics(accept)
        body = await self._exposition.render(openmetrics=openmetrics, compress=compress)
        return body, _OPENMETRICS_1_0_0 if openmetrics else CONTENT_TYPE_PLAIN_0_0_4


def is_openmetrics(accept: str) -> bool:
    """Whether an item of an `Accept` header (RFC 9110, 12.5.1) asks for OpenMetrics, and not for a draft of it."""
    kind, *parameters = (part.strip() for part in accept.lower().split(";"))
    values = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
    version = values.get("version", "1").strip('"')
    return kind == "application/openmetrics-text" and _SINCE_1.fullmatch(version) is not None


def facts_of(script: ScriptSettings, timing: Timing) -> ScriptFacts:
    """What the configuration says of a script, with the default of success_age_limit worked out."""
    gap = timing.longest_gap()
    limit: int | None = script.success_age_limit
    if limit is None and gap is not None:
        limit = 2 * (gap + script.timeout)
    return ScriptFacts(
        schedule=timing.value or "",
        timezone=timing.timezone,
        labels=dict(script.labels),
        enabled=script.enabled,
        timeout=script.timeout or None,
        interval=gap,
        success_age_limit=limit,
    )
