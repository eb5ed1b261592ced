from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from exporter.host import mountpoint, physical_disks, read_host, uplinks


def sysfs(root: Path, *, hardware: list[str], virtual: list[str]) -> str:
    """A tree like /sys, in which only hardware has an entry `device`."""
    for name in hardware:
        (root / name / "device").mkdir(parents=True)
    for name in virtual:
        (root / name).mkdir(parents=True)
    return str(root)


def test_disks_are_whole_devices_with_hardware_behind_them(tmp_path: Path) -> None:
    sys = sysfs(
        tmp_path,
        hardware=["block/sda", "block/nvme0n1", "block/cciss!c0d0"],
        virtual=["block/loop0", "block/ram0", "block/zram0", "block/md0", "block/dm-0"],
    )
    seen = ["sda", "sda1", "nvme0n1", "nvme0n1p1", "cciss/c0d0", "loop0", "ram0", "zram0", "md0", "dm-0"]
    assert physical_disks(seen, sys) == ["sda", "nvme0n1", "cciss/c0d0"]


def test_without_sysfs_every_device_that_psutil_lists_is_a_disk(tmp_path: Path) -> None:
    assert physical_disks(["disk0", "disk1"], str(tmp_path)) == ["disk0", "disk1"]


def test_uplinks_are_the_interfaces_with_hardware_behind_them(tmp_path: Path) -> None:
    sys = sysfs(tmp_path, hardware=["class/net/eth0"], virtual=["class/net/docker0", "class/net/veth12"])
    assert uplinks(["eth0", "docker0", "veth12"], sys) == {"eth0"}


def test_where_no_interface_has_hardware_behind_it_all_are_uplinks(tmp_path: Path) -> None:
    sys = sysfs(tmp_path, hardware=[], virtual=["class/net/eth0", "class/net/eth1"])
    assert uplinks(["eth0", "eth1"], sys) == {"eth0", "eth1"}


def test_a_mountpoint_is_found_from_any_path_below_it(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "down"
    place.mkdir(parents=True)
    found = Path(mountpoint(place))
    assert found.is_mount()
    assert place.resolve().is_relative_to(found)


def test_disk_percent_is_that_of_df() -> None:
    filesystem = read_host(Path("/")).filesystem
    assert filesystem is not None
    usage = shutil.disk_usage("/")
    assert filesystem.size_bytes == usage.total
    assert filesystem.percent == pytest.approx(100 * usage.used / (usage.used + usage.free), abs=0.2)


def test_the_time_of_guests_is_not_counted_twice() -> None:
    assert not [mode for mode in read_host(Path("/")).cpu_seconds if mode.startswith("guest")]


def test_a_disk_path_that_has_gone_is_named_and_breaks_nothing_else() -> None:
    host = read_host(Path("/nowhere/at/all"))
    assert host.filesystem is None
    assert host.memory is not None
    assert "cannot read the file system of /nowhere/at/all: " in "\n".join(host.faults)


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), NotImplementedError(), KeyError("MemTotal")]
)
def test_whatever_psutil_raises_is_named_and_breaks_nothing_else(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(**_: bool) -> None:
        raise error

    monkeypatch.setattr(psutil, "disk_io_counters", fail)
    host = read_host(Path("/"))
    assert host.disks == {}
    assert host.filesystem is not None
    assert f"cannot read the disks' counters: {str(error) or 'NotImplementedError'}" in host.faults
