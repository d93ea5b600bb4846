from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.numeric import NumberChange, is_close, number_changes, number_of, without_numbers

NUMBERS = st.floats()
TOLERANCES = st.floats(min_value=0, max_value=0.99)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,204", 1204), ("−3.2", -3.2), ("+1.2e-5", 1.2e-5), ("12%", 12), (" 7. ", 7), (".5", 0.5), ("inf", math.inf),
        ("1,2", None), ("v1", None), ("1.2.3", None), ("2026-11-23", None), ("12:30", None), ("", None), ("none", None),
    ],
)  # fmt: skip
def test_only_what_is_a_number_as_a_whole_is_one(text: str, number: float | None) -> None:
    assert number_of(text) == number


def test_nan_is_a_number_that_has_not_changed() -> None:
    assert math.isnan(number_of("NaN") or 0)
    assert is_close(math.nan, math.nan, 0)
    assert not is_close(math.nan, 0, 0.5)


def test_a_change_is_told_in_words() -> None:
    assert NumberChange(before=0.5, after=0.6).in_words() == "+0.1, +20%"
    assert NumberChange(before=2, after=1).in_words() == "−1, −50%"
    assert NumberChange(before=0, after=1).in_words() == "+1"
    assert NumberChange(before=math.inf, after=1).in_words() == ""
    assert NumberChange(before=0, after=1).to_json() == {"before": 0, "after": 1, "absolute": 1, "relative": None}


def test_the_numbers_of_two_lines_are_compared() -> None:
    before, after = "epoch 3 loss 0.5 of v2", "epoch 3 loss 0.25 of v2"
    assert without_numbers(before) == without_numbers(after)
    assert number_changes(before, after) == (NumberChange(before=0.5, after=0.25),)


@given(NUMBERS, NUMBERS, TOLERANCES)
def test_closeness_goes_both_ways(one: float, other: float, tolerance: float) -> None:
    assert is_close(one, other, tolerance) == is_close(other, one, tolerance)
    assert is_close(one, one, tolerance)


@given(NUMBERS, NUMBERS)
def test_every_change_can_be_told(one: float, other: float) -> None:
    change = NumberChange(before=one, after=other)
    assert isinstance(change.in_words(), str)
    assert change.to_json().keys() == {"before", "after", "absolute", "relative"}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_prints_is_read_back(number: float) -> None:
    assert number_of(repr(number)) == number
