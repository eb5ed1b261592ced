"""Control groups of runs: where this machine lets the tests make them, and as files that look like theirs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.cgroups import Cgroup, delegated, tidy
from exporter.events import Instant, Run
from exporter.runner import Outcome, Process, adopt, launch
from exporter.settings import Duration, Limits, ScriptSettings, Size
from tests.programs import is_alive
from tests.service import until

DEADLINE = 30.0
RUN_ID = "01KDVM5X6Q0000000000000000"
CGROUP_MOUNT = "30 20 0:26 {root} {mount} rw,relatime shared:4 - cgroup2 cgroup2 rw\n"


def process(folder: Path, own: str, root: str, mount: Path) -> Path:
    """What /proc tells of a process in the group `own`."""
    proc = folder / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(f"9:memory:/elsewhere\n0::{own}\n")
    text = f"20 1 0:5 / / rw - ext4 /dev/sda rw\n{CGROUP_MOUNT.format(root=root, mount=mount)}"
    (proc / "mountinfo").write_text(text)
    return proc


# --- where there are any ---


def test_the_root_of_what_a_container_sees_is_the_services_own(tmp_path: Path) -> None:
    (tmp_path / "fs").mkdir()
    assert delegated(process(tmp_path, "/", "/", tmp_path / "fs")) == tmp_path / "fs"


@pytest.mark.parametrize(("mark", "found"), [(b"1", True), (b"0", False), (None, False)])
def test_a_group_below_is_used_if_systemd_has_left_it_to_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes | None, found: bool
) -> None:
    group = tmp_path / "fs" / "system.slice" / "cronscope.service"
    group.mkdir(parents=True)

    def getxattr(path: Path, name: str) -> bytes:
        if mark is None or name != "user.delegate":
            raise OSError
        return mark

    monkeypatch.setattr("os.getxattr", getxattr, raising=False)
    proc = process(tmp_path, "/system.slice/cronscope.service", "/", tmp_path / "fs")
    assert delegated(proc) == (group if found else None)
    if found:
        assert (group / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_where_systemd_has_put_the_service_into_a_subgroup_runs_are_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = tmp_path / "fs" / "cronscope.service"
    (unit / "main").mkdir(parents=True)
    (unit / "cgroup.subtree_control").touch()
    monkeypatch.setattr("os.getxattr", lambda path, _: b"1" if path == unit else b"0", raising=False)
    assert delegated(process(tmp_path, "/cronscope.service/main", "/", tmp_path / "fs")) == unit
    assert (unit / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_groups_that_are_empty_by_now_are_removed(tmp_path: Path) -> None:
    for name in ("cronscope-empty", "cronscope-full/child", "other"):
        (tmp_path / name).mkdir(parents=True)
    tidy(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"cronscope-full", "other"}


@pytest.mark.parametrize("own", ["/../elsewhere", "/gone"])
def test_without_a_group_of_its_own_to_be_seen_there_are_none(tmp_path: Path, own: str) -> None:
    (tmp_path / "fs").mkdir()
    assert delegated(process(tmp_path, own, "/", tmp_path / "fs")) is None
    assert delegated(tmp_path / "no-proc") is None


# --- what is written and read ---


@pytest.fixture
def group(tmp_path: Path) -> Cgroup:
    folder = tmp_path / "cronscope-run"
    folder.mkdir()
    for name in ("cgroup.kill", "memory.max", "pids.max"):
        (folder / name).touch()
    (folder / "memory.peak").write_text("123456789\n")
    (folder / "cgroup.procs").write_text("")
    return Cgroup(folder)


def test_limits_and_the_kill_go_into_their_files_and_the_peak_comes_from_one(group: Cgroup) -> None:
    assert group.bounds_memory(Size(1 << 30))
    group.kill()
    assert (group.path / "memory.max").read_text() == str(1 << 30)
    assert (group.path / "cgroup.kill").read_text() == "1"
    assert group.peak() == 123_456_789
    assert group.members() == []


def test_without_controllers_nothing_is_bounded_and_nothing_fails(tmp_path: Path) -> None:
    bare = Cgroup(tmp_path)
    assert not bare.bounds_memory(1 << 30)
    assert (bare.peak(), bare.members()) == (0, [])
    bare.kill()
    Cgroup(tmp_path / "none").remove()


def test_a_kernel_that_cannot_end_a_group_as_a_whole_gets_none(tmp_path: Path) -> None:
    assert Cgroup.make(tmp_path, RUN_ID, Limits()) is None
    assert list(tmp_path.iterdir()) == []
    assert Cgroup.make(tmp_path / "none", RUN_ID, Limits()) is None


# --- on this machine ---


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Launches a script in a control group of its own."""
    parent = delegated()
    if parent is None or (probe := Cgroup.make(parent, f"probe-{os.getpid()}", Limits())) is None:
        pytest.skip("needs a control group (cgroup v2) below which the tests may make others")
    probe.remove()
    folder = tmp_path / RUN_ID
    made = parent / f"cronscope-{RUN_ID}"

    def start(command: str, limits: Limits = Limits(open_files=100)) -> Process:  # noqa: B008
        script = ScriptSettings(name="job", command=command, workdir=tmp_path, limits=limits)
        run = Run(run_id=RUN_ID, script_name="job", trigger="manual", status="running", scheduled_at=Instant(0))
        return launch(script, run, folder, os.environ, cgroups=parent)

    yield start
    Cgroup(made).kill()
    until(lambda: Cgroup(made).remove(), lambda _: not made.exists())


