from __future__ import annotations

import pytest

from exporter.events import Error, Instant
from relay.frames import Ping
from relay.hub import STALL_SECONDS, Cause, Close
from relay.lanes import BATCH_BYTES, LANE_BYTES, Client
from relay.ring import RING_AGE, RING_EVENTS, Resume
from tests.hub_client import (
    EPOCH,
    NOW,
    RUN,
    Reader,
    TestHub,
    changed,
    ended,
    progress,
    sample,
    skipped,
    split,
    started,
)


@pytest.fixture
def hub() -> TestHub:
    return TestHub()


# --- The plain stream ------------------------------------------------------------------------------


def test_a_plain_client_gets_the_latest_sample_at_once_with_its_own_time(hub: TestHub) -> None:
    assert Reader(hub, rich=False).read() == [
        {
            "type": "system_metrics",
            "timestamp": "2026-01-31T18:59:59.300Z",
            "data": {
                "cpu_percent": 0.5,
                "memory_percent": 2.0,
                "disk_percent": 3.0,
                "active_scripts": 0,
                "total_executions": 4,
            },
        }
    ]


def test_a_plain_client_gets_samples_starts_ends_and_errors_and_nothing_else(hub: TestHub) -> None:
    plain = Reader(hub, rich=False)
    plain.read()
    hub.say(started())
    assert plain.read() == [
        {
            "type": "script_status",
            "timestamp": "2026-01-31T19:00:00.000Z",
            "data": {"script_name": "backup", "status": "running", "exit_code": None, "duration": 0},
        }
    ]
    hub.say(ended(status="failed", reason="exit_code", exit_code=3), Instant(NOW + 1500))
    assert plain.read() == [
        {
            "type": "script_status",
            "timestamp": "2026-01-31T19:00:01.500Z",
            "data": {"script_name": "backup", "status": "failed", "exit_code": 3, "duration": 1500},
        }
    ]
    for event in (changed(), skipped(), progress()):
        hub.say(event)
    assert plain.read() == []
    hub.say(Error(message="no such file", script_name="backup"))
    hub.say(Error(message="disk full"))
    hub.say(sample())
    errors = plain.read()
    assert [error["data"] for error in errors[:2]] == [
        {"message": "no such file", "script_name": "backup"},
        {"message": "disk full"},
    ]
    assert errors[2]["type"] == "system_metrics"


def test_the_first_frame_of_a_plain_client_is_a_sample_even_where_an_event_comes_before_it_is_sent(
    hub: TestHub,
) -> None:
    plain = Reader(hub, rich=False)
    hub.say(started())
    hub.say(sample())
    assert plain.types() == ["system_metrics", "script_status", "system_metrics"]


# --- The rich stream -------------------------------------------------------------------------------


def test_a_rich_client_gets_hello_and_then_a_snapshot(hub: TestHub) -> None:
    hub.say(started())
    hello, snapshot = Reader(hub).read()
    assert hello == {
        "type": "hello",
        "timestamp": "2026-01-31T19:00:00.000Z",
        "data": {
            "protocol": 1,
            "version": "1.2.3",
            "epoch": EPOCH,
            "seq": 1,
            "resumed": False,
            "heartbeat_ms": 15_000,
            "now": "2026-01-31T19:00:00.000Z",
        },
    }
    assert snapshot["type"] == "snapshot"
    assert snapshot["data"].keys() == {"scripts", "active_runs", "system_metrics", "samples"}


def test_a_snapshot_and_what_follows_it_leave_out_nothing_and_tell_nothing_twice(hub: TestHub) -> None:
    hub.say(started())
    rich = Reader(hub)
    hub.say(ended())
    _, snapshot, event = rich.read()
    assert snapshot["data"]["scripts"][0]["description"] == "1", "the snapshot is that of event 1"
    assert event["seq"] == 2


def test_a_crowd_that_comes_between_two_events_shares_one_snapshot(hub: TestHub) -> None:
    readers = [Reader(hub) for _ in range(10)]
    assert hub.snapshots == 1
    frames = {id(reader.client.durable.frames[1]) for reader in readers}
    assert len(frames) == 1
    hub.say(progress())
    Reader(hub)
    assert hub.snapshots == 2


