"""Which set of a sweep is the best so far; each run is looked at once, when it ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nightbook.records import Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nightbook.records import MetricPoint

BETTER = {"min": "lower", "max": "higher"}


class Ranking:
    """The best of a sweep's runs by its objective, told whenever it changes.

    Until a notebook says which end of the metric is best, the lower is; both ends are kept, should one say so late.

    Args:
        objective: The metric; empty for none, and then nothing is best.
        direction: `min` or `max`; empty takes what the notebooks declare.
        points: The metrics that a run has logged, by its id.
        tell: Is given the set's name, its run and the metric.
    """

    def __init__(
        self,
        objective: str,
        direction: str,
        points: Callable[[str], Iterable[MetricPoint]],
        tell: Callable[[str, Run, str], None],
    ) -> None:
        self._objective = objective
        self._asked = direction
        self._declared = ""
        self._points = points
        self._tell = tell
        self._ends: dict[str, tuple[str, Run]] = {}
        self._told = ""

    @property
    def direction(self) -> str:
        """Which end is best: as asked, else as a notebook declared it, else the lower; empty without an objective."""
        return (self._asked or self._declared or "min") if self._objective else self._asked

    def consider(self, name: str, run: Run) -> None:
        """Take one more run into account; what a failed one logged before it failed wins nothing."""
        value = run.metrics.get(self._objective)
        if not self._objective or value is None:
            return
        if not self._asked and not self._declared:
            self._declared = self._declaration_of(run)
        if run.status is not RunStatus.SUCCEEDED or math.isnan(value):
            return
        lowest, highest = self._ends.get("min"), self._ends.get("max")
        if lowest is None or value < lowest[1].metrics[self._objective]:
            self._ends["min"] = name, run
        if highest is None or value > highest[1].metrics[self._objective]:
            self._ends["max"] = name, run
        best_name, best = self._ends[self.direction]
        if best.run_id != self._told:
            self._told = best.run_id
            self._tell(best_name, best, self._objective)

    def _declaration_of(self, run: Run) -> str:
        declared = {point.better for point in self._points(run.run_id) if point.name == self._objective}
        return next((direction for direction, better in BETTER.items() if better in declared), "")
