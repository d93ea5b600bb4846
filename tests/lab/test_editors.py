from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import ipywidgets as widgets
import pytest

from nightbook.errors import ParameterError
from nightbook.lab.editors import (
    ChoiceEditor,
    OptionalEditor,
    RangeEditor,
    SimpleEditor,
    TextEditor,
    editor_for,
    nice_step,
    text_of,
)
from nightbook.notebooks.parameters import MISSING, OPAQUE
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
)


def scalar(kind: Scalar, *ends: object) -> ScalarType:
    kinds = (ConstraintKind.GE, ConstraintKind.LE)
    limits = tuple(Constraint(kind=one, limit=end) for one, end in zip(kinds, ends, strict=False) if end is not None)
    return ScalarType(scalar=kind, constraints=limits)


INT = scalar(Scalar.INT)
MONTH = scalar(Scalar.INT, 1, 12)
LEARNER = Choice(values=("ridge", "boosting"))

CASES: list[tuple[ParameterType, object, object]] = [
    (INT, 3, 10**20),
    (MONTH, 6, 7),
    (scalar(Scalar.FLOAT), 0.1, float("inf")),
    (scalar(Scalar.FLOAT, 0.0, 1.0), 0.1, 0.12345678901234),
    (scalar(Scalar.DECIMAL), Decimal("1.10"), Decimal("1.1")),
    (scalar(Scalar.STR), "a", "007\n'\""),
    (scalar(Scalar.STR), "two\nlines", ""),
    (scalar(Scalar.PATH), Path("a"), Path("b c")),
    (scalar(Scalar.INPUT), "../a", "../b"),
    (scalar(Scalar.SECRET), "env:A", "file:~/b"),
    (scalar(Scalar.BOOL), False, True),
    (scalar(Scalar.DATE), date(2026, 1, 1), date(1900, 2, 28)),
    (scalar(Scalar.DATETIME), datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (LEARNER, "ridge", "boosting"),
    (Choice(values=(1, "1", True)), 1, "1"),
    (OptionalOf(item=INT), None, 3),
    (OptionalOf(item=INT), 3, None),
    (OptionalOf(item=LEARNER), "ridge", None),
    (OptionalOf(item=scalar(Scalar.BOOL)), None, False),
    (OptionalOf(item=scalar(Scalar.DATE)), None, date(2026, 1, 1)),
    (ListOf(item=INT), [1, 2], []),
    (DictOf(key=scalar(Scalar.STR), value=INT), {"a": 1}, {"é": 2}),
    (ANY, None, {"a": [1, None]}),
]


@pytest.mark.parametrize(("kind", "base", "other"), CASES, ids=str)
def test_a_control_shows_a_value_and_takes_another(kind: ParameterType, base: object, other: object) -> None:
    editor = editor_for("x", kind, base)
    assert (editor.read(), type(editor.read())) == (base, type(base))
    seen: list[object] = []
    editor.watch(lambda: seen.append(editor.read()))
    editor.write(other)
    assert (seen[-1], type(seen[-1])) == (other, type(other))
    editor.write(base)
    assert editor.read() == base


@pytest.mark.parametrize(
    ("kind", "base", "expected"),
    [
        (MONTH, 6, RangeEditor),
        (scalar(Scalar.INT, 1), 6, TextEditor),
        (scalar(Scalar.INT, 0, 10**400), 6, TextEditor),
        (scalar(Scalar.FLOAT, 0.0, float("inf")), 6.0, TextEditor),
        (scalar(Scalar.BOOL), True, SimpleEditor),
        (scalar(Scalar.BOOL), MISSING, ChoiceEditor),
        (scalar(Scalar.DATE), MISSING, SimpleEditor),
        (LEARNER, "ridge", ChoiceEditor),
        (OptionalOf(item=MONTH), None, OptionalEditor),
        (scalar(Scalar.DATE), OPAQUE, TextEditor),
    ],
    ids=str,
)
def test_the_type_decides_on_the_control(kind: ParameterType, base: object, expected: type) -> None:
    assert type(editor_for("x", kind, base)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("ridge", "boosting"), widgets.ToggleButtons),
        (tuple(range(5)), widgets.Dropdown),
        (("a name as long as a sentence", "b"), widgets.Dropdown),
    ],
)
def test_few_short_choices_are_buttons(values: tuple[str, ...], expected: type) -> None:
    assert type(editor_for("x", Choice(values=values), values[0]).widget) is expected


