"""The comparison page of a sweep: parameters and metrics of every run in one table that can be sorted."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightbook.numbers import (
    MISSING,
    exact,
    format_column,
    format_count,
    format_delta,
    format_number,
    is_number,
)
from nightbook.records import RunStatus
from nightbook.runs.report import wording
from nightbook.runs.report.render import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.records import MetricPoint, Run

_ABSENT = object()
_ORDER = {RunStatus.SUCCEEDED: 0, RunStatus.SKIPPED: 0, RunStatus.RUNNING: 1, RunStatus.PENDING: 2}
_HIGHER, _LOWER = "higher", "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonContext:
    """What the page knows beside the runs.

    Attributes:
        project: The project's name.
        objective: The metric that decides; empty for none.
        better: "higher" or "lower": which values of the objective win.
        points: One logged point for each metric: its unit, its direction, its tolerance.
        links: Relative address of each run's report, by run id; a run without one gets no link.
    """

    project: str
    objective: str = ""
    better: str = ""
    points: Sequence[MetricPoint] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One cell of the table: as shown, in full, and as the script sorts it (empty sorts last)."""

    shown: str
    full: str
    key: str
    is_number: bool
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column: a parameter that varies, or a metric."""

    name: str
    help: str
    is_number: bool
    entries: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """Everything the template shows."""

    parent: Run
    context: ComparisonContext
    runs: tuple[Run, ...]
    parameters: tuple[_Column, ...]
    metrics: tuple[_Column, ...]
    same: tuple[tuple[str, object], ...]
    counts: str
    verdict: str
    best: Run | None

    @property
    def status(self) -> wording.StatusWord:
        """The sweep's own status."""
        return wording.STATUS_WORDS[self.parent.status]

    @property
    def columns(self) -> tuple[_Column, ...]:
        """Parameters first, then metrics."""
        return (*self.parameters, *self.metrics)

    def word(self, run: Run) -> wording.StatusWord:
        """One run's status."""
        return wording.STATUS_WORDS[run.status]


def render_comparison(parent: Run, children: Sequence[Run], context: ComparisonContext) -> str:
    """One HTML file that compares the runs of a sweep, best first.

    Without JavaScript the table stands in the objective's order; with it each heading sorts.
    """
    known = {point.name: point for point in context.points}
    runs = tuple(sorted(children, key=lambda run: _rank(run, context)))
    varied, same = _parameters(runs)
    page = _Comparison(
        parent=parent, context=context, runs=runs, same=same,
        parameters=tuple(_parameter_column(name, runs) for name in varied),
        metrics=tuple(_metric_column(name, runs, known.get(name), context) for name in _metric_names(runs, context)),
        counts=_counts(runs), verdict=_verdict(runs, context, known.get(context.objective)), best=_best(runs, context),
    )  # fmt: skip
    return environment().get_template("comparison.html.j2").render(page=page).strip() + "\n"


def _rank(run: Run, context: ComparisonContext) -> tuple[int, float, int]:
    """Finished runs by objective, then those without a value, then what failed; equal ones by number."""
    value = run.metrics.get(context.objective, math.nan)
    order = _ORDER.get(run.status, 3)
    if not math.isfinite(value):
        return order, math.inf, run.number
    return order, -value if context.better == _HIGHER else value, run.number


def _best(runs: Sequence[Run], context: ComparisonContext) -> Run | None:
    if not context.objective or not runs or not context.better:
        return None
    first = runs[0]
    has_value = math.isfinite(first.metrics.get(context.objective, math.nan))
    return first if has_value and first.status is RunStatus.SUCCEEDED else None


