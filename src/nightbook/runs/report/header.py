"""What stands above and beside the notebook: metrics, curves, durations and the facts of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.numbers import MINUS, exact, format_duration, format_number
from nightbook.records import CellStatus
from nightbook.runs.report.charts import Bar, Series, curve, duration_bars, median, sparkline
from nightbook.runs.report.wording import better_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from nightbook.records import MetricPoint
    from nightbook.runs.report.cells import CellView
    from nightbook.runs.report.context import ReportContext

_SPLITS = ("train", "training", "val", "valid", "validation", "test", "eval", "holdout")
_FEWEST_BARS = 3
_MOST_LINES = 5
_OUTLIER = 3.0
_NOTABLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric: its last value as people read it, and how it came there."""

    name: str
    shown: str
    exact: str
    better: str
    spark: Markup
    steps: int

    @property
    def is_word(self) -> bool:
        """NaN and infinities are words, and marked."""
        return self.shown.strip(MINUS).split(" ")[0] in {"NaN", "infinity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """The cells' durations: a chart, the longest in words with its anchor, and the median."""

    chart: Markup
    longest: str
    median: str
    anchor: str


def metric_rows(context: ReportContext) -> tuple[MetricRow, ...]:
    """Every metric of the run, in the order of first logging."""
    points = _by_name(context.points)
    names = [*points, *(name for name in context.run.metrics if name not in points)]
    return tuple(_metric_row(name, points.get(name, ()), context.run.metrics.get(name)) for name in names)


def metric_curves(points: Sequence[MetricPoint]) -> tuple[Markup, ...]:
    """One chart for each stepped metric; `train_loss` and `valid_loss` share one."""
    groups: dict[str, list[Series]] = {}
    for name, logged in _by_name(points).items():
        line = tuple((float(step), value) for step, value in _last_by_step(logged))
        if len(line) > 1:
            groups.setdefault(_measure(name), []).append(Series(label=name, points=line))
    charts = []
    for measure, series in groups.items():
        title = measure if len(series) > 1 else series[0].label
        charts += [curve(title, series[start : start + _MOST_LINES]) for start in range(0, len(series), _MOST_LINES)]
    return tuple(chart for chart in charts if chart)


def cell_durations(cells: Sequence[CellView]) -> Durations | None:
    """Bars of the code cells that ran; None for too few to compare."""
    ran = [cell for cell in cells if cell.kind == "code" and cell.duration is not None and cell.index is not None]
    if len(ran) < _FEWEST_BARS:
        return None
    bars = [
        Bar(
            label=f"cell {cell.index}",
            seconds=cell.duration or 0.0,
            failed=cell.status is CellStatus.FAILED,
        )
        for cell in ran
    ]
    middle = median([bar.seconds for bar in bars])
    longest = max(ran, key=lambda cell: cell.duration or 0.0)
    took = longest.duration or 0.0
    total = sum(bar.seconds for bar in bars)
    sentence = f"Cell {longest.index} took {format_duration(took)} of {format_duration(total)}"
    if not (took >= _NOTABLE_SECONDS and took >= _OUTLIER * middle):
        sentence = f"Longest: cell {longest.index}, {format_duration(took)}"
    chart = duration_bars(bars, middle)
    return Durations(chart=chart, longest=sentence, median=format_duration(middle), anchor=longest.anchor)


def duration_remark(context: ReportContext) -> str:
    """How this run's time compares with earlier successes of the stage; empty without enough of them."""
    took, earlier = context.run.duration_seconds, context.recent_durations
    if took is None or len(earlier) < _FEWEST_BARS:
        return ""
    usual = median(earlier)
    if took > usual * 1.5 and took - usual > _NOTABLE_SECONDS:
        return f"slower than usual (median {format_duration(usual)})"
    return f"as usual (median {format_duration(usual)})"


def _metric_row(name: str, points: Sequence[MetricPoint], recorded: float | None) -> MetricRow:
    last = points[-1] if points else None
    value = recorded if recorded is not None else last.value if last else None
    line = _last_by_step(points)
    return MetricRow(
        name=name,
        shown=format_number(value, last.unit if last else ""),
        exact=exact(value),
        better=better_in_words(last),
        spark=sparkline([(float(step), logged) for step, logged in line]),
        steps=len(line),
    )


def _by_name(points: Sequence[MetricPoint]) -> dict[str, list[MetricPoint]]:
    grouped: dict[str, list[MetricPoint]] = {}
    for point in points:
        grouped.setdefault(point.name, []).append(point)
    return grouped


def _last_by_step(points: Sequence[MetricPoint]) -> list[tuple[int, float]]:
    """A step that was logged twice counts with its later value."""
    return sorted({point.step: point.value for point in points}.items())


def _measure(name: str) -> str:
    """What a metric measures, without the split it was measured on: `valid_loss` and `train/loss` are `loss`."""
    for split in _SPLITS:
        for mark in "_/-.":
            if name.startswith(split + mark):
                return name[len(split) + 1 :]
            if name.endswith(mark + split):
                return name[: -len(split) - 1]
    return name
