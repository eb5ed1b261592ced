"""Scripts with another user, and with limits: real processes that look at themselves."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exporter.accounts import PATH, identity
from exporter.command import SpawnError
from exporter.confinement import PROGRAM
from exporter.events import Instant, Run
from exporter.run_folder import forget, metrics_file
from exporter.runner import Outcome, launch
from exporter.settings import Account, Duration, Limits, ScriptSettings, Size
from tests.command_line import invoke
from tests.service import Service, until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
DEADLINE = 30.0
USER = "daemon"


class Launched:
    """The one run of a script, and what it left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "runs" / "01KDVM5X6Q0000000000000000"
        self.folder.parent.mkdir(mode=0o700)
        self.record = Run(
            run_id=self.folder.name, script_name="job", trigger="manual", status="running", scheduled_at=Instant(0)
        )

    def outcome(self, command: str | list[str], environ: dict[str, str] | None = None, **settings: Any) -> Outcome:
        script = ScriptSettings(name="job", command=command, **{"workdir": Path("/"), **settings})

        async def life() -> Outcome:
            process = launch(script, self.record, self.folder, os.environ if environ is None else environ)
            try:
                await process.begin()
            finally:
                outcome = await process.wait()
            return outcome

        return asyncio.run(asyncio.wait_for(life(), DEADLINE))

    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    def says(self, command: str | list[str], **settings: Any) -> str:
        assert self.outcome(command, **settings).exit_code == 0, (self.folder / "stderr").read_text()
        return self.stdout().strip()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Launched]:
    launched = Launched(tmp_path)
    yield launched
    forget(launched.folder)


# --- whose rights it has ---


@needs_root
def test_the_command_has_the_user_with_his_groups_and_nothing_of_root(run: Launched) -> None:
    who = identity(Account(USER), None)
    told = run.says(
        "id -u; id -g; id -G; grep -E '^Cap(Eff|Prm|Inh|Amb)' /proc/self/status | cut -f2", user=Account(USER)
    )
    uid, gid, groups, *capabilities = told.split("\n")
    assert (int(uid), int(gid)) == (who.uid, who.gid)
    assert {*map(int, groups.split())} == {who.gid, *who.groups}
    assert {int(each, 16) for each in capabilities} == {0}


@needs_root
def test_a_group_takes_the_place_of_the_users_own_and_may_come_alone(run: Launched, tmp_path: Path) -> None:
    assert run.says("id -u; id -g", user=Account(USER), group=Account("50")).split() == [
        str(identity(Account(USER), None).uid),
        "50",
    ]
    (tmp_path / "other").mkdir()
    alone = Launched(tmp_path / "other")
    assert alone.says("id -u; id -g", group=Account("50")).split() == ["0", "50"]
    forget(alone.folder)


@needs_root
def test_a_number_that_no_user_has_needs_a_group(run: Launched) -> None:
    assert run.says("id -u; id -G; echo $HOME", user=Account(123456), group=Account("50")).split() == [
        "123456",
        "50",
        "/",
    ]


@needs_root
def test_the_environment_is_what_cron_sets_for_the_user_below_what_the_script_sets(run: Launched) -> None:
    environ = {
        "HOME": "/root", "USER": "root", "LOGNAME": "root", "PATH": "/opt/service", "SHELL": "/bin/zsh",
        "TERM": "xterm", "SMTP_LOGIN": "root", "CRONSCOPE_LISTEN": "127.0.0.1:1", "PWD": "/root", "LANG": "C.UTF-8",
        "LC_TIME": "C", "TZ": "Asia/Taipei",
    }  # fmt: skip
    told = run.says(["/usr/bin/env"], environ=environ, user=Account(USER), env={"MINE": "1", "SHELL": "/bin/dash"})
    given = dict(line.split("=", 1) for line in told.split("\n"))
    metrics = given.pop("CRONSCOPE_METRICS_FILE")
    assert Path(metrics) == metrics_file(run.folder).resolve()
    assert given == {
        "HOME": identity(Account(USER), None).home, "USER": USER, "LOGNAME": USER, "SHELL": "/bin/dash", "PATH": PATH,
        "MINE": "1", "LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "Asia/Taipei", "CRONSCOPE_SCRIPT": "job",
        "CRONSCOPE_RUN_ID": run.record.run_id, "CRONSCOPE_TRIGGER": "manual", "PYTHONUNBUFFERED": "1",
        "CRONSCOPE_SCHEDULED_AT": run.record.scheduled_at.rfc3339(),
    }  # fmt: skip


@needs_root
def test_with_another_group_alone_the_environment_is_that_of_the_service(run: Launched) -> None:
    environ = {"HOME": "/root", "PATH": PATH, "SMTP_LOGIN": "root"}
    assert run.says("echo $HOME $SMTP_LOGIN", environ=environ, group=Account("50")) == "/root root"


