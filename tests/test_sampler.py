from __future__ import annotations

from pathlib import Path

import pytest

from exporter.events import Instant
from exporter.host import Filesystem, Host, Memory, Transferred
from exporter.sampler import Pace, Reading, Sampler, cpu_percent, pace

NOON = Instant.parse("2026-01-31T12:00:00.000Z")
LAST = Pace(cpu_percent=12.3, network=(4.0, 5.0), disks=(6.0, 7.0))


def cpu(**seconds: float) -> Host:
    return Host(cpu_seconds=seconds)


def network(**devices: tuple[int, int]) -> Host:
    return Host(
        network={name: Transferred(*each) for name, each in devices.items()},
        uplinks=frozenset(name for name in devices if name.startswith("eth")),
    )


def disks(**devices: tuple[int, int]) -> Host:
    return Host(disks={name: Transferred(*each) for name, each in devices.items()})


def sampler(*readings: tuple[float, Host]) -> Sampler:
    """A sampler that gets these readings at these times, in seconds; the first one when it is made."""
    hosts, times = iter([host for _, host in readings]), iter([at for at, _ in readings])
    return Sampler(Path("/"), read=lambda _: next(hosts), clock=lambda: next(times))


def sample(source: Sampler) -> Reading:
    return source.sample(NOON, active_scripts=2, total_executions=40, runs_queued=3)


# --- CPU ---


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        ({"user": 10, "idle": 90}, {"user": 11, "idle": 91}, 50.0),
        ({"user": 10, "idle": 90}, {"user": 10, "idle": 92}, 0.0),
        ({"user": 10, "idle": 90}, {"user": 12, "idle": 90}, 100.0),
        ({"user": 0, "idle": 0}, {"user": 1, "idle": 2}, 33.3),
    ],
)
def test_cpu_percent_is_the_share_not_idle_with_one_decimal(
    before: dict[str, float], after: dict[str, float], percent: float
) -> None:
    assert cpu_percent(before, after) == percent


def test_waiting_for_a_disk_is_idleness() -> None:
    assert cpu_percent({"user": 0, "idle": 0, "iowait": 0}, {"user": 1, "idle": 1, "iowait": 2}) == 25.0


def test_time_that_the_kernel_takes_back_is_not_negative() -> None:
    assert cpu_percent({"user": 0, "idle": 0, "iowait": 5}, {"user": 1, "idle": 1, "iowait": 4}) == 50.0


def test_cpu_percent_repeats_where_no_cpu_time_has_passed() -> None:
    assert pace(cpu(user=1, idle=2), cpu(user=1, idle=2), 2.0, LAST).cpu_percent == 12.3


def test_the_first_sample_tells_of_the_time_since_the_sampler_was_made() -> None:
    source = sampler((0.0, cpu(user=1000, idle=0)), (2.0, cpu(user=1001, idle=3)))
    assert sample(source).event.cpu_percent == 25.0


def test_a_first_sample_at_once_tells_the_average_since_boot() -> None:
    source = sampler((0.0, cpu(user=30, idle=70)), (0.0, cpu(user=30, idle=70)))
    assert sample(source).event.cpu_percent == 30.0


# --- rates ---


def test_rates_are_per_second_of_the_time_that_really_passed() -> None:
    source = sampler(
        (10.0, network(eth0=(1000, 50))),
        (12.5, network(eth0=(6000, 300))),
        (13.5, network(eth0=(6000, 310))),
    )
    first, second = sample(source).event, sample(source).event
    assert first.network_receive_bytes_per_second == 2000.0
    assert first.network_transmit_bytes_per_second == 100.0
    assert second.network_receive_bytes_per_second == 0.0
    assert second.network_transmit_bytes_per_second == 10.0


def test_rates_of_all_disks_are_added() -> None:
    event = sample(
        sampler((0.0, disks(sda=(0, 0), nvme0n1=(0, 0))), (2.0, disks(sda=(10, 20), nvme0n1=(30, 40))))
    ).event
    assert (event.disk_read_bytes_per_second, event.disk_write_bytes_per_second) == (20.0, 30.0)


def test_a_bridge_does_not_count_again_what_passes_the_interface_below() -> None:
    after = network(eth0=(100, 10), docker0=(100, 10))
    assert pace(network(eth0=(0, 0), docker0=(0, 0)), after, 1.0, LAST).network == (100.0, 10.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(network(eth0=(500, 500)), network(eth0=(3, 3)), id="began again"),
        pytest.param(network(eth0=(500, 500)), network(), id="went"),
        pytest.param(network(), network(eth0=(500, 500)), id="came"),
    ],
)
def test_counters_that_are_not_continued_add_nothing(before: Host, after: Host) -> None:
    assert pace(before, after, 1.0, LAST).network == (0.0, 0.0)


def test_a_counter_that_began_again_does_not_hide_the_others() -> None:
    before, after = network(eth0=(500, 0), eth1=(0, 0)), network(eth0=(3, 0), eth1=(70, 0))
    assert pace(before, after, 1.0, LAST).network == (70.0, 0.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_rates_repeat_where_no_time_has_passed(seconds: float) -> None:
    shown = pace(network(eth0=(0, 0)), network(eth0=(9, 9)), seconds, LAST)
    assert (shown.network, shown.disks) == (LAST.network, LAST.disks)


# --- the sample ---


def test_a_sample_carries_what_it_was_given_and_what_was_read() -> None:
    host = Host(memory=Memory(1000, 400, 60.0), filesystem=Filesystem("/", 5000, 3000, 41.7), load1=0.3359375)
    shown = sample(sampler((0.0, host), (2.0, host)))
    event = shown.event
    assert (shown.timestamp, shown.host, shown.faults) == (NOON, host, [])
    assert (event.active_scripts, event.total_executions, event.runs_queued) == (2, 40, 3)
    assert (event.memory_percent, event.memory_used_bytes, event.memory_total_bytes) == (60.0, 600, 1000)
    assert (event.disk_percent, event.load1) == (41.7, 0.34)


def test_what_cannot_be_read_is_0_in_the_stream() -> None:
    event = sample(sampler((0.0, cpu(user=1, idle=1)), (2.0, Host(faults=["all of it"])))).event
    assert (event.cpu_percent, event.memory_percent, event.disk_percent, event.load1) == (0.0, 0.0, 0.0, 0.0)
    assert (event.memory_used_bytes, event.memory_total_bytes) == (0, 0)


def told(*readings: list[str]) -> list[list[str]]:
    """What is told of these faults, the first of which were there when the sampler was made."""
    source = sampler(*((float(at), Host(faults=faults)) for at, faults in enumerate(readings)))
    return [sample(source).faults for _ in readings[1:]]


def test_a_fault_is_told_once_and_again_after_it_was_gone() -> None:
    assert told(["disk"], ["disk"], ["disk"], [], ["disk"]) == [["disk"], [], [], ["disk"]]


def test_a_second_fault_is_told_beside_a_first_one() -> None:
    assert told([], ["disk"], ["disk", "load"], ["load"]) == [["disk"], ["load"], []]


# --- the machine itself ---


def test_this_machine_can_be_sampled() -> None:
    shown = sample(Sampler(Path("/")))
    event, host = shown.event, shown.host
    assert 0 <= event.cpu_percent <= 100
    assert 0 <= event.memory_percent <= 100
    assert 0 <= event.disk_percent <= 100
    assert 0 < event.memory_used_bytes < event.memory_total_bytes
    assert {"user", "system", "idle"} <= host.cpu_seconds.keys()
    assert host.filesystem is not None
    assert host.filesystem.mountpoint == "/"
    assert "lo" not in host.network
