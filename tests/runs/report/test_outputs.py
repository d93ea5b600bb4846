from __future__ import annotations

import base64
from typing import Any

import pytest

from nightbook.runs.report.context import CodeVisibility
from nightbook.runs.report.limits import Detail
from nightbook.runs.report.markdown import Prose
from nightbook.runs.report.outputs import OWN, Outputs


@pytest.fixture
def outputs() -> Outputs:
    return Outputs(prose=Prose(folder=None, root=None), link="executed.ipynb")


def shown(outputs: Outputs, **bundle: Any) -> str:
    data = {kind.replace("__", "/"): value for kind, value in bundle.items()}
    return str(outputs.render({"output_type": "display_data", "data": data, "metadata": {}}))


def test_own_metric_outputs_show_their_text_only(outputs: Outputs) -> None:
    bundle = {OWN: {"metrics": []}, "text/plain": "auc = 0.8731"}
    html = outputs.render({"output_type": "display_data", "data": bundle})
    assert html == '<pre class="text own">auc = 0.8731</pre>'


def test_html_comes_before_text_and_is_clean(outputs: Outputs) -> None:
    html = shown(outputs, text__html=["<b>x</b>", "<img src='https://example.org/a.png'>"], text__plain="x")
    assert "<b>x</b>" in html
    assert "an image from example.org" in html


def test_a_picture_has_a_text_for_those_who_do_not_see_it(outputs: Outputs) -> None:
    html = shown(outputs, image__png="AAAA\n", text__plain="<Figure size 640x480 with 1 Axes>")
    assert html == '<img class="plate" alt="Figure" src="data:image/png;base64,AAAA">'


def test_an_svg_is_a_picture_in_which_nothing_runs(outputs: Outputs) -> None:
    html = shown(outputs, **{"image__svg+xml": "<svg onload='alert(1)'/>"})
    assert html.startswith("<img")
    assert base64.b64encode(b"<svg onload='alert(1)'/>").decode() in html


def test_a_picture_keeps_the_width_it_was_given(outputs: Outputs) -> None:
    output = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {"image/png": {"width": 300.0}}}
    assert ' width="300"' in outputs.render(output)


def test_a_script_is_named_and_its_text_shown(outputs: Outputs) -> None:
    html = shown(outputs, application__javascript="alert(1)", text__plain="<IPython.core.display.Javascript object>")
    assert "alert" not in html
    assert "Not drawn here: a script" in html


def test_a_lone_script_beside_a_table_is_counted_not_lamented(outputs: Outputs) -> None:
    html = shown(outputs, text__html="<table><tr><td>1</td></tr></table><script>x()</script>")
    assert "notice" not in html
    assert outputs.scripts == 1


def test_json_and_formulas_and_markdown_are_rendered(outputs: Outputs) -> None:
    assert '<span class="nt">' in shown(outputs, application__json={"a": 1})
    assert "<math" in shown(outputs, text__latex="$x$")
    assert "<strong>x</strong>" in shown(outputs, text__markdown="**x**")


def test_an_output_of_an_unknown_type_is_named(outputs: Outputs) -> None:
    assert "application/x-mystery cannot be shown" in shown(outputs, **{"application__x-mystery": "?"})


def test_an_output_too_large_for_a_page_that_has_to_shrink_is_linked(outputs: Outputs) -> None:
    outputs.detail = Detail.SMALLEST
    html = shown(outputs, text__html="x" * 100_000)
    assert "An output of 100 kB is left out" in html
    assert '<a href="executed.ipynb">' in html


@pytest.mark.parametrize(
    "output", [{}, {"output_type": "display_data"}, {"output_type": "error"}, {"output_type": "stream"}]
)
def test_an_incomplete_output_does_not_break_the_page(outputs: Outputs, output: dict[str, object]) -> None:
    outputs.render(output)


def test_without_code_neither_a_traceback_nor_a_warning_shows_source() -> None:
    outputs = Outputs(prose=Prose(folder=None, root=None), code=CodeVisibility.ABSENT)
    traceback = ["---", "ValueError  Traceback", "Cell In[1], line 1\n----> 1 canary()", "ValueError: no"]
    error = outputs.render({"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": traceback})
    warning = "/tmp/1.py:1: UserWarning: careful\n  canary()\n"
    printed = outputs.render({"output_type": "stream", "name": "stderr", "text": warning})
    assert "canary" not in error + printed
    assert "<strong>ValueError</strong>: no" in error
    assert "careful" in printed
