"""Two executed notebooks, cell by cell: what a reviewer reads, and what a page is made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightbook.reviews.cells import ExecutedCell, read_cells
from nightbook.reviews.matching import CellPair, match_cells
from nightbook.reviews.noise import Noise
from nightbook.reviews.outputs import OutputDiff, OutputState, diff_outputs
from nightbook.reviews.rules import EXACT, DiffRules
from nightbook.reviews.texts import TextDiff, diff_texts

if TYPE_CHECKING:
    from collections.abc import Mapping


class CellChange(StrEnum):
    """What became of a cell; one that was moved may be changed too."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    SOURCE = "source changed"
    OUTPUTS = "outputs changed"
    EXECUTION_COUNT = "execution count changed"
    """Only when noise is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDiff:
    """A cell and its counterpart.

    Attributes:
        changes: What became of it; empty for an unchanged one.
        before: In the first run; None for an added one.
        after: In the second run; None for a removed one.
        source: Its text, line by line; None where it is the same, or there is no counterpart.
        outputs: Every output, unchanged ones included, in the order of the second run.
        noise: What was hidden of all its outputs.
    """

    changes: tuple[CellChange, ...]
    before: ExecutedCell | None
    after: ExecutedCell | None
    source: TextDiff | None
    outputs: tuple[OutputDiff, ...]
    noise: Mapping[Noise, int]

    @property
    def cell(self) -> ExecutedCell:
        """The cell as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a pair has a side
        return found

    @property
    def changed_outputs(self) -> tuple[OutputDiff, ...]:
        """The outputs that count as different."""
        return tuple(one for one in self.outputs if one.state.is_change)

    @property
    def close(self) -> int:
        """Outputs whose numbers differ by no more than the tolerance."""
        return sum(one.state is OutputState.CLOSE for one in self.outputs)

    @property
    def errors(self) -> tuple[str, str]:
        """The exceptions that it raised, before and after; empty for a success."""
        return (self.before.error if self.before else "", self.after.error if self.after else "")

    def to_json(self) -> dict[str, object]:
        """Places count the cells of the source notebooks, from 0."""
        return {
            "index_before": self.before.index if self.before else None,
            "index_after": self.after.index if self.after else None,
            "id": self.cell.id,
            "kind": self.cell.kind,
            "is_injected": self.cell.is_injected,
            "changes": [one.value for one in self.changes],
            "error_before": self.errors[0] or None,
            "error_after": self.errors[1] or None,
            "source": self.source.to_json() if self.source else None,
            "outputs": [one.to_json() for one in self.changed_outputs],
            "noise": {kind.value: count for kind, count in self.noise.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookDiff:
    """Two executed notebooks.

    Attributes:
        cells: All cells, in the order of the second; removed ones behind those that they followed.
        rules: What counted as a difference.
    """

    cells: tuple[CellDiff, ...]
    rules: DiffRules

    @property
    def changed(self) -> tuple[CellDiff, ...]:
        """The cells that differ."""
        return tuple(cell for cell in self.cells if cell.changes)

    @property
    def noise(self) -> Mapping[Noise, int]:
        """What was hidden, in all cells."""
        return sum((Counter(cell.noise) for cell in self.cells), Counter[Noise]())

    @property
    def close(self) -> int:
        """Outputs whose numbers differ by no more than the tolerance."""
        return sum(cell.close for cell in self.cells)

    def to_json(self) -> dict[str, object]:
        """The cells that differ; of their outputs those that do."""
        return {
            "cells": [cell.to_json() for cell in self.changed],
            "cell_count": len(self.cells),
            "noise": {kind.value: count for kind, count in self.noise.items()},
            "within_tolerance": self.close,
        }


def diff_notebooks(before: Mapping[str, object], after: Mapping[str, object], rules: DiffRules) -> NotebookDiff:
    """Compare two executed notebooks, as nbformat's JSON."""
    pairs = match_cells(read_cells(before), read_cells(after))
    return NotebookDiff(cells=tuple(_cell_diff(pair, rules) for pair in pairs), rules=rules)


def _cell_diff(pair: CellPair, rules: DiffRules) -> CellDiff:
    before, after = pair.before, pair.after
    outputs = diff_outputs(before.outputs if before else (), after.outputs if after else (), rules)
    noise = sum((Counter(one.noise) for one in outputs), Counter[Noise]())
    source = None
    has_other_count = False
    if before and after:
        source = diff_texts(before.source, after.source, EXACT) if before.source != after.source else None
        has_other_count = before.execution_count != after.execution_count
        noise[Noise.EXECUTION_COUNT] += has_other_count and not rules.shows_noise
    found = {
        CellChange.ADDED: before is None,
        CellChange.REMOVED: after is None,
        CellChange.MOVED: pair.is_moved,
        CellChange.SOURCE: source is not None,
        CellChange.OUTPUTS: before is not None and after is not None and any(one.state.is_change for one in outputs),
        CellChange.EXECUTION_COUNT: has_other_count and rules.shows_noise,
    }
    return CellDiff(
        changes=tuple(change for change, holds in found.items() if holds),
        before=before,
        after=after,
        source=source,
        outputs=outputs,
        noise=+noise,
    )
