from __future__ import annotations

import ast

import pytest

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import names_a_type, parse_annotation, type_of_default
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.types import (
    ANY,
    Choice,
    Constraint,
    ConstraintKind,
    DictOf,
    ListOf,
    OptionalOf,
    ParameterType,
    Scalar,
    ScalarType,
    TupleOf,
)

NAMES = Names(
    ast.parse(
        "import datetime as dt, typing as t, nightbook, annotated_types as at\n"
        "from nightbook import Input as In, Range\nfrom typing import *\nfrom pathlib import Path\nimport pandas as pd"
    )
)
INT = ScalarType(scalar=Scalar.INT)
STR = ScalarType(scalar=Scalar.STR)
MONTH = ScalarType(
    scalar=Scalar.INT,
    constraints=(Constraint(kind=ConstraintKind.GE, limit=1), Constraint(kind=ConstraintKind.LE, limit=12)),
)


def parse(annotation: str) -> ParameterType:
    return parse_annotation(ast.parse(annotation, mode="eval").body, NAMES)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", INT),
        ("'int'", INT),
        ("dt.date", ScalarType(scalar=Scalar.DATE)),
        ("dt.datetime", ScalarType(scalar=Scalar.DATETIME)),
        ("Path", ScalarType(scalar=Scalar.PATH)),
        ("In", ScalarType(scalar=Scalar.INPUT)),
        ("nightbook.Output", ScalarType(scalar=Scalar.OUTPUT)),
        ("nightbook.Secret", ScalarType(scalar=Scalar.SECRET)),
        ("t.Any", ANY),
        ("t.Literal['a', 1, -1, True, None]", Choice(values=("a", 1, -1, True, None))),
        ("Optional[int]", OptionalOf(item=INT)),
        ("t.Union[None, int]", OptionalOf(item=INT)),
        ("int | None", OptionalOf(item=INT)),
        ("None | 'int'", OptionalOf(item=INT)),
        ("list", ListOf(item=ANY)),
        ("list[In]", ListOf(item=ScalarType(scalar=Scalar.INPUT))),
        ("List[list[int]]", ListOf(item=ListOf(item=INT))),
        ("dict", DictOf(key=ANY, value=ANY)),
        ("Dict[str, int | None]", DictOf(key=STR, value=OptionalOf(item=INT))),
        ("tuple", TupleOf(items=(ANY,), repeats=True)),
        ("tuple[int, ...]", TupleOf(items=(INT,), repeats=True)),
        ("tuple[int, str]", TupleOf(items=(INT, STR))),
        ("Final[int]", INT),
        ("Annotated[int, Range(1, 12)]", MONTH),
        ("Annotated[int, Range(high=12, low=1)]", MONTH),
        ("Annotated[int, at.Interval(ge=1, le=12)]", MONTH),
        ("Annotated[int, at.Ge(1), at.Le(le=12)]", MONTH),
        ("Annotated[Annotated[int, at.Ge(1)], at.Le(12)]", MONTH),
        ("Annotated[int | None, Range(1, 12)]", OptionalOf(item=MONTH)),
        ("Annotated[int, Range(1, None), at.Le(60 // 5)]", MONTH),
        ("Annotated[int, 'a note', Doc('of other tools'), other]", INT),
        ("Annotated[int, at.Doc('x')]", INT),
    ],
)
def test_annotations_declare_types(annotation: str, kind: ParameterType) -> None:
    assert parse(annotation) == kind


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("pd.DataFrame", "'pd.DataFrame' is no type that a parameter can have"),
        ("complex", "'complex' is no type"),
        ("set[int]", "is no type"),
        ("dict[str]", "is no type"),
        ("int()", "is no type"),
        ("'not python'", "'not python' is no type"),
        ("int | str", "more than one type"),
        ("None", "is no type"),
        ("Literal[1.5]", "'1.5' is no value for Literal"),
        ("Literal[Color.RED]", "is no value for Literal"),
        ("dict[list[int], int]", "is no type for the keys"),
        ("Annotated[int, at.Ge('a')]", "'a' is no integer"),
        ("Annotated[int, at.Ge(limit)]", "cannot be read without running"),
        ("Annotated[int, at.Ge(limit=1)]", "has other arguments than ge"),
        ("Annotated[int, at.Ge(1, 2)]", "has other arguments than ge"),
        ("Annotated[Literal[1, 2], at.Ge(1)]", "has its bounds already"),
        ("Annotated[float, at.IsFinite]", "cannot be checked before the notebook runs"),
        ("Annotated[str, at.Predicate(str.islower)]", "cannot be checked before the notebook runs"),
    ],
)
def test_what_no_parameter_can_be_is_refused(annotation: str, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse(annotation)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, ScalarType(scalar=Scalar.BOOL)),
        (1, INT),
        (None, ANY),
        ([1], ListOf(item=ANY)),
        ((1,), TupleOf(items=(ANY,), repeats=True)),
        ({"a": 1}, DictOf(key=ANY, value=ANY)),
        (b"bytes", None),
        (1j, None),
    ],
)
def test_a_default_has_a_type(value: object, kind: ParameterType | None) -> None:
    assert type_of_default(value) == kind


def test_an_alias_of_a_type_is_told_from_a_value() -> None:
    assert names_a_type(ast.parse("Annotated[int, Range(1, 12)]", mode="eval").body, NAMES)
    assert not names_a_type(ast.parse("table['a']", mode="eval").body, NAMES)
    assert not names_a_type(ast.parse("1", mode="eval").body, NAMES)
