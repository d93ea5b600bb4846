from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.errors import NotebookError, ParameterError
from nightbook.lab.editors import RangeEditor, TextEditor
from nightbook.lab.parameter_form import ParameterForm
from nightbook.records import Cause, RunStatus

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 120


@pytest.fixture
def form(lab_project: Path) -> ParameterForm:
    return ParameterForm("study.ipynb")


def type_into(form: ParameterForm, name: str, text: str) -> None:
    editor = form.fields[name].editor
    assert isinstance(editor, TextEditor)
    editor.field.value = text


def ran(form: ParameterForm) -> Any:
    form.run_button.click()
    assert form.run_button.disabled
    assert not form.cancel_button.disabled
    run = form.wait(PATIENCE_SECONDS)
    assert run is not None, form.status.value
    assert not form.run_button.disabled
    assert form.cancel_button.disabled
    return run


def test_every_parameter_has_a_row_and_nothing_is_given_at_first(form: ParameterForm) -> None:
    assert list(form.fields)[:3] == ["result", "month", "rate"]
    assert form.given == {}
    assert form.last_run is None
    assert not form.run_button.disabled
    assert form.reset_button.disabled
    assert form.report_box.children == ()


def test_what_was_changed_is_what_a_run_is_given(form: ParameterForm) -> None:
    type_into(form, "month", "7")
    type_into(form, "names", '["c"]')
    rate = form.fields["rate"].editor
    assert isinstance(rate, RangeEditor)
    rate.slider.value = 0.2
    assert form.given == {"month": 7, "rate": 0.2, "names": ["c"]}
    assert "3 changed" in form.summary.value
    form.reset_button.click()
    assert form.given == {}


def test_a_wrong_value_keeps_run_off_and_starts_nothing(form: ParameterForm, lab_project: Path) -> None:
    type_into(form, "month", "13")
    assert form.run_button.disabled
    assert "month" in form.summary.value
    with pytest.raises(ParameterError, match="month: 13 is not an integer from 1 to 12"):
        form.run()
    assert not (lab_project / ".nightbook").exists()
    type_into(form, "month", "12")
    assert not form.run_button.disabled


def test_a_form_shows_itself_as_a_widget_with_a_text_for_where_there_are_none(form: ParameterForm) -> None:
    shown: Any = form._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "text/plain" in shown


def test_a_form_for_no_notebook_says_so(lab_project: Path) -> None:
    with pytest.raises(NotebookError, match=r"studio\.ipynb"):
        ParameterForm("studio.ipynb")


def test_waiting_or_cancelling_before_anything_ran_is_harmless(form: ParameterForm) -> None:
    form.cancel()
    assert form.wait(1) is None


@pytest.mark.slow
def test_a_run_goes_on_in_batch_and_shows_metrics_and_report(form: ParameterForm, lab_project: Path) -> None:
    type_into(form, "month", "8")
    type_into(form, "price", "2.50")
    run = ran(form)
    assert (run.status, run.metrics) == (RunStatus.SUCCEEDED, {"score": 2.0})
    assert (run.parameters["month"], run.parameters["price"]) == (8, "2.50")
    assert (lab_project / "data" / "result.txt").read_text() == "8"
    assert "study #" in form.status.value
    assert "score" in form.status.value

    form.report_button.value = True
    frame = re.search(r'srcdoc="([^"]*)"', form.report.value)
    assert frame is not None
    assert "<h1" in html.unescape(frame[1])
    assert "not-shown-anywhere" not in form.report.value

    again = ran(form)
    assert form.report.value == ""
    assert again.run_id == run.run_id
    assert "Nothing to do" in form.status.value


@pytest.mark.slow
def test_a_failure_shows_its_cause_and_message(form: ParameterForm) -> None:
    form.fields["behaviour"].editor.write("fail")
    run = ran(form)
    assert (run.status, run.cause) == (RunStatus.FAILED, Cause.CELL_ERROR)
    assert "asked to fail" in form.status.value
    assert form.report_button in form.report_box.children
