"""A control for each type of parameter: it shows a value, takes another, and says as one types what is wrong with it.

Numbers, texts and moments are typed as text and read by the declared type, as on a command line: a field that silently
moved 13 to the nearest month would guess.
"""

from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as widgets

from nightbook.errors import ParameterError
from nightbook.notebooks.json_values import to_json
from nightbook.notebooks.parameters import MISSING, OPAQUE, Absent
from nightbook.notebooks.types import (
    Choice,
    ConstraintKind,
    OptionalOf,
    ParameterType,
    Scalar,
    ScalarType,
    describe,
    scalars,
)
from nightbook.notebooks.values import coerce, parse_text

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BUTTONS = 4
LONGEST_BUTTON = 14
_MOST_EXACT = 2**53  # a slider counts in the browser's floats
_NUMBERS = frozenset({Scalar.INT, Scalar.FLOAT, Scalar.DECIMAL})
_HINTS = {
    Scalar.DATETIME: "2026-01-31T12:00:00",
    Scalar.SECRET: "env:NAME or file:PATH, never the secret itself",
}


class Editor(Protocol):
    """Shows one value and takes another."""

    widget: Any

    def read(self) -> object:
        """The value shown, `MISSING` when there is none yet.

        Raises:
            ParameterError: What is shown is no value of the type.
        """

    def write(self, value: object) -> None:
        """Show another value of the type."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever what is shown changes, with every key that is typed."""

    def enable(self, *, is_enabled: bool) -> None:
        """Let it be changed, or not."""


class FieldEditor:
    """An editor of one control.

    Args:
        field: The control.
    """

    def __init__(self, field: Any) -> None:  # noqa: ANN401 - ipywidgets ships no types
        self.field = field
        self.widget: Any = field

    def watch(self, changed: Callable[[], None]) -> None:
        """Tell of every change, with every key that is typed."""
        self.field.observe(lambda _: changed(), "value")

    def enable(self, *, is_enabled: bool) -> None:
        """Let it be changed, or not."""
        self.field.disabled = not is_enabled


class TextEditor(FieldEditor):
    """A line of text, or several for JSON, read by the declared type."""

    def __init__(self, name: str, kind: ParameterType, base: object, *, placeholder: str = "") -> None:
        self._kind = kind
        shown = text_of(kind, base)
        make = widgets.Textarea if _is_long(kind, shown) else widgets.Text
        extra = {"rows": min(6, shown.count("\n") + 2)} if make is widgets.Textarea else {}
        hint = placeholder or (_HINTS.get(kind.scalar, "") if isinstance(kind, ScalarType) else "")
        field = make(
            value=shown, description=name, tooltip=describe(kind), placeholder=hint, continuous_update=True, **extra
        )
        super().__init__(field)
        self._base = (shown, base)

    def read(self) -> object:
        """What the text says; text that is still the base's stands for the base, exactly."""
        text, base = self._base
        if self.field.value == text:
            return base
        if not self.field.value and isinstance(base, Absent):
            return base
        return parse_text(self._kind, self.field.value)

    def write(self, value: object) -> None:
        """Show it as one would type it."""
        self.field.value = text_of(self._kind, value)


class RangeEditor(TextEditor):
    """A number between two ends: typed, or moved with a slider that never moves what was typed."""

    def __init__(self, name: str, kind: ScalarType, base: object) -> None:
        super().__init__(name, kind, base)
        low, high = (_limit(kind, one) for one in (ConstraintKind.GE, ConstraintKind.LE))
        is_whole = kind.scalar is Scalar.INT
        step = _limit(kind, ConstraintKind.MULTIPLE_OF) or (1 if is_whole else nice_step(float(high) - float(low)))
        self._decimals = max(0, -math.floor(math.log10(step)))
        slider = widgets.IntSlider if is_whole else widgets.FloatSlider
        number = int if is_whole else float
        self.slider = slider(min=number(low), max=number(high), step=number(step), readout=False)
        self.slider.tooltip = f"{name}: {describe(kind)}"
        self.widget = widgets.HBox([self.field, self.slider]).add_class("nb-range")
        self._follow()
        self.field.observe(lambda _: self._follow(), "value")
        self.slider.observe(lambda _: self._lead(), "value")

    def enable(self, *, is_enabled: bool) -> None:
        """Let it be typed and moved, or not."""
        super().enable(is_enabled=is_enabled)
        self.slider.disabled = not is_enabled

    def _number(self) -> float | None:
        try:
            value = self.read()
        except ParameterError:
            return None
        return None if isinstance(value, Absent) else float(value)  # type: ignore[arg-type] # its type is a number's

    def _follow(self) -> None:
        number = self._number()
        if number is not None and number != self.slider.value:
            self.slider.value = number

    def _lead(self) -> None:
        moved, number = self.slider.value, self._number()
        # A browser's slider answers a number between two of its steps with the nearest of them: nobody moved it.
        if number is None or abs(moved - number) > self.slider.step / 2:
            self.field.value = str(moved if isinstance(moved, int) else round(moved, self._decimals))


