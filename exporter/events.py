"""Every event the program can say, and every frame and record made from one.

This module is the only definition of those shapes: WebSocket frames, history rows, API answers and
the page's TypeScript types are all derived from it.  Times are `Instant`, durations whole milliseconds,
sizes bytes, percentages 0-100.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")

Trigger = Literal["schedule", "manual", "retry", "missed"]
Status = Literal["running", "completed", "failed", "skipped"]
FailureReason = Literal["exit_code", "signal", "timeout", "spawn", "cancelled", "lost"]
SkipReason = Literal["overlap", "missed", "queue_full"]
Stream = Literal["stdout", "stderr"]

FAILURE_REASONS: tuple[FailureReason, ...] = ("exit_code", "signal", "timeout", "spawn", "cancelled", "lost")
SKIP_REASONS: tuple[SkipReason, ...] = ("overlap", "missed", "queue_full")


class Instant(int):
    """A point in time, in milliseconds since the Unix epoch; RFC 3339 in UTC with milliseconds in JSON."""

    __slots__ = ()

    @classmethod
    def now(cls) -> Instant:
        return cls(time.time_ns() // 1_000_000)

    @classmethod
    def parse(cls, text: str) -> Instant:
        """Read an RFC 3339 date and time with offset.  Raises ValueError for anything else."""
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(f"{text!r} has no offset: write it as 2026-01-31T19:00:00Z or …+01:00")
        return cls(round(moment.timestamp() * 1000))

    def rfc3339(self) -> str:
        seconds, milliseconds = divmod(int(self), 1000)
        return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{milliseconds:03d}Z"

    def seconds(self) -> float:
        """The unit of Prometheus timestamps."""
        return int(self) / 1000


def _encode_custom(value: Any) -> Any:
    if isinstance(value, Instant):
        return value.rfc3339()
    if isinstance(value, int):  # Duration and Size of the settings
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value)}")


_encoder = msgspec.json.Encoder(enc_hook=_encode_custom)


def to_json(value: Any) -> bytes:
    """Encode any of this module's structs, or builtins holding them, as JSON."""
    return _encoder.encode(value)


def from_json(data: bytes, of: type[T]) -> T:
    """Decode what `to_json` made of a struct.  Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=of, dec_hook=lambda _, text: Instant.parse(text))


# --- Records ---------------------------------------------------------------------------------------


class Run(Struct, frozen=True, kw_only=True):
    """One run's record, or that of a planned start that did not happen (`status` skipped)."""

    run_id: str
    """ULID, 26 characters."""
    script_name: str
    trigger: Trigger
    attempt: int = 1
    """1 for the first try, one more for each retry."""
    status: Status
    reason: FailureReason | SkipReason | None = None
    exit_code: int | None = None
    """128+N for signal N; -1 where there is none; null while running."""
    scheduled_at: Instant
    """The planned start; for a manual run, when it was asked for."""
    started_at: Instant | None = None
    """Null for a start that was asked for by hand and still waits for its turn, its status being `running`."""
    ended_at: Instant | None = None
    duration: int | None = None
    """Milliseconds from start to end; null while running."""
    cpu_seconds: float | None = None
    max_rss_bytes: int | None = None
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    dropped_bytes: int = 0
    """Bytes of output that were not kept: over `max_output`, or while the disk was almost full."""
    metrics_rejected: str | UnsetType = UNSET
    """Absent unless metrics that the run published were refused: which, and why."""

    @property
    def waits(self) -> bool:
        return self.status == "running" and self.started_at is None

    @property
    def begun_at(self) -> Instant:
        """What listings are in the order of: its start, or else when that was planned."""
        return self.scheduled_at if self.started_at is None else self.started_at

    def ended_after(self, other: Run | None) -> bool:
        """Of two runs that have ended: whether this is the last one, in whichever order their ends were heard of."""
        return other is None or (self.ended_at or 0, self.run_id) >= (other.ended_at or 0, other.run_id)


class Schedule(Struct, frozen=True, kw_only=True):
    """When a script starts, as the API tells it."""

    kind: Literal["cron", "every", "at", "manual"]
    value: str | None
    """As written in the configuration; null for a script started by hand only."""
    timezone: str
    description: str
    """One sentence in English."""


class ProgressState(Struct, frozen=True, kw_only=True):
    percent: float
    text: str


class Script(Struct, frozen=True, kw_only=True):
    """A script's configuration and live state."""

    name: str
    description: str
    enabled: bool
    schedule: Schedule
    config: dict[str, Any]
    """The entry of the configuration file, as written there."""
    running: list[str]
    """Run ids of the runs executing now, oldest first."""
    last_run: Run | None
    """The latest run that ended."""
    next_run_at: Instant | None
    progress: ProgressState | None
    """That of the oldest run executing now; null where it told none."""


