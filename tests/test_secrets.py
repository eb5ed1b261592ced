"""Values of variables that hold secrets are not shown, and not lost by who gives back what he was shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from exporter import script_edits
from exporter.config import LoadedConfig, load, read
from exporter.data_dir import owner
from exporter.faults import ConfigError
from exporter.script_edits import Decision, etag_of_entry
from exporter.secrets import MASK, masked
from relay.roles import ROUTES
from relay.translation import in_language
from tests.command_line import invoke
from tests.service import Service, until

VALUE = "hunter22"
ENTRY: dict[str, Any] = {
    "name": "job", "command": "true", "secrets": ["LOGIN"],
    "env": {"LANG": "C", "DB_PASSWORD": VALUE, "API_TOKEN": "12345678", "LOGIN": f"me:{VALUE}", "EMPTY_SECRET": ""},
}  # fmt: skip
SHOWN = {"LANG": "C", "DB_PASSWORD": MASK, "API_TOKEN": MASK, "LOGIN": MASK, "EMPTY_SECRET": ""}


def of(*entries: Mapping[str, Any]) -> LoadedConfig:
    return read(json.dumps({"scripts": entries}), Path("c.yml"), environ={}, flags={})


def env_after(decision: Decision, name: str = "job") -> Any:
    return decision(of(ENTRY))[name]["env"]


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "DB_PASSWORD", "PGPASSWORD", "password", "MYSQL_PASSWD", "API_TOKEN", "TOKEN_FILE", "CLIENT_SECRET_1",
     "AWS_SECRET_ACCESS_KEY", "APIKEY", "SIGNING_KEYS", "GCP_CREDENTIALS", "GPG_PASSPHRASE"],
)  # fmt: skip
def test_the_value_of_a_variable_that_sounds_secret_is_not_shown(name: str) -> None:
    assert masked({"name": "a", "env": {name: VALUE}})["env"] == {name: MASK}


@pytest.mark.parametrize("name", ["LANG", "PATH", "KEYBOARD", "PASS_THROUGH", "USER"])
def test_other_values_are_shown_unless_they_are_declared_secret(name: str) -> None:
    entry = {"name": "a", "env": {name: VALUE}}
    assert masked(entry) is entry
    assert masked({**entry, "secrets": [name]})["env"] == {name: MASK}


@pytest.mark.parametrize("keys", [{}, {"env": ["A"]}, {"env": {"A": "b"}, "secrets": 5}])
def test_an_entry_without_secrets_is_shown_as_it_is(keys: dict[str, Any]) -> None:
    assert masked({"name": "a", **keys}) == {"name": "a", **keys}


def test_who_puts_or_patches_what_was_shown_keeps_every_value() -> None:
    shown = dict(masked(of(ENTRY).entries["job"]))
    assert shown["env"] == SHOWN
    assert env_after(script_edits.put("job", shown)) == ENTRY["env"]
    assert env_after(script_edits.put("job", {**shown, "secrets": None})) == ENTRY["env"]
    assert env_after(script_edits.patch(["job"], {"env": SHOWN, "timeout": "5m"})) == ENTRY["env"]
    assert env_after(script_edits.patch(["job"], {"secrets": None, "env": {"LOGIN": MASK}})) == ENTRY["env"]
    assert env_after(script_edits.create([shown], "replace")) == ENTRY["env"]
    assert env_after(script_edits.enable(["job"], False)) == ENTRY["env"]


def test_a_renamed_script_keeps_them_too_and_what_is_changed_or_removed_is() -> None:
    shown = {**masked(ENTRY), "name": "other"}
    assert env_after(script_edits.put("job", shown)) == ENTRY["env"]
    changed = {"env": {"DB_PASSWORD": "new", "API_TOKEN": None, "LANG": MASK}}
    after = {**ENTRY["env"], "DB_PASSWORD": "new", "LANG": MASK}
    del after["API_TOKEN"]
    assert env_after(script_edits.patch(["job"], changed)) == after  # LANG is no secret, so that is its value


@pytest.mark.parametrize(
    ("decision", "keys"),
    [
        (script_edits.create([{**masked(ENTRY), "name": "new"}], within="scripts[{}]"),
         ["scripts[0].env.DB_PASSWORD", "scripts[0].env.API_TOKEN", "scripts[0].env.LOGIN"]),
        (script_edits.patch(["job"], {"env": {"DB_PASSWORD": None, "PGPASSWORD": MASK}}), ["env.PGPASSWORD"]),
        (script_edits.patch(["job"], {"env": {"OTHER": MASK}, "secrets": ["OTHER"]}), ["env.OTHER"]),
    ],
)  # fmt: skip
def test_a_mask_without_a_value_behind_it_is_a_fault(decision: Decision, keys: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        decision(of(ENTRY))
    assert [fault.key for fault in raised.value.faults] == keys
    for fault in raised.value.faults:
        assert fault.message.startswith(f"{fault.key}: *** stands for a value that is not shown")
        assert in_language(fault.message, "zh-Hant").language == "zh-Hant"


@pytest.mark.parametrize(
    "keys",
    ["env: 12345678", "env: '12345678'", "env: 1234567.8", "env: [12345678]", "env: !!int '12345678'",
     "env: {A_TOKEN: [12345678]}", "env: {A_TOKEN: {B: 12345678}}", "env: {'A_TOKEN=12345678'}",
     "env: {A_TOKEN=12345678: }", "env: {1: 12345678, 1: 12345678}",
     "env: {x12345678}", "env: {x12345678, x12345678: }", "env: {a-12345678: x}",
     "env: {? [12345678] : x}", "env: {<<: 12345678}",
     "secrets: 12345678", "secrets: {A: 12345678}", "secrets: [A=12345678]", "secrets: [12345678]"],
)  # fmt: skip
def test_a_fault_of_what_stands_where_secrets_may_does_not_tell_it(keys: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(f"scripts:\n  - name: a\n    command: x\n    {keys}\n", Path("c.yml"), environ={}, flags={})
    for fault in raised.value.faults:
        assert fault.line == 4
        assert "12345678" not in f"{fault} {fault.key}"


def test_a_mask_that_somebody_has_written_into_the_file_is_a_fault() -> None:
    text = "scripts:\n  - {name: a, command: x, secrets: [B], env: {C: '***',\n     A_TOKEN: '***', B: '***\n\n***'}}\n"
    with pytest.raises(ConfigError) as raised:
        read(text, Path("c.yml"), environ={}, flags={})
    assert [(fault.line, fault.key) for fault in raised.value.faults] == [
        (3, "scripts[0].env.A_TOKEN"), (3, "scripts[0].env.B"),
    ]  # fmt: skip
    assert "*** stands for a value that is not shown, and there is none" in raised.value.faults[0].message


def test_the_etag_changes_with_a_secret() -> None:
    other = {**ENTRY, "env": {**ENTRY["env"], "DB_PASSWORD": "other"}}
    assert etag_of_entry(ENTRY) == etag_of_entry(dict(reversed(ENTRY.items()))) != etag_of_entry(other)


def test_no_answer_event_or_log_line_of_the_service_has_a_secret(start_service: Callable[..., Service]) -> None:
    service = start_service(json.dumps({"scripts": [ENTRY, {"name": "other", "command": "true"}]}))
    path = "/api/v1/scripts"

    def asked(path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[dict[str, str], Any]:
        content = None if body is None else json.dumps(body).encode()
        _, answered, text = service.fetch(path, method=method, body=content, headers=headers)
        told.append(text.decode())
        return answered, json.loads(text)

    told: list[str] = []
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        asked(path)
        headers, script = asked(f"{path}/job")
        assert script["config"]["env"] == SHOWN
        changed, _ = asked(f"{path}/job", "PUT", {**script["config"], "timeout": "5m"}, **{"If-Match": headers["Etag"]})
        assert frames.wait("script_changed")["data"]["script"]["config"]["env"] == SHOWN
        asked(f"{path}/job", "PATCH", {"env": {**SHOWN, "LANG": "C.UTF-8"}}, **{"If-Match": changed["Etag"]})
        frames.wait("script_changed")
        asked(f"{path}/batch", "POST", {"action": "export"})
        asked(f"{path}/job", "PATCH", {"env": f"DB_PASSWORD={VALUE}"})
        asked("/api/v1/config/check", "POST", {"scripts": [{**ENTRY, "env": f"DB_PASSWORD={VALUE}", "x": 1}]})
        service.ended(service.run("job"))
        told += [json.dumps(frame) for frame in frames.seen]
    written = load(service.config, environ={}, flags={}).entries["job"]
    assert written == {**ENTRY, "timeout": "5m", "env": {**ENTRY["env"], "LANG": "C.UTF-8"}}
    shown = invoke("disable", "job", "-c", service.config, "--json")
    assert json.loads(shown.stdout)["scripts"][0]["env"] == {**SHOWN, "LANG": "C.UTF-8"}
    for text in (*told, shown.output, *service.errors):
        assert VALUE not in text
        assert "12345678" not in text


@pytest.mark.parametrize(
    "value", ["*hunter22", "!hunter22 x", "&hunter22", "[hunter22]", "@hunter22", "%hunter22", "{hunter22"]
)
def test_no_fault_tells_a_secret_that_lacks_its_quotes(value: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(
            f"scripts: [{{name: a, command: x, env: {{LANG: C, LOGIN: {value}}}}}]", Path("c.yml"), environ={}, flags={}
        )
    assert raised.value.faults
    assert VALUE not in str(raised.value)


@pytest.mark.parametrize("value", [VALUE, f"[{VALUE}]", "12345678"])
def test_no_fault_tells_a_secret_that_stands_where_variables_are_taken_from(value: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(f"scripts: [{{name: a, command: x, env: {{<<: {value}}}}}]", Path("c.yml"), environ={}, flags={})
    [fault] = raised.value.faults
    assert fault.message.endswith("expected a mapping, or a list of mappings, to take keys from, not a value")


CONFIG = f"""\
# of the configuration
scripts:
  - name: job
    command: 'true'
    env: {{LANG: C, DB_PASSWORD: "{VALUE}", LOGIN: me-{VALUE}}}  # both
    secrets: [LOGIN]
