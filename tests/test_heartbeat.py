from __future__ import annotations

from relay.heartbeat import Heartbeat
from relay.lanes import Client


def test_one_who_is_silent_is_asked_once_and_then_given_up() -> None:
    heartbeat, client = Heartbeat(2), Client(rich=False)
    heartbeat.heard(client)
    beats = [heartbeat.beat() for _ in range(5)]
    assert [beat.silent for beat in beats] == [[], [client], [], [], []]
    assert [beat.gone for beat in beats] == [[], [], [], [], [client]]


def test_one_who_is_heard_now_and_then_is_left_alone() -> None:
    heartbeat, client, silent = Heartbeat(2), Client(rich=True), Client(rich=True)
    heartbeat.heard(client)
    heartbeat.heard(silent)
    heartbeat.beat()
    heartbeat.heard(client)
    assert heartbeat.beat().silent == [silent]
    heartbeat.heard(client)
    assert heartbeat.beat() == ([], [])


def test_one_who_has_left_is_not_asked() -> None:
    heartbeat, client = Heartbeat(1), Client(rich=False)
    heartbeat.heard(client)
    heartbeat.forget(client)
    heartbeat.forget(client)
    assert heartbeat.beat() == ([], [])
