from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from exporter.events import Output
from relay.frames import MAX_TOPICS, Subscribe, Unsubscribe
from relay.hub import PAGE_LINES
from relay.lanes import BATCH_BYTES, OUTPUT_BYTES
from relay.subscriptions import LAG_LINES, Fetch, Follow, Locate, Unfollow
from tests.hub_client import NOW, RUN, Reader, TestHub, started

TOPIC = f"output:{RUN}"


@pytest.fixture
def hub() -> TestHub:
    return TestHub()


def reader_of(hub: TestHub, first: int = 0, *, run_id: str = RUN) -> Reader:
    """A client that has read its greeting and asks for a run's output."""
    reader = Reader(hub)
    reader.read()
    hub.answer(reader.client, Subscribe(1, {run_id: first}), NOW)
    return reader


def page(first: int, count: int, *, end: bool = False, text: str = "x", run_id: str = RUN, partial: str = "") -> Output:
    lines: list[Any] = [(number, "stdout", text) for number in range(first, first + count)]
    unfinished: Any = [("stdout", partial)] if partial else UNSET
    return Output(run_id=run_id, script_name="backup", first=first, lines=lines, end=end, partial=unfinished)


def deliver(hub: TestHub, content: Output) -> None:
    hub.deliver(Fetch(content.run_id, content.first), content, NOW)


def test_a_subscription_is_acknowledged_then_followed_and_read_from_where_it_says(hub: TestHub) -> None:
    reader = reader_of(hub, first=120)
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 120)]
    assert [message["data"] for message in reader.read()] == [{"id": 1}]


def test_a_page_arrives_as_the_engine_gave_it(hub: TestHub) -> None:
    reader = reader_of(hub)
    deliver(hub, page(0, 2))
    ack, output = reader.read()
    assert ack["type"] == "ack"
    assert output == {
        "type": "output",
        "timestamp": "2026-01-31T19:00:00.000Z",
        "data": {
            "run_id": RUN, "script_name": "backup", "from": 0, "lines": [[0, "stdout", "x"], [1, "stdout", "x"]],
            "end": False,
        },
    }  # fmt: skip


def test_pages_are_fetched_one_after_the_other_until_there_is_no_line_then_when_the_output_grows(
    hub: TestHub,
) -> None:
    reader_of(hub)
    deliver(hub, page(0, 5))
    deliver(hub, page(5, 5))
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 0), Fetch(RUN, 5), Fetch(RUN, 10)]
    deliver(hub, page(10, 0))
    assert hub.errands() == []
    hub.grown(RUN)
    assert hub.errands() == [Fetch(RUN, 10)]


def test_an_empty_page_read_while_the_output_grew_is_read_again(hub: TestHub) -> None:
    reader = reader_of(hub)
    hub.grown(RUN)
    deliver(hub, page(0, 0))
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 0), Fetch(RUN, 0)]
    deliver(hub, page(0, 1))
    assert [message["type"] for message in reader.read()] == ["ack", "output"]


def test_one_who_joins_a_read_begun_before_the_output_grew_is_not_left_waiting(hub: TestHub) -> None:
    first = reader_of(hub)
    hub.grown(RUN)
    second = reader_of(hub)
    deliver(hub, page(0, 0))
    deliver(hub, page(0, 1))
    for reader in (first, second):
        assert reader.types() == ["ack", "output"]


def test_a_line_that_is_not_finished_is_told_whenever_it_has_changed(hub: TestHub) -> None:
    reader = reader_of(hub)
    for told in (page(0, 0, partial="10 %"), page(0, 0, partial="10 %"), page(0, 0, partial="20 %"), page(0, 0)):
        deliver(hub, told)
        hub.grown(RUN)
    _, *outputs = reader.read()
    assert [output["data"].get("partial") for output in outputs] == [
        [["stdout", "10 %"]], [["stdout", "20 %"]], None,
    ]  # fmt: skip
    deliver(hub, page(0, 1, partial="30 %"))
    assert hub.errands()[-1] == Fetch(RUN, 1)


