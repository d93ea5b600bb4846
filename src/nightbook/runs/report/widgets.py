"""Jupyter widgets as they stood when the notebook was saved: static HTML of our own for the core controls.

Nothing can be operated in a report, so a control shows its label and its value. A widget that is none of the core
controls shows its text and a notice.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from nightbook.numbers import format_number, is_number
from nightbook.runs.report.markup import clean_html, removal_notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_REFERENCE = "IPY_MODEL_"
_DEEPEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Widgets:
    """The saved widget state of one notebook.

    Attributes:
        models: Each model's name and state by its id.
        render_output: Renders one nbformat output, for what an `Output` widget caught.
    """

    models: Mapping[str, tuple[str, Mapping[str, object]]]
    render_output: Callable[[Mapping[str, object]], Markup] = field(default=lambda _: Markup())

    def render(self, view: object, scope: str) -> Markup | None:
        """The widget of a view output; None when its state was not saved or it is no core control."""
        identity = view.get("model_id") if isinstance(view, dict) else None
        if identity not in self.models:
            return None
        body = self._model(str(identity), scope, 0)
        return None if body is None else Markup('<div class="widget">{}</div>').format(body)

    def _model(self, identity: str, scope: str, depth: int) -> Markup | None:
        if depth > _DEEPEST or identity not in self.models:
            return None
        name, state = self.models[identity]
        kind = name.removesuffix("Model")
        if kind in _BOXES:
            return self._box(kind, state, scope, depth)
        if kind == "Output":
            caught = state.get("outputs")
            return Markup().join(self.render_output(one) for one in _list(caught) if isinstance(one, dict))
        if kind in {"HTML", "HTMLMath"}:
            cleaned = clean_html(_text(state.get("value")), scope)
            return _labelled(state, Markup("<span>{}</span>").format(cleaned.html)) + removal_notice(cleaned.removed)
        draw = _CONTROLS.get(kind)
        return draw(state) if draw else None

    def _box(self, kind: str, state: Mapping[str, object], scope: str, depth: int) -> Markup:
        titles = _list(state.get("titles"))
        parts = []
        for position, reference in enumerate(_list(state.get("children"))):
            identity = _text(reference).removeprefix(_REFERENCE)
            child = self._model(identity, scope, depth + 1)
            if child is None:
                child = _unknown(self.models.get(identity, ("", {}))[0])
            if kind in {"Tab", "Accordion"}:
                title = _text(titles[position]) if position < len(titles) else f"Part {position + 1}"
                is_open = Markup(" open") if state.get("selected_index") == position else ""
                child = Markup("<details{}><summary>{}</summary>{}</details>").format(is_open, title, child)
            parts.append(child)
        direction = "row" if kind == "HBox" else "column"
        return Markup('<div class="widget-box {}">{}</div>').format(direction, Markup().join(parts))


def saved_widgets(metadata: Mapping[str, object], render_output: Callable[[Mapping[str, object]], Markup]) -> Widgets:
    """Read the widget state that nbclient or JupyterLab stored in a notebook's metadata."""
    widgets = metadata.get("widgets")
    saved = widgets.get(_STATE) if isinstance(widgets, dict) else None
    state = saved.get("state") if isinstance(saved, dict) else None
    models: dict[str, tuple[str, Mapping[str, object]]] = {}
    for identity, model in state.items() if isinstance(state, dict) else ():
        if isinstance(model, dict) and isinstance(model.get("state"), dict):
            models[identity] = (str(model.get("model_name", "")), model["state"])
    return Widgets(models=models, render_output=render_output)


def _labelled(state: Mapping[str, object], shown: Markup | str) -> Markup:
    label = _text(state.get("description"))
    if not label:
        return Markup('<div class="control">{}</div>').format(shown)
    return Markup('<div class="control"><span class="control-label">{}</span> {}</div>').format(label, shown)


def _value(state: Mapping[str, object]) -> Markup:
    value = state.get("value")
    text = format_number(value) if is_number(value) and isinstance(value, int | float) else _text(value)
    return _labelled(state, Markup('<span class="control-value">{}</span>').format(text or "—"))


