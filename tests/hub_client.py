"""A hub without sockets, and clients that read what it gives them, for tests of `/ws` without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from exporter.events import (
    Event,
    Instant,
    Progress,
    Run,
    RunEnded,
    RunSkipped,
    RunStarted,
    Samples,
    Schedule,
    Script,
    ScriptChanged,
    Snapshot,
    SystemMetrics,
)
from exporter.journal import Entry
from relay.hub import Hub
from relay.lanes import Client
from relay.ring import Resume

EPOCH = "0123456789abcdef" * 2
NOW = Instant.parse("2026-01-31T19:00:00.000Z")
RUN = "01JA0000000000000000000000"


def sample(cpu_percent: float = 1.0) -> SystemMetrics:
    return SystemMetrics(
        cpu_percent=cpu_percent, memory_percent=2.0, disk_percent=3.0, active_scripts=0, total_executions=4, load1=0.5,
        memory_used_bytes=6, memory_total_bytes=7, network_receive_bytes_per_second=8.0,
        network_transmit_bytes_per_second=9.0, disk_read_bytes_per_second=10.0, disk_write_bytes_per_second=11.0,
        runs_queued=12,
    )  # fmt: skip


def run(**changes: Any) -> Run:
    known = {"run_id": RUN, "script_name": "backup", "trigger": "schedule", "status": "running"}
    return Run(**{**known, "scheduled_at": NOW, "started_at": NOW, **changes})


def started() -> RunStarted:
    return RunStarted(run=run(), next_run_at=Instant(NOW + 60_000))


def ended(**changes: Any) -> RunEnded:
    outcome = {"status": "completed", "exit_code": 0, "duration": 1500, "ended_at": Instant(NOW + 1500)}
    return RunEnded(run=run(**{**outcome, **changes}), next_run_at=None)


def skipped() -> RunSkipped:
    return RunSkipped(run=run(status="skipped", reason="overlap"))


def script(description: str = "") -> Script:
    schedule = Schedule(kind="manual", value=None, timezone="UTC", description="By hand")
    return Script(
        name="backup", description=description, enabled=True, schedule=schedule, config={}, running=[], last_run=None,
        next_run_at=None, progress=None,
    )  # fmt: skip


def changed(description: str = "") -> ScriptChanged:
    return ScriptChanged(op="updated", script=script(description))


def progress(percent: float = 40.0) -> Progress:
    return Progress(run_id=RUN, script_name="backup", percent=percent, text="copying")


def split(wire: bytes) -> Iterator[Any]:
    """The messages in what a server wrote: unmasked text frames, each in one piece."""
    while wire:
        assert wire[0] == 0x81
        size, start = wire[1], 2
        assert size < 128, "masked"
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(wire[2:start])
        yield json.loads(wire[start : start + size])
        wire = wire[start + size :]


class TestHub(Hub):
    """Numbers events as the journal does; its snapshot tells the number of the last."""

    __test__ = False

    def __init__(self) -> None:
        self.snapshots = 0
        super().__init__(
            version="1.2.3", epoch=EPOCH, seq=0, heartbeat_ms=15_000, snapshot=self._state,
            latest_sample=lambda: (Instant(NOW - 700), sample(0.5)),
        )  # fmt: skip

    def _state(self) -> Snapshot:
        self.snapshots += 1
        samples = Samples(
            t=[], cpu_percent=[], memory_percent=[], disk_percent=[], network_receive_bytes_per_second=[],
            network_transmit_bytes_per_second=[],
        )  # fmt: skip
        return Snapshot(scripts=[script(str(self.seq))], active_runs=[], system_metrics=sample(), samples=samples)

    def say(self, event: Event, timestamp: Instant = NOW, now: Instant | None = None) -> None:
        """Publish an event that happened at `timestamp`, `now`."""
        self.publish(Entry(self.seq + 1 if event.durable else None, timestamp, event), now or timestamp)


class Reader:
    """One client, which reads when told to."""

    def __init__(
        self, hub: Hub, *, rich: bool = True, epoch: str | None = None, after: int = 0, now: Instant = NOW
    ) -> None:
        self.hub = hub
        self.client: Client = hub.join(rich=rich, resume=Resume(epoch, after) if epoch else None, now=now)

    def take(self) -> list[Any]:
        """The messages of the next batch, which stays under way."""
        return list(split(self.hub.take(self.client)))

    def read(self) -> list[Any]:
        """All that waits."""
        self.hub.sent(self.client)
        messages = []
        while batch := self.take():
            messages += batch
            self.hub.sent(self.client)
        return messages

    def types(self) -> list[str]:
        return [message["type"] for message in self.read()]
