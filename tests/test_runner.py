"""Real processes, started, watched, stopped and adopted."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from exporter import runner
from exporter.events import Instant, Run
from exporter.output import Archive, Recording
from exporter.runner import Outcome, Process, SpawnError, adopt, launch
from exporter.settings import Duration, ScriptSettings
from tests.programs import is_alive

T = TypeVar("T")
DEADLINE = 30.0
NEVER = Duration(3_600_000)
SOON = Duration(100)
SHELLS = [
    shell for shell in (["dash"], ["bash"], ["bash", "--posix"], ["busybox", "ash"]) if shutil.which(shell[0])
]  # fmt: skip


class Gate:
    """A named pipe at which a script says that it got there, or waits until it is let through."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def __str__(self) -> str:
        return str(self.path)

    async def reached(self) -> str:
        await readable(self._descriptor)
        return os.read(self._descriptor, 4096).decode().strip()

    def open(self) -> None:
        os.write(self._descriptor, b"go\n")

    def close(self) -> None:
        os.close(self._descriptor)


class Folder:
    """Launches scripts in a folder of the test's own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "runs" / "01KDVM5X6Q0000000000000000"
        self.run.parent.mkdir()
        self.gates: list[Gate] = []

    def gate(self, name: str) -> Gate:
        self.gates.append(Gate(self.path / name))
        return self.gates[-1]

    def program(self, name: str, text: str) -> Path:
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def launch(self, command: str | list[str], success_codes: list[int] | None = None, **env: str) -> Process:
        script = ScriptSettings(
            name="backup", command=command, workdir=self.path, env=env, success_codes=success_codes or [0]
        )
        return launch(script, run_record(self.run), self.run, os.environ)

    def outcome(self, command: str | list[str], success_codes: list[int] | None = None, **env: str) -> Outcome:
        async def run() -> Outcome:
            return await self.launch(command, success_codes, **env).wait()

        return on_loop(run)

    def stdout(self) -> str:
        return (self.run / "stdout").read_text()

    def stderr(self) -> str:
        return (self.run / "stderr").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    for gate in made.gates:
        gate.close()


def run_record(folder: Path) -> Run:
    return Run(
        run_id=folder.name, script_name="backup", trigger="schedule", status="running", scheduled_at=Instant(1_000_000)
    )


def on_loop(work: Callable[[], Coroutine[None, None, T]]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(work(), DEADLINE)

    return asyncio.run(bounded())


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(descriptor, arrived.set)
    try:
        await asyncio.wait_for(arrived.wait(), DEADLINE)
    finally:
        loop.remove_reader(descriptor)


async def died(pid: int) -> None:
    """Wait until a process is gone, whoever's child it is."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await readable(pidfd)
    finally:
        os.close(pidfd)


# --- how a run ends ---


@pytest.mark.parametrize(
    ("command", "exit_code", "reason"),
    [
        ("exit 0", 0, None),
        ("exit 3", 3, "exit_code"),
        ("exit 143", 143, "exit_code"),
        ("exit 137", 137, "exit_code"),
        ("kill -TERM $$", 143, "signal"),
        ("kill -KILL $$", 137, "signal"),
        ("kill -SEGV $$", 139, "signal"),
        ("kill -INT $$", 130, "signal"),
        ("kill -PIPE $$", 141, "signal"),
        ("no-such-program", 127, "exit_code"),
    ],
)
def test_the_exit_code_tells_how_the_command_ended(
    folder: Folder, command: str, exit_code: int, reason: str | None
) -> None:
    outcome = folder.outcome(command)
    assert (outcome.exit_code, outcome.reason) == (exit_code, reason)
    assert abs(outcome.ended_at - Instant.now()) < 10_000


@pytest.mark.parametrize("command", ["exit 3", "exit 130", "exit 143"])
def test_success_codes_are_a_success(folder: Folder, command: str) -> None:
    assert folder.outcome(command, success_codes=[3, 130, 143]).reason is None


