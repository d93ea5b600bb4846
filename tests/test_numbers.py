from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.numbers import (
    exact,
    format_bytes,
    format_column,
    format_count,
    format_delta,
    format_duration,
    format_number,
    format_time,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (8, "8"),
        (8.0, "8"),
        (1204118, "1,204,118"),
        (-1204118.0, "−1,204,118"),
        (12345678, "12,345,678"),
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.87312345, "0.8731"),
        (0.33099, "0.3310"),
        (0.5, "0.5"),
        (123.456, "123.5"),
        (12345.678, "12,346"),
        (0.0001, "0.0001"),
        (0.00004, "4×10⁻⁵"),
        (1.119e-13, "1.119×10⁻¹³"),
        (-1.119e-13, "−1.119×10⁻¹³"),
        (2.5e300, "2.5×10³⁰⁰"),
        (12345678.9, "1.235×10⁷"),
        (math.nan, "NaN"),
        (math.inf, "infinity"),
        (-math.inf, "−infinity"),
        (None, "—"),
        (2**63, "9,223,372,036,854,775,808"),
    ],
)
def test_a_number_alone_reads_as_people_write_it(value: float | None, shown: str) -> None:
    assert format_number(value) == shown


def test_a_unit_stands_behind_the_number_but_not_behind_a_dash() -> None:
    assert format_column([1.5, None], "s") == ["1.5 s", "—"]
    assert format_number(12.5, "%") == "12.5%"


def test_a_column_has_one_number_of_decimals() -> None:
    assert format_column([0.8731, 0.5, 1.0]) == ["0.8731", "0.5000", "1.0000"]


def test_a_column_of_whole_numbers_has_none() -> None:
    assert format_column([8.0, 12.0, 1204118.0]) == ["8", "12", "1,204,118"]


def test_integers_among_floats_stay_integers() -> None:
    assert format_column([8, 0.25]) == ["8", "0.25"]


def test_values_that_differ_in_the_seventh_digit_look_different() -> None:
    assert format_column([0.1234567, 0.1234568]) == ["0.1234567", "0.1234568"]
    assert format_column([1.1234567e-9, 1.1234568e-9]) == ["1.1234567×10⁻⁹", "1.1234568×10⁻⁹"]


def test_equal_values_and_nans_do_not_ask_for_digits() -> None:
    assert format_column([0.12345678, 0.12345678]) == ["0.1235", "0.1235"]
    assert format_column([math.nan, math.nan, 0.12345678]) == ["NaN", "NaN", "0.1235"]


@given(st.lists(st.floats(allow_nan=False), max_size=5))
def test_different_values_never_look_the_same(values: list[float]) -> None:
    shown = dict(zip(values, format_column(values), strict=True))
    assert len(set(shown.values())) == len(shown)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_full_value_reads_back_as_the_same_number(value: float) -> None:
    assert float(exact(value)) == value


@pytest.mark.parametrize(
    ("new", "old", "shown"),
    [(0.8731, 0.8652, "+0.0079"), (0.3310, 0.3311, "−0.0001"), (5, 3, "+2"), (1.0, 1.0, "±0"), (math.nan, 1.0, "—")],
)
def test_a_delta_has_its_true_sign_and_no_noise_of_binary_floats(new: float, old: float, shown: str) -> None:
    assert format_delta(new, old) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "—"),
        (0.24, "240 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1.0 s"),
        (4.21, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m 0 s"),
        (431.2, "7 m 11 s"),
        (3599.7, "1 h 0 m"),
        (7500, "2 h 5 m"),
        (97200, "1 d 3 h"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds: float | None, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_a_time_is_told_in_utc_whatever_its_zone() -> None:
    moment = datetime(2026, 11, 23, 3, 14, tzinfo=timezone(timedelta(hours=1)))
    assert format_time(moment) == "23 Nov 2026 02:14 UTC"
    assert format_time(datetime(2026, 1, 2, 0, 5, tzinfo=UTC)) == "2 Jan 2026 00:05 UTC"
    assert format_time(None) == "—"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (4700, "4.7 kB"),
        (999_600, "1.0 MB"),
        (1_800_000, "1.8 MB"),
        (12_000_000, "12 MB"),
        (5 * 10**15, "5,000 TB"),
    ],
)
def test_a_size_is_told_in_decimal_units(size: int | None, shown: str) -> None:
    assert format_bytes(size) == shown


def test_counts_agree_with_their_noun() -> None:
    assert (format_count(1, "cell"), format_count(1204, "row")) == ("1 cell", "1,204 rows")