LOADED = {
    "LD_PRELOAD": "/no/such.so", "LD_LIBRARY_PATH": "/no", "LD_AUDIT": "/no/such.so",
    "GLIBC_TUNABLES": "glibc.malloc.check=0", "ENV": "/no/such.sh", "BASH_ENV": "/no/such.sh", "SHELLOPTS": "xtrace",
    "PYTHONHOME": "/no", "PYTHONPATH": "/no", "PYTHONINSPECT": "1",
    "PYTHONMALLOC": "debug", "IFS": "/", "PATH": f"/no:{PATH}", "LC_CTYPE": "C",
}  # fmt: skip
"""Variables by which who sets them has loaders, shells and Python do something else."""
BOUNDS = [{"umask": "022"}, pytest.param({"user": Account(USER)}, marks=needs_root)]


@pytest.mark.parametrize("bounds", BOUNDS, ids=lambda bounds: next(iter(bounds)))
def test_no_variable_of_the_script_reaches_what_bounds_its_command_and_all_of_them_the_command(
    run: Launched, bounds: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("exporter.confinement.PROGRAM", noting := tmp_path / "noting.py")
    source = f"import os\nopen({str(tmp_path / 'around')!r}, 'wb').write(open('/proc/self/environ', 'rb').read())\n"
    noting.write_text(PROGRAM.read_text().replace("if __name__", f"{source}if __name__"))
    assert run.outcome(["cat", "/proc/self/environ"], env=LOADED, environ={}, **bounds).exit_code == 0
    given = names_and_values((run.folder / "stdout").read_bytes())
    assert given.items() >= LOADED.items()
    shell = names_and_values((tmp_path / "around").read_bytes())  # what it executes has the environment of the shell
    assert {name for name in shell if not name.startswith("CRONSCOPE_VARIABLE_")} <= {"CRONSCOPE_RUN_ID", *OF_SHELLS}
    assert shell["CRONSCOPE_RUN_ID"] == run.record.run_id


OF_SHELLS = {"PWD", "OLDPWD", "SHLVL", "_"}
"""Variables that a shell makes of itself."""


def names_and_values(environ: bytes) -> dict[str, str]:
    """proc_pid_environ(5)."""
    return dict(each.split("=", 1) for each in environ.decode().split("\0") if each)


@needs_root
def test_the_runs_folder_stays_the_services_and_output_can_be_opened_anew(run: Launched) -> None:
    command = f"echo one; echo two >>/dev/stdout; echo bad >>/dev/stderr; ls {run.folder} || :; id -u"
    assert run.says(command, user=Account(USER)).startswith("one\ntwo\n")
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert run.folder.stat().st_uid == 0
    assert {
        stat.S_IMODE((run.folder / name).stat().st_mode) & 0o077 for name in ("stdout", "stderr", "status", "pid")
    } <= {0, 0o044}
    told = (run.folder / "stderr").read_text()
    assert told.startswith("bad\n")
    assert "ermission denied" in told


@needs_root
def test_metrics_are_written_where_nobody_else_can_read_them_and_go_with_the_run(run: Launched) -> None:
    command = 'echo "a 1" >"$CRONSCOPE_METRICS_FILE".new && mv "$CRONSCOPE_METRICS_FILE".new "$CRONSCOPE_METRICS_FILE"'
    run.says(command, user=Account(USER))
    written = metrics_file(run.folder)
    assert written.read_text() == "a 1\n"
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
    folder = written.parent.resolve().parent
    assert folder.stat().st_uid == 0  # so that nobody puts a link in the place of what is in it
    forget(run.folder)
    assert not folder.exists()


@needs_root
def test_folders_without_end_beside_the_metrics_do_not_keep_the_service_from_forgetting_the_run(run: Launched) -> None:
    run.says('cd "${CRONSCOPE_METRICS_FILE%/*}" && mkdir -p $(printf "d/%.0s" $(seq 1500))', user=Account(USER))
    forget(run.folder)
    subprocess.run(["rm", "-rf", (run.folder / "shared").readlink().parent], check=True)


# --- what bounds it ---


def test_limits_are_set_on_the_command_and_not_on_the_shell_above_it(run: Launched) -> None:
    names = {
        "Max address space": "1073741824",
        "Max open files": "40",
        "Max processes": "1000",
        "Max file size": "65536",
        "Max cpu time": "7",
    }
    limits = Limits(
        memory=Size(1 << 30), open_files=40, processes=1000, file_size=Size(1 << 16), cpu_time=Duration(6_500)
    )
    told = run.says("cat /proc/self/limits; echo; cat /proc/$PPID/limits", limits=limits)
    own, above = (
        {line[:25].strip(): line[25:].split() for line in part.strip().split("\n")} for part in told.split("\n\n")
    )
    assert {name: own[name][0] for name in names} == names
    assert own["Max cpu time"][:2] == ["7", "12"]
    assert own["Max open files"][:2] == ["40", "40"]
    assert all(above[name][1] != value for name, value in names.items())


@pytest.mark.parametrize(("umask", "told"), [("027", "0027"), ("0077", "0077")])
def test_umask_and_nice_are_the_commands(run: Launched, umask: str, told: str) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert run.says("umask; nice", umask=umask, nice=3).split() == [told, str(min(19, mine + 3))]


def test_a_command_without_bounds_is_started_as_ever(run: Launched) -> None:
    assert "confine" not in run.says("tr '\\0' ' ' </proc/$PPID/cmdline")
    assert not (run.folder / "begins").exists()


@pytest.mark.parametrize("shell", [shell for shell in ("dash", "bash") if shutil.which(shell)])
def test_who_takes_more_cpu_time_than_allowed_ends_by_its_signal(run: Launched, shell: str) -> None:
    outcome = run.outcome([shell, "-c", "while :; do :; done"], limits=Limits(cpu_time=Duration(1000)))
    assert (outcome.exit_code, outcome.reason) == (128 + signal.SIGXCPU, "signal")


def test_who_writes_a_larger_file_than_allowed_ends_by_its_signal(run: Launched) -> None:
    outcome = run.outcome(["head", "-c", "100000", "/dev/zero"], limits=Limits(file_size=Size(1000)))
    assert (outcome.exit_code, outcome.reason) == (128 + signal.SIGXFSZ, "signal")
    assert (run.folder / "stdout").stat().st_size == 1000


def test_memory_beyond_the_limit_is_not_given(run: Launched) -> None:
    limits = Limits(memory=Size(256 << 20))
    assert run.outcome(["python3", "-c", "bytearray(1 << 30)"], limits=limits).exit_code == 1
    assert "MemoryError" in (run.folder / "stderr").read_text()


def test_signals_and_the_environment_are_as_without_bounds(run: Launched) -> None:
    environ = {"PATH": os.environ["PATH"], "LC_CTYPE": "C"}
    command = "grep SigIgn /proc/self/status; env | grep -c ^LC_CTYPE=C$"
    ignored, locale = run.says(command, environ=environ, umask="022").split("\n")
    assert int(ignored.split()[1], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0
    assert locale == "1"


def test_pwd_is_where_the_command_is(run: Launched) -> None:
    assert run.says(["/usr/bin/printenv", "PWD"], environ={"PWD": "/root"}, umask="022") == "/"


@needs_root
def test_a_program_is_found_in_the_path_of_the_user(run: Launched, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "id").write_text("#!/bin/sh\necho mine\n")
    (closed / "id").chmod(0o755)
    env = {"PATH": f"/no:{closed}:/usr/bin:/bin"}
    assert run.says(["id", "-un"], user=Account(USER), env=env) == USER
    other = tmp_path / "other"
    other.mkdir()
    refused = Launched(other)
    with pytest.raises(SpawnError, match=f"id, as {USER}: permission denied"):
        refused.outcome(["id"], user=Account(USER), env={"PATH": f"{closed}:/no"})
    forget(refused.folder)


# --- what cannot be ---


def test_what_the_service_itself_is_not_allowed_is_told_before_anything_runs(run: Launched) -> None:
    if os.geteuid() == 0:
        refused: dict[str, Any] = {"user": Account(USER), "limits": Limits(), "workdir": run.folder.parent}
        why = f"workdir {run.folder.parent}, as {USER}: permission denied"
    else:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        refused, why = (
            {"limits": Limits(open_files=most + 1)},
            f"limits.open_files {most + 1}: the service itself has less",
        )
    with pytest.raises(SpawnError, match=why):
        run.outcome("echo ran", **refused)
    assert run.stdout() == ""


@needs_root
def test_a_program_that_the_user_may_not_execute_is_not_started(run: Launched, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("#!/bin/sh\n")
    (tmp_path / "secret").chmod(0o700)
    with pytest.raises(SpawnError, match=f"secret, as {USER}: permission denied"):
        run.outcome([str(tmp_path / "secret")], user=Account(USER))


@needs_root
def test_nothing_is_told_of_a_file_that_only_root_can_read(run: Launched, tmp_path: Path) -> None:
    closed, his = tmp_path / "closed", tmp_path / "his"
    closed.mkdir(mode=0o700)
    his.mkdir()
    for path, text in {
        closed / "secret": "#!/no/such/hidden\n", his / "program": f"#!{closed}/secret\n", his / "lost": "#!/no/such\n",
    }.items():  # fmt: skip
        path.write_text(text)
        path.chmod(0o755)
    (his / "linked").symlink_to(closed / "secret")
    uid = identity(Account(USER), None).uid
    for path in (his, his / "program", his / "lost", his / "linked"):
        os.chown(path, uid, -1, follow_symlinks=False)
    for name, told in {
        "program": f"program, as {USER}: permission denied$", "linked": f"linked, as {USER}: permission denied$",
        "lost": "lost: bad interpreter in its first line, #!/no/such$",
    }.items():  # fmt: skip
        with pytest.raises(SpawnError, match=told):
            run.outcome([str(his / name)], user=Account(USER))
        forget(run.folder)
        shutil.rmtree(run.folder, ignore_errors=True)


def test_another_user_is_refused_where_the_service_is_not_root(run: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1)
    with pytest.raises(SpawnError, match="only a service that runs as root can give scripts another user or group"):
        run.outcome("echo ran", user=Account("root"))
    assert not run.folder.exists()


def test_who_is_stopped_before_his_command_begins_is_not_one_that_could_not_be_started(run: Launched) -> None:
    script = ScriptSettings(name="job", command="echo ran", workdir=Path("/"), umask="022")

    async def life() -> Outcome:
        process = launch(script, run.record, run.folder, os.environ)
        process.stop(Duration(5000))
        await process.begin()
        return await process.wait()

    before = len(os.listdir("/proc/self/fd"))
    outcome = asyncio.run(asyncio.wait_for(life(), DEADLINE))
    assert outcome.exit_code == 128 + signal.SIGTERM
    assert run.stdout() == ""
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_dies_before_the_command_begins_could_not_be_started(
    run: Launched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text("raise SystemExit(1)\n")
    monkeypatch.setattr("exporter.confinement.PROGRAM", dying)
    with pytest.raises(SpawnError, match="what was to bound the command ended before that"):
        run.outcome("echo ran", umask="022")


# --- in the service ---


def printed(service: Service, run_id: str) -> str:
    return service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2].decode()


@needs_root
def test_a_service_tells_why_a_script_cannot_be_bounded_and_stops_one_that_can(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "env").write_text("TOKEN=t\n")
    (tmp_path / "his").mkdir()
    os.chown(tmp_path / "his", identity(Account(USER), None).uid, -1)
    (tmp_path / "his" / "env").symlink_to(tmp_path / "closed" / "env")
    scripts = [
        {"name": "linked", "command": "true", "user": USER, "workdir": "/", "env_file": str(tmp_path / "his" / "env")},
        {"name": "refused", "command": "true", "user": USER, "workdir": str(tmp_path / "closed")},
        {"name": "long", "command": "id -un; echo 'own_metric 1' >$CRONSCOPE_METRICS_FILE; sleep 600", "user": USER,
         "workdir": "/", "kill_after": "5s"},
    ]  # fmt: skip
    service = start_service(json.dumps({"scripts": scripts}))
    nothing = "user and group of scripts keep them from nothing"
    told = until(lambda: [line for line in service.errors if nothing in line], lambda lines: lines != [])
    assert "make the first user: cronscope passwd admin" in told[0]
    (standing,) = service.get("/api/v1/status")["problems"]
    assert standing in told[0]
    checked = invoke("check", "-c", service.config)
    assert checked.exit_code == 0
    assert f"warning: {nothing}" in checked.stderr
    assert f"warning: linked: env_file {tmp_path}/his/env: it belongs to root, not to {USER}" in checked.stderr
    ended = service.ended(service.run("refused"))
    assert (ended["status"], ended["reason"], ended["exit_code"]) == ("failed", "spawn", -1)
    assert f"workdir {tmp_path}/closed, as {USER}: permission denied" in printed(service, ended["run_id"])
    ended = service.ended(service.run("linked"))
    assert (ended["status"], ended["reason"]) == ("failed", "spawn")
    assert f"{tmp_path}/his belongs to {USER}: give the file to {USER}" in printed(service, ended["run_id"])
    run_id = service.run("long")
    until(lambda: printed(service, run_id), lambda text: text == f"{USER}\n")
    service.kill()
    service.start()
    service.post(f"/api/v1/runs/{run_id}/stop")
    ended = service.ended(run_id)
    assert (ended["reason"], ended["exit_code"]) == ("cancelled", 143)
    assert service.metrics()['own_metric{script="long"}'] == 1
    shown = "a token"
    hashed = [{"name": "ci", "role": "edit", "sha256": sha256(shown.encode()).hexdigest()}]
    service.config.write_text(json.dumps({"scripts": scripts, "tokens": hashed}))
    service.token = shown
    until(lambda: service.fetch("/api/v1/status"), lambda answer: answer[0] == 200)
    until(lambda: service.get("/api/v1/status")["problems"], lambda problems: problems == [])