@pytest.mark.parametrize(("listed", "reason"), [([0, 130, 143], None), ([0, 3], "signal")])
@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_death_by_a_signal_is_a_success_only_where_its_code_is_listed(
    folder: Folder, name: str, listed: list[int], reason: str | None
) -> None:
    assert folder.outcome(f"kill -{name} $$", success_codes=listed).reason == reason


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_launcher_works_in_every_shell(tmp_path: Path, shell: list[str]) -> None:
    def status_of(command: str, **env: str) -> tuple[int, str | None]:
        for name in ("status", "stderr", "notice"):
            (tmp_path / name).unlink(missing_ok=True)
        with (tmp_path / "stderr").open("ab") as stderr, (tmp_path / "notice").open("ab") as notice:
            # Under nohup, all that is started ignores SIGHUP.
            arguments: list[str | Path] = [
                "env",
                "--default-signal",
                *shell,
                runner.LAUNCHER,
                tmp_path,
                "100",
                "",
                "/bin/sh",
                "-c",
                command,
            ]
            environment = {**os.environ, **env}
            code = subprocess.run(arguments, stdin=stderr, stderr=notice, env=environment, check=False).returncode
        found = adopt(tmp_path)
        assert isinstance(found, Outcome)
        assert found.exit_code == code
        assert found.cpu_user_seconds is not None
        assert (tmp_path / "stderr").read_text() == ""
        return code, found.reason

    assert status_of("exit 0", SHELLOPTS="errexit") == (0, None)
    assert status_of("exit 143", SHELLOPTS="errexit") == (143, "exit_code")
    for name in ("HUP", "QUIT", "ABRT", "KILL", "SEGV", "TERM", "USR1"):
        assert status_of(f"ulimit -c 0; kill -{name} $$") == (128 + getattr(signal, f"SIG{name}"), "signal")
    (tmp_path / "stopped").touch()
    assert status_of("exit 0") == (143, "exit_code")


def test_the_shells_words_about_a_signal_are_not_the_scripts(folder: Folder) -> None:
    folder.outcome("echo mine >&2; kill -TERM $$")
    assert folder.stderr() == "mine\n"


def test_without_a_status_file_the_kernels_word_counts(folder: Folder) -> None:
    folder.run.mkdir()
    (folder.run / "status").mkdir()  # what a full disk does: it cannot be written
    assert folder.outcome("exit 3").exit_code == 3


def test_a_killed_launcher_is_death_by_a_signal(folder: Folder) -> None:
    outcome = folder.outcome("kill -KILL $PPID $$")
    assert (outcome.exit_code, outcome.reason) == (137, "signal")


def test_the_run_ends_with_its_command_and_what_it_left_behind_lives_on(folder: Folder) -> None:
    async def run() -> None:
        said, hold = folder.gate("said"), folder.gate("hold")
        process = folder.launch(f"sh -c 'echo $$ > {said}; read x < {hold}; echo late' & echo done")
        left_behind = int(await said.reached())
        assert (await process.wait()).exit_code == 0
        assert is_alive(left_behind)
        assert folder.stdout() == "done\n"
        hold.open()
        await died(left_behind)
        assert folder.stdout() == "done\nlate\n"

    on_loop(run)


def test_cpu_time_and_a_large_peak_of_memory_are_measured(folder: Folder) -> None:
    code = "import time\nb = bytearray(400 << 20)\nwhile time.process_time() < 0.2: pass"
    outcome = folder.outcome([sys.executable, "-c", code])
    assert outcome.cpu_user_seconds is not None
    assert outcome.cpu_system_seconds is not None
    assert 0.2 <= outcome.cpu_user_seconds + outcome.cpu_system_seconds < 5
    assert outcome.max_rss_bytes is not None
    assert 400 << 20 < outcome.max_rss_bytes < 500 << 20


