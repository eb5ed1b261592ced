from __future__ import annotations

import pytest

from relay.throttle import FORGET_SECONDS, FREE, LONGEST_SECONDS, MAX_KEYS, Throttle, keys_of
from tests.access.asking import Clock


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    throttle = Throttle(clock.monotonic)
    for _ in range(FREE):
        assert throttle.admit(["a"]) == 0
    return throttle


def test_the_wait_doubles_up_to_its_longest(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        waits.append(throttle.admit(["a"]))
        clock.seconds += waits[-1]
        assert throttle.admit(["a"]) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[LONGEST_SECONDS] * 3]


def test_an_attempt_that_has_to_wait_does_not_count(throttle: Throttle) -> None:
    assert [throttle.admit(["a", "b"]) for _ in range(3)] == [1, 1, 1]
    assert throttle.admit(["b"]) == 0


def test_a_success_or_an_hour_makes_up_for_all_before(throttle: Throttle, clock: Clock) -> None:
    clock.seconds += FORGET_SECONDS + 1
    for _ in range(FREE):
        assert throttle.admit(["a"]) == 0
    clock.seconds += 1
    throttle.forgive(["a"])
    assert [throttle.admit(["a"]) for _ in range(FREE)] == [0] * FREE


def test_an_attempt_that_was_none_makes_up_for_nothing(throttle: Throttle, clock: Clock) -> None:
    clock.seconds += 1
    assert throttle.admit(["a", "b"]) == 0
    throttle.withdraw(["a", "b"])
    assert throttle.admit(["b"]) == 0
    assert throttle.admit(["a"]) == 1


def test_so_many_are_remembered_and_no_more(throttle: Throttle) -> None:
    for number in range(MAX_KEYS):
        throttle.admit([f"{number}"])
    assert throttle.admit(["a"]) == 0


def test_an_address_counts_with_its_site_and_a_name_with_its_beginning() -> None:
    assert keys_of("192.0.2.1", "ann") == ("address 192.0.2.1", "account ann")
    assert (
        keys_of("2001:db8:0:1::5", "ann")[0] == keys_of("2001:db8:0:1:ffff::1", "ann")[0] == "address 2001:db8:0:1::/64"
    )
    assert len(keys_of("", 5000 * "a")[1]) < 100