class ServiceStatus(Struct, frozen=True, kw_only=True):
    """What `GET /api/v1/status` tells."""

    version: str
    started_at: Instant
    epoch: str
    seq: int
    scripts_enabled: int
    scripts_disabled: int
    active_scripts: int
    runs_queued: int
    total_executions: int
    sampled_at: Instant
    now: Instant
    """By the service's clock."""
    system_metrics: SystemMetrics
    open_files_limit: int
    """Files that the service may have open at a time, connections included; -1: any number."""
    grafana_url: str | None
    """Address of a Grafana that has the dashboards, as configured."""
    problems: list[str]
    """What is wrong with the service at large until somebody mends it; an `error` told of each when it began."""


class PastRun(Struct, frozen=True, kw_only=True, gc=False):
    """A run that ended, as far as the page draws it."""

    run_id: str
    status: Literal["completed", "failed"]
    reason: FailureReason | None
    started_at: Instant
    duration: int
    """Milliseconds."""


class RecentScript(Struct, frozen=True, kw_only=True):
    """What the snapshot does not tell of a script: how it went lately."""

    name: str
    last_success_at: Instant | None
    """End of the latest run that completed."""
    without_success_since: Instant | None
    """Of a script that ran, but never succeeded, as far back as that is known: its first failure, or when it was
    configured, if that is earlier.  Null for others."""
    success_age_limit: int | None
    """Milliseconds that the last success must not be older than; null where there is no such limit."""
    runs: list[PastRun]
    """The latest ones, in the order in which they ended; one whose end the stream tells just then may be here, too."""


class PlannedScript(Struct, frozen=True, kw_only=True):
    """When an enabled script is to start next; of a script with jitter only the first start has it."""

    name: str
    starts: list[Instant]
    retry: bool
    """Whether the first of them is another try of a run that failed."""
    more: bool
    """Whether there are further ones up to the time asked for."""


# --- Events ----------------------------------------------------------------------------------------


class Event(Struct, frozen=True, kw_only=True):
    """Base of what the journal carries.  `durable` events are numbered and never lost or doubled."""

    type: ClassVar[str]
    durable: ClassVar[bool] = False


class SystemMetrics(Event, frozen=True, kw_only=True):
    """One sample of the machine: the very one that `/metrics` shows."""

    type = "system_metrics"

    cpu_percent: float
    memory_percent: float
    disk_percent: float
    active_scripts: int
    """Runs executing now."""
    total_executions: int
    """Runs ended since the service started."""
    load1: float
    memory_used_bytes: int
    memory_total_bytes: int
    network_receive_bytes_per_second: float
    network_transmit_bytes_per_second: float
    disk_read_bytes_per_second: float
    disk_write_bytes_per_second: float
    runs_queued: int
    """Starts waiting for a free slot or for an earlier run of their script."""


class RunStarted(Event, frozen=True, kw_only=True):
    type = "script_status"
    durable = True

    run: Run
    next_run_at: Instant | None


class RunEnded(Event, frozen=True, kw_only=True):
    type = "script_status"
    durable = True

    run: Run
    next_run_at: Instant | None
    cpu_user_seconds: float = 0.0
    cpu_system_seconds: float = 0.0


class RunSkipped(Event, frozen=True, kw_only=True):
    """A planned start that did not happen; `run` is its record in the history."""

    type = "run_skipped"
    durable = True

    run: Run


class ScriptChanged(Event, frozen=True, kw_only=True):
    type = "script_changed"
    durable = True

    op: Literal["created", "updated", "deleted"]
    script: Script


class Progress(Event, frozen=True, kw_only=True):
    """What a line `::progress PERCENT TEXT` on a run's standard output said last."""

    type = "progress"

    run_id: str
    script_name: str
    percent: float
    text: str


class FileChange(Event, frozen=True, kw_only=True):
    """A file under `scripts_dir`, or the configuration file, is not what it was: whoever shows it asks anew."""

    type = "file_changed"

    path: str | None
    """Under `scripts_dir`; null: the configuration file."""


class Error(Event, frozen=True, kw_only=True):
    """Something went wrong that a person should know of."""

    type = "error"

    message: str
    script_name: str | UnsetType = UNSET


# --- Frames of the WebSocket, by their `data` ------------------------------------------------------


class PlainSystemMetrics(Struct, frozen=True, kw_only=True):
    cpu_percent: float
    memory_percent: float
    disk_percent: float
    active_scripts: int
    total_executions: int


class PlainScriptStatus(Struct, frozen=True, kw_only=True):
    script_name: str
    status: Status
    exit_code: int | None
    duration: int
    """Milliseconds; 0 while running."""


