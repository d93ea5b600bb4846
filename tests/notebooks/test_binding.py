from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.binding import (
    MISSING,
    OPAQUE,
    Binding,
    Parameter,
    ParameterRole,
    RawString,
    Text,
    bind,
    role_of,
)
from nightbook.notebooks.literals import python_literal
from nightbook.notebooks.types import ANY, Choice, ListOf, OptionalOf, Scalar, ScalarType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nightbook.notebooks.types import ParameterType

INT = ScalarType(scalar=Scalar.INT)
STR = ScalarType(scalar=Scalar.STR)
SECRET = ScalarType(scalar=Scalar.SECRET)
MONTH = Parameter(name="month", type=INT, default=6, default_source="6", help="calendar month")
ZIP = Parameter(name="zip", type=STR, default="")
YEAR = Parameter(name="year", type=INT)
HOME = Parameter(name="home", type=STR, default=OPAQUE, default_source='os.environ["HOME"]')


def one(kind: ParameterType) -> tuple[Parameter]:
    return (Parameter(name="value", type=kind, role=role_of(kind)),)


def refusal(parameters: tuple[Parameter, ...], values: Mapping[str, object]) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        bind(parameters, values, where="stage 'train'")
    return caught.value


def test_given_values_stand_over_defaults() -> None:
    binding = bind((MONTH, ZIP), {"month": 7}, where="stage 'train'")
    assert binding.values == {"month": 7, "zip": ""}
    assert binding.given == {"month": 7}


def test_text_is_read_by_type_and_a_raw_string_stays_a_text() -> None:
    values = {"zip": Text(value="007"), "month": Text(value="007")}
    assert bind((MONTH, ZIP), values, where="x").given == {"zip": "007", "month": 7}
    assert bind((ZIP,), {"zip": RawString(value="[1]")}, where="x").given == {"zip": "[1]"}
    anything = Parameter(name="x", type=ANY, default=None)
    assert bind((anything,), {"x": RawString(value="7")}, where="x").given == {"x": "7"}
    assert bind((anything,), {"x": Text(value="7")}, where="x").given == {"x": 7}
    assert "'7' is not an integer" in refusal((MONTH,), {"month": RawString(value="7")}).message


def test_a_default_that_only_the_notebook_knows_has_no_value() -> None:
    assert bind((HOME,), {}, where="x").values == {}
    assert bind((HOME,), {"home": "/root"}, where="x").values == {"home": "/root"}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    error = refusal((MONTH, ZIP), {"mnth": 7})
    assert error.message == "unknown parameter 'mnth' in stage 'train'"
    assert error.remedy == "did you mean 'month'?"
    assert "tag a cell" in refusal((), {"month": 7}).remedy


def test_a_missing_value_is_refused() -> None:
    error = refusal((MONTH, YEAR), {})
    assert error.message == "parameter 'year' (integer) has no default and was not given in stage 'train'"
    assert error.remedy == "-p year=…"


def test_all_that_is_wrong_is_said_at_once() -> None:
    message = refusal((MONTH, YEAR, ZIP), {"month": "July", "zpi": 1, "zip": 7}).message
    assert message.startswith("4 parameters are wrong in stage 'train':")
    for part in ("'month': 'July' is not an integer", "unknown parameter 'zpi' (did you mean", "'zip': 7", "'year'"):
        assert part in message


def test_an_integer_default_says_how_to_declare_a_number() -> None:
    assert refusal((MONTH,), {"month": 6.5}).remedy == "or declare it as a number: month: float = 6"
    assert refusal((MONTH,), {"month": Text(value="6.5")}).remedy == "or declare it as a number: month: float = 6"
    assert refusal((MONTH,), {"month": Text(value="x")}).remedy == "a value such as its default: 6"
    assert refusal((MONTH,), {"month": Text(value=" 6")}).remedy == "leave the blanks out: 6"


def test_a_remedy_names_the_parameter() -> None:
    (dates,) = one(ListOf(item=INT))
    assert refusal((dates,), {"value": Text(value="1,2")}).remedy == "value='[1, 2]'"