def test_the_last_page_ends_the_subscription_even_where_it_is_empty(hub: TestHub) -> None:
    reader = reader_of(hub)
    deliver(hub, page(0, 0, end=True))
    hub.grown(RUN)
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 0), Unfollow(RUN)]
    assert [message["data"].get("end") for message in reader.read()] == [None, True]
    assert not reader.client.subscriptions


def test_all_who_stand_at_a_line_share_one_read_and_one_encoding(hub: TestHub) -> None:
    readers = [reader_of(hub) for _ in range(20)]
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 0)]
    deliver(hub, page(0, 3))
    assert len({id(reader.client.output.frames[0]) for reader in readers}) == 1
    assert hub.errands() == [Fetch(RUN, 3)]


def test_readers_at_different_lines_meet_at_the_end(hub: TestHub) -> None:
    reader_of(hub, first=0)
    reader_of(hub, first=7)
    deliver(hub, page(0, 10))
    deliver(hub, page(7, 3))
    assert hub.errands() == [Follow(RUN), Fetch(RUN, 0), Fetch(RUN, 7), Fetch(RUN, 10)]


def test_asking_for_the_same_topic_again_changes_nothing(hub: TestHub) -> None:
    reader = reader_of(hub)
    deliver(hub, page(0, 3))
    hub.errands()
    hub.answer(reader.client, Subscribe(2, {RUN: 0}), NOW)
    assert hub.errands() == []
    assert [message["data"].get("id") for message in reader.read()] == [1, 2, None]


def test_nothing_more_is_said_of_a_topic_after_it_was_given_up(hub: TestHub) -> None:
    reader = reader_of(hub)
    deliver(hub, page(0, 3))
    hub.answer(reader.client, Unsubscribe(2, [RUN]), NOW)
    deliver(hub, page(3, 3))
    assert reader.types() == ["ack", "ack"]
    assert hub.errands()[-1] == Unfollow(RUN)


def test_giving_up_what_one_does_not_have_is_no_error(hub: TestHub) -> None:
    reader = Reader(hub)
    reader.read()
    hub.answer(reader.client, Unsubscribe(2, [RUN]), NOW)
    assert reader.types() == ["ack"]


def test_one_who_gives_up_and_comes_back_while_a_page_is_read_starts_anew(hub: TestHub) -> None:
    reader = reader_of(hub)
    hub.answer(reader.client, Unsubscribe(2, [RUN]), NOW)
    hub.answer(reader.client, Subscribe(3, {RUN: 0}), NOW)
    deliver(hub, page(0, 0))
    deliver(hub, page(0, 2))
    assert reader.types() == ["ack", "ack", "ack", "output"]


def test_more_topics_than_allowed_are_refused_as_a_whole(hub: TestHub) -> None:
    reader = Reader(hub)
    reader.read()
    run_ids = [f"{RUN[:-2]}{number:02}" for number in range(MAX_TOPICS + 1)]
    hub.answer(reader.client, Subscribe(1, dict.fromkeys(run_ids[:MAX_TOPICS], 0)), NOW)
    hub.answer(reader.client, Subscribe(2, {run_ids[-1]: 0}), NOW)
    ack, refusal = reader.read()
    assert ack["data"] == {"id": 1}
    assert refusal["type"] == "error"
    assert refusal["data"] == {"id": 2, "message": "at most 32 topics at a time"}
    assert len(reader.client.subscriptions) == MAX_TOPICS


def test_topics_take_turns(hub: TestHub) -> None:
    other = RUN[:-1] + "1"
    reader = Reader(hub)
    hub.answer(reader.client, Subscribe(1, {RUN: 0, other: 0}), NOW)
    deliver(hub, page(0, 1))
    deliver(hub, page(0, 1, run_id=other))
    fetches = [errand for errand in hub.errands() if isinstance(errand, Fetch)]
    assert fetches == [Fetch(RUN, 0), Fetch(other, 0), Fetch(RUN, 1)]


