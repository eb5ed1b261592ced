"""What a run executes, and in which environment."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.command import LONGEST_VARIABLE, MOST_VARIABLES, SpawnError, arguments, environment, read_env_file
from exporter.events import Instant, Run
from exporter.settings import ScriptSettings

RUN = Run(
    run_id="01KDVM5X6Q0000000000000000", script_name="backup", trigger="retry", status="running",
    scheduled_at=Instant.parse("2026-01-31T19:00:00.123Z"),
)  # fmt: skip
PATH = {"PATH": "/usr/bin:/bin"}


def program(path: Path, content: str | bytes, mode: int = 0o755) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def listed(folder: Path, *command: str) -> ScriptSettings:
    return ScriptSettings(name="backup", command=list(command), workdir=folder)


# --- environment ---


def test_the_environment_is_that_of_the_service_then_the_file_then_env(tmp_path: Path) -> None:
    file = tmp_path / "backup.env"
    file.write_text("A=file\nB=file\nCRONSCOPE_SCRIPT=other\n")
    script = ScriptSettings(name="backup", command="true", env={"B": "env"}, env_file=file)
    service = {"PATH": "/bin", "A": "service", "B": "service", "C": "service", "CRONSCOPE_TRIGGER": "x"}
    assert environment(script, RUN, Path("/run/metrics"), service) == {
        "PATH": "/bin",
        "A": "file",
        "B": "env",
        "C": "service",
        "CRONSCOPE_SCRIPT": "backup",
        "CRONSCOPE_RUN_ID": RUN.run_id,
        "CRONSCOPE_TRIGGER": "retry",
        "CRONSCOPE_SCHEDULED_AT": "2026-01-31T19:00:00.123Z",
        "CRONSCOPE_METRICS_FILE": "/run/metrics",
        "PYTHONUNBUFFERED": "1",
    }


def test_variables_that_the_system_would_not_take_are_refused_without_being_told(tmp_path: Path) -> None:
    def taken(**variables: str) -> dict[str, str]:
        return environment(ScriptSettings(name="backup", command="true", env=variables), RUN, tmp_path, {})

    longest = "x" * (LONGEST_VARIABLE - len("LONG=\0"))
    subprocess.run(["/bin/true"], env=taken(LONG=longest), check=True)
    with pytest.raises(OSError, match="too long"):
        subprocess.run(["/bin/true"], env={"LONG": f"{longest}x"}, check=True)
    with pytest.raises(SpawnError, match=r"^variable LONG is longer than the system takes$"):
        taken(LONG=f"{longest}x")
    with pytest.raises(SpawnError, match=r"^variable x{64} is longer than the system takes$"):
        taken(**{longest: "value"})
    many = {f"V{number:04}": "x" * (1 << 10) for number in range(MOST_VARIABLES >> 10)}
    with pytest.raises(SpawnError, match=r"^its variables together are longer than 2MiB$"):
        taken(**many)


@pytest.mark.parametrize(
    "secret", ["CRONSCOPE_TOKEN", "CRONSCOPE_ADMIN_PASSWORD_FILE", "CRONSCOPE_USERS_HASH", "CRONSCOPE_A_SECRET"]
)
def test_secrets_of_the_service_stay_with_the_service(secret: str) -> None:
    service = {secret: "x", "MY_TOKEN": "y", "CRONSCOPE_LISTEN": "z"}
    given = environment(ScriptSettings(name="backup", command="true"), RUN, Path("m"), service)
    assert given.keys() & service.keys() == {"MY_TOKEN", "CRONSCOPE_LISTEN"}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("A=1", {"A": "1"}),
        ("  export A=1  ", {"A": "1"}),
        ("A=two words  # a comment", {"A": "two words"}),
        ("A=a#b", {"A": "a#b"}),
        ("A=", {"A": ""}),
        ("A= # a comment", {"A": ""}),
        ("A= 'x'", {"A": "x"}),
        (r"""A='a "b" $c \n' # kept as it is""", {"A": r'a "b" $c \n'}),
        (r'''A="a 'b' \"c\" \$d\ne\\n"''', {"A": "a 'b' \"c\" $d\ne\\n"}),
        ("A=1\r", {"A": "1"}),
        ("# A=1", {}),
        ("   ", {}),
    ],
)
def test_a_line_of_an_env_file_sets_a_variable_or_nothing(tmp_path: Path, line: str, values: dict[str, str]) -> None:
    file = tmp_path / "backup.env"
    file.write_text(f"{line}\n", newline="")
    assert read_env_file(file) == values


@pytest.mark.parametrize("line", ["A", "1A=x", "A B=x", "A-B=x", "A='x", 'A="x" y', "A='x' 'y'", "= x"])
def test_a_bad_line_of_an_env_file_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "backup.env"
    file.write_text(f"GOOD=1\n\n{line}\n")
    with pytest.raises(SpawnError, match=r"backup\.env:3: expected NAME=VALUE"):
        read_env_file(file)


def test_an_env_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpawnError, match=r"env_file .*/none\.env: no such file or directory"):
        read_env_file(tmp_path / "none.env")
    (tmp_path / "bad.env").write_bytes(b"A=\xff\n")
    with pytest.raises(SpawnError, match=r"bad\.env: not UTF-8"):
        read_env_file(tmp_path / "bad.env")