class ScriptStatus(Struct, frozen=True, kw_only=True):
    """The plain keys, and those that only the rich stream has."""

    script_name: str
    status: Status
    exit_code: int | None
    duration: int
    run_id: str
    trigger: Trigger
    reason: FailureReason | SkipReason | None
    started_at: Instant | None
    ended_at: Instant | None
    cpu_seconds: float | None
    max_rss_bytes: int | None
    next_run_at: Instant | None


class RunSkippedData(Struct, frozen=True, kw_only=True):
    script_name: str
    scheduled_at: Instant
    reason: FailureReason | SkipReason | None


class Hello(Struct, frozen=True, kw_only=True):
    protocol: int
    version: str
    epoch: str
    seq: int
    """Number of the last durable event when the client joined; with `resumed`, the events up to it follow."""
    resumed: bool
    heartbeat_ms: int
    """How often the service pings; nothing heard for twice as long means a dead connection."""
    now: Instant


class Samples(Struct, frozen=True, kw_only=True):
    """The last 15 minutes of samples, as columns, oldest first."""

    t: list[Instant]
    cpu_percent: list[float]
    memory_percent: list[float]
    disk_percent: list[float]
    network_receive_bytes_per_second: list[float]
    network_transmit_bytes_per_second: list[float]


class Snapshot(Struct, frozen=True, kw_only=True):
    scripts: list[Script]
    active_runs: list[Run]
    system_metrics: SystemMetrics
    samples: Samples


class Output(Struct, frozen=True, kw_only=True):
    """Lines of one run's output."""

    run_id: str
    script_name: str
    first: int = msgspec.field(name="from")
    """Number of the first line in `lines`, counted from 0 over the whole of the run's output."""
    lines: list[tuple[int, Stream, str]]
    """Milliseconds since the run's start, stream, text without its line end."""
    end: bool
    """True in the last one: the run has ended and no line follows."""
    partial: list[tuple[Stream, str]] | UnsetType = UNSET
    """What is written of the line that each stream has not finished yet, of a long one the end; absent where there is
    nothing, and where more lines are to be had.  The next `output` replaces it."""


class OutputPage(Output, frozen=True, kw_only=True):
    """The HTTP API's answer, which may have been filtered: then the lines' numbers have gaps."""

    next: int | None
    """Number of the line to go on with; null at the end of the output of a run that has ended."""
    total: int
    """How many lines there are by now, dropped ones included."""
    numbers: list[int] | None
    """Of every one of `lines`, where they were filtered; null where they follow each other from `from` on."""
    dropped_from: int | None
    """Where the lines asked for begin inside of a dropped stretch: number of the first line of it, where its marker
    is.  Null elsewhere."""


class Gap(Struct, frozen=True, kw_only=True):
    topic: str
    dropped: int
    """Lines not sent; `GET /api/v1/runs/{id}/output` has them."""


class Ack(Struct, frozen=True, kw_only=True):
    id: int | str | None


class Pong(Struct, frozen=True, kw_only=True):
    id: int | str | None


class Refusal(Struct, frozen=True, kw_only=True):
    """The `error` that answers a client's message."""

    id: int | str | None
    message: str


Frame = (
    Hello | Snapshot | SystemMetrics | ScriptStatus | ScriptChanged | RunSkippedData
    | FileChange | Output | Progress | Gap | Ack | Pong | Error | Refusal
)  # fmt: skip


def rich_data(event: Event) -> Struct:
    """The `data` of an event's frame on the rich stream."""
    match event:
        case RunStarted(run=run, next_run_at=next_run_at) | RunEnded(run=run, next_run_at=next_run_at):
            return ScriptStatus(
                script_name=run.script_name, status=run.status, exit_code=run.exit_code, duration=run.duration or 0,
                run_id=run.run_id, trigger=run.trigger, reason=run.reason, started_at=run.started_at,
                ended_at=run.ended_at, cpu_seconds=run.cpu_seconds, max_rss_bytes=run.max_rss_bytes,
                next_run_at=next_run_at,
            )  # fmt: skip
        case RunSkipped(run=run):
            return RunSkippedData(script_name=run.script_name, scheduled_at=run.scheduled_at, reason=run.reason)
        case _:
            return event


def plain_data(event: Event) -> Struct | None:
    """The `data` of an event's frame on the plain stream; None where that stream does not carry it."""
    match event:
        case SystemMetrics():
            return _narrow(event, PlainSystemMetrics)
        case RunStarted() | RunEnded():
            return _narrow(rich_data(event), PlainScriptStatus)
        case Error():
            return event
        case _:
            return None


def _narrow(source: Struct, target: type[Struct]) -> Struct:
    return target(**{name: getattr(source, name) for name in target.__struct_fields__})
