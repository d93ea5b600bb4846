from __future__ import annotations

import tomllib
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.binding import MISSING, ParameterRole
from nightbook.notebooks.declared import check_name, declared_parameters
from nightbook.notebooks.types import describe


def test_plain_values_are_defaults_of_their_type() -> None:
    table = tomllib.loads('month = 6\nrate = 0.1\nlearner = "ridge"\nday = 2013-01-01\ncarriers = ["UA"]\nquick = true')
    parameters = declared_parameters(table)
    assert [(one.name, describe(one.type), one.default) for one in parameters] == [
        ("month", "integer", 6),
        ("rate", "number", 0.1),
        ("learner", "text", "ridge"),
        ("day", "date", date(2013, 1, 1)),
        ("carriers", "list of JSON values", ["UA"]),
        ("quick", "true or false", True),
    ]


def test_a_table_declares_type_default_and_help() -> None:
    table = tomllib.loads(
        'month = {type = "Annotated[int, Range(1, 12)]", default = 6, help = "calendar month"}\n'
        'learner = {type = "Literal[\'a\', \'b\']"}\ndata = {type = "Input", default = "a.csv"}\n'
        'plain = {type = "a", colour = "b"}\n'
    )
    month, learner, data, plain = declared_parameters(table)
    assert (describe(month.type), month.default, month.help) == ("integer from 1 to 12", 6, "calendar month")
    assert learner.default is MISSING
    assert data.role is ParameterRole.INPUT
    assert plain.default == {"type": "a", "colour": "b"}


def test_a_table_of_paths_has_their_role() -> None:
    (flights,) = declared_parameters({"flights": "data/flights.csv"}, role=ParameterRole.INPUT)
    assert (flights.role, describe(flights.type)) == (ParameterRole.INPUT, "input path")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"class": 1}, "is no Python identifier"),
        ({"a b": 1}, "is no Python identifier"),
        ({"at": time(12)}, "a time is no value"),
        ({"x": {"type": "complex"}}, "is no type"),
        ({"x": {"type": "int", "default": "a"}}, "'a' is not an integer"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(table: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        declared_parameters(table, where="[stages.train]")
    assert said in caught.value.message
    assert "[stages.train]" in caught.value.message


@pytest.mark.parametrize("name", ["month", "_x", "größe", "x1", "match", "type", "input"])
def test_ordinary_names_may_be_declared(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a b", "a\nb", "a=1", "class", "None", "__x", "__import__", "ﬁle", "\uff4donth", "float", "a;b", "a.b"],
)
def test_names_that_would_act_as_code_may_not(name: str) -> None:
    with pytest.raises(ParameterError, match="is no name for a parameter"):
        check_name(name)


@given(st.text())
def test_a_name_that_passes_assigns_to_exactly_that_name(name: str) -> None:
    try:
        check_name(name)
    except ParameterError:
        return
    namespace: dict[str, object] = {}
    exec(f"{name} = 1", namespace)
    assert namespace.keys() - {"__builtins__"} == {name}
