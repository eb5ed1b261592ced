"""Samples of the machine: percentages and rates over the time since the sample before.

`pace` and what it calls are pure; `Sampler` holds the last reading and the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import Struct

from exporter.events import Instant, SystemMetrics
from exporter.host import Host, Transferred, read_host


class Reading(Struct, frozen=True, kw_only=True):
    """One sample."""

    timestamp: Instant
    event: SystemMetrics
    """What could not be read is 0 here, as every key of the stream has a number; `host` lacks it."""
    host: Host
    """The absolute values behind the event."""
    faults: list[str]
    """What can't be read any more since the sample before, one sentence each: told once, not with every sample."""


class Pace(Struct, frozen=True, kw_only=True):
    """What is told over an interval; transfers in bytes per second."""

    cpu_percent: float = 0.0
    network: tuple[float, float] = (0.0, 0.0)
    """Received, transmitted."""
    disks: tuple[float, float] = (0.0, 0.0)
    """Read, written."""


class Sampler:
    """Belongs to one thread.  A sample costs less than 1 ms; the few files it reads are in memory."""

    def __init__(
        self,
        disk_path: Path,
        *,
        read: Callable[[Path], Host] = read_host,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the first reading, so that the first sample tells of a true interval.

        `disk_path`: any path in the file system that `disk_percent` is about.  `clock`: seconds, never set back.
        """
        self._disk_path = disk_path
        self._read = read
        self._clock = clock
        self._host = read(disk_path)
        self._read_at = clock()
        # Until some CPU time has passed, the average since boot: the first line of vmstat(8) does the same.
        self._pace = Pace(cpu_percent=cpu_percent({}, self._host.cpu_seconds) or 0.0)
        self._told: list[str] = []

    def sample(self, now: Instant, *, active_scripts: int, total_executions: int, runs_queued: int) -> Reading:
        """Read the machine; `now` is the time to show, intervals are measured by the sampler's own clock."""
        host, read_at = self._read(self._disk_path), self._clock()
        self._pace = pace(self._host, host, read_at - self._read_at, self._pace)
        faults = [fault for fault in host.faults if fault not in self._told]
        self._host, self._read_at, self._told = host, read_at, host.faults
        memory = host.memory
        event = SystemMetrics(
            cpu_percent=self._pace.cpu_percent,
            memory_percent=memory.percent if memory else 0.0,
            disk_percent=host.filesystem.percent if host.filesystem else 0.0,
            active_scripts=active_scripts,
            total_executions=total_executions,
            load1=round(host.load1 or 0.0, 2),
            memory_used_bytes=memory.total_bytes - memory.available_bytes if memory else 0,
            memory_total_bytes=memory.total_bytes if memory else 0,
            network_receive_bytes_per_second=self._pace.network[0],
            network_transmit_bytes_per_second=self._pace.network[1],
            disk_read_bytes_per_second=self._pace.disks[0],
            disk_write_bytes_per_second=self._pace.disks[1],
            runs_queued=runs_queued,
        )
        return Reading(timestamp=now, event=event, host=host, faults=faults)


def pace(before: Host, after: Host, seconds: float, last: Pace) -> Pace:
    """What went on between two readings; where no time has passed, what was told last."""
    cpu = cpu_percent(before.cpu_seconds, after.cpu_seconds) if after.cpu_seconds else 0.0
    return Pace(
        cpu_percent=last.cpu_percent if cpu is None else cpu,
        network=_rates(before.network, after.network, after.uplinks, seconds) if seconds > 0 else last.network,
        disks=_rates(before.disks, after.disks, after.disks.keys(), seconds) if seconds > 0 else last.disks,
    )


def cpu_percent(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """The share of CPU time that was not idle, 0-100 with one decimal; None where no time has passed.

    Waiting for a disk is idleness.  A mode that `before` lacks counts from boot.
    """
    # Some kernels take a little of a mode's time back (proc_stat(5) on iowait).
    spent = {mode: max(0.0, seconds - before.get(mode, 0.0)) for mode, seconds in after.items()}
    total = sum(spent.values())
    if total <= 0:
        return None
    idle = spent.get("idle", 0.0) + spent.get("iowait", 0.0)
    return round(100 * (total - idle) / total, 1)


def _rates(
    before: Mapping[str, Transferred], after: Mapping[str, Transferred], devices: Collection[str], seconds: float
) -> tuple[float, float]:
    """Bytes per second, inward and outward, over `devices`; one that came, went or began again adds nothing."""
    pairs = [(before[name], after[name]) for name in devices if name in before]
    inward = sum(max(0, new.inward - old.inward) for old, new in pairs)
    outward = sum(max(0, new.outward - old.outward) for old, new in pairs)
    return round(inward / seconds, 1), round(outward / seconds, 1)
