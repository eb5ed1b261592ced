from __future__ import annotations

import pytest

from relay.throttle import FORGET_SECONDS, FREE, LONGEST_SECONDS, MAX_KEYS, Throttle, keys_of
from tests.access.asking import Clock


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    """Somebody at `a` has failed to guess ann's password, as often as waits for nothing."""
    throttle = Throttle(clock.monotonic)
    for _ in range(FREE):
        assert throttle.admit("a", "ann") == 0
    return throttle


def test_the_wait_doubles_up_to_its_longest(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        waits.append(throttle.admit("a", "ann"))
        clock.seconds += waits[-1]
        assert throttle.admit("a", "ann") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[LONGEST_SECONDS] * 3]


def test_both_the_address_and_the_account_have_to_wait(throttle: Throttle) -> None:
    assert [throttle.admit("a", "bob"), throttle.admit("b", "ann"), throttle.admit("b", "bob")] == [1, 1, 0]


def test_an_attempt_that_has_to_wait_does_not_count(throttle: Throttle) -> None:
    assert [throttle.admit("a", "bob") for _ in range(3)] == [1, 1, 1]
    assert [throttle.admit("b", "bob") for _ in range(FREE)] == [0] * FREE


def test_a_success_makes_up_for_the_failures_of_its_address_and_account(throttle: Throttle, clock: Clock) -> None:
    clock.seconds += 1
    assert throttle.admit("a", "ann") == 0
    throttle.forgive("a", "ann")
    assert [throttle.admit("a", "bob") for _ in range(FREE)] == [0] * FREE
    assert [throttle.admit("b", "ann") for _ in range(FREE)] == [0] * FREE


def test_a_success_makes_up_for_no_guess_at_another_account(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(3):
        clock.seconds += 20
        assert throttle.admit("a", "own") == 0
        throttle.forgive("a", "own")
        assert throttle.admit("a", "ann") == 0
        waits.append(throttle.admit("a", "ann"))
    assert waits == [2, 4, 8]


def test_a_success_elsewhere_makes_up_for_no_guess_and_nobody_elsewhere_holds_it_up(
    throttle: Throttle, clock: Clock
) -> None:
    clock.seconds += 1
    assert throttle.admit("home", "ann") == 0
    throttle.forgive("home", "ann")
    for wait in (2, 4, 8, 16):
        assert throttle.admit("b", "ann") == 0
        for _ in range(3):
            assert throttle.admit("home", "ann") == 0
            throttle.forgive("home", "ann")
        assert throttle.admit("b", "ann") == wait
        clock.seconds += wait
    assert [throttle.admit("home", "ann") for _ in range(FREE + 1)] == [0] * FREE + [1]


def test_after_an_hour_without_an_attempt_those_before_do_not_count(throttle: Throttle, clock: Clock) -> None:
    clock.seconds += FORGET_SECONDS + 1
    assert [throttle.admit("a", "ann") for _ in range(FREE + 1)] == [0] * FREE + [1]


def test_an_attempt_that_was_none_makes_up_for_nothing(throttle: Throttle, clock: Clock) -> None:
    clock.seconds += 1
    assert throttle.admit("a", "ann") == 0
    throttle.withdraw("a", "ann")
    assert [throttle.admit("a", "ann"), throttle.admit("a", "ann")] == [0, 2]


def test_so_many_are_remembered_and_no_more(throttle: Throttle) -> None:
    for number in range(MAX_KEYS):
        throttle.admit(f"{number}", f"account {number}")
    assert throttle.admit("a", "ann") == 0


def test_an_address_counts_with_its_site_and_a_name_with_its_beginning() -> None:
    assert keys_of("192.0.2.1", "ann") == ("address 192.0.2.1", "account ann")
    assert (
        keys_of("2001:db8:0:1::5", "ann")[0] == keys_of("2001:db8:0:1:ffff::1", "ann")[0] == "address 2001:db8:0:1::/64"
    )
    assert len(keys_of("", 5000 * "a")[1]) < 100