class ChoiceEditor(FieldEditor):
    """One of the listed values, as buttons when they are few and short."""

    def __init__(self, name: str, kind: ParameterType, values: tuple[object, ...], base: object) -> None:
        self._kind = kind
        labels = [str(value) or "''" for value in values]
        self._values = dict(zip(_distinct(labels, values), values, strict=True))
        is_short = len(values) <= MOST_BUTTONS and max(map(len, labels)) <= LONGEST_BUTTON
        make = widgets.ToggleButtons if is_short else widgets.Dropdown
        super().__init__(make(options=list(self._values), value=self._label(base), description=name))
        self.field.tooltip = describe(kind)

    def read(self) -> object:
        """The value chosen."""
        return MISSING if self.field.value is None else coerce(self._kind, self._values[self.field.value])

    def write(self, value: object) -> None:
        """Choose it."""
        self.field.value = self._label(value)

    def _label(self, value: object) -> str | None:
        same = (label for label, one in self._values.items() if type(one) is type(value) and one == value)
        return next(same, None)


class SimpleEditor(FieldEditor):
    """A control whose own value is the parameter's: a tick, a date."""

    def read(self) -> object:
        """The value shown."""
        return MISSING if self.field.value is None else self.field.value

    def write(self, value: object) -> None:
        """Show it."""
        self.field.value = None if isinstance(value, Absent) else value


class OptionalEditor:
    """Another editor with a tick for None beside it."""

    def __init__(self, name: str, inner: Editor, *, is_none: bool) -> None:
        self.inner = inner
        self.tick = widgets.Checkbox(value=is_none, description="None", indent=False, tooltip=f"{name} is None")
        self.widget: Any = widgets.HBox([inner.widget, self.tick]).add_class("nb-optional")
        self._sync()
        self.tick.observe(lambda _: self._sync(), "value")

    def read(self) -> object:
        """None when it is ticked."""
        return None if self.tick.value else self.inner.read()

    def write(self, value: object) -> None:
        """Tick it, or show the value."""
        self.tick.value = value is None
        if value is not None:
            self.inner.write(value)

    def watch(self, changed: Callable[[], None]) -> None:
        """Tell of the tick and of the value."""
        self.tick.observe(lambda _: changed(), "value")
        self.inner.watch(changed)

    def enable(self, *, is_enabled: bool) -> None:
        """Let it be changed, or not."""
        self.tick.disabled = not is_enabled
        self.inner.enable(is_enabled=is_enabled and not self.tick.value)

    def _sync(self) -> None:
        self.inner.enable(is_enabled=not self.tick.value)


def editor_for(name: str, kind: ParameterType, base: object, *, source: str = "") -> Editor:  # noqa: PLR0911 - a return a case
    """The control for a parameter.

    Args:
        name: Its name, shown as the label.
        kind: Its declared type.
        base: The value to begin with; `MISSING` or `OPAQUE` when there is none to show.
        source: How the notebook computes a default that cannot be shown.
    """
    if base is OPAQUE:
        return TextEditor(name, kind, base, placeholder=f"computed by the notebook: {source}")
    match kind:
        case Choice(values=values):
            return ChoiceEditor(name, kind, values, base)
        case OptionalOf(item=Choice(values=values)):
            return ChoiceEditor(name, kind, (None, *(one for one in values if one is not None)), base)
        case OptionalOf(item=ScalarType(scalar=Scalar.BOOL)):
            return ChoiceEditor(name, kind, (None, True, False), base)
        case OptionalOf(item=item):
            inner = editor_for(name, item, MISSING if base is None else base)
            return OptionalEditor(name, inner, is_none=base is None)
        case ScalarType(scalar=Scalar.BOOL) if base is MISSING:
            return ChoiceEditor(name, kind, (True, False), base)
        case ScalarType(scalar=Scalar.BOOL):
            return SimpleEditor(widgets.Checkbox(value=base, description=name, tooltip=describe(kind)))
        case ScalarType(scalar=Scalar.DATE):
            shown = base if isinstance(base, date) else None
            return SimpleEditor(widgets.DatePicker(value=shown, description=name, tooltip=describe(kind)))
        case ScalarType(scalar=scalar) if scalar in _NUMBERS and _has_ends(kind):
            return RangeEditor(name, kind, base)
    return TextEditor(name, kind, base)


def text_of(kind: ParameterType, value: object) -> str:
    """A value as one would type it; empty for none."""
    if isinstance(value, Absent):
        return ""
    if isinstance(value, float):
        return repr(value)
    plain = to_json(kind, value)
    is_json = kind.scalar is Scalar.JSON if isinstance(kind, ScalarType) else not isinstance(kind, Choice)
    return json.dumps(plain, ensure_ascii=False) if is_json else str(plain)


def nice_step(span: float) -> float:
    """A power of ten that cuts a span into some hundreds of parts."""
    return float(10.0 ** math.floor(math.log10(span / 100))) if span > 0 else 1.0


def _limit(kind: ScalarType, wanted: ConstraintKind) -> Any:  # noqa: ANN401 - the type of what it bounds
    return next((one.limit for one in kind.constraints if one.kind is wanted), None)


def _has_ends(kind: ScalarType) -> bool:
    low, high = (_limit(kind, one) for one in (ConstraintKind.GE, ConstraintKind.LE))
    if low is None or high is None or not low < high:
        return False
    return all(abs(end) <= _MOST_EXACT for end in (low, high))


def _is_long(kind: ParameterType, shown: str) -> bool:
    is_plain = isinstance(kind, ScalarType) and kind.scalar is not Scalar.JSON
    return "\n" in shown or (not is_plain and bool(scalars(kind)) and len(shown) > 40)  # noqa: PLR2004 - a field's width


def _distinct(labels: list[str], values: tuple[object, ...]) -> list[str]:
    # 1 and '1' look the same.
    return [label if labels.count(label) == 1 else repr(value) for label, value in zip(labels, values, strict=True)]
