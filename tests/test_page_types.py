"""The page's types are those of `exporter.events`."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import get_args

from exporter import events

DASHBOARD = Path(__file__).parents[1] / "relay" / "dashboard"
GENERATOR = runpy.run_path(str(DASHBOARD / "generate_types.py"))


def test_the_types_are_current() -> None:
    written = (DASHBOARD / "src" / "events.ts").read_text()
    assert written == GENERATOR["typescript"](), "say `make types`"


def test_every_frame_has_a_type() -> None:
    described = {struct for _, data, _ in GENERATOR["FRAMES"] for struct in data}
    assert described == set(get_args(events.Frame))


def test_the_frames_of_durable_events_are_those_with_a_number() -> None:
    numbered = {name for name, _, durable in GENERATOR["FRAMES"] if durable}
    assert numbered == {event.type for event in _kinds(events.Event) if event.durable}


def _kinds(event: type[events.Event]) -> list[type[events.Event]]:
    return [kind for child in event.__subclasses__() for kind in [child, *_kinds(child)]]
