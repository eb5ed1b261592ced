"""Faults that a user of the page meets are told in Traditional Chinese where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.config import read
from exporter.faults import ConfigError
from exporter.script_check import check
from relay.translation import LONGEST, in_language
from tests.service import Service

FAULTY: list[dict[str, Any]] = [
    {"name": ""}, {"name": "a b"}, {"command": ""}, {"command": []}, {"command": 5},
    {"every": "soon"}, {"every": "50ms"}, {"every": "99999d"}, {"every": "1h", "cron": "@daily"},
    {"cron": ""}, {"cron": "x"}, {"cron": "@often"}, {"cron": "61 * * * *"}, {"cron": "* * 0 * *"},
    {"cron": "*/0 * * * *"}, {"cron": "* 5-1 * * *"}, {"cron": "MON * * * *"}, {"cron": "* * * 13 *"},
    {"cron": "* * * * 9"}, {"cron": "61 * * * * *"}, {"cron": "0 0 30 2 *"},
    {"at": "tomorrow"}, {"timezone": "Mars/Base"}, {"timeout": "ten"}, {"retries": -1}, {"max_output": "much"},
    {"success_codes": ["x"]}, {"success_codes": []}, {"overlap": "x"}, {"missed": "x"}, {"workdir": 5},
    {"env": {"1A": "x"}}, {"labels": {"a-b": "x"}}, {"retention": {"runs": 0}}, {"retention": {"days": -1}},
    {"user": "no-such-user"}, {"user": 999999999}, {"user": "a b"}, {"group": "no-such-group"}, {"umask": "9"},
    {"nice": 50}, {"limits": 5}, {"limits": {"memory": 5}}, {"limits": {"cpu_time": 0}}, {"limits": {"open_files": 0}},
    {"retention": {"run": 1}}, {"enabled": "maybe"}, {"description": 5}, {"timeot": 5}, {"zzz": 5},
]  # fmt: skip


def faults(text: str, *, starting: bool = False) -> list[str]:
    with pytest.raises(ConfigError) as found:
        read(text, Path("c.yml"), environ={}, flags={}, starting=starting)
    return [fault.message for fault in found.value.faults]


@pytest.mark.parametrize("entry", FAULTY, ids=str)
def test_a_fault_of_a_field_is_told_in_chinese_with_its_key_before_it(entry: dict[str, Any]) -> None:
    (message,) = faults(json.dumps({"scripts": [{"name": "job", "command": "true", **entry}]}))
    told = in_language(message, "zh-Hant")
    key, english = message.split(": ", 1)
    assert told.language == "zh-Hant"
    assert told.text.startswith(f"{key}: ")
    assert "expected" not in told.text
    assert in_language(english, "zh-Hant").text == told.text.removeprefix(f"{key}: ")
    assert in_language(message, "en") == (message, "en")


def test_that_the_service_has_not_the_rights_is_told_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1)
    (message,) = faults("scripts: [{name: a, command: x, user: root}]", starting=True)
    assert in_language(message, "zh-Hant").language == "zh-Hant"


def test_what_is_missing_or_there_twice_is_told_in_chinese() -> None:
    for message in faults('{"scripts": [{}, {"name": "a", "command": "x"}, {"name": "a", "command": "x"}]}'):
        assert in_language(message, "zh-Hant").language == "zh-Hant", message


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("a.sh", b"echo no line\n"), ("a", b"#!\n"), ("a", b"#!sh\n"), ("a", b"#!/no/sh\n"), ("a", b"#!/no/no-sh\n"),
        ("a", b"#!/usr/bin/env sh -e\n"), ("a", b"#!/usr/bin/env\n"), ("a", b"#!/usr/bin/env no-sh\n"),
        ("a", b"\xef\xbb\xbf#!/bin/sh\n"), ("a", b"#!/bin/sh\n\0\n"), ("a", b"#!/bin/sh\r\n"),
        ("a", b"#!/bin/sh\necho"),
        ("there", b"#!/bin/sh\n"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_script_is_told_in_chinese(tmp_path: Path, name: str, script: bytes) -> None:
    (tmp_path / "there").write_text("not executable")
    report = check(script, tmp_path / name, tmp_path)
    assert report.findings
    for finding in report.findings:
        assert in_language(finding.message, "zh-Hant").language == "zh-Hant", finding.message


def test_what_is_not_known_stays_in_english_and_says_so() -> None:
    assert in_language("no space left on device", "zh-Hant") == ("no space left on device", "en")
    assert in_language("timeout: expected a miracle", "zh-Hant").language == "en"


def test_a_refusal_says_in_which_language_each_part_of_it_is(start_service: Callable[..., Service]) -> None:
    service = start_service("scripts: []")

    def refused(method: str, path: str, body: str, status: int) -> tuple[Any, dict[str, str]]:
        asked = {"Content-Type": "application/json", "Accept-Language": "zh-TW"}
        code, headers, answer = service.fetch(path, method=method, body=body.encode(), headers=asked)
        assert code == status, answer
        return json.loads(answer), headers

    told, headers = refused("POST", "/api/v1/scripts", '{"name": "a b", "command": ""}', 422)
    assert (headers["Content-Language"], headers["Vary"]) == ("zh-Hant", "Accept-Language")
    assert told["detail"] == "設定有錯誤，未做任何變更。"
    assert [error["language"] for error in told["errors"]] == ["zh-Hant", "zh-Hant"]
    assert told["errors"][0]["message"] == "command: 命令不可為空"

    assert refused("POST", "/api/v1/scripts", '{"name": "a", "command": "x"}', 201)
    told, headers = refused("POST", "/api/v1/scripts", '{"name": "a", "command": "x"}', 409)
    assert told["detail"] == "已有名為 a 的指令稿"
    told, headers = refused("POST", "/api/v1/scripts", "{", 400)
    assert headers["Content-Language"] == "en"
    assert told["detail"].startswith("The body is not valid JSON")

    faulty = b"trusted_proxies: [10.0.0.1/8]\n"
    asked = {"Accept-Language": "zh-Hant"}
    _, _, answer = service.fetch("/api/v1/config/check", method="POST", body=b"scripts: 5\n", headers=asked)
    assert json.loads(answer)["faults"][0]["language"] == "zh-Hant"
    _, _, answer = service.fetch("/api/v1/files/a.sh/check", method="POST", body=b"#!/bin/sh\nif\nno", headers=asked)
    assert [finding["language"] for finding in json.loads(answer)["findings"]] == ["en", "zh-Hant"]
    _, _, answer = service.fetch("/api/v1/config/check", method="POST", body=faulty, headers=asked)
    assert json.loads(answer)["faults"][0]["language"] == "en"


def test_a_message_that_somebody_made_very_long_stays_as_it_is() -> None:
    message = "expected text, not " + "x" * LONGEST
    assert in_language(message, "zh-Hant") == (message, "en")
