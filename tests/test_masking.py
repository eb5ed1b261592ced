"""Values that a run must not tell: what is found of them in its output, wherever that is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.masking import SHORTEST, Masking

KEY = "-----BEGIN KEY-----\n  c2VjcmV0\r\n-----END KEY-----\n"


def masking(*values: str) -> Masking:
    made = Masking.of(values)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("values", "text", "told"),
    [
        (["hunter22"], "my hunter22, and hunter2\n", "my ***, and hunter2\n"),
        (["hunter22"], "hunter22hunter22\n", "******\n"),
        (["hunter22", "hunter22-long"], "hunter22-long hunter22-\n", "*** ***-\n"),
        (["abcabc"], "abcabcabc.\n", "***.\n"),
        (["secret-one", "one-other"], "secret-one-other\n", "***\n"),
        (["schlüssel", "密碼密碼"], "schlüssel 密碼密碼 schl\n", "*** *** schl\n"),
        ([KEY], KEY, "***\n  ***\r\n***\n"),
        ([KEY], KEY.replace("\n", "\\n"), "***\\n  ***\r\\n***\\n"),
    ],
)
def test_every_place_of_a_value_is_masked_line_by_line(values: list[str], text: str, told: str) -> None:
    assert masking(*values).told(text.encode()).decode() == told


@pytest.mark.parametrize("values", [[], ["", "abc", "密碼", " \n abc\n"], ["true", "False", "NULL", "none"]])
def test_what_would_be_found_all_over_is_no_secret(values: list[str]) -> None:
    assert Masking.of(values) is None


@pytest.mark.parametrize(
    ("values", "text", "rest"),
    [
        (["hunter22"], "password: hunt", "hunt"),
        (["hunter22"], "password: hunter22", ""),
        (["hunter22"], "password: ", ""),
        (["hunter22"], "hhh", "h"),
        (["hunter22", "2-more"], "is hunter22", "hunter22"),  # one may go on where the other ends
        (["abab"], "abab", "abab"),
    ],
)
def test_only_what_may_be_the_beginning_of_a_value_is_held_back(values: list[str], text: str, rest: str) -> None:
    data = text.encode()
    assert data[masking(*values).boundary(data) :].decode() == rest


values_of_few_letters = st.lists(st.text("ab", min_size=SHORTEST, max_size=7), min_size=1, max_size=3)


@given(values_of_few_letters, st.text("abx", max_size=40), st.integers(0, 40))
def test_a_text_that_is_cut_tells_as_little_as_one_that_is_not(values: list[str], text: str, at: int) -> None:
    mask, data = masking(*values), text.encode()
    whole = mask.told(data)
    for value in values:
        assert value.encode() not in whole
    cut = mask.boundary(data[:at])
    if cut or not data[:at]:
        assert mask.told(data[:cut]) + mask.told(data[cut:]) == whole