def test_durable_events_are_numbered_and_carry_the_time_at_which_they_happened(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    hub.say(started(), Instant(NOW - 60_000), now=NOW)
    hub.say(changed())
    hub.say(skipped())
    first, second, third = rich.read()
    assert (first["seq"], first["timestamp"]) == (1, "2026-01-31T18:59:00.000Z")
    assert first["data"].keys() == {
        "script_name", "status", "exit_code", "duration", "run_id", "trigger", "reason", "started_at", "ended_at",
        "cpu_seconds", "max_rss_bytes", "next_run_at",
    }  # fmt: skip
    assert (second["seq"], second["type"], second["data"]["op"]) == (2, "script_changed", "updated")
    assert third["data"] == {
        "script_name": "backup", "scheduled_at": "2026-01-31T19:00:00.000Z", "reason": "overlap"
    }  # fmt: skip


def test_samples_progress_and_errors_have_no_number(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    hub.say(progress())
    hub.say(Error(message="m"))
    hub.say(sample())
    messages = rich.read()
    assert [message["type"] for message in messages] == ["progress", "error", "system_metrics"]
    assert all("seq" not in message for message in messages)
    assert messages[2]["data"]["runs_queued"] == 12


def test_an_event_is_encoded_once_for_all_plain_and_once_for_all_rich_clients(hub: TestHub) -> None:
    plain = [Reader(hub, rich=False) for _ in range(3)]
    rich = [Reader(hub) for _ in range(3)]
    for reader in plain + rich:
        reader.read()
    hub.say(started())
    shares = [hub.share(10), hub.share(10)]
    assert [share and share.clients for share in shares] == [
        [reader.client for reader in plain],
        [reader.client for reader in rich],
    ]
    assert hub.share(10) is None


# --- Resuming --------------------------------------------------------------------------------------


def test_a_client_that_comes_back_gets_just_what_it_missed_and_the_latest_sample(hub: TestHub) -> None:
    for _ in range(5):
        hub.say(started())
    back = Reader(hub, epoch=EPOCH, after=2)
    hub.say(ended())
    messages = back.read()
    assert messages[0]["type"] == "hello"
    assert messages[0]["data"]["resumed"] is True
    assert messages[0]["data"]["seq"] == 5
    assert [message["seq"] for message in messages[1:-1]] == [3, 4, 5, 6]
    assert messages[-1]["type"] == "system_metrics"
    assert hub.counts.resumes == {"resumed": 1}


def test_a_client_that_missed_nothing_resumes_without_a_snapshot(hub: TestHub) -> None:
    hub.say(started())
    assert Reader(hub, epoch=EPOCH, after=1).types() == ["hello", "system_metrics"]


def test_another_epoch_gets_a_snapshot(hub: TestHub) -> None:
    hub.say(started())
    assert Reader(hub, epoch="f" * 32, after=1).types() == ["hello", "snapshot"]
    assert hub.counts.resumes == {"snapshot": 1}


def test_the_ring_holds_the_last_two_thousand_durable_events(hub: TestHub) -> None:
    for _ in range(RING_EVENTS + 10):
        hub.say(started())
    assert Reader(hub, epoch=EPOCH, after=9).types() == ["hello", "snapshot"]
    seqs = [message.get("seq") for message in Reader(hub, epoch=EPOCH, after=10).read()]
    assert seqs[1:-1] == list(range(11, RING_EVENTS + 11))


def test_the_ring_holds_nothing_older_than_fifteen_minutes(hub: TestHub) -> None:
    hub.say(started())
    hub.say(started(), Instant(NOW + 1000))
    late = Instant(NOW + RING_AGE + 500)
    assert Reader(hub, epoch=EPOCH, after=0, now=late).types() == ["hello", "snapshot"]
    assert Reader(hub, epoch=EPOCH, after=1, now=late).types() == ["hello", "script_status", "system_metrics"]


def test_an_event_that_happened_long_ago_is_as_fresh_as_its_announcement(hub: TestHub) -> None:
    hub.say(ended(), Instant(NOW - 10 * RING_AGE), now=NOW)
    assert Reader(hub, epoch=EPOCH, after=0).types() == ["hello", "script_status", "system_metrics"]


def test_nobody_can_have_got_an_event_that_is_still_to_come(hub: TestHub) -> None:
    hub.say(started())
    assert hub.has_happened(Resume(EPOCH, 1))
    assert not hub.has_happened(Resume(EPOCH, 2))
    assert hub.has_happened(Resume("f" * 32, 2)), "another life of the service may have told so many"


# --- Bytes, and slow readers -----------------------------------------------------------------------


def test_what_waits_goes_out_as_one_batch_and_the_next_only_when_that_has_left(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    hub.say(started())
    hub.say(ended())
    assert [message["seq"] for message in rich.take()] == [1, 2]
    hub.say(started())
    assert rich.take() == []
    hub.sent(rich.client)
    assert [message["seq"] for message in rich.take()] == [3]


def test_a_batch_is_bounded_unless_one_frame_is_longer(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    hub.say(changed("x" * 3 * BATCH_BYTES))
    for _ in range(1000):
        hub.say(started())
    assert len(hub.take(rich.client)) > 3 * BATCH_BYTES
    hub.sent(rich.client)
    while batch := hub.take(rich.client):
        assert len(batch) <= BATCH_BYTES
        hub.sent(rich.client)


def test_clients_with_something_to_take_are_named_once_and_in_turn(hub: TestHub) -> None:
    readers = [Reader(hub) for _ in range(5)]
    hub.say(started())
    assert hub.ready(3) == [reader.client for reader in readers[:3]]
    assert hub.dirty
    assert hub.ready(3) == [reader.client for reader in readers[3:]]
    assert not hub.dirty


def test_a_slow_reader_gets_the_latest_sample_only_and_the_others_are_counted(hub: TestHub) -> None:
    slow = Reader(hub)
    slow.take()
    for cpu_percent in (10.0, 20.0, 30.0):
        hub.say(sample(cpu_percent))
    assert [message["data"]["cpu_percent"] for message in slow.read()] == [30.0]
    assert hub.counts.dropped == {"system_metrics": 2}


def test_progress_is_dropped_for_a_slow_reader_before_events_are_in_danger(hub: TestHub) -> None:
    slow = Reader(hub)
    slow.read()
    hub.say(changed("x" * LANE_BYTES))
    hub.say(progress())
    assert slow.types() == ["script_changed"]
    assert hub.counts.dropped == {"other": 1}


@pytest.mark.parametrize(("rich", "code"), [(True, 4008), (False, None)])
def test_a_reader_whose_events_outgrow_the_bound_is_disconnected(hub: TestHub, rich: bool, code: int | None) -> None:
    slow = Reader(hub, rich=rich)
    other = Reader(hub, rich=rich)
    slow.take()
    while slow.client in hub:
        assert slow.client.durable.size <= LANE_BYTES
        hub.say(Error(message="x" * 10_000))
        other.read()
    assert hub.errands() == [Close(slow.client, code, "reader too slow")]
    assert slow.client.durable.size == 0
    assert other.client in hub
    assert hub.counts.disconnects == {"slow": 1}


def test_a_burst_is_no_fault_of_a_reader_that_has_taken_all_before(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    for _ in range(3):
        hub.say(changed("x" * LANE_BYTES))
    assert rich.types() == ["script_changed"] * 3


def test_a_large_greeting_is_not_held_against_the_reader(hub: TestHub) -> None:
    for _ in range(3):
        hub.say(changed("x" * LANE_BYTES))
    back = Reader(hub, epoch=EPOCH, after=0)
    back.take()
    hub.say(started())
    assert back.types() == ["script_changed"] * 3 + ["script_status", "system_metrics"]


def test_a_reader_that_takes_nothing_for_half_a_minute_is_disconnected(hub: TestHub) -> None:
    slow, other = Reader(hub), Reader(hub)
    slow.take()
    other.read()
    hub.sweep(STALL_SECONDS - 1)
    assert hub.errands() == []
    hub.sweep(1)
    assert hub.errands() == [Close(slow.client, 4008, "reader too slow")]
    assert other.client in hub


def test_a_reader_that_takes_a_little_now_and_then_stays(hub: TestHub) -> None:
    slow = Reader(hub)
    for _ in range(10):
        hub.say(started())
        hub.sent(slow.client)
        slow.take()
        hub.sweep(20)
    assert slow.client in hub


def test_a_frame_longer_than_a_batch_may_take_longer(hub: TestHub) -> None:
    slow = Reader(hub)
    slow.read()
    hub.say(changed("x" * 2 * BATCH_BYTES))
    slow.take()
    hub.sweep(2 * STALL_SECONDS)
    assert slow.client in hub
    hub.sweep(STALL_SECONDS)
    assert slow.client not in hub


# --- In step ---------------------------------------------------------------------------------------


def in_step(hub: TestHub, count: int) -> list[Reader]:
    readers = [Reader(hub) for _ in range(count)]
    for reader in readers:
        reader.read()
    hub.ready(count)
    return readers


def shared(hub: TestHub, limit: int = 10) -> tuple[list[str], list[Client]]:
    share = hub.share(limit)
    assert share is not None
    return [message["type"] for message in split(share.wire)], share.clients


def test_what_gathers_is_one_share_for_all_who_have_got_everything(hub: TestHub) -> None:
    readers = in_step(hub, 3)
    for event in (started(), sample(1.0), ended(), sample(2.0)):
        hub.say(event)
    clients = [reader.client for reader in readers]
    assert shared(hub, 2) == (["script_status", "script_status", "system_metrics"], clients[:2])
    assert shared(hub, 2) == (["script_status", "script_status", "system_metrics"], clients[2:])
    assert hub.share(2) is None
    assert hub.counts.dropped == {"system_metrics": 3}


def test_what_happens_while_a_share_is_given_out_is_in_the_next_one(hub: TestHub) -> None:
    first, second = (reader.client for reader in in_step(hub, 2))
    hub.say(started())
    assert shared(hub, 1) == (["script_status"], [first])
    hub.say(changed())
    assert shared(hub) == (["script_status"], [second])
    assert shared(hub) == (["script_changed"], [first, second])


def test_an_answer_comes_after_all_that_happened_before_and_puts_nobody_else_off(hub: TestHub) -> None:
    asking, other = in_step(hub, 2)
    hub.say(started())
    assert shared(hub, 0) == (["script_status"], [])
    hub.say(changed())
    hub.answer(asking.client, Ping(1), NOW)
    hub.say(skipped())
    assert asking.types() == ["script_status", "script_changed", "pong", "run_skipped"]
    assert shared(hub) == (["script_status"], [other.client])
    assert shared(hub) == (["script_changed", "run_skipped"], [other.client])


def test_one_whose_socket_does_not_take_its_share_goes_on_alone_and_comes_back_into_step(hub: TestHub) -> None:
    slow, quick = in_step(hub, 2)
    hub.say(started())
    _, clients = shared(hub)
    hub.fall_behind(slow.client, 100)
    assert slow.client in clients
    hub.say(changed())
    assert shared(hub) == (["script_changed"], [quick.client])
    assert slow.take() == []
    assert slow.types() == ["script_changed"]
    hub.say(skipped())
    assert shared(hub) == (["run_skipped"], [quick.client, slow.client])


def test_one_who_has_caught_up_waits_for_the_others_to_have_got_theirs(hub: TestHub) -> None:
    (old,) = in_step(hub, 1)
    hub.say(started())
    new = Reader(hub)
    new.read()
    assert shared(hub) == (["script_status"], [old.client])
    hub.say(changed())
    assert shared(hub) == (["script_changed"], [old.client, new.client])


def test_one_who_leaves_while_a_share_is_given_out_is_left_out(hub: TestHub) -> None:
    first, second = in_step(hub, 2)
    hub.say(started())
    assert shared(hub, 1)[1] == [first.client]
    hub.leave(second.client, "closed")
    assert not hub.dirty


# --- Coming and going ------------------------------------------------------------------------------


def test_when_the_service_stops_the_rich_are_told_and_the_plain_are_cut_off(hub: TestHub) -> None:
    rich, plain = Reader(hub), Reader(hub, rich=False)
    hub.close_all(Cause.SHUTDOWN)
    assert hub.errands() == [
        Close(rich.client, 1012, "service restart"),
        Close(plain.client, None, "service restart"),
    ]
    assert len(hub) == 0
    assert hub.counts.disconnects == {"shutdown": 2}


def test_a_client_that_has_left_gets_nothing_more_and_counts_once(hub: TestHub) -> None:
    gone = Reader(hub)
    hub.leave(gone.client, "closed")
    hub.leave(gone.client, "error")
    hub.close(gone.client, Cause.MALFORMED)
    hub.answer(gone.client, Ping(1), NOW)
    hub.refuse(gone.client, 1, "m", NOW)
    hub.say(started())
    assert not hub.dirty
    assert hub.errands() == []
    assert gone.read() == []
    assert hub.counts.disconnects == {"closed": 1}


def test_every_message_is_counted_by_kind_when_it_is_taken(hub: TestHub) -> None:
    rich, plain = Reader(hub), Reader(hub, rich=False)
    for event in (started(), ended(), changed(), skipped(), sample(), progress()):
        hub.say(event)
    assert not hub.counts.sent
    rich.read()
    plain.read()
    assert hub.counts.sent == {
        "other": 3, "script_status": 4, "script_changed": 1, "run_skipped": 1, "system_metrics": 3
    }  # fmt: skip


def test_a_ping_is_answered_under_its_id(hub: TestHub) -> None:
    rich = Reader(hub)
    rich.read()
    hub.answer(rich.client, Ping("a"), Instant(NOW + 5))
    assert rich.read() == [{"type": "pong", "timestamp": "2026-01-31T19:00:00.005Z", "data": {"id": "a"}}]


def test_one_who_asks_and_never_reads_is_disconnected_too(hub: TestHub) -> None:
    rude = Reader(hub)
    rude.take()
    for number in range(LANE_BYTES // 50):
        hub.answer(rude.client, Ping(number), NOW)
    assert rude.client not in hub


def test_a_run_id_is_told_with_the_rich_status_only(hub: TestHub) -> None:
    rich, plain = Reader(hub), Reader(hub, rich=False)
    rich.read()
    plain.read()
    hub.say(started())
    assert rich.read()[0]["data"]["run_id"] == RUN
    assert "run_id" not in plain.read()[0]["data"]