@pytest.mark.parametrize(
    ("kind", "typed", "message"),
    [
        (MONTH, "13", "13 is not an integer from 1 to 12"),
        (MONTH, "", "'' is not an integer from 1 to 12"),
        (INT, "1.5", "'1.5' is not an integer"),
        (scalar(Scalar.DATETIME), "yesterday", "is not a date and time"),
        (scalar(Scalar.SECRET), "hunter2", "the value is not a secret reference"),
        (ListOf(item=INT), "[1, 2", "it must be written as JSON"),
        (ListOf(item=INT), '["a"]', "is not an integer"),
    ],
)
def test_what_is_typed_is_kept_and_refused_with_the_reason(kind: ParameterType, typed: str, message: str) -> None:
    editor = editor_for("x", kind, {Scalar.INT: 1}.get(getattr(kind, "scalar", Scalar.STR), MISSING))
    assert isinstance(editor, TextEditor)
    editor.field.value = typed
    with pytest.raises(ParameterError, match=message.replace("(", r"\(")):
        editor.read()
    assert editor.field.value == typed


@pytest.mark.parametrize("absent", [MISSING, OPAQUE])
def test_a_control_without_a_value_is_empty_and_says_so(absent: object) -> None:
    editor = editor_for("x", INT, absent, source="os.cpu_count()")
    assert isinstance(editor, TextEditor)
    assert (editor.field.value, editor.read()) == ("", absent)
    assert ("os.cpu_count()" in editor.field.placeholder) == (absent is OPAQUE)


def test_moving_the_slider_types_the_number() -> None:
    editor = editor_for("rate", scalar(Scalar.FLOAT, 0.01, 0.5), 0.1)
    assert isinstance(editor, RangeEditor)
    editor.slider.value = 0.30000000000000004
    assert (editor.field.value, editor.read()) == ("0.3", 0.3)
    editor.field.value = "0.25"
    assert editor.slider.value == 0.25


def test_a_browser_that_moves_the_slider_to_its_own_grid_changes_nothing() -> None:
    editor = editor_for("alpha", scalar(Scalar.FLOAT, 0.0, 1000.0), 1.0)
    assert isinstance(editor, RangeEditor)
    editor.slider.value = 0.0
    assert editor.read() == 1.0
    editor.slider.value = 10.0
    assert editor.read() == 10.0


def test_a_wrong_number_leaves_the_slider_where_it_is() -> None:
    editor = editor_for("month", MONTH, 6)
    assert isinstance(editor, RangeEditor)
    editor.field.value = "13"
    assert editor.slider.value == 6


def test_none_switches_the_other_control_off() -> None:
    editor = editor_for("limit", OptionalOf(item=INT), None)
    assert isinstance(editor, OptionalEditor)
    assert isinstance(editor.inner, TextEditor)
    assert editor.inner.field.disabled
    editor.tick.value = False
    assert not editor.inner.field.disabled
    assert editor.read() is MISSING


@pytest.mark.parametrize(("kind", "base", "_other"), CASES, ids=str)
def test_every_control_can_be_switched_off(kind: ParameterType, base: object, _other: object) -> None:
    editor = editor_for("x", kind, base)
    editor.enable(is_enabled=False)
    controls = editor.widget.children if hasattr(editor.widget, "children") else [editor.widget]
    assert all(control.disabled for control in controls)


@pytest.mark.parametrize(("span", "step"), [(0.49, 0.001), (1000.0, 10.0), (1.0, 0.01), (0.0, 1.0)])
def test_sliders_move_by_powers_of_ten(span: float, step: float) -> None:
    assert nice_step(span) == pytest.approx(step)


def test_a_value_is_shown_as_one_would_type_it() -> None:
    assert text_of(scalar(Scalar.FLOAT), 1e-7) == "1e-07"
    assert text_of(ListOf(item=scalar(Scalar.STR)), ["é"]) == '["é"]'
    assert text_of(INT, MISSING) == ""
