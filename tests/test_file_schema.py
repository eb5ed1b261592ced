"""The JSON Schema of the configuration file takes what its reader takes, as far as the form of values goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from exporter.config import load, normal_entry, read
from exporter.faults import ConfigError
from exporter.file_schema import schema
from exporter.settings import Limits, Retention, ScriptSettings, Settings

EXAMPLE = Path(__file__).parents[1] / "examples" / "cronscope.yml"
SCHEMAS = {struct.__name__: schema(struct) for struct in (Settings, ScriptSettings, Limits, Retention)}
NOTHING = read("", Path("/etc/cronscope/cronscope.yml"), environ={}, flags={})


def takes(struct: str, value: Any) -> bool:
    whole = {"$ref": f"#/components/schemas/{struct}", "components": {"schemas": SCHEMAS}}
    return bool(Draft202012Validator(whole).is_valid(value))


def test_the_example_is_as_the_schema_has_it() -> None:
    load(EXAMPLE, environ={}, flags={})
    assert takes("Settings", YAML(typ="safe").load(EXAMPLE.read_text()))


@pytest.mark.parametrize(
    ("keys", "sound"),
    [
        ({}, True), ({"command": ["a", "b"]}, True), ({"command": ["a", 1]}, False), ({"command": None}, False),
        ({"name": None}, False), ({"name": "a b"}, False), ({"name": 64 * "n"}, True), ({"name": 65 * "n"}, False),
        ({"name": 64 * "a"}, False),
        ({"every": "1h30m"}, True), ({"every": 0.5}, True), ({"every": "90"}, True), ({"every": None}, True),
        ({"every": "soon"}, False), ({"every": -1}, False), ({"every": True}, False), ({"every": 3.2e9}, False),
        ({"at": "2027-01-01T00:00:00+01:00"}, True), ({"at": 2027}, False),
        ({"max_output": "10MiB"}, True), ({"max_output": 1000}, True), ({"max_output": "10 parsecs"}, False),
        ({"enabled": False}, True), ({"enabled": "no"}, False),
        ({"overlap": "queue"}, True), ({"overlap": "fight"}, False),
        ({"retries": 100}, True), ({"retries": 101}, False), ({"retries": "1"}, False),
        ({"success_codes": [0, 255]}, True), ({"success_codes": []}, False), ({"success_codes": [256]}, False),
        ({"env": {"A": 1, "B": True, "C": "x"}}, True), ({"env": {"1A": "x"}}, False), ({"env": {"A": None}}, False),
        ({"labels": {"team": "ops"}}, True), ({"labels": ["team"]}, False),
        ({"workdir": "."}, True), ({"workdir": ""}, False),
        ({"retention": {"runs": 5, "days": None}}, True), ({"retention": {"runs": 0}}, False),
        ({"user": "root"}, True), ({"user": 0}, True), ({"user": "a b"}, False), ({"user": -1}, False),
        ({"group": "0"}, True), ({"group": True}, False), ({"umask": "0027"}, True), ({"umask": 27}, False),
        ({"nice": -20}, True), ({"nice": 20}, False), ({"limits": {"memory": "1GiB", "processes": 5}}, True),
        ({"limits": {"open_files": 0}}, False), ({"limits": {"time": 1}}, False),
        ({"retention": {"days": 0}}, False), ({"retention": {"years": 1}}, False), ({"shedule": "x"}, False),
    ],
)  # fmt: skip
def test_a_script_is_sound_to_the_schema_if_it_is_to_the_reader(keys: dict[str, Any], sound: bool) -> None:
    entry = {"name": "a", "command": "echo", **keys}
    assert takes("ScriptSettings", entry) is sound
    if sound:
        normal_entry(entry, NOTHING)
    else:
        with pytest.raises(ConfigError):
            normal_entry(entry, NOTHING)
