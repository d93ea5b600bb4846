# ruff: noqa: DTZ001 - naive moments are values like others
from __future__ import annotations

import ast
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import parse_annotation
from nightbook.notebooks.constraints import check_constraints, check_sense
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.types import Constraint, ConstraintKind, ParameterType


def kind(annotation: str) -> ParameterType:
    return parse_annotation(ast.Constant(value=annotation), Names())


@pytest.mark.parametrize(
    ("annotation", "kept", "broken"),
    [
        ("Annotated[int, Range(1, 12)]", [1, 12], [0, 13]),
        ("Annotated[int, Interval(gt=1, le=3)]", [2, 3], [1, 4]),
        ("Annotated[float, Gt(0)]", [0.1, math.inf], [0.0, -1.0, math.nan]),
        ("Annotated[float, Ge(0), Lt(1)]", [0.0, 0.99], [1.0, math.nan]),
        ("Annotated[float, MultipleOf(0.1)]", [0.3, 1.0, 0.0], [0.25, math.nan, math.inf]),
        ("Annotated[int, MultipleOf(7)]", [0, -14, 7 * 10**40], [1, 7 * 10**40 + 1]),
        ("Annotated[Decimal, Le(Decimal('0.5'))]", [Decimal("0.5")], [Decimal("0.51")]),
        ("Annotated[date, Ge(date(2013, 1, 1))]", [date(2013, 1, 1)], [date(2012, 12, 31)]),
        ("Annotated[datetime, Ge(datetime(2013, 1, 1))]", [datetime(2013, 1, 1)], [datetime(2013, 1, 1, tzinfo=UTC)]),
        ("Annotated[str, MinLen(2), MaxLen(3)]", ["ab", "äöü"], ["a", "abcd"]),
        ("Annotated[list[int], Len(1, 2)]", [[1], [1, 2]], [[], [1, 2, 3]]),
        ("Annotated[dict[str, int], MaxLen(1)]", [{}, {"a": 1}], [{"a": 1, "b": 2}]),
        ("Annotated[str, Ge('m')]", ["m", "z"], ["a"]),
    ],
)
def test_bounds_are_kept_or_broken(annotation: str, kept: list[object], broken: list[object]) -> None:
    for value in kept:
        assert check_constraints(kind(annotation), value) == value
    for value in broken:
        with pytest.raises(ParameterError, match=r"is not "):
            check_constraints(kind(annotation), value)


@pytest.mark.parametrize(
    ("annotation", "constraint", "said"),
    [
        ("int", Constraint(kind=ConstraintKind.MIN_LENGTH, limit=1), "integer has no length"),
        ("str", Constraint(kind=ConstraintKind.MAX_LENGTH, limit=-1), "-1 is no length"),
        ("bool", Constraint(kind=ConstraintKind.GE, limit=1), "cannot be bounded"),
        ("list[int]", Constraint(kind=ConstraintKind.GE, limit=1), "cannot be bounded"),
        ("int", Constraint(kind=ConstraintKind.GE, limit="a"), "'a' is no integer"),
        ("int", Constraint(kind=ConstraintKind.GE, limit=True), "True is no integer"),
        ("int", Constraint(kind=ConstraintKind.MULTIPLE_OF, limit=0), "cannot be a multiple of 0"),
        ("str", Constraint(kind=ConstraintKind.MULTIPLE_OF, limit="a"), "cannot be a multiple of 'a'"),
        ("int", Constraint(kind=ConstraintKind.GE, limit=1), ""),
        ("list[int]", Constraint(kind=ConstraintKind.MIN_LENGTH, limit=0), ""),
    ],
)
def test_a_bound_that_makes_no_sense_is_named(annotation: str, constraint: Constraint, said: str) -> None:
    problem = check_sense(kind(annotation), constraint)
    assert said in problem
    assert bool(said) == bool(problem)
