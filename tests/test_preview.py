"""What a schedule means, through the real service: a sentence, and the next starts across clock changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from exporter.config import read
from exporter.events import Instant
from exporter.faults import ConfigError
from exporter.preview import Preview, PreviewError, PreviewQuery, preview
from exporter.settings import Duration
from exporter.shapes import from_json
from tests.service import Service

URL = "/api/v1/schedule/preview"


def ask(**body: Any) -> Preview:
    return preview(convert(body, PreviewQuery, dec_hook=from_json), "Europe/Berlin")


@pytest.mark.parametrize(
    ("timezone", "cron", "after", "starts"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T00:00:00Z",
         ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T00:00:00Z",
         ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("Europe/Berlin", "0 * * * *", "2026-10-24T23:30:00Z",
         ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"]),
        ("America/New_York", "15 2 * * *", "2026-03-07T12:00:00-05:00",
         ["2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"]),
        ("America/New_York", "0 12 * * *", "2026-10-31T12:00:00-04:00",
         ["2026-11-01T12:00:00-05:00", "2026-11-02T12:00:00-05:00"]),
        ("Australia/Lord_Howe", "0 12 * * *", "2026-10-03T00:00:00+10:30",
         ["2026-10-03T12:00:00+10:30", "2026-10-04T12:00:00+11:00"]),
        ("Asia/Kathmandu", "0 0 1 1 *", "2026-06-01T00:00:00Z", ["2027-01-01T00:00:00+05:45"]),
    ],
)  # fmt: skip
def test_starts_have_the_offset_of_their_day(timezone: str, cron: str, after: str, starts: list[str]) -> None:
    told = ask(cron=cron, timezone=timezone, **{"from": after}).next
    assert told[: len(starts)] == starts
    assert len(told) == 5


def test_an_interval_counts_from_the_time_asked_for() -> None:
    told = ask(every="12h", **{"from": "2026-03-28T12:00:00.250+01:00"})
    assert told.description == "Every 12 hours"
    assert told.next[:3] == [
        "2026-03-29T00:00:00.250+01:00", "2026-03-29T13:00:00.250+02:00", "2026-03-30T01:00:00.250+02:00",
    ]  # fmt: skip


def test_a_time_is_one_start_as_long_as_it_is_to_come() -> None:
    at = "2027-01-01T00:00:00Z"
    assert ask(at=at, **{"from": "2026-12-31T00:00:00Z"}).next == ["2027-01-01T01:00:00+01:00"]
    assert ask(at=at, **{"from": at}).next == []
    assert ask(at="2020-01-01T00:00:00Z").next == []
    assert ask(cron="@reboot").next == []


def test_the_calendars_ends_and_its_odd_offsets_are_told() -> None:
    last = ask(at="9999-12-31T23:59:59Z", timezone="Pacific/Kiritimati")
    assert last.next == ["9999-12-31T23:59:59+00:00"]
    assert ask(every="36525d", **{"from": "9900-01-01T00:00:00Z"}).next == []
    assert ask(every="1d", **{"from": "1850-01-01T00:00:00Z"}).next[0] == "1850-01-02T00:00:00+00:00"
    assert ask(cron="* * * * *", **{"from": "0001-01-01T00:00:00Z"}).next


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {""}), ({"timezone": "Mars/Base"}, {"", "timezone"}), ({"cron": "* * * * *", "every": 5}, {"every"}),
        ({"cron": "", "every": 5, "at": "2027-01-01T00:00:00Z"}, {"every", "at"}), ({"cron": "0 0 30 2 *"}, {"cron"}),
        ({"cron": ""}, {"cron"}), ({"cron": "x" * 100_000}, {"cron"}), ({"every": "50ms"}, {"every"}),
        ({"every": 0}, {"every"}), ({"every": 5, "timezone": ""}, {"timezone"}),
        ({"every": 5, "timezone": "../../etc/passwd"}, {"timezone"}), ({"every": 5, "timezone": "a\0"}, {"timezone"}),
    ],
)  # fmt: skip
def test_every_fault_of_a_schedule_is_told(body: dict[str, Any], faults: set[str]) -> None:
    with pytest.raises(PreviewError) as caught:
        ask(**body)
    assert set(caught.value.faults) == faults


@pytest.mark.parametrize(
    ("key", "value"), [("cron", "61 * * * *"), ("cron", "0 0 30 2 *"), ("every", "50ms"), ("timezone", "Mars/Base")]
)
def test_the_faults_are_those_of_the_configuration_check(key: str, value: str) -> None:
    script = {"name": "job", "command": "true", "every": "1h", key: value}
    if key == "cron":
        del script["every"]
    with pytest.raises(ConfigError) as configured:
        read(json.dumps({"scripts": [script]}), Path("c.yml"), environ={}, flags={})
    (fault,) = configured.value.faults
    with pytest.raises(PreviewError) as previewed:
        ask(**{name: each for name, each in script.items() if name not in ("name", "command")})
    assert previewed.value.faults == {key: fault.message.removeprefix(f"scripts[0].{key}: ")}


def test_the_service_tells_what_a_schedule_means(start_service: Callable[..., Service]) -> None:
    service = start_service("timezone: Asia/Tokyo")

    def post(text: str) -> tuple[int, Any]:
        status, _, body = service.fetch(
            URL, method="POST", body=text.encode(), headers={"Content-Type": "application/json"}
        )
        return status, json.loads(body)

    status, told = post('{"cron": "15 3 * * *", "from": "2026-06-01T00:00:00Z"}')
    assert (status, told["description"]) == (200, "At 03:15 every day (Asia/Tokyo)")
    assert told["next"][0] == "2026-06-02T03:15:00+09:00"
    assert len(told["next"]) == 5
    before = Instant.now()
    first = Instant.parse(post('{"every": "1h"}')[1]["next"][0])
    assert before <= first - Duration(3_600_000) <= Instant.now()
    assert post('{"cron": "@reboot"}') == (200, {"description": "When the machine has started", "next": []})
    assert post("{")[0] == 400
    for text, pointer in [
        ("{}", "#"), ('{"cron": "0 0 30 2 *"}', "#/cron"), ('{"crons": 1}', "#/crons"), ('{"cron": 5}', "#/cron"),
        ('{"every": 5, "timezone": "Nowhere"}', "#/timezone"), ('{"every": 5, "from": "noon"}', "#/from"),
        ('{"every": "1m", "cron": "* * * * *"}', "#/every"), ('{"every": "soon"}', "#/every"),
    ]:  # fmt: skip
        status, told = post(text)
        assert (status, [error["pointer"] for error in told["errors"]]) == (422, [pointer])
        assert told["errors"][0]["message"]


def test_the_sentence_comes_in_the_language_that_is_asked_for(start_service: Callable[..., Service]) -> None:
    service = start_service("timezone: Asia/Taipei")

    def told(languages: str | None) -> tuple[str, str, str]:
        asked = {"Content-Type": "application/json", **({"Accept-Language": languages} if languages else {})}
        status, headers, body = service.fetch(URL, method="POST", body=b'{"cron": "15 3 * * *"}', headers=asked)
        assert status == 200
        return json.loads(body)["description"], headers["Content-Language"], headers["Vary"]

    english = ("At 03:15 every day (Asia/Taipei)", "en", "Accept-Language")
    chinese = ("每天 03:15（Asia/Taipei）", "zh-Hant", "Accept-Language")
    assert told(None) == told("fr, *") == told("en-GB, zh-TW;q=0.5") == english
    assert told("zh-Hant") == told("zh-TW, en;q=0.8") == told("en;q=0.3, zh;q=0.4") == told("fr, zh-Hant") == chinese
