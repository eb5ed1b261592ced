"""What `cronscope.yml` may say, what is told of a faulty one, and which of flag, environment and file goes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict
from ruamel.yaml import YAML

from exporter import config, document, shapes
from exporter.config import LoadedConfig, find, load, read
from exporter.events import Instant, to_json
from exporter.faults import ConfigError, Fault
from exporter.settings import Account, Duration, Limits, Retention, ScriptSettings, Settings, Size

PATH = Path("/etc/cronscope/cronscope.yml")
NOTHING: Mapping[str, str] = {}


def loaded(text: str, environ: Mapping[str, str] = NOTHING, flags: Mapping[str, str] = NOTHING) -> LoadedConfig:
    return read(text, PATH, environ=environ, flags=flags)


def faults(text: str, environ: Mapping[str, str] = NOTHING, flags: Mapping[str, str] = NOTHING) -> list[Fault]:
    with pytest.raises(ConfigError) as raised:
        loaded(text, environ, flags)
    return raised.value.faults


def script(*lines: str) -> str:
    """A file with one script that has these lines, which begin in line 4."""
    return "".join(
        f"{line}\n" for line in ("scripts:", "  - name: a", "    command: echo", *(f"    {x}" for x in lines))
    )


def the_script(*lines: str) -> ScriptSettings:
    return loaded(script(*lines)).settings.scripts[0]


# --- What may stand in a file ------------------------------------------------------------------------


def test_a_file_with_every_key_is_read_as_it_is_meant() -> None:
    read_settings = loaded("""