def test_output_that_cannot_be_had_is_told_under_the_id_that_asked_for_it(hub: TestHub) -> None:
    reader = reader_of(hub)
    hub.fail(Fetch(RUN, 0), "no run has this id", NOW)
    assert [message["data"] for message in reader.read()] == [{"id": 1}, {"id": 1, "message": "no run has this id"}]
    assert hub.errands()[-1] == Unfollow(RUN)


def test_a_client_that_leaves_is_followed_no_further(hub: TestHub) -> None:
    reader = reader_of(hub)
    hub.leave(reader.client, "closed")
    assert hub.errands()[-1] == Unfollow(RUN)
    deliver(hub, page(0, 5))
    assert not hub.dirty


def test_events_go_before_output(hub: TestHub) -> None:
    reader = reader_of(hub)
    deliver(hub, page(0, 5))
    hub.say(started())
    assert reader.types() == ["ack", "script_status", "output"]


# --- Slow readers ----------------------------------------------------------------------------------


def stall(hub: TestHub, reader: Reader) -> int:
    """Fill the lane of a reader that takes nothing any more; the next line that it is to get."""
    reader.read()
    first = reader.client.fetching.next if reader.client.fetching else 0
    deliver(hub, page(first, 1, text="x" * BATCH_BYTES))
    reader.take()
    line = first + 1
    while reader.client.fetching:
        deliver(hub, page(line, PAGE_LINES, text="x" * 100))
        line += PAGE_LINES
    hub.errands()
    return line


def test_pages_are_read_only_as_the_reader_takes_them(hub: TestHub) -> None:
    slow = reader_of(hub)
    stall(hub, slow)
    assert OUTPUT_BYTES <= slow.client.output.size < OUTPUT_BYTES + BATCH_BYTES
    hub.grown(RUN)
    assert hub.errands() == []
    hub.sent(slow.client)
    hub.take(slow.client)
    assert [type(errand) for errand in hub.errands()] == [Fetch]


def test_a_reader_that_stopped_is_moved_ahead_and_told_of_the_gap_in_its_place(hub: TestHub) -> None:
    slow = reader_of(hub)
    line = stall(hub, slow)
    hub.sweep(1.0)
    assert hub.errands() == []
    hub.sweep(1.0)
    (locate,) = hub.errands()
    assert isinstance(locate, Locate)
    assert locate.first == line
    hub.sweep(1.0)
    assert hub.errands() == [], "one search at a time"
    hub.move_ahead(locate, line + 25_000, NOW)
    messages = slow.read()
    assert messages[-1]["type"] == "gap"
    assert messages[-1]["data"] == {"topic": TOPIC, "dropped": 25_000}
    assert messages[-2]["data"]["from"] + len(messages[-2]["data"]["lines"]) == line
    assert hub.errands() == [Fetch(RUN, line + 25_000)]
    assert hub.counts.dropped == {"output": 25_000 / PAGE_LINES}


def test_a_reader_that_stopped_near_the_end_misses_nothing(hub: TestHub) -> None:
    slow = reader_of(hub)
    line = stall(hub, slow)
    hub.sweep(2.0)
    (locate,) = hub.errands()
    assert isinstance(locate, Locate)
    hub.move_ahead(locate, line + LAG_LINES - 1, NOW)
    assert "gap" not in slow.types()
    assert hub.errands() == [Fetch(RUN, line)]


def test_a_reader_that_went_on_while_the_end_was_looked_for_misses_nothing(hub: TestHub) -> None:
    slow = reader_of(hub)
    line = stall(hub, slow)
    hub.sweep(2.0)
    (locate,) = hub.errands()
    assert isinstance(locate, Locate)
    slow.read()
    hub.move_ahead(locate, line + 25_000, NOW)
    deliver(hub, page(line, 1))
    assert [message["data"]["from"] for message in slow.read()] == [line]


def test_a_slow_reader_does_not_hold_up_another(hub: TestHub) -> None:
    slow = reader_of(hub)
    line = stall(hub, slow)
    other = reader_of(hub, first=line)
    assert hub.errands() == [Fetch(RUN, line)]
    deliver(hub, page(line, 1, end=True))
    assert other.types() == ["ack", "output"]
