from __future__ import annotations

from typing import Any

import pytest
from markupsafe import Markup

from nightbook.runs.report.widgets import VIEW, Widgets, saved_widgets


def control(name: str, **state: object) -> Markup | None:
    return Widgets(models={"one": (name, state)}).render({"model_id": "one"}, "nb-o1")


def test_a_saved_box_of_controls_shows_labels_and_values(rich_notebook: dict[str, Any]) -> None:
    cell = next(cell for cell in rich_notebook["cells"] if "IntSlider" in "".join(cell["source"]))
    view = next(output["data"][VIEW] for output in cell["outputs"] if VIEW in output.get("data", {}))
    html = saved_widgets(rich_notebook["metadata"], lambda _: Markup()).render(view, "nb-o1")
    assert html is not None
    assert '<span class="control-label">trees</span>' in html
    assert '<span class="control-value">7</span>' in html
    assert '<span class="control-value">boosting</span>' in html
    assert "<b>bold</b>" in html
    assert "</span> yes" in html
    assert "hunter2" not in html


@pytest.mark.parametrize(
    ("name", "state", "shown"),
    [
        ("FloatSliderModel", {"value": 0.123456, "min": 0, "max": 1}, "0.1235"),
        ("IntRangeSliderModel", {"value": [3, 7]}, "3 to 7"),
        ("SelectMultipleModel", {"_options_labels": ["a", "b", "c"], "index": [0, 2]}, "a, c"),
        ("DropdownModel", {"_options_labels": ["a"], "index": None}, "nothing chosen"),
        ("TextModel", {"value": "<x>"}, "&lt;x&gt;"),
        ("CheckboxModel", {"value": False}, "no"),
        ("ButtonModel", {"description": "Go"}, "Go"),
        ("ColorPickerModel", {"value": "#ff0000"}, "#ff0000"),
    ],
)
def test_each_control_shows_its_value(name: str, state: dict[str, object], shown: str) -> None:
    html = control(name, **state)
    assert html is not None
    assert shown in html


def test_html_of_a_widget_is_sanitised() -> None:
    html = control("HTMLModel", value="<script>alert(1)</script><b>x</b>")
    assert html is not None
    assert "alert" not in html
    assert "<b>x</b>" in html


def test_tabs_and_accordions_keep_their_titles() -> None:
    models: dict[str, tuple[str, dict[str, object]]] = {
        "one": ("TabModel", {"children": ["IPY_MODEL_two"], "titles": ["Results"], "selected_index": 0}),
        "two": ("LabelModel", {"value": "done"}),
    }
    html = Widgets(models=models).render({"model_id": "one"}, "nb-o1")
    assert html is not None
    assert "<summary>Results</summary>" in html


def test_what_an_output_widget_caught_is_rendered() -> None:
    caught = {"output_type": "stream", "name": "stdout", "text": "hello"}
    widgets = Widgets(
        models={"one": ("OutputModel", {"outputs": [caught]})}, render_output=lambda output: Markup(str(output["text"]))
    )
    assert widgets.render({"model_id": "one"}, "nb-o1") == '<div class="widget">hello</div>'


def test_a_widget_that_is_no_core_control_or_was_not_saved_is_left_to_its_text() -> None:
    assert control("LeafletMapModel") is None
    assert Widgets(models={}).render({"model_id": "gone"}, "nb-o1") is None


def test_an_unknown_widget_inside_a_box_is_named() -> None:
    models: dict[str, tuple[str, dict[str, object]]] = {
        "one": ("VBoxModel", {"children": ["IPY_MODEL_two"]}),
        "two": ("LeafletMapModel", {}),
    }
    html = Widgets(models=models).render({"model_id": "one"}, "nb-o1")
    assert html is not None
    assert "LeafletMapModel" in html


def test_a_box_that_holds_itself_ends() -> None:
    html = Widgets(models={"one": ("VBoxModel", {"children": ["IPY_MODEL_one"]})}).render({"model_id": "one"}, "nb-o1")
    assert html is not None
