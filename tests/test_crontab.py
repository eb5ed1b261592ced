"""What becomes of every line of a crontab."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import read
from exporter.crontab import Crontab, parse
from exporter.edits import edited
from relay.cli import main
from tests.effort import TIMES

ME = pwd.getpwuid(os.geteuid())


def parsed(*lines: str, system: bool = False) -> Crontab:
    homes = {"me": "/home/me", "web": "/var/www"}
    return parse("".join(f"{line}\n" for line in lines), system=system, user="me", home=homes.get)


def as_yaml(crontab: Crontab) -> str:
    return edited("", {}, {each["name"]: each for each in crontab.entries})


def no_home(user: str) -> str | None:
    return None


def entry(*lines: str, system: bool = False) -> dict[str, Any]:
    """The last entry of a crontab that is carried without a word."""
    crontab = parsed(*lines, system=system)
    assert crontab.notes == []
    return crontab.entries[-1]


def note(*lines: str, system: bool = False, fault: bool = False) -> str:
    """The one thing that is said, about the last line."""
    (only,) = parsed(*lines, system=system).notes
    assert (only.line, only.fault) == (len(lines), fault)
    return only.message


# --- Entries ---------------------------------------------------------------------------------------


def test_an_entry_keeps_its_schedule_its_command_and_the_home_it_ran_in() -> None:
    assert entry("15 3 * * 1-5\t /srv/backup.sh --full  > /dev/null 2>&1 # not a comment") == {
        "name": "backup",
        "command": "/srv/backup.sh --full  > /dev/null 2>&1 # not a comment",
        "cron": "15 3 * * 1-5",
        "workdir": "/home/me",
    }


@pytest.mark.parametrize(
    ("line", "cron"),
    [
        ("  \t0\t0  1 JAN sun x", "0 0 1 JAN sun"),
        ("*/5 0-6/2,8 1,15 feb-apr 7 x", "*/5 0-6/2,8 1,15 feb-apr 7"),
        ("@reboot x", "@reboot"),
        ("@midnight\tx", "@midnight"),
        ("@yearly x", "@yearly"),
    ],
)
def test_schedules_are_carried_as_they_are(line: str, cron: str) -> None:
    assert entry(line)["cron"] == cron


def test_blank_lines_and_comments_are_nothing_to_speak_of() -> None:
    assert parsed("", "  \t", "# a comment", "#", "") == Crontab([], [])
    assert parse("", system=False, user="me", home=no_home) == Crontab([], [])


def test_the_last_line_may_lack_its_end() -> None:
    assert parse("@daily x", system=False, user="me", home=no_home).entries[0]["command"] == "x"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "five fields or a nickname"),
        ("0 0 * *", "five fields or a nickname"),
        ("61 * * * * x", 'minute: "61" is not in 0-59'),
        ("0 0 30 2 * x", "never comes"),
        ("0~9 * * * * x", 'minute: "0~9" is not understood'),
        ("@sometimes x", '"@sometimes" is not one of @yearly'),
        ("0 0 * * *", "there is no command"),
        ("@daily  ", "there is no command"),
        ("@daily %input alone", "there is no command"),
        ("NAME=", 'write ""'),
        ("NAME='open", "five fields or a nickname"),
        ("SHELL=''", "SHELL is empty"),
        ("CRON_TZ=Mars/Olympus", '"Mars/Olympus" is not a known time zone'),
        ("@daily x\0y", "NUL"),
        ("@daily x\udcff", "not UTF-8"),
    ],
)
def test_a_line_that_cron_could_not_follow_is_told_with_the_reason(line: str, message: str) -> None:
    assert message in note("# a comment", "", line, fault=True)
    assert parsed(line).entries == []


def test_a_fault_hides_no_other_line() -> None:
    crontab = parsed("@daily first", "nonsense", "@daily second", "nonsense")
    assert [each["command"] for each in crontab.entries] == ["first", "second"]
    assert [each.line for each in crontab.notes] == [2, 4]


def test_lines_of_windows_are_read_and_told_of_once() -> None:
    crontab = parsed("A=1\r", "@daily x\r", "\r")
    assert (crontab.entries[0]["command"], crontab.entries[0]["env"]) == ("x", {"A": "1"})
    assert [(each.line, "CR LF" in each.message) for each in crontab.notes] == [(1, True)]


def test_the_dash_that_keeps_cronie_from_logging_is_left_out_and_told_of() -> None:
    assert parsed("-*/5 * * * * x").entries[0]["cron"] == "*/5 * * * *"
    assert "cronie" in note("-*/5 * * * * x")


# --- Comments --------------------------------------------------------------------------------------


def test_comments_right_above_an_entry_describe_it() -> None:
    lines = ("# About nothing", "", "#", "# Nightly dump,", "##  kept for a week ##", "@daily x", "@daily y")
    described, other = parsed(*lines).entries
    assert described["description"] == "Nightly dump, kept for a week"
    assert "description" not in other


def test_a_comment_above_a_variable_describes_no_entry() -> None:
    assert "description" not in entry("# Where things are", "PATH=/bin", "@daily x")


def test_the_titles_of_the_columns_are_no_description() -> None:
    assert "description" not in entry("# Edit this file", "# m h  dom mon dow   command", "@daily x")


def test_an_entry_that_is_commented_out_is_told_of_and_is_no_description() -> None:
    crontab = parsed("# Nightly dump", "#0 5 * * 1 tar -zcf /var/backups/home.tgz /home/", "@daily x")
    assert "description" not in crontab.entries[0]
    assert [(each.line, "commented out" in each.message) for each in crontab.notes] == [(2, True)]


# --- Variables -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("  A \t=  two words # all of it \t", "two words # all of it"),
        ("A=\"  kept  \" ", "  kept  "),
        ("A = 'it is \"so\"'", 'it is "so"'),
        ("'A'=''", ""),
        ('"A" = a"b', 'a"b'),
        ("A=$HOME/bin:~/x", "$HOME/bin:~/x"),
        ("A=a=b", "a=b"),
        ("A=yes", "yes"),
        ("A=0x10", "0x10"),
        ("A=größer", "größer"),
    ],
)  # fmt: skip
def test_a_variable_is_read_as_cron_does(line: str, value: str) -> None:
    assert entry(line, "@daily x")["env"] == {"A": value}


def test_a_variable_holds_for_the_lines_after_it() -> None:
    first, second, third = parsed("@daily x", "A=1", "B=1", "@daily y", "A=2", "@daily z").entries
    assert "env" not in first
    assert second["env"] == {"A": "1", "B": "1"}
    assert third["env"] == {"A": "2", "B": "1"}


def test_another_shell_gets_the_command_as_its_argument() -> None:
    assert entry("SHELL=/bin/bash", "@daily [[ a = a ]]")["command"] == ["/bin/bash", "-c", "[[ a = a ]]"]
    assert entry("SHELL=/bin/sh", "@daily x")["command"] == "x"


def test_home_is_where_commands_run() -> None:
    there = entry("HOME=/srv", "@daily x")
    assert (there["workdir"], there["env"]) == ("/srv", {"HOME": "/srv"})
    assert "no absolute path" in note("HOME=srv")
    assert "workdir" not in parsed("HOME=srv", "@daily x").entries[0]


def test_what_mailto_did_is_told_and_what_does_it_here() -> None:
    message = note("MAILTO=ops@example.org")
    assert "ops@example.org" in message
    assert "cronscope_script_last_run_success" in message
    assert "sent no mail" in note('MAILTO=""')
    assert "env" not in parsed("MAILTO=a", "MAILFROM=b", "CONTENT_TYPE=c", "LOGNAME=d", "@daily x").entries[0]


def test_variables_without_effect_are_told() -> None:
    assert "mail" in note("CONTENT_TYPE=text/html")
    assert "cron sets it itself" in note("LOGNAME=root")
    assert "jitter" in note("RANDOM_DELAY=45")
    assert '"a.b"' in note("a.b=c")


def test_cron_tz_is_the_time_zone_of_the_schedules_and_tz_that_of_the_commands() -> None:
    crontab = parsed("TZ=Asia/Tokyo", "@daily x", "CRON_TZ=Europe/Berlin", "@daily y")
    assert [each.get("timezone") for each in crontab.entries] == [None, "Europe/Berlin"]
    assert [each["env"] for each in crontab.entries] == [{"TZ": "Asia/Tokyo"}] * 2
    assert [each.line for each in crontab.notes] == [1, 3]


# --- Percent signs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "carried"),
    [
        (r"date +\%F\%T", "date +%F%T"),
        (r"printf 'a\nb'", r"printf 'a\nb'"),
        ("ends with \\", "ends with \\"),
        ("mail me%", "mail me"),
    ],
)
def test_an_escaped_percent_sign_is_one(command: str, carried: str) -> None:
    assert entry(f"@daily {command}")["command"] == carried


def test_two_backslashes_are_one_as_with_debian_and_told() -> None:
    assert parsed(r"@daily sed 's/\\/x/'").entries[0]["command"] == r"sed 's/\/x/'"
    assert "cronie keeps both" in note(r"@daily sed 's/\\/x/'")


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("cat%one", "one\n"),
        ("cat%one%two%", "one\ntwo\n"),
        ("cat%%one", "\none\n"),
        ("cat%%", "\n"),
        (r"cat%100\% $HOME \a", "100% $HOME \\a\n"),
        ("cat | tr a-z A-Z # all of it%one", "ONE\n"),
        ('echo "it\'s"; cat%END%END_%x', "it's\nEND\nEND_\nx\n"),
        ("exit 3%one", ""),
    ],
)
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_what_follows_a_percent_sign_is_standard_input(command: str, printed: str, shell: str) -> None:
    text = entry(f"SHELL={shell}", f"@daily {command}")["command"]
    ran = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (printed, "")
    assert ran.returncode == (3 if "exit" in command else 0)


# --- Users -----------------------------------------------------------------------------------------


def test_the_user_of_a_system_crontab_is_told_unless_it_is_ones_own() -> None:
    assert entry("@daily me x", system=True)["command"] == "x"
    crontab = parsed("5 4 * * *\tweb   x y", system=True)
    assert (crontab.entries[0]["command"], crontab.entries[0]["workdir"]) == ("x y", "/var/www")
    assert "user web is not carried" in note("@daily web x", system=True)
    assert "workdir" not in parsed("@daily nobody-here x", system=True).entries[0]


def test_a_system_crontab_needs_its_users() -> None:
    assert "expected a user and a command" in note("@daily /usr/bin/x -y", system=True, fault=True)
    assert "expected a user and a command" in note("@daily me", system=True, fault=True)


def test_a_system_crontab_taken_for_one_of_a_user_is_noticed() -> None:
    assert "--system" in note("@daily root run-parts /etc/cron.daily")


# --- Names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/local/bin/backup.sh --full", "backup"),
        ("cd /srv/app && nice -n 10 ./manage.py clearsessions", "manage"),
        ("[ -x /usr/bin/certbot ] && /usr/bin/certbot -q renew", "certbot"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )", "cron.daily"),
        ("A=1 B=2 python3 -m jobs.sync", "jobs.sync"),
        ("flock -n /run/x.lock timeout 5m rsync -a a b", "rsync"),
        ("sudo -u www-data php /var/www/artisan schedule:run", "artisan"),
        ("bash -c 'echo hello'", "echo"),
        ('"/opt/My Tool/run it"', "My"),
        ("größe", "gr-e"),
        ("日本", "job"),
        ("/", "job"),
        (f"/bin/{'x' * 300}", "x" * 56),
        ("cd /srv", "cd"),
    ],
)
def test_a_name_says_what_the_command_does(command: str, name: str) -> None:
    assert entry(f"@daily {command}")["name"] == name


def test_names_are_unique() -> None:
    names = [each["name"] for each in parsed("@daily x", "@daily x-2", "@daily x", "@daily x").entries]
    assert names == ["x", "x-2", "x-3", "x-4"]


# --- Whatever stands there -------------------------------------------------------------------------

texts = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))
fields = st.sampled_from(["1", "*", "*/7", "1-3,5", "01"])
nicknames = st.sampled_from(["@reboot", "@hourly", "@daily", "@weekly"])
whens = nicknames | st.tuples(fields, fields, fields, fields, st.sampled_from(["*", "mon", "5-7", "0"])).map(" ".join)
commands = texts.filter(lambda text: text.split("%")[0].strip("\\").strip() and text.strip(" \t\r") == text)
sound_entries = st.tuples(whens, st.sampled_from([" ", "\t  "]), commands).map("".join)
names = st.sampled_from(["A", "PATH", "HOME", "SHELL", "LANG", "TZ", "x.y", "MAILTO"])
variables = st.tuples(names, texts.map(lambda text: text.replace('"', ""))).map(
    lambda pair: f'{pair[0]} = "_{pair[1]}"'
)
comments = texts.map("#".__add__)


@pytest.mark.fuzz
@settings(max_examples=200 * TIMES)
@given(st.lists(sound_entries | variables | comments | st.just("")))
def test_what_comes_of_a_sound_crontab_is_a_sound_configuration(lines: list[str]) -> None:
    crontab = parsed(*lines)
    assert [each.message for each in crontab.notes if each.fault] == []
    loaded = read(as_yaml(crontab), Path("cronscope.yml"), environ={}, flags={})
    assert list(loaded.entries) == [each["name"] for each in crontab.entries]
    for script, carried in zip(loaded.settings.scripts, crontab.entries, strict=True):
        assert script.command == carried["command"]
        assert script.cron == carried["cron"]
        assert script.env == carried.get("env", {})
        assert script.description == carried.get("description", "")


@pytest.mark.fuzz
@settings(max_examples=200 * TIMES)
@given(st.lists(st.binary() | texts.map(str.encode) | (whens | st.sampled_from(["0", "@", "A=", '"'])).map(str.encode)))
def test_of_nonsense_every_line_is_carried_told_or_a_comment(pieces: list[bytes]) -> None:
    text = b" ".join(pieces).decode(errors="surrogateescape")
    crontab = parse(text, system=False, user="me", home=no_home)
    lines = [line.strip(" \t\r") for line in text.removeprefix("\ufeff").split("\n")]
    active = [line for line in lines if line and not line.startswith("#")]
    assert len(crontab.entries) + len({each.line for each in crontab.notes}) >= sum("=" not in each for each in active)
    read(as_yaml(crontab), Path("cronscope.yml"), environ={}, flags={})


# --- The command -----------------------------------------------------------------------------------


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["import-crontab", *map(str, arguments)], input=stdin)


def test_the_entries_are_printed_and_the_notes_told_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("MAILTO=me\n# Größe\n@daily  echo 'ö' \\% x%\n")
    result = run(file)
    assert result.exit_code == 0
    assert result.stdout == (
        "scripts:\n  - name: echo\n    description: Größe\n    command: echo 'ö' % x\n"
        f'    cron: "@daily"\n    workdir: {ME.pw_dir}\n'
    )
    assert result.stderr.startswith(f"{file}:1: MAILTO")
    assert result.stderr.count("\n") == 1


def test_a_fault_is_exit_code_one_and_what_is_sound_is_printed_all_the_same() -> None:
    result = run(stdin=b"nonsense\n@daily x\n\xff\n")
    assert result.exit_code == 1
    assert "command: x" in result.stdout
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == ["standard input:1", "standard input:3"]


def test_an_empty_crontab_is_a_sound_configuration() -> None:
    result = run("-")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "scripts: []\n", "")


@pytest.mark.parametrize("place", ["etc/crontab", "etc/cron.d/mine"])
def test_system_crontabs_are_known_by_their_place(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(f"@daily {ME.pw_name} x\n")
    assert "command: x\n" in run(file).stdout
    assert f"command: {ME.pw_name} x\n" in run("--no-system", file).stdout
    assert "command: x\n" in run("--system", stdin=file.read_bytes()).stdout


def test_as_json_entries_and_notes_come_together() -> None:
    result = run("--json", stdin=b"@daily x\nnonsense\n")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["scripts"] == [{"name": "x", "command": "x", "cron": "@daily", "workdir": ME.pw_dir}]
    assert [(each["line"], each["fault"]) for each in told["notes"]] == [(2, True)]
    assert result.stderr == ""


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path):
        result = run(file)
        assert result.exit_code == 1
        assert str(file) in result.stderr
        assert result.stderr.count("\n") == 1


def on_a_terminal(path: str) -> tuple[int, bytes]:
    """Exit code and output of a process that has a terminal as its standard input, and programs in `path`."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "relay.cli", "import-crontab"]
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(command, stdin=theirs, capture_output=True, env=environ, check=False)
    os.close(ours)
    os.close(theirs)
    return done.returncode, done.stdout + done.stderr


def test_on_a_terminal_it_is_ones_own_crontab(tmp_path: Path) -> None:
    status, told = on_a_terminal(str(tmp_path))
    assert (status, b"crontab -l cannot be run" in told, told.count(b"\n")) == (1, True, 1)
    program = tmp_path / "crontab"
    program.write_text('#!/bin/sh\n[ "$1" = -l ] && echo "@daily x"\n')
    program.chmod(0o755)
    status, told = on_a_terminal(str(tmp_path))
    assert (status, b"command: x" in told) == (0, True)
    program.write_text("#!/bin/sh\necho no crontab for me >&2; exit 1\n")
    assert on_a_terminal(str(tmp_path)) == (1, b"Error: crontab -l: no crontab for me\n")


def test_a_terminal_cannot_be_written_to_by_a_line() -> None:
    result = run(stdin=b"\x1b]0;title\x07 x\n")
    assert "\x1b" not in result.output