def test_a_wrong_secret_is_not_repeated() -> None:
    for value in ("hunter2hunter2", Text(value="hunter2hunter2"), RawString(value="hunter2hunter2"), 12345678):
        error = refusal(one(SECRET), {"value": value})
        assert "hunter2" not in f"{error.message}{error.remedy}"
        assert "12345678" not in f"{error.message}{error.remedy}"


def test_json_values_are_strict_and_typed() -> None:
    parameters = (
        Parameter(name="day", type=ScalarType(scalar=Scalar.DATE), default=date(2013, 1, 1)),
        Parameter(name="rate", type=ScalarType(scalar=Scalar.FLOAT), default=math.nan),
        Parameter(name="place", type=ScalarType(scalar=Scalar.PATH)),
    )
    binding = bind(parameters, {"place": Path("a")}, where="x")
    assert json.dumps(binding.json_values(), allow_nan=False)
    assert binding.json_values() == {"day": "2013-01-01", "rate": "NaN", "place": "a"}
    assert Binding(values={"x": 1}).json_values() == {"x": 1}


def test_secrets_are_found_in_lists_and_left_out_when_none() -> None:
    parameters = (
        Parameter(name="one", type=SECRET, role=ParameterRole.SECRET, default="env:A"),
        Parameter(name="many", type=ListOf(item=SECRET), role=ParameterRole.SECRET, default=["env:B", "env:A"]),
        Parameter(name="none", type=OptionalOf(item=SECRET), role=ParameterRole.SECRET, default=None),
        Parameter(name="text", type=STR, default="env:C"),
    )
    assert bind(parameters, {}, where="x").secrets == ("env:A", "env:B")


def test_numpy_scalars_become_values_of_python() -> None:
    (given_value,) = bind(one(INT), {"value": np.int64(7)}, where="x").given.values()
    assert type(given_value) is int
    (given_value,) = bind(one(ANY), {"value": [np.float32(0.5)]}, where="x").given.values()
    assert type(given_value) is list
    assert [type(item) for item in given_value] == [float]


def test_a_value_that_no_cell_can_hold_is_refused() -> None:
    value: object = 1
    for _ in range(49):
        value = [value]
    kind: ParameterType = ANY
    for _ in range(3):
        kind, value = ListOf(item=kind), [value]
    assert "nested deeper" in refusal(one(kind), {"value": value}).message


HOSTILE = [
    "__import__('os').system('true')",
    "x=1;import os",
    "x\nimport os",
    "month\n",
    "month ",
    " month",
    "month=7",
    "class",
    "None",
    "True",
    "__builtins__",
    "__name__",
    "m\u043enth",  # a Cyrillic o
    "\uff4donth",  # a wide m, which Python reads as a plain one
    "mon\u200bth",
    "1month",
    "a.b",
    "a[0]",
    "a, b",
    "",
    "#",
    "float",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_unknown(name: str) -> None:
    assert "unknown parameter" in refusal((MONTH,), {name: 7}).message


@given(st.text())
def test_only_declared_names_pass(name: str) -> None:
    if name == "month":
        return
    error = refusal((MONTH,), {name: 7})
    assert "unknown parameter" in error.message
    assert error.message.isprintable()


@given(st.dictionaries(st.sampled_from(["month", "year"]), st.integers()), st.text())
def test_what_is_injected_gives_the_values_and_nothing_else(numbers: dict[str, int], text: str) -> None:
    values = {**numbers, "zip": text, "year": 2013}
    given_values = bind((MONTH, YEAR, ZIP), values, where="x").given
    cell = "".join(f"{name} = {python_literal(value)}\n" for name, value in given_values.items())
    namespace: dict[str, object] = {}
    exec(cell, namespace)
    namespace.pop("__builtins__")
    assert namespace == values


def test_a_parameter_as_json_says_all_that_a_form_needs(declare: Callable[..., tuple[Parameter, ...]]) -> None:
    learner, year = declare("from typing import Literal\nlearner: Literal['a', 'b'] = 'a'  # how it learns\nyear: int")
    assert learner.to_json() == {
        "name": "learner",
        "type": "one of 'a', 'b'",
        "role": "value",
        "required": False,
        "default": "a",
        "default_source": "'a'",
        "help": "how it learns",
        "choices": ["a", "b"],
    }
    assert year.required
    assert year.default is MISSING
    assert year.to_json()["required"] is True
    assert isinstance(learner.type, Choice)
