from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nightbook.records import CellStatus
from nightbook.runs.report.cells import CellView, CellViews
from nightbook.runs.report.context import CodeVisibility
from nightbook.runs.report.markdown import Prose
from nightbook.runs.report.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.records import Run

STDOUT = {"output_type": "stream", "name": "stdout", "text": "hello\n"}


@pytest.fixture
def views(make_run: Callable[..., Run]) -> Callable[..., tuple[CellView, ...]]:
    def render(*cells: dict[str, Any], code: CodeVisibility = CodeVisibility.FOLDED) -> tuple[CellView, ...]:
        prose = Prose(folder=None, root=None)
        renderer = CellViews(run=make_run(), prose=prose, outputs=Outputs(prose=prose), code=code, language="python")
        return renderer.render(cells)

    return render


def test_a_removed_cell_is_not_there(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    assert views(code_cell("x", [STDOUT], tags=["remove_cell"]), code_cell("y", tags=["remove-cell"])) == ()


def test_a_hidden_input_keeps_its_outputs(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    (view,) = views(code_cell("secret_name = 1", [STDOUT], tags=["hide_input"]))
    assert not view.code
    assert "hello" in view.outputs[0]


def test_without_code_no_source_is_in_any_view(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    (view,) = views(code_cell("secret_name = 1", [STDOUT]), code=CodeVisibility.ABSENT)
    assert "secret_name" not in repr(view)


def test_injected_parameters_say_so(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    labels = [
        view.label
        for view in views(
            code_cell("a = 1", tags=["parameters"]),
            code_cell("a = 2", tags=["injected-parameters"]),
            code_cell("b = 3"),
        )
    ]
    assert labels == ["Parameters, as declared", "Parameters, as injected for this run", "Code"]


def test_the_first_failed_cell_is_the_error(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "no",
        "traceback": ["-", "-", "Cell In[2], line 3\n----> 3 x", "ValueError: no"],
    }
    good, bad, later = views(
        code_cell("a = 1", index=0),
        code_cell("x", [error], index=2, status=CellStatus.FAILED, tags=["hide_output"]),
        code_cell("y = 1", index=3, status=CellStatus.NOT_RUN),
    )
    assert (good.is_error, bad.is_error, later.is_error) == (False, True, False)
    assert (bad.anchor, bad.line) == ("error", 3)
    assert bad.outputs


def test_a_cell_that_was_taken_over_says_so(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    taken, own = views(code_cell("a = 1", index=0, is_shared=True), code_cell("b = 2", index=1))
    assert (taken.is_shared, own.is_shared) == (True, False)


def test_twenty_thousand_prints_are_one_text(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    (view,) = views(code_cell("x", [STDOUT] * 20_000))
    assert len(view.outputs) == 1
    assert "19,960 more lines" in view.outputs[0]


def test_empty_cells_are_left_out(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    assert views(code_cell("  \n")) == ()


def test_a_cell_without_metadata_does_not_break_the_page(views: Callable[..., tuple[CellView, ...]]) -> None:
    (view,) = views(
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "outputs": []}, {"cell_type": "raw", "source": "x"}
    )
    assert (view.index, view.status, view.lines) == (None, None, 2)


def test_many_logged_values_are_one_fold(
    views: Callable[..., tuple[CellView, ...]], code_cell: Callable[..., dict[str, Any]]
) -> None:
    logged = [
        {
            "output_type": "display_data",
            "data": {"application/vnd.nightbook.v1+json": {}, "text/plain": [f"loss = {step}"]},
        }
        for step in range(24)
    ]
    many, few = views(code_cell("x", logged), code_cell("y", logged[:3]))
    assert len(many.outputs) == 1
    assert "24 logged values" in many.outputs[0]
    assert few.outputs == ('<pre class="text own">loss = 0\nloss = 1\nloss = 2</pre>',)
