from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nightbook.records import CellStatus, MetricPoint
from nightbook.runs.report.cells import CellView
from nightbook.runs.report.header import cell_durations, duration_remark, metric_curves, metric_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.records import Run
    from nightbook.runs.report import ReportContext


def code(index: int, seconds: float | None, status: CellStatus = CellStatus.SUCCEEDED) -> CellView:
    return CellView(kind="code", index=index, anchor=f"nb-cell-{index}", scope="c", status=status, duration=seconds)


def test_metrics_show_last_values_directions_and_steps(make_context: Callable[..., ReportContext]) -> None:
    rows = {row.name: row for row in metric_rows(make_context())}
    assert (rows["auc"].shown, rows["auc"].better, rows["auc"].steps) == ("0.8731", "higher is better", 1)
    assert rows["rows"].shown == "1,204,118"
    assert rows["train_loss"].spark
    assert not rows["auc"].spark


def test_not_a_number_is_marked_as_a_word(
    make_context: Callable[..., ReportContext], make_run: Callable[..., Run]
) -> None:
    context = make_context(run=make_run(metrics={"a": math.nan, "b": -math.inf, "c": 1.0}), points=())
    assert [row.is_word for row in metric_rows(context)] == [True, True, False]


def test_splits_of_one_measure_share_a_chart(make_context: Callable[..., ReportContext]) -> None:
    charts = metric_curves(make_context().points)
    assert len(charts) == 1
    assert "<figcaption>loss</figcaption>" in charts[0]


def test_a_step_logged_twice_counts_with_its_later_value() -> None:
    points = [MetricPoint(name="loss", value=value, step=step) for step, value in ((0, 3.0), (1, 9.0), (1, 2.0))]
    (chart,) = metric_curves(points)
    assert "from 3 to 2" in chart


def test_durations_name_the_outlier() -> None:
    found = cell_durations([code(0, 1.0), code(2, 1.0), code(5, 60.0), code(6, None)])
    assert found is not None
    assert (found.longest, found.median, found.anchor) == ("Cell 5 took 1 m 0 s of 1 m 2 s", "1.0 s", "nb-cell-5")


def test_two_cells_are_too_few_to_compare() -> None:
    assert cell_durations([code(0, 1.0), code(1, 2.0)]) is None


def test_a_duration_is_compared_with_earlier_successes(make_context: Callable[..., ReportContext]) -> None:
    assert (
        duration_remark(make_context(recent_durations=(100.0, 110.0, 120.0))) == "slower than usual (median 1 m 50 s)"
    )
    assert duration_remark(make_context(recent_durations=(430.0, 400.0, 450.0))) == "as usual (median 7 m 10 s)"
    assert duration_remark(make_context(recent_durations=(1.0,))) == ""
