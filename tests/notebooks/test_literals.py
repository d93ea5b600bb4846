# ruff: noqa: DTZ001 - naive moments are values like others
from __future__ import annotations

import json
import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.literals import python_literal, shown

OFFSETS = st.builds(
    timezone,
    st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23)).filter(
        lambda offset: not offset or abs(offset) >= timedelta(seconds=1)
    ),
)
MOMENTS = st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=OFFSETS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | MOMENTS.map(lambda moment: moment.replace(fold=0))
    | st.decimals(allow_nan=True).filter(lambda number: not number.is_snan())
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).map(Path)
)
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


class Colour(IntEnum):
    RED = 1


class Word(str, Enum):  # noqa: UP042 - the older way that much code still has
    RED = "red"


def evaluated(source: str) -> object:
    """As a notebook would that has given every name another meaning, except what is built in."""
    return eval(source, {"date": None, "Path": None, "nan": None, "Decimal": None})


def same(one: object, other: object) -> bool:  # noqa: PLR0911 - a return a type
    """Equal values of equal types, at every depth; NaN equals NaN and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other and one.utcoffset() == other.utcoffset() and repr(one) == repr(other)
    return one == other


@given(VALUES)
def test_a_literal_evaluates_to_exactly_the_value(value: object) -> None:
    source = python_literal(value)
    assert same(evaluated(source), value)
    assert source.isprintable()


@given(st.text())
def test_any_text_stays_one_line_of_source(text: str) -> None:
    assert len(python_literal(text).splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(-7), -7),
        (np.uint8(7), 7),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2013-01-01"), date(2013, 1, 1)),
        (np.datetime64("2013-01-01T12:00:00.000001"), datetime(2013, 1, 1, 12, 0, 0, 1)),
        (pd.Timestamp("2013-01-01 12:00"), datetime(2013, 1, 1, 12)),
        (pd.Timestamp("2013-01-01", tz="UTC"), datetime(2013, 1, 1, tzinfo=UTC)),
        ([np.int64(1)], [1]),
        ({"a": np.float64("inf")}, {"a": math.inf}),
    ],
)
def test_scalars_of_numpy_and_pandas_become_equal_values_of_python(value: object, plain: object) -> None:
    assert same(evaluated(python_literal(value)), plain)


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        {1, 2},
        frozenset(),
        1j,
        object(),
        range(3),
        time(12),
        timedelta(1),
        np.array([1]),
        np.array(1),
        np.longdouble(1),
        np.datetime64("2013-01-01", "ns"),
        np.datetime64("NaT"),
        np.timedelta64(1, "s"),
        pd.NaT,
        pd.NA,
        pd.Timestamp("2013-01-01 00:00:00.000000001"),
        Colour.RED,
        Word.RED,
        OrderedDict(a=1),
        [[{"a": b""}]],
        datetime(2013, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET")),
        datetime(2013, 10, 27, 2, 30, fold=1),
        datetime(2013, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
        "\ud800",
        Path("\udcff"),
        10**4300,
        -(10**4300),
        print,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_written_exactly_is_refused(value: object) -> None:
    with pytest.raises(ParameterError):
        python_literal(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ParameterError, match="nested deeper than 50 levels"):
        python_literal(value)


def test_the_largest_integer_can_be_written_everywhere() -> None:
    value = 10**4300 - 1
    assert evaluated(python_literal(value)) == value
    assert json.loads(json.dumps(value)) == value


def test_a_value_in_a_message_is_shortened() -> None:
    assert shown("a") == "'a'"
    assert len(shown("a" * 1000)) == 58
    assert "4300 digits" in shown(10**5000)
