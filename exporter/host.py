"""What the machine tells of itself, read by psutil and handed on as it is: nothing is computed here.

Every reading stands alone.  What can't be read - no `/proc/diskstats` in a container, a path that has gone - is
left out and named in `faults`; the others are not affected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import psutil
from msgspec import Struct

T = TypeVar("T")

_SYS = "/sys"
_LOOPBACK = frozenset({"lo", "lo0"})  # Linux; BSD and macOS


class Transferred(Struct, frozen=True):
    """Bytes that passed through a device since it appeared; both only grow, or begin again at 0."""

    inward: int
    """Received from the network, or read from the disk."""
    outward: int
    """Transmitted to the network, or written to the disk."""


class Memory(Struct, frozen=True):
    total_bytes: int
    available_bytes: int
    """What programs can still get without swapping."""
    percent: float


class Filesystem(Struct, frozen=True):
    mountpoint: str
    size_bytes: int
    avail_bytes: int
    """Free for everybody, what is reserved for root excluded."""
    percent: float
    """Used, of what everybody may use: as df(1) shows it."""


class Host(Struct, frozen=True, kw_only=True):
    """The machine at one moment.  None or empty: not readable, and then named in `faults`."""

    cpu_seconds: dict[str, float] = {}
    """By mode, over all CPUs, since boot."""
    memory: Memory | None = None
    filesystem: Filesystem | None = None
    network: dict[str, Transferred] = {}
    """By interface, loopback excluded."""
    uplinks: frozenset[str] = frozenset()
    """The interfaces whose traffic adds up to that of the machine."""
    disks: dict[str, Transferred] = {}
    """By device, physical devices as a whole only."""
    load1: float | None = None
    faults: list[str] = []


def read_host(disk_path: Path) -> Host:
    """Read everything; `disk_path` is any path in the file system to look at."""
    faults: list[str] = []

    def attempt(what: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Exception as error:  # psutil raises whatever a kernel's unusual file brings about in its parsers
            faults.append(f"cannot read {what}: {str(error) or type(error).__name__}")
            return None

    network = attempt("the network's counters", _network) or {}
    return Host(
        cpu_seconds=attempt("CPU times", _cpu_seconds) or {},
        memory=attempt("memory", _memory),
        filesystem=attempt(f"the file system of {disk_path}", lambda: _filesystem(disk_path)),
        network=network,
        uplinks=uplinks(network),
        disks=attempt("the disks' counters", _disks) or {},
        load1=attempt("the load average", lambda: psutil.getloadavg()[0]),
        faults=faults,
    )


def uplinks(interfaces: Iterable[str], sys: str = _SYS) -> frozenset[str]:
    """Those with hardware behind them: what passes a bridge, a tunnel or a bond passes one of these as well.

    Where there are none, as in a container, all of them.
    """
    interfaces = frozenset(interfaces)
    return frozenset(name for name in interfaces if os.path.exists(f"{sys}/class/net/{name}/device")) or interfaces


def physical_disks(devices: Iterable[str], sys: str = _SYS) -> list[str]:
    """Whole devices with hardware behind them: no partition, loop, RAM disk, RAID or mapped volume.

    All of what is written to one of those is counted at the device below.
    """
    if not os.path.isdir(f"{sys}/block"):  # not Linux: psutil lists whole disks only
        return list(devices)
    return [name for name in devices if os.path.exists(f"{sys}/block/{name.replace('/', '!')}/device")]


def mountpoint(path: Path) -> str:
    """Where the file system that holds `path` is mounted."""
    place = os.path.realpath(path)
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return place


def _cpu_seconds() -> dict[str, float]:
    times = psutil.cpu_times()
    # The time of guests is contained in `user` and `nice`: proc_stat(5).
    return {mode: getattr(times, mode) for mode in times._fields if not mode.startswith("guest")}


def _memory() -> Memory:
    memory = psutil.virtual_memory()
    return Memory(memory.total, memory.available, memory.percent)


def _filesystem(disk_path: Path) -> Filesystem:
    usage = psutil.disk_usage(str(disk_path))
    return Filesystem(mountpoint(disk_path), usage.total, usage.free, usage.percent)


def _network() -> dict[str, Transferred]:
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    return {
        name: Transferred(each.bytes_recv, each.bytes_sent) for name, each in counters.items() if name not in _LOOPBACK
    }


def _disks() -> dict[str, Transferred]:
    counters = psutil.disk_io_counters(perdisk=True, nowrap=False)
    return {
        name: Transferred(counters[name].read_bytes, counters[name].write_bytes) for name in physical_disks(counters)
    }


def boot_id() -> str:
    """What tells one boot of the machine from the next."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return str(round(psutil.boot_time()))
