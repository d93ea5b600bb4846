# ruff: noqa: DTZ001 - naive moments are values like others
from __future__ import annotations

import ast
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import parse_annotation
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.values import coerce, parse_text

if TYPE_CHECKING:
    from nightbook.notebooks.types import ParameterType


def kind(annotation: str) -> ParameterType:
    return parse_annotation(ast.Constant(value=annotation), Names())


@pytest.mark.parametrize(
    ("annotation", "value", "result"),
    [
        ("bool", True, True),
        ("bool", np.bool_(False), False),
        ("int", 7, 7),
        ("int", np.int32(7), 7),
        ("int", 10**100, 10**100),
        ("float", 0.1, 0.1),
        ("float", 1, 1.0),
        ("float", "Infinity", math.inf),
        ("str", "007", "007"),
        ("str", "", ""),
        ("date", date(2013, 1, 1), date(2013, 1, 1)),
        ("date", "2013-01-01", date(2013, 1, 1)),
        ("datetime", "2013-01-01T12:00:00Z", datetime(2013, 1, 1, 12, tzinfo=UTC)),
        ("Path", "a/b", Path("a/b")),
        ("Path", Path("a"), Path("a")),
        ("Decimal", "1.10", Decimal("1.10")),
        ("Decimal", 2, Decimal(2)),
        ("Input", "../a.parquet", "../a.parquet"),
        ("Input", Path("../a.parquet"), "../a.parquet"),
        ("Secret", "env:TOKEN", "env:TOKEN"),
        ("Literal['a', 1]", 1, 1),
        ("int | None", None, None),
        ("list[float]", [1, 2.5], [1.0, 2.5]),
        ("list[int]", (1, 2), [1, 2]),
        ("tuple[int, str]", [1, "a"], (1, "a")),
        ("tuple[int, ...]", [], ()),
        ("dict[int, str]", {"1": "a"}, {1: "a"}),
        ("dict[date, int]", {"2013-01-01": 1}, {date(2013, 1, 1): 1}),
        ("Any", {"a": [1, None]}, {"a": [1, None]}),
        ("list", [1, "a", None], [1, "a", None]),
    ],
)
def test_a_value_becomes_one_of_the_declared_type(annotation: str, value: object, result: object) -> None:
    given_value = coerce(kind(annotation), value)
    assert given_value == result
    assert type(given_value) is type(result)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("bool", 1),
        ("bool", "true"),
        ("int", True),
        ("int", 7.0),
        ("int", "7"),
        ("int", None),
        ("float", True),
        ("float", "0.1"),
        ("float", 2**53 + 1),
        ("float", 10**400),
        ("str", 7),
        ("str", date(2013, 1, 1)),
        ("str", None),
        ("date", datetime(2013, 1, 1)),
        ("date", "yesterday"),
        ("date", 20130101),
        ("datetime", date(2013, 1, 1)),
        ("datetime", "noon"),
        ("Path", ""),
        ("Path", 7),
        ("Decimal", 0.1),
        ("Decimal", "a"),
        ("Decimal", "sNaN"),
        ("Decimal", True),
        ("Input", ""),
        ("Input", "a\0b"),
        ("Literal['a', 1]", True),
        ("Literal['a', 1]", "b"),
        ("Literal['a', 1]", 1.0),
        ("list[int]", 1),
        ("list[int]", "12"),
        ("list[int]", [1, "2"]),
        ("list[int]", np.array([1])),
        ("tuple[int, str]", [1]),
        ("tuple[int, str]", "ab"),
        ("dict[str, int]", [("a", 1)]),
        ("dict[str, int]", {1: 1}),
        ("dict[int, int]", {"1": 1, 1: 2}),
        ("Any", {1, 2}),
        ("Any", "\ud800"),
    ],
)
def test_nothing_is_guessed(annotation: str, value: object) -> None:
    with pytest.raises(ParameterError):
        coerce(kind(annotation), value)


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(ParameterError) as caught:
        coerce(kind("Secret"), "hunter2hunter2")
    assert "hunter2" not in caught.value.message + caught.value.remedy


def test_a_list_nested_too_deeply_is_refused() -> None:
    value: object = 1
    for _ in range(60):
        value = [value]
    with pytest.raises(ParameterError, match="nested deeper"):
        coerce(kind("list"), value)


