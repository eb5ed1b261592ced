"""What `/metrics` tells of the machine: the latest sample, and the absolute values behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.host import Filesystem, Memory, Transferred
from exporter.sampler import Reading


class _Gauge(NamedTuple):
    name: str
    documentation: str
    read: Callable[[Reading], float | None]
    """None: absent."""


class _Labelled(NamedTuple):
    name: str
    documentation: str
    family: type[CounterMetricFamily] | type[GaugeMetricFamily]
    label: str
    read: Callable[[Reading], Mapping[str, float]]
    """By value of `label`."""


def _of_memory(read: Callable[[Memory], int]) -> Callable[[Reading], float | None]:
    return lambda reading: None if reading.host.memory is None else read(reading.host.memory)


def _inward(devices: Mapping[str, Transferred]) -> dict[str, float]:
    return {name: device.inward for name, device in devices.items()}


def _outward(devices: Mapping[str, Transferred]) -> dict[str, float]:
    return {name: device.outward for name, device in devices.items()}


def _by_mountpoint(filesystem: Filesystem | None, read: Callable[[Filesystem], int]) -> dict[str, float]:
    return {filesystem.mountpoint: read(filesystem)} if filesystem else {}


_GAUGES = (
    _Gauge(
        "cronscope_host_cpu_usage_ratio",
        "Share of CPU time that was not idle between the last two samples, 0-1.",
        lambda reading: reading.event.cpu_percent / 100,
    ),
    _Gauge(
        "cronscope_host_memory_usage_ratio",
        "Share of memory in use at the last sample, 0-1.",
        lambda reading: reading.event.memory_percent / 100,
    ),
    _Gauge(
        "cronscope_host_disk_usage_ratio",
        "Share of the file system in use at the last sample, of what everybody may use, 0-1.",
        lambda reading: reading.event.disk_percent / 100,
    ),
    _Gauge(
        "cronscope_host_sample_timestamp_seconds",
        "Time of the last sample, in seconds since the Unix epoch.",
        lambda reading: reading.timestamp.seconds(),
    ),
    _Gauge(
        "cronscope_host_memory_total_bytes",
        "Memory of the machine, in bytes.",
        _of_memory(lambda memory: memory.total_bytes),
    ),
    _Gauge(
        "cronscope_host_memory_available_bytes",
        "Memory that programs can still get without swapping, in bytes.",
        _of_memory(lambda memory: memory.available_bytes),
    ),
    _Gauge(
        "cronscope_host_load1",
        "Load average of the last minute.",
        lambda reading: reading.host.load1,
    ),
)

_LABELLED = (
    _Labelled(
        "cronscope_host_cpu_seconds_total",
        "Seconds that the CPUs, taken together, spent in each mode since boot.",
        CounterMetricFamily,
        "mode",
        lambda reading: reading.host.cpu_seconds,
    ),
    _Labelled(
        "cronscope_host_filesystem_size_bytes",
        "Size of the file system that holds disk_path, in bytes.",
        GaugeMetricFamily,
        "mountpoint",
        lambda reading: _by_mountpoint(reading.host.filesystem, lambda filesystem: filesystem.size_bytes),
    ),
    _Labelled(
        "cronscope_host_filesystem_avail_bytes",
        "Bytes of the file system that holds disk_path that users other than root can still fill.",
        GaugeMetricFamily,
        "mountpoint",
        lambda reading: _by_mountpoint(reading.host.filesystem, lambda filesystem: filesystem.avail_bytes),
    ),
    _Labelled(
        "cronscope_host_network_receive_bytes_total",
        "Bytes received, by network interface, loopback excluded.",
        CounterMetricFamily,
        "device",
        lambda reading: _inward(reading.host.network),
    ),
    _Labelled(
        "cronscope_host_network_transmit_bytes_total",
        "Bytes transmitted, by network interface, loopback excluded.",
        CounterMetricFamily,
        "device",
        lambda reading: _outward(reading.host.network),
    ),
    _Labelled(
        "cronscope_host_disk_read_bytes_total",
        "Bytes read, by disk: physical devices as a whole.",
        CounterMetricFamily,
        "device",
        lambda reading: _inward(reading.host.disks),
    ),
    _Labelled(
        "cronscope_host_disk_written_bytes_total",
        "Bytes written, by disk: physical devices as a whole.",
        CounterMetricFamily,
        "device",
        lambda reading: _outward(reading.host.disks),
    ),
)


class HostCollector(Collector):
    """The metric families of the machine; without samples until there is a reading."""

    def __init__(self) -> None:
        self.reading: Reading | None = None

    def collect(self) -> Iterator[Metric]:
        reading = self.reading
        for gauge in _GAUGES:
            yield GaugeMetricFamily(gauge.name, gauge.documentation, value=gauge.read(reading) if reading else None)
        for each in _LABELLED:
            family = each.family(each.name, each.documentation, labels=[each.label])
            for value, number in each.read(reading).items() if reading else ():
                family.add_metric([value], number)
            yield family
