from __future__ import annotations

import ast
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import parse_annotation
from nightbook.notebooks.json_values import from_json, to_json
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.values import coerce

if TYPE_CHECKING:
    from nightbook.notebooks.types import ParameterType

OFFSETS = st.builds(
    timezone,
    st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23)).filter(
        lambda offset: not offset or abs(offset) >= timedelta(seconds=1)
    ),
)
TEXTS = st.text(st.characters(codec="utf-8"))
PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
DECIMALS = st.decimals().filter(lambda number: not number.is_snan())
MOMENTS = (st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=OFFSETS)).map(
    lambda moment: moment.replace(fold=0)
)
SCALARS: dict[str, st.SearchStrategy[object]] = {
    "bool": st.booleans(),
    "int": st.integers(),
    "float": st.floats(),
    "str": TEXTS,
    "date": st.dates(),
    "datetime": MOMENTS,
    "Path": PATHS.map(Path),
    "Decimal": DECIMALS,
    "Input": PATHS,
    "Literal['a', 1, True, None]": st.sampled_from(["a", 1, True, None]),
    "Any": st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | TEXTS
        | st.dates()
        | MOMENTS
        | PATHS.map(Path)
        | DECIMALS,
        lambda inner: (
            st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text("$adefilot") | st.integers(), inner)
        ),
        max_leaves=6,
    ),
}
KEYS = ["int", "str", "date", "bool", "Decimal", "Path"]


def kind(annotation: str) -> ParameterType:
    return parse_annotation(ast.Constant(value=annotation), Names())


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[str, object]:
    """An annotation and a value of that type."""
    shape = draw(st.sampled_from(["scalar", "list", "optional", "tuple", "pair", "dict"])) if depth else "scalar"
    if shape == "scalar":
        annotation = draw(st.sampled_from(sorted(SCALARS)))
        return annotation, draw(SCALARS[annotation])
    annotation, value = draw(typed_values(depth=depth - 1))
    if shape == "dict":
        key = draw(st.sampled_from(KEYS))
        keys = [one for one in draw(st.lists(SCALARS[key], max_size=1)) if one == one]  # noqa: PLR0124 - NaN is no key
        return f"dict[{key}, {annotation}]", dict.fromkeys(keys, value)
    return {
        "list": (f"list[{annotation}]", [value, value]),
        "optional": (f"Optional[{annotation}]", draw(st.sampled_from([value, None]))),
        "tuple": (f"tuple[{annotation}, ...]", (value,)),
        "pair": (f"tuple[int, {annotation}]", (1, value)),
    }[shape]


def canonical(value: object) -> str:
    """The value with every type in it; NaN alike, 0.0 and -0.0 apart."""
    return repr(value)


@given(typed_values())
def test_values_come_back_from_strict_json_exactly(typed: tuple[str, object]) -> None:
    annotation, value = typed
    checked = coerce(kind(annotation), value)
    text = json.dumps(to_json(kind(annotation), checked), allow_nan=False)
    assert canonical(from_json(kind(annotation), json.loads(text))) == canonical(checked)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("date", date(2013, 1, 1), "2013-01-01"),
        ("datetime", datetime(2013, 1, 1, 12, tzinfo=UTC), "2013-01-01T12:00:00+00:00"),
        ("Path", Path("a/b"), "a/b"),
        ("Decimal", Decimal("1.10"), "1.10"),
        ("float", math.nan, "NaN"),
        ("float", -math.inf, "-Infinity"),
        ("list[date]", [date(2013, 1, 1)], ["2013-01-01"]),
        ("dict[int, float]", {1: math.inf}, {"1": "Infinity"}),
        ("Any", {"a": [1, None]}, {"a": [1, None]}),
        ("Any", math.nan, {"$float": "NaN"}),
        ("Any", date(2013, 1, 1), {"$date": "2013-01-01"}),
        ("Any", (1,), {"$tuple": [1]}),
        ("Any", {"$date": "x"}, {"$dict": [["$date", "x"]]}),
        ("int | None", None, None),
    ],
)
def test_json_is_what_people_expect(annotation: str, value: object, expected: object) -> None:
    assert to_json(kind(annotation), value) == expected


def test_a_value_of_an_older_declaration_is_refused() -> None:
    with pytest.raises(ParameterError):
        from_json(kind("int"), "2013-01-01")
    with pytest.raises(ParameterError):
        from_json(kind("tuple[int, int]"), [1])
