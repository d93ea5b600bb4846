"""What differs between runs: parameters first, then metrics, each judged by the direction that it was logged with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from nightbook.errors import NightbookError
from nightbook.records import RunKind, json_value
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.records import MetricPoint, Run
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings

FEWEST = 2
Value = TypeVar("Value")


class Meaning(StrEnum):
    """What a metric's change is worth."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"
    """The difference is no larger than the tolerance that it was logged with."""
    SAME = "same"
    NEUTRAL = ""
    """Nobody said whether higher or lower is better."""
    UNKNOWN = "not comparable"
    """It is missing or not a number in one of the runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """One parameter over all runs; `MISSING` where a run has none of that name."""

    name: str
    values: tuple[object, ...]

    @property
    def differs(self) -> bool:
        """Not all runs have the same value, its type included."""
        return len({repr(value) for value in self.values}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric over all runs, the first of which judges the others; None where a run did not log it."""

    name: str
    values: tuple[float | None, ...]
    better: str = ""
    tolerance: float | None = None
    unit: str = ""

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What each run but the first is worth."""
        return tuple(_judge(self, value) for value in self.values[1:])

    @property
    def deltas(self) -> tuple[float | None, ...]:
        """The change of each run but the first."""
        base = self.values[0]
        return tuple(None if base is None or value is None else value - base for value in self.values[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs side by side; of pipelines and sweeps the names are `STAGE.NAME`.

    Attributes:
        runs: In the order in which they were named.
        parameters: All of them, in the order of declaration.
        metrics: All of them, in the order of logging.
        uncommon: Stages of pipelines that not all of the runs executed; their parameters and metrics are left out.
    """

    runs: tuple[Run, ...]
    parameters: tuple[ParameterRow, ...]
    metrics: tuple[MetricRow, ...]
    uncommon: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[ParameterRow, ...]:
        """The parameters that are not the same in all runs."""
        return tuple(row for row in self.parameters if row.differs)

    def to_json(self) -> dict[str, object]:
        """The document of `--json`: only what differs of the parameters, all metrics."""
        return {
            "runs": [{"run_id": one.run_id, "number": one.number, "label": one.label} for one in self.runs],
            "parameters": {
                row.name: [None if value is MISSING else json_value(value) for value in row.values]
                for row in self.differing
            },
            "metrics": [
                {
                    "name": row.name,
                    "values": [json_value(value) for value in row.values],
                    "deltas": [json_value(value) for value in row.deltas],
                    "meanings": [one.value for one in row.meanings],
                    "better": row.better,
                    "tolerance": row.tolerance,
                    "unit": row.unit,
                }
                for row in self.metrics
            ],
            "not_in_all": list(self.uncommon),
        }


class _Missing:
    """A run has no parameter of that name, which is not the same as None."""

    def __repr__(self) -> str:
        return "(none)"


MISSING = _Missing()


def compare(settings: Settings, references: Sequence[str]) -> Comparison:
    """Put two or more runs side by side.

    Raises:
        RunNotFoundError: One of them does not exist.
        NightbookError: There are fewer than two, or they have no stage in common.
    """
    if len(references) < FEWEST:
        raise NightbookError("comparing takes two runs at least", remedy="nightbook runs compare RUN RUN")
    with open_ledger(settings) as ledger:
        runs = tuple(ledger.find(reference) for reference in references)
        return comparison_of(ledger, runs)


def comparison_of(ledger: Ledger, runs: tuple[Run, ...]) -> Comparison:
    """Compare runs that have been found."""
    are_stages = all(run.kind is RunKind.STAGE for run in runs)
    every = [{"": run} if are_stages else _parts(ledger, run) for run in runs]
    common = set.intersection(*(set(found) for found in every))
    if not common:
        raise NightbookError(
            f"{' and '.join(run.label for run in runs)} have no stage in common",
            remedy="compare runs of one stage, or pipelines",
        )
    parts = [{name: one for name, one in found.items() if name in common} for found in every]
    parameters = [_prefixed({part: one.parameters for part, one in found.items()}) for found in parts]
    points = [
        _prefixed({part: _last_points(ledger.metric_points(one.run_id)) for part, one in found.items()})
        for found in parts
    ]
    return Comparison(
        runs=runs,
        parameters=tuple(
            ParameterRow(name=name, values=tuple(one.get(name, MISSING) for one in parameters))
            for name in _names(parameters)
        ),
        metrics=tuple(_metric_row(name, [one.get(name) for one in points]) for name in _names(points)),
        uncommon=tuple(name for name in _names(every) if name not in common),
    )


def _parts(ledger: Ledger, run: Run) -> dict[str, Run]:
    """The runs that a pipeline or sweep is made of, by what goes before names; a stage's run is its own part."""
    if run.kind is RunKind.STAGE:
        return {run.stage or "": run}
    children = ledger.children(run.run_id)
    if run.kind is RunKind.PIPELINE:
        # A stage that was tried again has several; the last is the one that counts.
        return {one.stage or "": one for one in children}
    return {str(place): one for place, one in enumerate(children, 1)}


def _prefixed(found: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    return {
        f"{part}.{name}" if part else name: value for part, values in found.items() for name, value in values.items()
    }


def _names(found: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in found for name in one))


def _last_points(points: Sequence[MetricPoint]) -> dict[str, MetricPoint]:
    return {point.name: point for point in points}


def _metric_row(name: str, points: Sequence[MetricPoint | None]) -> MetricRow:
    # The newest declaration counts: earlier runs may not have said it yet.
    declared = next(point for point in reversed(points) if point is not None)
    return MetricRow(
        name=name,
        values=tuple(point.value if point is not None else None for point in points),
        better=declared.better,
        tolerance=declared.tolerance,
        unit=declared.unit,
    )


def _judge(row: MetricRow, value: float | None) -> Meaning:
    base = row.values[0]
    if base is None or value is None or math.isnan(base) or math.isnan(value):
        return Meaning.UNKNOWN
    if value == base:
        return Meaning.SAME
    if row.tolerance is not None and abs(value - base) <= row.tolerance:
        return Meaning.NOISE
    if not row.better:
        return Meaning.NEUTRAL
    return Meaning.BETTER if (value > base) == (row.better == "higher") else Meaning.WORSE