def _slider(state: Mapping[str, object]) -> Markup:
    value = state.get("value")
    shown = format_number(value) if is_number(value) and isinstance(value, int | float) else _text(value)
    return _labelled(state, Markup('{} <span class="control-value">{}</span>').format(_bar(state), shown))


def _progress(state: Mapping[str, object]) -> Markup:
    return _labelled(state, _bar(state))


def _bar(state: Mapping[str, object]) -> Markup:
    value, low, high = (_float(state.get(key), start) for key, start in (("value", 0.0), ("min", 0.0), ("max", 1.0)))
    name = _text(state.get("description")) or "Value"
    meter = Markup('<meter min="{}" max="{}" value="{}" aria-label="{}"></meter>')
    return meter.format(low, max(high, low), value, name)


def _range(state: Mapping[str, object]) -> Markup:
    ends = (*_list(state.get("value")), None, None)[:2]
    low, high = (format_number(end) if isinstance(end, int | float) else _text(end) for end in ends)
    return _labelled(state, Markup('<span class="control-value">{} to {}</span>').format(low, high))


def _check(state: Mapping[str, object]) -> Markup:
    word, sign = ("yes", "☑") if state.get("value") else ("no", "☐")
    shown = Markup('<span class="control-value"><span aria-hidden="true">{}</span> {}</span>').format(sign, word)
    return _labelled(state, shown)


def _choice(state: Mapping[str, object]) -> Markup:
    labels = _list(state.get("_options_labels"))
    index = state.get("index")
    chosen = [index] if isinstance(index, int) else _list(index)
    names = [_text(labels[one]) for one in chosen if isinstance(one, int) and 0 <= one < len(labels)]
    shown = Markup('<span class="control-value">{}</span>').format(", ".join(names) or "nothing chosen")
    return _labelled(state, shown)


def _button(state: Mapping[str, object]) -> Markup:
    return Markup('<div class="control"><span class="control-button">{}</span></div>').format(
        _text(state.get("description")) or "Button"
    )


def _image(state: Mapping[str, object]) -> Markup:
    value = state.get("value")
    encoded = base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else _text(value)
    if not encoded:
        return Markup()
    kind = _text(state.get("format")) or "png"
    return Markup('<img class="plate" alt="Image" src="data:image/{};base64,{}">').format(kind, encoded)


def _secret(state: Mapping[str, object]) -> Markup:
    return _labelled(state, Markup('<span class="control-value">{}</span>').format("hidden"))


def _unknown(name: str) -> Markup:
    return Markup('<p class="notice">A widget of type {} cannot be shown in a report.</p>').format(name or "unknown")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _float(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


_BOXES = frozenset({"Box", "VBox", "HBox", "GridBox", "Tab", "Accordion", "Stack"})
_CHOICES = (
    "Dropdown", "RadioButtons", "Select", "SelectMultiple", "SelectionSlider", "SelectionRangeSlider", "ToggleButtons",
)  # fmt: skip
_VALUES = (
    "IntText", "BoundedIntText", "FloatText", "BoundedFloatText", "FloatLogSlider", "Text", "Textarea", "Combobox",
    "Label", "DatePicker", "TimePicker", "ColorPicker", "NaiveDatetimePicker", "DatetimePicker", "TagsInput",
)  # fmt: skip
_CONTROLS: Mapping[str, Callable[[Mapping[str, object]], Markup]] = {
    **dict.fromkeys(("IntSlider", "FloatSlider", "Play"), _slider),
    **dict.fromkeys(("IntProgress", "FloatProgress"), _progress),
    **dict.fromkeys(("IntRangeSlider", "FloatRangeSlider"), _range),
    **dict.fromkeys(("Checkbox", "Valid", "ToggleButton"), _check),
    **dict.fromkeys(_CHOICES, _choice),
    **dict.fromkeys(_VALUES, _value),
    "Password": _secret,
    "Button": _button,
    "Image": _image,
}