def outcome(work: Callable[[], Process], stopped_when: Callable[[], bool] | None = None) -> Outcome:
    async def life() -> Outcome:
        process = work()
        if stopped_when is not None:
            await asyncio.to_thread(until, stopped_when, bool)
            process.stop(Duration(200))
        return await process.wait()

    return asyncio.run(asyncio.wait_for(life(), DEADLINE))


ESCAPES = "setsid sh -c 'trap : TERM; echo $$ >pid; while :; do sleep 0.05; done' & {rest}"


def test_a_stop_ends_what_has_left_the_process_group_and_ignores_sigterm(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    ended = outcome(lambda: launched(ESCAPES.format(rest="sleep 600")), lambda: pid.exists() and bool(pid.read_text()))
    assert ended.exit_code == 128 + signal.SIGTERM
    assert not is_alive(int(pid.read_text()))


def test_what_has_left_the_process_group_may_end_by_itself_on_sigterm(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    command = "setsid sh -c 'trap \"echo clean >said; exit\" TERM; echo $$ >pid; while :; do sleep 0.01; done' & wait"
    outcome(lambda: launched(command), lambda: (tmp_path / "pid").exists())
    assert (tmp_path / "said").read_text() == "clean\n"


def test_after_its_own_end_a_script_leaves_behind_what_it_likes(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    ended = outcome(lambda: launched(ESCAPES.format(rest="while ! [ -s pid ]; do sleep 0.01; done; exit 3")))
    assert (ended.exit_code, ended.reason) == (3, "exit_code")
    assert is_alive(int(pid.read_text()))


def test_the_group_goes_with_the_run_and_the_exit_code_is_true(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    ended = outcome(lambda: launched("cat /proc/self/cgroup; cat /proc/$PPID/cgroup; exit 7"))
    assert ended.exit_code == 7
    own, above = (line for line in (tmp_path / RUN_ID / "stdout").read_text().splitlines() if line.startswith("0::"))
    assert own.endswith(f"/cronscope-{RUN_ID}")
    assert RUN_ID not in above  # the shell that tells how the command ended is not killed with it
    assert not Path((tmp_path / RUN_ID / "cgroup").read_text()).exists()


def test_a_script_that_nothing_bounds_has_no_group_to_wait_for(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    outcome(lambda: launched("cat /proc/self/cgroup", Limits()))
    assert RUN_ID not in (tmp_path / RUN_ID / "stdout").read_text()


def test_a_group_that_is_gone_before_the_command_comes_keeps_it_from_nothing(
    launched: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.runner.note_cgroup", lambda _, cgroup: cgroup.remove())
    ended = outcome(lambda: launched("exit 143"))
    assert (ended.exit_code, ended.reason) == (143, "exit_code")  # nor is that a notice of a signal


def test_a_stop_that_the_last_life_began_is_finished_for_the_whole_group(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"

    async def lives() -> None:
        process = launched(ESCAPES.format(rest="sleep 600"))
        await asyncio.to_thread(until, lambda: pid.exists() and pid.read_text(), bool)
        (tmp_path / RUN_ID / "stopped").write_text("cancelled")
        os.killpg(process.pid, signal.SIGKILL)  # as far as the last life came
        await process.wait()
        taken_up = adopt(tmp_path / RUN_ID)
        assert isinstance(taken_up, Process)
        taken_up.stop(Duration(0))
        await taken_up.wait()

    asyncio.run(asyncio.wait_for(lives(), DEADLINE))
    assert not is_alive(int(pid.read_text()))


def test_the_memory_of_all_processes_together_is_bounded_where_somebody_counts_it(
    launched: Callable[..., Process], tmp_path: Path
) -> None:
    own = delegated()
    if own is None or "memory" not in (own / "cgroup.subtree_control").read_text():
        pytest.skip("needs a control group (cgroup v2) with the memory controller")
    (tmp_path / "hog.py").write_text(
        "import os, signal\n"
        "children = []\n"
        "for _ in range(4):\n"
        "    if (child := os.fork()) == 0:\n"
        "        kept = b'x' * (40 << 20)\n"
        "        signal.pause()\n"
        "    children.append(child)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    ended = outcome(lambda: launched(f"{sys.executable} hog.py", Limits(memory=Size(100 << 20))))
    assert (ended.exit_code, (tmp_path / RUN_ID / "stdout").read_text()) == (0, f"{-signal.SIGKILL}\n")


def test_memory_that_all_processes_had_together_is_the_runs_peak_where_it_is_more(
    launched: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cgroup, "peak", lambda _: 1 << 40)
    assert outcome(lambda: launched("true")).max_rss_bytes == 1 << 40


def test_a_limit_of_memory_is_the_groups_where_it_can_be_and_else_each_processes(
    launched: Callable[..., Process], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[int] = []

    def bounds(_: Cgroup, most: int) -> bool:
        asked.append(most)
        return len(asked) > 1

    monkeypatch.setattr(Cgroup, "bounds_memory", bounds)
    limits = Limits(memory=Size(1 << 30))
    for told in ("1073741824", "unlimited"):
        outcome(lambda: launched("grep 'Max address space' /proc/self/limits", limits))
        assert told in (tmp_path / RUN_ID / "stdout").read_text()
        (tmp_path / RUN_ID).rename(tmp_path / told)
    assert asked == [1 << 30, 1 << 30]