@pytest.mark.parametrize(
    ("annotation", "text", "result"),
    [
        ("bool", "true", True),
        ("bool", "False", False),
        ("int", "007", 7),
        ("int", "-1_000", -1000),
        ("float", "1", 1.0),
        ("float", ".5e-3", 0.0005),
        ("float", "-inf", -math.inf),
        ("str", "007", "007"),
        ("str", "no", "no"),
        ("str", "None", "None"),
        ("str", "", ""),
        ("str | None", "None", "None"),
        ("int | None", "None", None),
        ("int | None", "null", None),
        ("int | None", "7", 7),
        ("date", "2013-01-01", date(2013, 1, 1)),
        ("datetime", "2013-01-01 12:00", datetime(2013, 1, 1, 12)),
        ("Path", "a b", Path("a b")),
        ("Decimal", "0.10", Decimal("0.10")),
        ("Literal['ridge', 'boosting']", "ridge", "ridge"),
        ("Literal[1, 2]", "2", 2),
        ("Literal[True, None]", "true", True),
        ("Literal[True, None]", "None", None),
        ("list[str]", '["UA", "AA"]', ["UA", "AA"]),
        ("list[date]", '["2013-01-01"]', [date(2013, 1, 1)]),
        ("dict[str, float]", '{"a": 1}', {"a": 1.0}),
        ("tuple[int, int]", "[1, 2]", (1, 2)),
        ("Any", '{"a": [1, null]}', {"a": [1, None]}),
        ("Any", '"text"', "text"),
        ("Secret", "file:/run/token", "file:/run/token"),
    ],
)
def test_text_is_read_as_declared(annotation: str, text: str, result: object) -> None:
    value = parse_text(kind(annotation), text)
    assert value == result
    assert type(value) is type(result)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("bool", "yes"),
        ("bool", "1"),
        ("int", "7.0"),
        ("int", "0x7"),
        ("int", " 7"),
        ("int", "٣"),
        ("int", "7_"),
        ("int", ""),
        ("int", "9" * 5000),
        ("float", "1,5"),
        ("float", "1e400"),
        ("float", ""),
        ("date", "01/02/2013"),
        ("Literal['a']", "A"),
        ("Literal[1, '1']", "1"),
        ("list[str]", "UA,AA"),
        ("list[str]", "['UA']"),
        ("dict[str, int]", '{"a": 1, "a": 2}'),
        ("Any", "hello"),
        ("Any", "[" * 100_000),
        ("Annotated[int, Range(1, 12)]", "13"),
        ("Input", ""),
    ],
)
def test_text_that_is_not_of_the_type_is_refused(annotation: str, text: str) -> None:
    with pytest.raises(ParameterError):
        parse_text(kind(annotation), text)


@given(st.text())
def test_every_text_stays_what_it_is(text: str) -> None:
    assert parse_text(kind("str"), text) == text


@given(st.integers())
def test_every_integer_is_read_from_its_digits(number: int) -> None:
    assert parse_text(kind("int"), str(number)) == number


@given(st.floats(allow_nan=False))
def test_every_float_is_read_from_its_shortest_form(number: float) -> None:
    assert parse_text(kind("float"), repr(number)) == number


@pytest.mark.parametrize(
    ("annotation", "text", "message", "remedy"),
    [
        ("int", "six", "'six' is not an integer", ""),
        ("bool", "yes", "'yes' is not true or false", "write true or false"),
        ("date", "6/1", "'6/1' is not a date", "write 2013-01-31"),
        ("list[int]", "1,2", "'1,2' is not a list of integers: it must be written as JSON", "NAME='[1, 2]'"),
        ("Annotated[int, Range(1, 12)]", "13", "13 is not an integer from 1 to 12", ""),
        ("Literal['a', 'b']", "c", "'c' is not one of 'a', 'b'", ""),
        ("Secret", "hunter2", "the value is not a secret reference", "NAME=env:VARIABLE or NAME=file:PATH"),
    ],
)
def test_a_refusal_says_what_is_expected(annotation: str, text: str, message: str, remedy: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_text(kind(annotation), text)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)