def test_a_long_line_of_an_env_file_is_read_in_no_time(tmp_path: Path) -> None:
    file = tmp_path / "long.env"
    spaces = " " * 300_000  # to go back and forth in them would take hours
    file.write_text(f"A=a{spaces}b{spaces}# c\nB='{spaces}\n")
    with pytest.raises(SpawnError, match=r"long\.env:2"):
        read_env_file(file)


@pytest.mark.fuzz
@given(
    st.lists(st.text() | st.sampled_from(["A=", "export ", "#", " ", "'", '"', "\\", "$", "\n", "\r", "x"])).map(
        "".join
    )
)
def test_any_text_is_variables_or_has_a_line_that_is_at_fault(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_bytes(text.encode(errors="surrogatepass"))
    fault, values = "", {}
    try:
        values = read_env_file(file)
    except SpawnError as error:
        fault = str(error)
    assert not fault or re.match(r"env_file .*any\.env(:\d+: expected|: not UTF-8)", fault)
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in values)


# --- arguments ---


def test_text_is_the_shells_business(tmp_path: Path) -> None:
    script = ScriptSettings(name="backup", command="no-such-program; exit 3", workdir=tmp_path)
    assert arguments(script, {}) == ["/bin/sh", "-c", "no-such-program; exit 3"]


def test_a_list_is_run_as_it_is(tmp_path: Path) -> None:
    assert arguments(listed(tmp_path, "sh", "-c", "x  y", "*"), PATH) == ["sh", "-c", "x  y", "*"]


def test_a_program_is_looked_for_as_execvp_does(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "tool").mkdir(parents=True)
    second.mkdir()
    program(second / "tool", "#!/bin/sh\n")
    program(tmp_path / "here", "#!/bin/sh\n")
    arguments(listed(tmp_path, "tool"), {"PATH": f"{first}:{second}"})
    arguments(listed(tmp_path, "./here"), PATH)
    arguments(listed(tmp_path, "here"), {"PATH": "/bin:"})
    arguments(listed(tmp_path, "tool"), {"PATH": "/bin:second"})
    arguments(listed(tmp_path, "sh"), {})


def test_a_path_without_end_is_looked_through_and_told_in_part(tmp_path: Path) -> None:
    program(tmp_path / "tool", "#!/bin/sh\n")
    arguments(listed(tmp_path, "tool"), {"PATH": f"{'/none:' * 999}{tmp_path}"})
    for path in (f"{'/none:' * 1000}{tmp_path}", ":" * 100_000):
        with pytest.raises(SpawnError, match=r"^absent: not found in the first 1000 folders of PATH \(.{200}…\)$"):
            arguments(listed(tmp_path, "absent"), {"PATH": path})
    with pytest.raises(SpawnError, match=r"^tool: not found in the first 1000 folders of PATH"):
        arguments(listed(tmp_path, "tool"), {"PATH": f"{'/none:' * 1000}{tmp_path}"})


def test_a_program_that_cannot_be_started_is_refused_with_the_reason(tmp_path: Path) -> None:
    program(tmp_path / "plain", "#!/bin/sh\n", mode=0o644)
    program(tmp_path / "text", "echo no first line for the kernel\n")
    program(tmp_path / "empty", "")
    program(tmp_path / "lost", "#!/no/such/interpreter -x\n")
    program(tmp_path / "none", "#!\n")
    program(tmp_path / "windows", "#!/bin/sh\r\necho x\r\n")
    program(tmp_path / "nested", f"#!{tmp_path}/text\n")
    binary = Path(shutil.which("true") or "").read_bytes()
    program(tmp_path / "foreign", binary[:18] + b"\xff\x7f" + binary[20:])
    program(tmp_path / "unloadable", binary.replace(b"/ld-", b"/no-"))
    program(tmp_path / "cut", binary[:10])
    program(tmp_path / "binary", binary)
    program(tmp_path / "sound", f"#! \t{tmp_path}/binary\t-x\n")
    arguments(listed(tmp_path, "./sound"), PATH)
    for command, message in {
        "no-such-program": r"^no-such-program: not found in PATH \(/usr/bin:/bin\)$",
        "./no-such-program": r"^\./no-such-program: no such file$",
        "./plain": r"/plain is not executable$",
        ".": r"not found in PATH|is a directory$",
        "./": r"is a directory$",
        "./text": r"/text: exec format error: it is no binary of this system and does not begin with #!$",
        "./empty": r"/empty: exec format error",
        "./lost": r"/lost: bad interpreter in its first line, #!/no/such/interpreter -x$",
        "./none": r"/none: bad interpreter",
        "./windows": r"/windows: its first line ends with CR LF, as on Windows",
        "./nested": r"/text: exec format error",
        "./foreign": r"/foreign: exec format error: it is a binary of another kind of machine$",
        "./unloadable": r"/unloadable: it needs the loader .*/no-.*, which this system does not have$",
        "./cut": r"/cut: exec format error",
    }.items():
        with pytest.raises(SpawnError, match=message):
            arguments(listed(tmp_path, command), PATH)
    with pytest.raises(SpawnError, match="empty list"):
        arguments(listed(tmp_path), PATH)


def test_a_workdir_that_cannot_be_entered_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpawnError, match=r"^workdir .*/none: no such file or directory$"):
        arguments(listed(tmp_path / "none", "sh"), PATH)
    with pytest.raises(SpawnError, match=r"^workdir .*/file is not a directory$"):
        arguments(listed(tmp_path / "file", "sh"), PATH)
