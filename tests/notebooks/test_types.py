from __future__ import annotations

import ast

import pytest

from nightbook.notebooks.annotations import parse_annotation
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.types import Scalar, describe, scalars


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("int", "integer"),
        ("bool", "true or false"),
        ("Annotated[int, Range(1, 12)]", "integer from 1 to 12"),
        ("Annotated[float, Gt(0)]", "number greater than 0"),
        ("Annotated[float, Gt(0), Lt(1)]", "number greater than 0 and less than 1"),
        ("Annotated[int, Ge(1), MultipleOf(5)]", "integer of at least 1 and that is a multiple of 5"),
        ("Annotated[str, MinLen(3)]", "text with a length of at least 3"),
        ("Literal['ridge', 'boosting']", "one of 'ridge', 'boosting'"),
        ("list[date]", "list of dates"),
        ("list[date] | None", "list of dates, or None"),
        ("Annotated[list[int], MaxLen(2)]", "list of integers with a length of at most 2"),
        ("list[Annotated[int, Ge(0)]]", "list of integers, each of at least 0"),
        ("list[Literal[1, 2]]", "list of (one of 1, 2)"),
        ("dict[str, list[float]]", "dict from text to list of numbers"),
        ("tuple[int, ...]", "tuple of integers"),
        ("tuple[int, str]", "tuple (integer, text)"),
        ("Input", "input path"),
        ("Any", "any JSON value"),
    ],
)
def test_a_type_is_said_in_words(annotation: str, words: str) -> None:
    assert describe(parse_annotation(ast.Constant(value=annotation), Names())) == words


def test_scalars_are_found_at_any_depth() -> None:
    kind = parse_annotation(ast.Constant(value="dict[str, list[Optional[tuple[Input, Literal[1]]]]]"), Names())
    assert scalars(kind) == {Scalar.STR, Scalar.INPUT}