def _verdict(runs: Sequence[Run], context: ComparisonContext, point: MetricPoint | None) -> str:
    """The winner, and whether its lead over the second is more than noise."""
    best = _best(runs, context)
    if best is None:
        return ""
    unit = point.unit if point else ""
    value = best.metrics[context.objective]
    text = f"{best.label} has the best {context.objective}, {format_number(value, unit)}"
    second = runs[1] if len(runs) > 1 else None
    rival = second.metrics.get(context.objective, math.nan) if second else math.nan
    if second is None or second.status is not RunStatus.SUCCEEDED or not math.isfinite(rival):
        return f"{text}."
    gap = abs(value - rival)
    if gap == 0:
        return f"{text}, as has {second.label}."
    ahead = format_delta(max(value, rival), min(value, rival), unit).removeprefix("+")
    noise = ", which is within the declared noise" if point and point.tolerance and gap <= point.tolerance else ""
    return f"{text}, ahead of {second.label} by {ahead}{noise}."


def _counts(runs: Sequence[Run]) -> str:
    """`24 runs: 22 succeeded, 2 failed`."""
    words = Counter(wording.STATUS_WORDS[run.status].word.split(",")[0].lower() for run in runs)
    return f"{format_count(len(runs), 'run')}: {', '.join(f'{count:,} {word}' for word, count in words.items())}"


def _parameters(runs: Sequence[Run]) -> tuple[tuple[str, ...], tuple[tuple[str, object], ...]]:
    names = tuple(dict.fromkeys(name for run in runs for name in run.parameters))
    values = {name: [run.parameters.get(name, _ABSENT) for run in runs] for name in names}
    varied = tuple(name for name in names if any(_differ(values[name][0], other) for other in values[name]))
    return varied, tuple((name, values[name][0]) for name in names if name not in varied)


def _differ(one: object, other: object) -> bool:
    """1, 1.0 and True are different settings, although Python calls them equal."""
    return type(one) is not type(other) or one != other


def _metric_names(runs: Sequence[Run], context: ComparisonContext) -> tuple[str, ...]:
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    if context.objective in names:
        return (context.objective, *(name for name in names if name != context.objective))
    return tuple(names)


def _parameter_column(name: str, runs: Sequence[Run]) -> _Column:
    values = [run.parameters.get(name, _ABSENT) for run in runs]
    numbers = [value for value in values if is_number(value)]
    if len(numbers) == sum(value is not _ABSENT for value in values):
        given = [value if isinstance(value, int | float) else None for value in values]
        return _Column(name=name, help="", is_number=True, entries=_number_entries(given, frozenset()))
    entries = tuple(_text_entry(value) for value in values)
    return _Column(name=name, help="", is_number=False, entries=entries)


def _text_entry(value: object) -> _Entry:
    if value is _ABSENT:
        return _Entry(shown=MISSING, full="not given", key="", is_number=False)
    full = wording.full_value(value)
    return _Entry(shown=wording.value_in_words(value), full=full, key=full or " ", is_number=False)


def _metric_column(name: str, runs: Sequence[Run], point: MetricPoint | None, context: ComparisonContext) -> _Column:
    better = context.better if name == context.objective and context.better else (point.better if point else "")
    values = [run.metrics.get(name) for run in runs]
    rivals = [
        value for value, run in zip(values, runs, strict=True)
        if value is not None and math.isfinite(value) and run.status is RunStatus.SUCCEEDED
    ]  # fmt: skip
    winner = (max if better == _HIGHER else min)(rivals, default=None) if better in {_HIGHER, _LOWER} else None
    best = frozenset(place for place, value in enumerate(values) if winner is not None and value == winner)
    unit = point.unit if point else ""
    parts = [unit, wording.BETTER_WORDS.get(better, ""), "objective" if name == context.objective else ""]
    return _Column(
        name=name, help=", ".join(part for part in parts if part), is_number=True,
        entries=_number_entries(values, best),
    )  # fmt: skip


def _number_entries(values: Sequence[float | None], best: frozenset[int]) -> tuple[_Entry, ...]:
    return tuple(
        _Entry(
            shown=shown, full=exact(value), is_number=True, is_best=place in best,
            key=repr(float(value)) if value is not None and math.isfinite(value) else "",
        )
        for place, (value, shown) in enumerate(zip(values, format_column(values), strict=True))
    )  # fmt: skip