"""


def test_the_text_of_the_configuration_is_shown_without_secrets_and_saving_it_loses_none(
    start_service: Callable[..., Service],
) -> None:
    service, path = start_service(CONFIG), "/api/v1/config"
    _, headers, shown = service.fetch(path)
    assert shown.decode() == CONFIG.replace(f'"{VALUE}"', '"***"').replace(f"me-{VALUE}", '"***"')
    assert service.fetch(f"{path}/check", method="POST", body=shown)[2].strip() == b'{"faults":[],"warnings":[]}'
    changed = shown.replace(b"LANG: C,", b"LANG: C.UTF-8,").replace(b"name: job", b"name: other")
    status, told, _ = service.fetch(path, method="PUT", body=changed, headers={"If-Match": headers["Etag"]})
    assert status == 200
    assert service.config.read_text() == CONFIG.replace("LANG: C,", "LANG: C.UTF-8,").replace(
        "name: job", "name: other"
    )
    assert service.fetch(path)[1]["Etag"] == told["Etag"]
    new = b"scripts: [{name: new, command: x, env: {A_TOKEN: '***'}}]\n"
    told_faults = json.loads(service.fetch(f"{path}/check", method="POST", body=new)[2])["faults"]
    status, _, problem = service.fetch(path, method="PUT", body=new)
    assert status == 422
    for fault in (told_faults, json.loads(problem)["errors"]):
        assert "*** stands for a value that is not shown" in fault[0]["message"]
    with service.config.open("a") as file:
        file.write("  - {name: broken\n")
    until(lambda: service.fetch(path)[2].decode(), lambda text: "broken" in text)
    broken = service.fetch(path)[2]
    assert VALUE not in broken.decode()
    assert service.fetch(path, method="PUT", body=broken[: broken.index(b"  - {name")])[0] == 200
    assert VALUE in service.config.read_text()
    assert VALUE not in "".join(service.errors)


OUTPUT: dict[str, Any] = {
    "name": "teller", "secrets": ["DECLARED", "IN_FILE"], "env_file": "../job.env", "timeout": "1m", "kill_after": "1s",
    "env": {"DECLARED": f"{VALUE}-d", "DB_PASSWORD": f"{VALUE}-p", "OPEN": "shown", "GO": "",
            "NAME_TOKEN": f"{VALUE}_n"},
    "command": """
        printf '%s\\n' "declared $DECLARED password $DB_PASSWORD open $OPEN file $IN_FILE $SMTP_TOKEN"
        printf 'x{who="%s"} 1\\nup 1\\n' "$DB_PASSWORD" >"$CRONSCOPE_METRICS_FILE"
        printf '%s 1\\ny{%s="a"} 1\\n' "$NAME_TOKEN" "$NAME_TOKEN" >>"$CRONSCOPE_METRICS_FILE"
        printf '::progress 10 %s\\n' "$DECLARED"
        printf 'not yet whole: %s' "$SMTP_TOKEN"
        until [ -e "$GO" ]; do sleep 0.05; done
        printf '%s\\n' ", changed since" "$SMTP_TOKEN" >&2
        exit 3
    """,
}  # fmt: skip


def test_what_a_script_prints_of_its_secrets_is_masked_wherever_it_is_told_also_after_a_crash(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    go, env_file = tmp_path / "go", tmp_path / "job.env"
    env_file.write_text(f"IN_FILE={VALUE}-f\nSMTP_TOKEN='{VALUE} t'\n")
    env_file.chmod(0o600)
    entry = {**OUTPUT, "env": {**OUTPUT["env"], "GO": str(go)}}
    unset = {"name": "unset", "command": ["nowhere"], "env": {"PATH": f"/{VALUE}"}, "secrets": ["PATH"]}
    service = start_service(json.dumps({"log_output": "json+output", "scripts": [entry, unset]}))
    told: list[str] = []
    with service.socket("?v=1") as frames:
        frames.wait("snapshot")
        run_id = service.run("teller")
        topic = f"output:{run_id}"
        frames.send("subscribe", 1, topics=[topic], **{"from": {topic: 0}})
        assert frames.wait("progress")["data"]["text"] == "***"
        until(frames.next, lambda frame: frame["data"].get("partial") == [["stdout", "not yet whole: ***"]])
        failed = service.ended(service.run("unset"))
        frames.wait("error")
        told += [json.dumps(frame) for frame in frames.seen]
    env_file.write_text("IN_FILE=other\nSMTP_TOKEN=another\n")
    service.kill()
    service.start()
    go.touch()
    assert service.ended(run_id)["exit_code"] == 3
    lines = until(lambda: service.get(f"/api/v1/runs/{run_id}/output"), lambda page: page["end"])["lines"]
    assert [line[2] for line in lines] == [
        "declared *** password *** open shown file *** ***", "::progress 10 ***", ", changed since", "***",
        "not yet whole: ***",
    ]  # fmt: skip
    paths = (f"/api/v1/runs/{run_id}/output.txt", "/api/v1/logs", "/api/v1/logs?format=csv", "/metrics", "/api/v1/runs",
             f"/api/v1/runs/{failed['run_id']}/output", f"/api/v1/runs/{run_id}")  # fmt: skip
    plain = [path for path, needs in ROUTES.items() if "GET" in needs and not {"{", "/ws"} & {*path, path}]
    told += [service.fetch(path)[2].decode(errors="replace") for path in (*paths, *plain)]
    assert service.get(f"/api/v1/runs?q={VALUE}")["runs"] == []
    assert [run["run_id"] for run in service.get("/api/v1/runs?q=declared+***+password")["runs"]] == [run_id]
    told += [invoke(*command, "-c", service.config).output for command in (("logs", "teller"), ("runs", "--json"))]
    assert service.process is not None
    assert service.process.stdout is not None
    shipped = list(takewhile(lambda line: '"line":4' not in line, service.process.stdout))
    assert any('"text":"***"' in line for line in shipped)
    told += [*shipped, *service.errors]
    assert any("could not be started: " in text for text in told)
    assert any('x{script="teller",who="***"} 1' in text for text in told)
    assert [text for text in told if VALUE in text] == []
    assert list((service.folder / "data" / "runs").iterdir()) == []  # which had what was to be masked
    service.stop()
    go.unlink()
    env_file.write_text(f"SMTP_TOKEN={VALUE}\n")
    service.config.write_text(json.dumps({"scripts": [{**entry, "command": "echo $SMTP_TOKEN; echo $DECLARED >&2"}]}))
    alone = invoke("run", "teller", "-c", service.config)
    assert alone.exit_code == 0
    assert (alone.stdout.count("***"), VALUE in alone.output) == (1, False)


def test_a_run_of_which_nobody_knows_what_it_must_not_tell_does_not_tell_what_it_must_not_now(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    command = f"echo is $A_TOKEN; until [ -e {go} ]; do sleep 0.05; done"
    service = start_service(json.dumps({"scripts": [{"name": "a", "command": command, "env": {"A_TOKEN": VALUE}}]}))
    run_id = service.run("a")
    until(lambda: service.get(f"/api/v1/runs/{run_id}/output")["lines"], bool)
    service.kill()
    (service.folder / "data/runs" / run_id / "secrets").unlink()  # as where the disk was full, or before an update
    service.start()
    go.touch()
    service.ended(run_id)
    assert service.fetch(f"/api/v1/runs/{run_id}/output.txt")[2] == b"is ***\n"


def test_a_file_with_secrets_that_others_can_read_is_told_by_check_and_at_start_and_reload(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    for name, mode in (("open.env", 0o644), ("group.env", 0o640), ("mine.env", 0o600)):
        (tmp_path / name).write_text(f"A_PASSWORD={VALUE}\n")
        (tmp_path / name).chmod(mode)
    scripts: list[dict[str, Any]] = [
        {"name": name, "command": "true", "env_file": f"../{name}.env"} for name in ("open", "mine")
    ]
    hash_file = tmp_path / "open.sha256"
    hash_file.write_text("0" * 64)
    tokens = [{"name": "ci", "role": "view", "sha256_file": str(hash_file)}]
    service = start_service(json.dumps({"scripts": scripts}))
    scripts.append({"name": "group", "command": "true", "env_file": "../group.env", "env": {"A_TOKEN": VALUE}})
    held = owner(service.folder / "data")
    assert held is not None
    service.token = held.token
    service.config.write_text(json.dumps({"scripts": scripts, "tokens": tokens}))
    assert service.fetch("/-/reload", method="POST", body=b"")[0] == 200
    until(lambda: service.errors, lambda lines: any("group.env" in line for line in lines))
    told = [
        line.replace(f"{service.folder}/../", f"{tmp_path}/") for line in service.errors if "can be read by" in line
    ]
    assert all(" WARNING " in line for line in told)
    everybody = "can be read by every user of this machine, and"
    assert [line.partition(f"{tmp_path}/")[2].rstrip() for line in told] == [
        f"open.env {everybody} may hold secrets: chmod 600 {tmp_path}/open.env",
        f"{service.folder.name}/cronscope.yml {everybody} holds secrets, or hashes of some: chmod o-r {service.config}",
        f"open.sha256 {everybody} holds a hash: chmod o-r {hash_file}",
        f"group.env can be read by its group, and may hold secrets: chmod 600 {tmp_path}/group.env",
    ]
    body = service.fetch("/api/v1/config")[2]
    answer = service.fetch("/api/v1/config/check", method="POST", body=body, headers={"Accept-Language": "zh-Hant"})[2]
    warnings = json.loads(answer)["warnings"]
    assert [(warning["key"], warning["language"]) for warning in warnings] == [
        ("tokens[0].sha256_file", "zh-Hant"), ("scripts[0].env_file", "zh-Hant"), ("scripts[2].env_file", "zh-Hant"),
    ]  # fmt: skip
    assert body[warnings[2]["column"] - 1 :].startswith(b'"env_file": "../group.env"')
    checked = invoke("check", "-c", service.config)
    assert checked.exit_code == 0
    assert checked.stderr.count(": warning: ") == 4
    assert "warning" not in checked.stdout
