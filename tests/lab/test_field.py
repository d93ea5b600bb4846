from __future__ import annotations

from nightbook.lab.declaration import Declared
from nightbook.lab.editors import SimpleEditor, TextEditor
from nightbook.lab.field import Field
from nightbook.notebooks.parameters import MISSING, OPAQUE, Parameter
from nightbook.notebooks.types import Constraint, ConstraintKind, ParameterType, Scalar, ScalarType

MONTH = ScalarType(
    scalar=Scalar.INT,
    constraints=(Constraint(kind=ConstraintKind.GE, limit=1), Constraint(kind=ConstraintKind.LE, limit=12)),
)


def field(kind: ParameterType, base: object, *, words: str = "", is_preset: bool = False) -> Field:
    parameter = Parameter(name="x", type=kind, default=base, default_source="f()", help=words)
    return Field(Declared(parameter=parameter, base=base, is_preset=is_preset), lambda: None)


def note(one: Field) -> str:
    return str(one.widget.children[1].value)


def typed(one: Field, text: str) -> None:
    assert isinstance(one.editor, TextEditor)
    one.editor.field.value = text


def test_a_row_says_what_the_parameter_is_for_what_it_takes_and_its_default() -> None:
    shown = note(field(MONTH, 6, words="calendar <month>"))
    for words in ("calendar &lt;month&gt;", "integer from 1 to 12", "default 6"):
        assert words in shown


def test_a_row_says_when_the_settings_set_the_value() -> None:
    assert "set to 6" in note(field(MONTH, 6, is_preset=True))


def test_a_changed_value_is_marked_and_back_at_the_default_it_is_not() -> None:
    row = field(MONTH, 6)
    typed(row, "7")
    assert (row.value, row.is_given) == (7, True)
    assert "nb-changed" in row.widget._dom_classes
    typed(row, "06")
    assert (row.value, row.is_given) == (6, False)
    assert "nb-changed" not in row.widget._dom_classes


def test_a_wrong_value_is_said_beside_the_field() -> None:
    row = field(MONTH, 6)
    typed(row, "13")
    assert row.error == "13 is not an integer from 1 to 12"
    assert 'role="alert"' in note(row)
    assert "nb-wrong" in row.widget._dom_classes
    row.reset()
    assert row.error == ""
    assert "nb-wrong" not in row.widget._dom_classes


def test_a_remedy_is_told_without_the_command_lines_words() -> None:
    row = field(ScalarType(scalar=Scalar.SECRET), "env:TOKEN")
    typed(row, "hunter2")
    assert "file:PATH" in row.error
    assert "NAME=env" not in row.error
    assert "hunter2" not in note(row)


def test_what_is_typed_is_shown_as_text() -> None:
    row = field(MONTH, 6)
    typed(row, "<b>")
    assert "<b>" not in note(row)


def test_a_required_value_is_asked_for() -> None:
    row = field(ScalarType(scalar=Scalar.DATE), MISSING)
    assert row.error == "a value is needed"
    assert "required" in note(row)


def test_a_default_that_the_notebook_computes_is_left_to_it() -> None:
    row = field(ScalarType(scalar=Scalar.STR), OPAQUE)
    assert (row.error, row.is_given) == ("", False)
    typed(row, "mine")
    assert row.is_given


def test_a_date_that_was_cleared_is_missed() -> None:
    row = field(ScalarType(scalar=Scalar.DATE), None)
    assert isinstance(row.editor, SimpleEditor)
    assert row.error == "a value is needed"