def test_a_small_peak_of_memory_is_known_if_it_was_seen(folder: Folder) -> None:
    async def run() -> Outcome:
        said, hold = folder.gate("said"), folder.gate("hold")
        code = f"b = bytearray(40 << 20); del b; open('{said}', 'w').write('x'); open('{hold}').readline()"
        process = folder.launch([sys.executable, "-c", code])
        await said.reached()
        process.note_memory()
        hold.open()
        return await process.wait()

    ballast = bytearray(150 << 20)  # a service that is larger than its scripts
    outcome = on_loop(run)
    assert len(ballast)
    assert outcome.max_rss_bytes is not None
    assert 40 << 20 < outcome.max_rss_bytes < 100 << 20


def test_of_a_run_that_is_over_in_an_instant_at_least_the_shells_memory_is_known(folder: Folder) -> None:
    ballast = bytearray(150 << 20)  # a service that is larger than its scripts
    peak = folder.outcome("exit 0").max_rss_bytes
    assert len(ballast)
    assert peak is not None
    assert 100 << 10 < peak < 10 << 20


def test_the_memory_of_a_short_run_is_looked_at_often(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Outcome:
        hold = folder.gate("hold")
        looked: list[int] = []

        def look(pid: int) -> int:
            looked.append(pid)
            if len(looked) == 3:  # within its first tenth of a second
                hold.open()
            return (40 << 20) + len(looked)

        monkeypatch.setattr(runner, "largest_of_family", look)
        return await folder.launch(f"read x < {hold}").wait()

    ballast = bytearray(150 << 20)  # a service that is larger than its scripts
    assert on_loop(run).max_rss_bytes == (40 << 20) + 3
    assert len(ballast)


# --- what a script finds ---


def test_standard_input_is_empty(folder: Folder) -> None:
    folder.outcome("cat; read line || echo nothing")
    assert folder.stdout() == "nothing\n"


def test_signals_are_at_their_defaults(folder: Folder) -> None:
    folder.outcome("trap; grep -E '^Sig(Ign|Blk)' /proc/self/status")
    blocked, ignored = (int(line.split()[1], 16) for line in folder.stdout().splitlines())
    ignored_here = {number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN}
    ignored_here -= {signal.SIGPIPE, signal.SIGXFSZ}  # which Python ignores for itself
    mask = sum(1 << number - 1 for number in ignored_here)
    reserved = 1 << 32 - 1 | 1 << 33 - 1  # the C library's own: nobody can set them, but they are inherited
    assert (blocked, ignored & ~reserved) == (0, mask)


def test_no_descriptor_of_the_service_is_open_in_the_script(folder: Folder) -> None:
    with (folder.path / "service").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        folder.outcome([sys.executable, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')))"])
    assert folder.stdout() == "['0', '1', '2', '3']\n"  # 3: the listing itself


def test_the_run_has_a_session_and_a_process_group_of_its_own(folder: Folder) -> None:
    async def run() -> Process:
        process = folder.launch([sys.executable, "-c", "import os; print(os.getsid(0), os.getpgid(0), os.getppid())"])
        await process.wait()
        return process

    process = on_loop(run)
    assert folder.stdout() == f"{process.pid} {process.pid} {process.pid}\n"


def test_the_script_runs_in_its_workdir_with_its_environment(folder: Folder) -> None:
    command = 'pwd; echo "$CRONSCOPE_SCRIPT $CRONSCOPE_RUN_ID $GREETING"; echo x > "$CRONSCOPE_METRICS_FILE"'
    folder.outcome(command, GREETING="hi")
    assert folder.stdout() == f"{folder.path}\nbackup {folder.run.name} hi\n"
    assert (folder.run / "metrics").read_text() == "x\n"


def test_the_environment_of_a_list_is_exactly_the_one_given(folder: Folder) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    script = ScriptSettings(name="backup", command=[sys.executable, "-c", code], workdir=folder.path, env={"A": " b\n"})

    async def run() -> None:
        await launch(script, run_record(folder.run), folder.run, {"PATH": "/bin", "CRONSCOPE_TOKEN": "x"}).wait()

    on_loop(run)
    environment = msgspec.json.decode(folder.stdout(), type=dict[str, str])
    for made_by_the_shell in ("PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"):
        environment.pop(made_by_the_shell, None)
    assert environment == {
        "PATH": "/bin",
        "A": " b\n",
        "CRONSCOPE_SCRIPT": "backup",
        "CRONSCOPE_RUN_ID": folder.run.name,
        "CRONSCOPE_TRIGGER": "schedule",
        "CRONSCOPE_SCHEDULED_AT": "1970-01-01T00:16:40.000Z",
        "CRONSCOPE_METRICS_FILE": str(folder.run / "metrics"),
        "PYTHONUNBUFFERED": "1",
    }


def test_arguments_of_a_list_arrive_as_they_are(folder: Folder) -> None:
    arguments = ["", "a  b", "*", "$HOME", "-x", "\n", "ü"]
    folder.outcome([sys.executable, "-c", "import sys; print(sys.argv[1:])", *arguments])
    assert folder.stdout() == f"{arguments}\n"


def test_only_the_owner_can_look_into_the_folder(folder: Folder) -> None:
    folder.outcome("exit 0")
    assert folder.run.stat().st_mode & 0o777 == 0o700


# --- what cannot be started ---


def test_a_list_that_cannot_be_started_leaves_nothing(folder: Folder) -> None:
    with pytest.raises(SpawnError, match="no-such-program: not found in PATH"):
        folder.outcome(["no-such-program"])
    assert not folder.run.exists()


def test_too_long_a_command_is_said_to_be_so(folder: Folder) -> None:
    with pytest.raises(SpawnError, match=r"^/bin/sh: its arguments and environment are longer than the system takes$"):
        folder.outcome(f": {'x' * 200_000}")


def test_a_nul_in_a_command_is_refused(folder: Folder) -> None:
    with pytest.raises(SpawnError, match="null byte"):
        folder.outcome("echo \0")


def test_files_that_cannot_be_made_are_named(folder: Folder) -> None:
    folder.run.parent.rmdir()
    with pytest.raises(SpawnError, match=r"/runs/\w+: no such file or directory$"):
        folder.outcome("exit 0")


def test_too_many_open_files_are_said_to_be_so(folder: Folder) -> None:
    async def run() -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, limits[1]))
        try:
            with pytest.raises(SpawnError, match="the service has too many files open"):
                folder.launch("exit 0")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    on_loop(run)


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EAGAIN, "the system's limit on processes is reached"), (errno.ENOSPC, "the disk is full")],
)
def test_what_the_system_refuses_is_told_in_plain_words(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(SpawnError, match=f": {words}$"):
        folder.outcome("exit 0")


# --- stopping ---


def test_a_stop_ends_the_script_by_sigterm(folder: Folder) -> None:
    async def run() -> Outcome:
        said = folder.gate("said")
        process = folder.launch(f"echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process.stop(NEVER)
        return await process.wait()

    outcome = on_loop(run)
    assert (outcome.exit_code, outcome.reason) == (143, "signal")


def test_a_script_may_clean_up_and_choose_its_exit_code(folder: Folder) -> None:
    async def run() -> Outcome:
        said = folder.gate("said")
        process = folder.launch(f"trap 'echo bye; exit 9' TERM; echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process.stop(NEVER)
        return await process.wait()

    assert on_loop(run).exit_code == 9
    assert folder.stdout() == "bye\n"


def test_what_ignores_sigterm_is_killed(folder: Folder) -> None:
    async def run() -> Outcome:
        said = folder.gate("said")
        process = folder.launch(f"trap '' TERM; echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process.stop(SOON)
        return await process.wait()

    outcome = on_loop(run)
    assert (outcome.exit_code, outcome.reason) == (137, "signal")


def test_grandchildren_that_ignore_sigterm_die_with_the_group(folder: Folder) -> None:
    async def run() -> None:
        said, never = folder.gate("said"), folder.gate("never")
        stubborn = folder.program("stubborn", f"trap '' TERM; echo $$ > {said}; read x < {never}")
        process = folder.launch(f"{stubborn} & wait")
        grandchild = int(await said.reached())
        process.stop(SOON)
        assert (await process.wait()).exit_code == 143  # the command itself obeyed
        assert not is_alive(grandchild)

    on_loop(run)


def test_after_a_stop_the_run_ends_when_the_whole_group_is_gone(folder: Folder) -> None:
    async def run() -> None:
        said, never, cleaned = folder.gate("said"), folder.gate("never"), folder.gate("cleaned")
        command = folder.gate("command")
        cleaner = folder.program(
            "cleaner",
            f"trap 'echo cleaning > {said}; read x < {cleaned}; exit' TERM; echo $$ > {said}; read x < {never}",
        )
        process = folder.launch(f"{cleaner} & echo $$ > {command}; wait")
        grandchild, shell = int(await said.reached()), int(await command.reached())
        process.stop(NEVER)
        assert await said.reached() == "cleaning"
        await died(shell)
        ending = asyncio.ensure_future(process.wait())
        assert is_alive(grandchild)
        assert not ending.done()
        cleaned.open()
        assert (await ending).exit_code == 143

    on_loop(run)


def test_a_stop_right_after_the_start_reaches_the_command(folder: Folder) -> None:
    async def run() -> None:
        never = folder.gate("never")
        for number in range(30):
            folder.run = folder.run.parent / f"run{number}"
            process = folder.launch(f"read x < {never}")
            process.stop(NEVER)
            assert (await process.wait()).exit_code == 143

    on_loop(run)


def test_a_suspended_script_can_be_stopped(folder: Folder) -> None:
    async def run() -> Outcome:
        said = folder.gate("said")
        process = folder.launch(f"echo $$ > {said}; read x < {folder.gate('never')}")
        os.kill(int(await said.reached()), signal.SIGSTOP)
        process.stop(NEVER)
        return await process.wait()

    assert on_loop(run).exit_code == 143


def test_zombies_that_nobody_reaps_do_not_hold_up_the_end(folder: Folder) -> None:
    code = """
import os, sys
child = os.fork()
if child == 0:
    os._exit(0)               # a zombie in the run's group,
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
os.setsid()                   # whose parent has left the group
open(sys.argv[1], "w").write(str(os.getpid()))
open(sys.argv[2]).readline()
"""

    async def run() -> None:
        said, hold = folder.gate("said"), folder.gate("hold")
        (folder.path / "code.py").write_text(code)
        process = folder.launch(f"{sys.executable} code.py {said} {hold} & read x < {folder.gate('never')}")
        careless_parent = int(await said.reached())
        process.stop(NEVER)
        assert (await process.wait()).exit_code == 143
        assert is_alive(careless_parent)
        hold.open()
        await died(careless_parent)

    on_loop(run)


def test_a_process_that_not_even_sigkill_ends_is_given_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "GIVE_UP_SECONDS", 0.01)
    monkeypatch.setattr(os, "killpg", lambda *_: None)

    async def run() -> None:
        never = folder.gate("never")
        said = folder.gate("said")
        process = folder.launch(f"echo x > {said}; read x < {never}")
        await said.reached()
        process.stop(Duration(0))
        assert (await process.wait()).exit_code == 137
        assert "do not end on SIGKILL" in caplog.text
        never.open()
        await died(process.pid)

    on_loop(run)


def test_stopping_twice_or_after_the_end_is_harmless(folder: Folder) -> None:
    async def run() -> None:
        said = folder.gate("said")
        process = folder.launch(f"echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process.stop(NEVER)
        process.stop(Duration(0))
        outcome = await process.wait()
        assert outcome.exit_code == 143
        process.stop(Duration(0))
        assert await process.wait() == outcome

    on_loop(run)


def test_whoever_stops_waiting_does_not_end_the_run(folder: Folder) -> None:
    async def run() -> None:
        hold = folder.gate("hold")
        process = folder.launch(f"read x < {hold}; exit 5")
        waiting = asyncio.ensure_future(process.wait())
        await asyncio.wait([waiting], timeout=0)
        waiting.cancel()
        hold.open()
        assert (await process.wait()).exit_code == 5

    on_loop(run)


def test_without_pidfd_it_works_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")

    async def run() -> Outcome:
        said = folder.gate("said")
        process = folder.launch(f"trap '' TERM; echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process.stop(SOON)
        return await process.wait()

    assert on_loop(run).exit_code == 137


# --- a service that is killed, and the next one ---

SERVICE = """
import asyncio, os, sys
from pathlib import Path
from exporter.events import Instant, Run
from exporter.runner import launch
from exporter.settings import ScriptSettings

async def serve() -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2]
    script = ScriptSettings(name="backup", command=command, workdir=folder.parent)
    run = Run(run_id=folder.name, script_name="backup", trigger="schedule", status="running", scheduled_at=Instant(0))
    process = launch(script, run, folder, os.environ)
    print(process.pid, flush=True)
    await process.wait()

asyncio.run(serve())
"""


def launch_and_crash(folder: Folder, command: str) -> int:
    """A service that starts a run and is killed; answers the process id of the run's shell."""
    service = subprocess.Popen([sys.executable, "-c", SERVICE, folder.run, command], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    with service.stdout:
        pid = int(service.stdout.readline())
        service.kill()
        service.wait(DEADLINE)
    return pid


def test_a_run_that_outlives_the_service_is_taken_up(folder: Folder) -> None:
    async def run() -> None:
        said, hold = folder.gate("said"), folder.gate("hold")
        pid = launch_and_crash(folder, f"echo x > {said}; read x < {hold}; echo more; exit 7")
        await said.reached()
        process = adopt(folder.run)
        assert isinstance(process, Process)
        assert (process.pid, process.run_id) == (pid, folder.run.name)
        process.note_memory()
        hold.open()
        outcome = await process.wait()
        assert (outcome.exit_code, outcome.reason) == (7, "exit_code")
        assert outcome.cpu_user_seconds is not None
        assert outcome.max_rss_bytes is not None
        assert folder.stdout() == "more\n"

    on_loop(run)


def test_a_run_whose_process_id_found_no_room_on_the_disk_is_taken_up(folder: Folder) -> None:
    async def run() -> None:
        said, hold = folder.gate("said"), folder.gate("hold")
        pid = launch_and_crash(folder, f"echo x > {said}; read x < {hold}; exit 7")
        await said.reached()
        (folder.run / "pid").write_bytes(b"")
        process = adopt(folder.run)
        assert isinstance(process, Process)
        assert process.pid == pid
        hold.open()
        assert (await process.wait()).exit_code == 7

    on_loop(run)


def test_a_run_that_ended_while_no_service_was_there_keeps_its_exit_code(folder: Folder) -> None:
    async def run() -> None:
        hold = folder.gate("hold")
        pid = launch_and_crash(folder, f"read x < {hold}; kill -TERM $$")
        hold.open()
        await died(pid)
        outcome = adopt(folder.run)
        assert isinstance(outcome, Outcome)
        assert (outcome.exit_code, outcome.reason) == (143, "signal")
        assert outcome.ended_at == (folder.run / "status").stat().st_mtime_ns // 1_000_000

    on_loop(run)


def test_an_adopted_run_can_be_stopped(folder: Folder) -> None:
    async def run() -> None:
        said, never = folder.gate("said"), folder.gate("never")
        stubborn = folder.program("stubborn", f"trap '' TERM; echo $$ > {said}; read x < {never}")
        launch_and_crash(folder, f"{stubborn} & wait")
        grandchild = int(await said.reached())
        process = adopt(folder.run)
        assert isinstance(process, Process)
        process.stop(SOON)
        assert (await process.wait()).exit_code == 143
        assert not is_alive(grandchild)

    on_loop(run)


def test_an_adopted_run_that_had_to_be_killed_was_killed(folder: Folder) -> None:
    async def run() -> None:
        said = folder.gate("said")
        launch_and_crash(folder, f"trap '' TERM; echo x > {said}; read x < {folder.gate('never')}")
        await said.reached()
        process = adopt(folder.run)
        assert isinstance(process, Process)
        process.stop(SOON)
        outcome = await process.wait()
        assert (outcome.exit_code, outcome.reason) == (137, "signal")

    on_loop(run)


def test_a_run_whose_launcher_is_killed_is_lost(folder: Folder) -> None:
    async def run() -> None:
        said, hold = folder.gate("said"), folder.gate("hold")
        pid = launch_and_crash(folder, f"echo $$ > {said}; read x < {hold}")
        command = int(await said.reached())
        process = adopt(folder.run)
        assert isinstance(process, Process)
        os.kill(pid, signal.SIGKILL)
        outcome = await process.wait()
        assert (outcome.exit_code, outcome.reason) == (-1, "lost")
        assert adopt(folder.run) is None
        hold.open()
        await died(command)

    on_loop(run)


def test_a_number_that_passed_to_another_process_is_not_adopted(folder: Folder) -> None:
    folder.run.mkdir()
    (folder.run / "pid").write_text(f"{os.getpid()}\n")
    assert adopt(folder.run) is None


def test_an_unfinished_status_is_none(folder: Folder) -> None:
    folder.run.mkdir()
    whole = "0\n0m0s 0m0s\n0m0s 0m0s\n400\nend\n"
    for length in range(len(whole)):
        (folder.run / "status").write_text(whole[:length])
        assert adopt(folder.run) is None


def test_cpu_times_are_read_whatever_the_shells_form(folder: Folder) -> None:
    folder.run.mkdir()
    (folder.run / "status").write_text("0\n0m0,002s 0m0,001s\n1m2,500s 0m0,250s\n300\nend\n")
    outcome = adopt(folder.run)
    assert isinstance(outcome, Outcome)
    assert (outcome.cpu_user_seconds, outcome.cpu_system_seconds) == (62.5, 0.25)


# --- together with the recording of its output ---


def test_of_300_mb_of_output_10_mib_are_kept_and_the_disk_is_spared(folder: Folder) -> None:
    written = 300_000_000

    async def run() -> Recording:
        process = folder.launch(f"yes 0123456789abcde | head -c {written}")
        recording = Recording(folder.run, Instant.now(), 10 << 20)
        ending = asyncio.ensure_future(process.wait())
        while not (await asyncio.wait([ending], timeout=0.05))[0]:
            recording.mark(Instant.now())
            if recording.trim_due:
                await asyncio.to_thread(recording.trim)
        await asyncio.to_thread(recording.finish, Instant.now())
        return recording

    recording = on_loop(run)
    assert recording.stdout_bytes == written
    assert written - recording.dropped_bytes == 10 << 20
    assert (folder.run / "stdout").stat().st_blocks * 512 < 11 << 20
    chunks = list(recording.chunks())
    archive = Archive(
        lambda line: next((chunk for chunk in chunks if line < chunk.first_line + chunk.lines), None),
        lambda: written // 16,
    )
    marker = archive.page(327_680, 10)
    assert [text for _, _, text in marker.lines] == [
        "[cronscope: 276.1 MiB, 18094640 lines dropped here: over max_output 10MiB]"
    ]
    assert marker.next == written // 16 - 327_680
    assert archive.page(written // 16 - 1, 10).end
    recording.close()