listen: 127.0.0.1:9000
data_dir: ./state
scripts_dir: jobs
timezone: UTC
sample_interval: 500ms
disk_path: /var
max_concurrent_runs: 4
allowed_hosts: [cron.example.org, 192.0.2.1, "[2001:db8::1]", 2001:db8::2, cron.example.org:8443]
allowed_origins: [https://grafana.example.org, "http://[2001:db8::1]:3000"]
trusted_proxies: [127.0.0.1, 10.0.0.0/8, "::1", "fd00::/8"]
url_prefix: /ops/cronscope/
grafana_url: https://example.org:3000/grafana/
on_shutdown: wait
retention: {runs: 10, days: 1.5, bytes: 1GiB}
scripts:
  - name: backup
    description: Nightly dump
    command: ./backup.sh --full
    cron: "15 3 * * *"
    timezone: Europe/Berlin
    jitter: 1m
    enabled: false
    timeout: 1h30m
    kill_after: 0.5
    overlap: queue
    missed: all
    retries: 3
    retry_delay: 2s
    success_codes: [0, 3]
    max_output: 64KiB
    workdir: /srv
    env: {LANG: C.UTF-8}
    env_file: backup.env
    secrets: [SMTP_LOGIN]
    user: daemon
    group: 7
    umask: "0027"
    nice: -5
    limits: {memory: 1GiB, cpu_time: 90, open_files: 64, processes: 20, file_size: 10MiB}
    labels: {team: ops}
    success_age_limit: 26h
    retention: {runs: 1000}
""").settings
    assert asdict(read_settings) == asdict(Settings(
        listen="127.0.0.1:9000", data_dir=Path("/etc/cronscope/state"), scripts_dir=Path("/etc/cronscope/jobs"),
        timezone="UTC", sample_interval=Duration(500), disk_path=Path("/var"), max_concurrent_runs=4,
        allowed_hosts=["cron.example.org", "192.0.2.1", "[2001:db8::1]", "2001:db8::2", "cron.example.org:8443"],
        allowed_origins=["https://grafana.example.org", "http://[2001:db8::1]:3000"],
        trusted_proxies=["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"], url_prefix="/ops/cronscope/",
        grafana_url="https://example.org:3000/grafana/",
        on_shutdown="wait", retention=Retention(runs=10, days=1.5, bytes=Size(1 << 30)),
        scripts=[ScriptSettings(
            name="backup", description="Nightly dump", command="./backup.sh --full", cron="15 3 * * *",
            timezone="Europe/Berlin", jitter=Duration(60_000), enabled=False, timeout=Duration(5_400_000),
            kill_after=Duration(500), overlap="queue", missed="all", retries=3, retry_delay=Duration(2000),
            success_codes=[0, 3], max_output=Size(65_536), workdir=Path("/srv"), env={"LANG": "C.UTF-8"},
            env_file=Path("/etc/cronscope/backup.env"),
            secrets=["SMTP_LOGIN"], user=Account("daemon"), group=Account("7"), umask="0027", nice=-5,
            limits=Limits(
                memory=Size(1 << 30), cpu_time=Duration(90_000), open_files=64, processes=20, file_size=Size(10 << 20),
            ), labels={"team": "ops"},
            success_age_limit=Duration(93_600_000), retention=Retention(runs=1000, days=1.5, bytes=Size(1 << 30)),
        )],
    ))  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing yet\n", "---\n", "scripts:\n", "scripts: []\n", "\ufeff# Windows\n"]
)
def test_a_file_without_values_means_the_defaults(text: str) -> None:
    base = PATH.parent
    assert loaded(text).settings == Settings(data_dir=base / "data", scripts_dir=base / "scripts")


@pytest.mark.parametrize("address", ["http://127.0.0.1:3000", "https://[2001:db8::1]:3000/", "http://grafana/a%20b/c"])
def test_grafana_is_at_an_address_of_the_web(address: str) -> None:
    assert loaded(f'grafana_url: "{address}"').settings.grafana_url == address
    assert loaded("grafana_url: null", {"CRONSCOPE_GRAFANA_URL": address}).settings.grafana_url == address


@pytest.mark.parametrize("address", [
    "javascript:alert(1)", "ftp://grafana", "//grafana", "grafana:3000", "http://", "http://:3000", "http://a b/",
    "http://grafana:65536", "http://[::1", "http://[1:2]", "http://grafana/?orgId=1", "http://u:p@grafana", "''",
])  # fmt: skip
def test_grafana_is_nowhere_else(address: str) -> None:
    (fault,) = faults(f"\ngrafana_url: {address}")
    assert (fault.line, fault.key) == (2, "grafana_url")
    assert fault.message.startswith("grafana_url: expected an ")
    if address != "''":
        (fault,) = faults("", {"CRONSCOPE_GRAFANA_URL": address})
        assert "CRONSCOPE_GRAFANA_URL" in str(fault)


def test_paths_are_relative_to_the_file_and_a_tilde_is_no_home() -> None:
    read_script = the_script("workdir: ../srv", "env_file: ~/a.env")
    assert read_script.workdir == Path("/etc/cronscope/../srv")
    assert read_script.env_file == Path("/etc/cronscope/~/a.env")
    assert the_script().workdir == Path("/etc/cronscope")


def test_a_file_named_relatively_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read("", Path("conf/c.yml"), environ={}, flags={}).settings.data_dir == tmp_path / "conf/data"


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("2d", 172_800_000),
     ("90", 90_000), ("0.25", 250), ('"90"', 90_000), ("1.5h", 5_400_000)],
)  # fmt: skip
def test_a_duration_is_units_or_seconds(written: str, milliseconds: int) -> None:
    assert the_script(f"every: {written}").every == milliseconds


@pytest.mark.parametrize("written", ["2027-01-01T00:00:00+01:00", '"2027-01-01T00:00:00+01:00"', "2026-12-31 23:00:00Z",
                                     "2026-12-31t23:00:00.000z"])  # fmt: skip
def test_at_is_a_timestamp_of_yaml_or_text(written: str) -> None:
    assert the_script(f"at: {written}").at == Instant.parse("2026-12-31T23:00:00Z")


def test_values_of_env_and_labels_are_their_text_as_written() -> None:
    read_script = the_script("env: {PORT: 8080, V: 1.10, DEBUG: true, DAY: 2026-01-31, HEX: 0x1F, NO: no, E: ''}",
                             "labels: {version: 2.0}")  # fmt: skip
    assert read_script.env == {
        "PORT": "8080", "V": "1.10", "DEBUG": "true", "DAY": "2026-01-31", "HEX": "0x1F", "NO": "no", "E": "",
    }  # fmt: skip
    assert read_script.labels == {"version": "2.0"}


def test_a_key_without_a_value_is_as_if_it_were_absent() -> None:
    assert the_script("cron:", "every: 5m", "timeout: ~", "env: null") == the_script("every: 5m")


def test_a_limit_of_the_retention_that_is_not_named_is_that_of_the_service_and_null_is_no_limit() -> None:
    read_settings = loaded("retention: {runs: 5, days: null}\n" + script("retention: {bytes: null}")).settings
    assert read_settings.retention == Retention(runs=5, days=None, bytes=Size(256 << 20))
    assert read_settings.scripts[0].retention == Retention(runs=5, days=None, bytes=None)


def test_a_url_needs_no_quotes_within_brackets() -> None:
    text = "scripts: [{name: a, command: [curl, http://localhost:8080/x]}]"
    assert loaded(text).settings.scripts[0].command == ["curl", "http://localhost:8080/x"]


SHARED = """
scripts:
  - &base
    name: a
    command: [./job, 1.0]
    every: 5m
    env: &env {A: 1, B: 2}
  - <<: *base
    name: b
    every: ~
    env: {<<: *env, B: 3}
""".replace("1.0", '"1.0"')


def test_scripts_share_values_by_anchors_and_merge_keys() -> None:
    first, second = loaded(SHARED).settings.scripts
    assert (first.every, first.env) == (300_000, {"A": "1", "B": "2"})
    assert (second.name, second.command, second.every) == ("b", ["./job", "1.0"], None)
    assert second.env == {"A": "1", "B": "3"}


def test_of_several_merged_mappings_the_first_that_has_a_key_counts() -> None:
    read_settings = loaded("""
scripts:
  - &one {name: a, command: one}
  - &two {name: b, command: two, timeout: 5s}
  - {<<: [*one, *two], name: c}
""").settings
    assert (read_settings.scripts[2].command, read_settings.scripts[2].timeout) == ("one", 5000)


def test_entries_are_the_scripts_as_written_with_merge_keys_resolved() -> None:
    entries = loaded(SHARED).entries
    assert entries == {
        "a": {"name": "a", "command": ["./job", "1.0"], "every": "5m", "env": {"A": "1", "B": "2"}},
        "b": {"name": "b", "env": {"B": "3", "A": "1"}, "command": ["./job", "1.0"]},
    }
    assert list(entries["b"]) == ["name", "env", "command"]


def test_an_entry_is_fit_for_json_and_loses_nothing() -> None:
    entry = loaded(script("at: 2027-01-01T00:00:00+01:00", "timeout: 1.50", "kill_after: 2.5", "retries: 3",
                          "enabled: True", "retention: {bytes: ~}", "env: {V: 1.10}")).entries["a"]  # fmt: skip
    assert json.loads(to_json(entry)) == {
        "name": "a", "command": "echo", "at": "2027-01-01T00:00:00+01:00", "timeout": "1.50", "kill_after": 2.5,
        "retries": 3, "enabled": True, "retention": {"bytes": None}, "env": {"V": "1.10"},
    }  # fmt: skip
    assert loaded(json.dumps({"scripts": [entry]})).entries["a"] == entry


def test_without_libyaml_a_file_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = loaded(SHARED)
    monkeypatch.setattr(document, "YAML", lambda typ, pure=True: YAML(typ=typ, pure=True))
    assert loaded(SHARED) == with_libyaml


# --- What is told of a faulty one --------------------------------------------------------------------

SCRIPT_FAULTS = [
    ("timout: 5s", "scripts[0].timout: unknown key; did you mean timeout?"),
    ("colour: red", "scripts[0].colour: unknown key; known here: name, command, description, cron,"),
    ("command: x", "scripts[0].command: given twice, first in line 3"),
    (
        "timeout: -5",
        "scripts[0].timeout: expected a duration such as 500ms, 30s, 5m, 1h30m, 2d, or a number of seconds",
    ),
    ("timeout: 5 minutes", "scripts[0].timeout: expected a duration"),
    ("timeout: 99999999999d", "at most 36525d"),
    ("timeout: [5]", "not a list"),
    ("timeout: true", "not true"),
    ("every: 99ms", "scripts[0].every: expected 100ms or longer, not 99ms"),
    ("every: 1:30", "scripts[0].every: expected a duration"),
    ("cron: 61 * * * *", "scripts[0].cron: "),
    ("cron: 5", "scripts[0].cron: expected text, not 5; put it in quotes"),
    ("timezone: Europe/Atlantis", "scripts[0].timezone: "),
    ("at: 2027-01-01", "scripts[0].at: expected a date and time with offset such as 2027-01-01T00:00:00+01:00"),
    ("at: 2027-01-01T00:00:00", "scripts[0].at: expected a date and time with offset"),
    ("at: 2027-02-30T00:00:00Z", "scripts[0].at: expected a date and time with offset"),
    ("at: 9999-12-31T23:59:59-01:00", "scripts[0].at: expected a date and time with offset"),
    ("enabled: yes", 'scripts[0].enabled: expected true or false, not "yes"'),
    ('enabled: "true"', 'expected true or false, not "true"; write it without quotes'),
    ("overlap: never", 'expected one of allow, queue, replace, skip, not "never"'),
    ("missed: none", 'expected one of all, once, skip, not "none"'),
    ("retries: 101", "expected a whole number from 0 to 100, not 101"),
    ("retries: 1.5", "expected a whole number from 0 to 100, not 1.5"),
    ('retries: "1"', 'expected a whole number from 0 to 100, not "1"; write it without quotes'),
    ("success_codes: 0", "scripts[0].success_codes: expected a list, each item a whole number from 0 to 255, not 0"),
    ("success_codes: []", "not an empty list"),
    ("success_codes: [0, 256]", "scripts[0].success_codes[1]: expected a whole number from 0 to 255, not 256"),
    ("max_output: 10MB", 'expected a size such as 64KiB, 10MiB, 1GiB, or a number of bytes, not "10MB"'),
    ('workdir: ""', 'scripts[0].workdir: expected a path, not ""'),
    ('workdir: "a\\0b"', "scripts[0].workdir: expected a path, without the character U+0000"),
    ("env: [A=b]", "scripts[0].env: expected a mapping from names to text, not a list"),
    ("env: PASSWORD=hunter22", "scripts[0].env: expected a mapping from names to text, not a value"),
    ("secrets: PASSWORD", "scripts[0].secrets: expected a list, each item a variable name"),
    ("env: {1A: x}", "scripts[0].env.1A: expected a variable name: letters, digits and `_`, no digit first"),
    ("env: {A: [x]}", "scripts[0].env.A: expected text, not a list"),
    ("env: {A: }", 'scripts[0].env: expected text, not nothing; empty text is written ""'),
    ("labels: {a-b: x}", "scripts[0].labels.a-b: expected a label name: letters, digits and `_`, no digit first"),
    ("description: 5", "scripts[0].description: expected text, not 5; put it in quotes"),
    ("retention: 5", "scripts[0].retention: expected a mapping of runs, days and bytes, not 5"),
    ("retention: {runs: 0}", "scripts[0].retention.runs: expected a whole number of 1 or more, not 0"),
    ("retention: {days: .inf}", "scripts[0].retention.days: expected a number above 0, not .inf"),
    ("retention: {weeks: 1}", "scripts[0].retention.weeks: unknown key; known here: runs, days, bytes"),
    ("user: no-such-user", "scripts[0].user: no user of this machine is named no-such-user"),
    ("user: 999999999", "scripts[0].user: no user has the number 999999999, so a group must be given too"),
    ("user: -1", "scripts[0].user: expected the name or the number of an account such as backup or 1000, not -1"),
    ("user: [root]", "scripts[0].user: expected the name or the number of an account"),
    ("group: no-such-group", "scripts[0].group: no group of this machine is named no-such-group"),
    ("umask: 0027", 'expected three octal digits in quotes such as "027", or four such as "0027", not 0027; put it'),
    ('umask: "0028"', 'scripts[0].umask: expected three octal digits in quotes such as "027"'),
    ("nice: 20", "scripts[0].nice: expected a whole number from -20 to 19, not 20"),
    ("limits: 5", "scripts[0].limits: expected a mapping with any of memory, cpu_time, open_files, processes,"),
    ("limits: {memory: 64}", "scripts[0].limits.memory: expected 1MiB or more, not 64"),
    ("limits: {cpu_time: 500ms}", "scripts[0].limits.cpu_time: expected 1s or longer, not 500ms"),
    ("limits: {open_files: 3}", "scripts[0].limits.open_files: expected a whole number from 4 to"),
    ("limits: {processes: 0}", "scripts[0].limits.processes: expected a whole number from 1 to"),
    ("limits: {file_size: big}", "scripts[0].limits.file_size: expected a size such as"),
    ("limits: {cpu: 5}", "scripts[0].limits.cpu: unknown key; "),
    ("<<: 5", "scripts[0].<<: expected a mapping, or a list of mappings, to take keys from, not a value"),
    ("[a]: b", "scripts[0]: expected text as a key, not a list"),
]


@pytest.mark.parametrize("key", ["user", "group"])
def test_another_user_or_group_is_a_fault_where_who_starts_the_scripts_is_not_root(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1)
    text = script(f"{key}: 0")
    assert loaded(text).settings.scripts[0].name == "a"  # whoever only looks needs no rights
    with pytest.raises(ConfigError) as raised:
        read(text, PATH, environ={}, flags={}, starting=True)
    assert str(raised.value) == (
        f"{PATH}:4: scripts[0].{key}: only a service that runs as root can give scripts another user or group;"
        " this one runs as daemon"
    )


@pytest.mark.parametrize(("line", "message"), SCRIPT_FAULTS)
def test_a_fault_of_a_script_is_told_with_line_key_and_accepted_form(line: str, message: str) -> None:
    (fault,) = faults(script(line))
    assert fault.line == 4
    assert message in str(fault)
    assert str(fault).startswith(f"{PATH}:4: {fault.key}")


SERVICE_FAULTS = [
    ("listn: 127.0.0.1:1", "listn: unknown key; did you mean listen?"),
    ("listen: 8917", "listen: expected HOST:PORT such as 127.0.0.1:8917 or [::1]:8917, not 8917"),
    ("listen: 127.0.0.1:65536", "listen: expected a port from 0 to 65535, not 65536"),
    ("listen: 0.0.0.0:8917", "listen: Without any user or token the service listens on loopback only"),
    ("timezone: Mars/Olympus", "timezone: "),
    ("sample_interval: 0s", "sample_interval: expected 100ms or longer, not 0s"),
    ("max_concurrent_runs: 0", "max_concurrent_runs: expected a whole number from 1 to 10000, not 0"),
    ("data_dir: 5", "data_dir: expected a path, not 5; put it in quotes"),
    ("on_shutdown: kill", 'on_shutdown: expected one of leave, stop, wait, not "kill"'),
    ("allowed_hosts: cron", "allowed_hosts: expected a list, each item a host name or address such as"),
    ("allowed_hosts: ['*']", 'allowed_hosts[0]: expected a host name or address such as cron.example.org, without'),
    ("allowed_hosts: [https://x.org]", "allowed_hosts[0]: expected a host name or address"),
    ("trusted_proxies: [nas]", "trusted_proxies[0]: expected an address or a network such as 127.0.0.1 or 10.0.0.0/8"),
    ("trusted_proxies: [10.0.0.1/8]", "trusted_proxies: expected addresses and networks that there can be, not 10.0"),
    ("trusted_proxies: [1.2.3]", "trusted_proxies: expected addresses and networks that there can be, not 1.2.3: "),
    ("url_prefix: cronscope", "url_prefix: expected a path such as /cronscope"),
    ("url_prefix: /a//b", "url_prefix: expected a path such as /cronscope"),
    ("url_prefix: /a/../b", "url_prefix: expected a path such as /cronscope"),
    ("url_prefix: /a?b", "url_prefix: expected a path such as /cronscope"),
    ("allowed_origins: [x.org]", 'allowed_origins[0]: expected an origin such as https://grafana.example.org'),
    ("allowed_origins: [https://x.org/a]", "allowed_origins[0]: expected an origin"),
    ("retention: {bytes: 1.5}", "retention.bytes: expected a size"),
    ("scripts: {a: {command: x}}", "scripts: expected a list of scripts, each a mapping, not a mapping"),
    ("scripts: [echo]", 'scripts[0]: expected a mapping with at least name and command, not "echo"'),
    ("scripts: [{command: x}]", "scripts[0].name: missing; every script needs a name"),
    ("scripts: [{name: x, command: }]", "scripts[0].command: missing; every script needs a command"),
    ("scripts: [{name: a b, command: x}]", "scripts[0].name: expected a name of at most 64 letters, digits, `_`, `.`"),
    ('scripts: [{name: "a\\n", command: x}]', "scripts[0].name: expected a name"),
    ("scripts: [{name: a, command: ' '}]", "scripts[0].command: expected a command; this one is empty"),
    ("scripts: [{name: a, command: []}]", "scripts[0].command: expected a command; this one is empty"),
    ("scripts: [{name: a, command: ['']}]", "scripts[0].command: expected a command; this one is empty"),
    ("scripts: [{name: a, command: [sleep, 5]}]", "scripts[0].command[1]: expected text, not 5; put it in quotes"),
    ("scripts: [{name: a, command: {run: x}}]", "scripts[0].command: expected text, or a list, each item text, not"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), SERVICE_FAULTS)
def test_a_fault_of_the_service_is_told_with_line_key_and_accepted_form(line: str, message: str) -> None:
    (fault,) = faults(f"# first line\n{line}\n")
    assert str(fault).startswith(f"{PATH}:2: {message}")


def test_a_script_has_one_of_cron_every_and_at() -> None:
    (fault,) = faults(script("every: 5m", 'cron: "@daily"'))
    assert (fault.line, fault.key) == (5, "scripts[0].cron")
    assert "expected one of cron, every and at, or none of them; here is every too" in fault.message


def test_a_name_taken_already_is_told_with_the_line_that_took_it() -> None:
    (fault,) = faults(script() + "  - name: a\n    command: x\n")
    assert (fault.line, fault.key) == (4, "scripts[1].name")
    assert "the script in line 2 is named a too" in fault.message


def test_every_fault_is_told_at_once_in_the_order_of_the_file() -> None:
    found = faults("""scripts:
  - {name: b, timezone: X/Y, cron: 61 * * * *, every: 1ms, retries: x, colour: red}
  - command: x
listen: nowhere
timezone: Mars/Olympus
colour: red
""")
    assert [(fault.line, fault.key) for fault in found] == [
        (2, "scripts[0].command"), (2, "scripts[0].timezone"), (2, "scripts[0].cron"), (2, "scripts[0].every"),
        (2, "scripts[0].every"), (2, "scripts[0].retries"), (2, "scripts[0].colour"), (3, "scripts[1].name"),
        (4, "listen"), (5, "timezone"), (6, "colour"),
    ]  # fmt: skip


def test_the_column_counts_characters_from_1() -> None:
    (fault,) = faults("scripts: [{name: a, command: é, retries: x}]")
    assert fault.column == 42


def test_a_fault_in_what_scripts_share_is_told_once() -> None:
    assert len(faults(SHARED.replace("A: 1", "1A: 1"))) == 1


SYNTAX_FAULTS = [
    ("a: [1, 2\nb: 3\n", 2, "not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"),
    ("\na: 'x\n", 2, "not valid YAML: found unexpected end of stream while scanning a quoted scalar"),
    ("cron: */5 * * * *\n", 1, "a value that begins with * needs quotes"),
    ("cron: *x\n", 1, "nothing above is marked &x; a value that begins with * needs quotes"),
    ("cron: @daily\n", 1, "a value that begins with @ needs quotes"),
    ("a:\n\tb: 1\n", 2, "indent with spaces, not with tabs"),
    ("a: 1\n---\nb: 2\n", 3, "expected one YAML document; here a second one begins"),
    ("a: b: c", 1, "mapping values are not allowed in this context"),
    ("a: {b: c:d\n", 2, "not valid YAML"),
    ("a: !!python/name:os.system x", 1, "means nothing here"),
    ("a: !secret x", 1, "the tag !secret means nothing here"),
    ("a: &a [*a]", 1, "nothing above is marked &a"),
    ("- a\n", 1, "expected a mapping of keys such as listen and scripts, not a list"),
    ("a\n", 1, 'expected a mapping of keys such as listen and scripts, not "a"'),
    ("a: 1\nb: \0\n", 2, "the character U+0000 may not stand in YAML"),
    ("a: \ud800", 1, "the character U+D800 may not stand in YAML"),
    ("a: \x1b[0m", 1, "the character U+001B may not stand in YAML"),
    ("[" * 100_000, 1, "nested deeper than 32 levels"),
    ("- " * 100_000, 1, "nested deeper than 32 levels"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), SYNTAX_FAULTS)
def test_what_is_no_document_is_told_with_its_line_alone(text: str, line: int, message: str) -> None:
    (fault,) = faults(text)
    assert fault.line == line
    assert message in str(fault)


def test_aliases_that_stand_for_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_VALUES", 1000)
    values = ", ".join(f"V{number}: x" for number in range(40))
    aliases = "\n".join(f"  - {{name: s{number}, command: x, env: *e}}" for number in range(40))
    text = f"scripts:\n  - {{name: a, command: x, env: &e {{{values}}}}}\n{aliases}\n"
    assert "more than 1000 values, counting each use of an alias" in str(faults(text)[0])


def test_a_chain_of_merge_keys_has_an_end() -> None:
    links = "\n".join(f"  - &m{number + 1} {{<<: *m{number}}}" for number in range(40))
    found = faults(f"scripts:\n  - &m0 {{name: a, command: x}}\n{links}\n")
    assert any("merge keys nested deeper than 32 levels" in fault.message for fault in found)


def test_merge_keys_that_double_again_and_again_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_VALUES", 1000)
    links = "\n".join(f"  - &m{number + 1} {{<<: [*m{number}, *m{number}]}}" for number in range(30))
    found = faults(f"scripts:\n  - &m0 {{}}\n{links}\n")
    assert any("more than 1000 values" in fault.message for fault in found)


def test_a_long_text_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_EVENTS", 100)
    assert "more than 100 values" in str(faults("a: [" + "1, " * 200 + "]")[0])


def test_of_very_many_faults_the_first_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.faults.MAX_FAULTS", 3)
    found = faults("".join(f"a{number}: 1\n" for number in range(10)))
    assert [fault.line for fault in found] == [1, 2, 3, 4]
    assert "more than 3 faults" in str(found[-1])


# --- Files -------------------------------------------------------------------------------------------


def load_faults(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load(path, environ={}, flags={})
    (fault,) = raised.value.faults
    return str(fault)


def test_a_file_is_loaded_with_its_text(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text(script(), encoding="utf-8")
    assert load(path, environ={}, flags={}).text == script()
    assert load(path, environ={}, flags={}).path == path


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_faults(tmp_path / "c.yml") == f"{tmp_path / 'c.yml'}: cannot be read: No such file or directory"
    assert load_faults(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"
    path = tmp_path / "c.yml"
    path.write_bytes(b"a: 1\n\xc3\xa9: \xff\n")
    assert load_faults(path) == f"{path}:2: not UTF-8: the byte 0xFF in column 4"
    monkeypatch.setattr(config, "MAX_BYTES", 2)
    assert "larger than" in load_faults(path)


def test_without_a_name_the_file_is_cronscope_yml_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^cronscope.yml: there is no such file here; cronscope init writes one"):
        find(None)
    (tmp_path / "cronscope.yml").touch()
    assert find(None) == Path("cronscope.yml")
    assert find(Path("other.yml")) == Path("other.yml")


# --- Flags and environment ---------------------------------------------------------------------------


def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file() -> None:
    text = "listen: 127.0.0.1:1\ntimezone: UTC\nmax_concurrent_runs: 1\n"
    environ = {"CRONSCOPE_LISTEN": "127.0.0.1:2", "CRONSCOPE_MAX_CONCURRENT_RUNS": "2"}
    read_settings = loaded(text, environ, {"listen": "127.0.0.1:3"}).settings
    assert (read_settings.listen, read_settings.max_concurrent_runs, read_settings.timezone) == (
        "127.0.0.1:3",
        2,
        "UTC",
    )


def test_every_key_with_a_single_value_has_a_variable() -> None:
    environ = {
        "CRONSCOPE_LISTEN": "[::1]:1", "CRONSCOPE_DATA_DIR": "/d", "CRONSCOPE_SCRIPTS_DIR": "/s",
        "CRONSCOPE_TIMEZONE": "UTC", "CRONSCOPE_SAMPLE_INTERVAL": "5", "CRONSCOPE_DISK_PATH": "/p",
        "CRONSCOPE_MAX_CONCURRENT_RUNS": "7", "CRONSCOPE_ON_SHUTDOWN": "stop",
    }  # fmt: skip
    assert loaded("", environ).settings == Settings(
        listen="[::1]:1", data_dir=Path("/d"), scripts_dir=Path("/s"), timezone="UTC", sample_interval=Duration(5000),
        disk_path=Path("/p"), max_concurrent_runs=7, on_shutdown="stop",
    )  # fmt: skip


def test_paths_of_flags_and_variables_are_relative_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read_settings = loaded("", {"CRONSCOPE_SCRIPTS_DIR": "2024"}, {"data_dir": "d"}).settings
    assert (read_settings.scripts_dir, read_settings.data_dir) == (tmp_path / "2024", tmp_path / "d")


def test_faults_of_flags_and_variables_name_them_and_come_with_those_of_the_file() -> None:
    environ = {"CRONSCOPE_LISTEN": "0.0.0.0:80", "CRONSCOPE_SAMPLE_INTERVAL": "often", "CRONSCOPE_TIMEZONE": "Mars/X"}
    found = [str(fault) for fault in faults("colour: red", environ, {"data_dir": ""})]
    assert [fault.partition(": expected")[0][:60] for fault in found] == [
        "environment: CRONSCOPE_LISTEN: Without any user or token the",
        "environment: CRONSCOPE_SAMPLE_INTERVAL",
        found[2][:60],
        "command line: --data-dir",
        "/etc/cronscope/cronscope.yml:1: colour: unknown key; known h",
    ]
    assert found[2].startswith("environment: CRONSCOPE_TIMEZONE: ")


def test_empty_variables_and_those_of_scripts_change_nothing() -> None:
    environ = {"CRONSCOPE_LISTEN": "", "CRONSCOPE_SCRIPT": "backup", "CRONSCOPE_RUN_ID": "x"}
    assert loaded("", environ) == loaded("")


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.1.2.3:8917", "[::1]:8917", "localhost:80", "LOCALHOST:65535"])
def test_loopback_may_be_listened_on(listen: str) -> None:
    assert loaded(f'listen: "{listen}"').settings.listen == listen


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "cron.example.org:80", "localhost.evil.org:80"]
)
def test_other_addresses_may_only_be_listened_on_with_credentials(listen: str) -> None:
    [fault] = faults(f'listen: "{listen}"\nusers: []')
    assert str(fault).startswith("/etc/cronscope/cronscope.yml:1: listen: Without any user or token")
    assert str(fault).endswith("make the first user: cronscope passwd admin")
    assert (
        loaded(f'listen: "{listen}"\ntokens: [{{name: a, role: scrape, sha256: {64 * "a"}}}]').settings.listen == listen
    )


# --- Whatever comes ----------------------------------------------------------------------------------


def read_or_config_error(text: str) -> None:
    try:
        result = loaded(text)
    except ConfigError as error:
        found = error.faults
    else:
        found = []
        to_json(result.entries)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in found)


FRAGMENTS = [
    "scripts:", "\n", "  ", "- ", ": ", "name", "a", "{", "}", "[", "]", ",", "&x ", "*x", "<<", "'", '"', "|\n", "#",
    "!!str ", "!x ", "%", "@", "\t", "\r\n", "? ", "---\n", "...", "\\", "\u2028", "é", "listen", "~", "h:80", "5",
]  # fmt: skip
KEYS = [*Settings.__struct_fields__, *ScriptSettings.__struct_fields__, *Retention.__struct_fields__, "<<", "x"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["5s", "1h", "10MiB", "a", "* * * * *", "@reboot", "UTC", "127.0.0.1:80", "2027-01-01T00:00:00Z"])
)  # fmt: skip
STRUCTURES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
)
SCRIPTS = st.lists(st.dictionaries(st.sampled_from(KEYS), STRUCTURES, max_size=8), max_size=3)


@pytest.mark.fuzz
@given(st.text() | st.lists(st.sampled_from(FRAGMENTS)).map("".join))
def test_any_text_is_sound_or_a_config_error(text: str) -> None:
    read_or_config_error(text)


@pytest.mark.fuzz
@given(st.dictionaries(st.sampled_from(KEYS), STRUCTURES) | st.fixed_dictionaries({"scripts": SCRIPTS}))
def test_any_structure_is_sound_or_a_config_error(structure: dict[str, Any]) -> None:
    read_or_config_error(json.dumps(structure, ensure_ascii=False))


@pytest.mark.fuzz
@given(st.sampled_from([key for key, shape in shapes.shapes(Settings).items() if shape.parse]), st.text())
def test_any_variable_and_flag_is_sound_or_a_config_error(key: str, text: str) -> None:
    found: list[Fault] = []
    for with_text in (partial(loaded, environ={f"CRONSCOPE_{key.upper()}": text}), partial(loaded, flags={key: text})):
        try:
            with_text("")
        except ConfigError as error:
            found.extend(error.faults)
    assert all(fault.line == 0 for fault in found)
