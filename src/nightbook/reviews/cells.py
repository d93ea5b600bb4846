"""A cell of an executed notebook, as it is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.reviews.shown import Shown, read_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

INJECTED_TAG = "injected-parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedCell:
    """One cell after its run.

    Attributes:
        index: Its place in the source notebook, from 0; None for what papermill inserted.
        id: nbformat's, empty in older notebooks.
        kind: `code`, `markdown` or `raw`.
        source: Its text.
        outputs: What it showed.
        execution_count: The kernel's; None where it did not run.
        is_injected: It holds the values of this run's parameters.
    """

    index: int | None
    id: str
    kind: str
    source: str
    outputs: tuple[Shown, ...] = ()
    execution_count: int | None = None
    is_injected: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Cells with equal keys are the same cell; the parameters' cell is, whatever the values."""
        return ("parameters", "") if self.is_injected else (self.kind, self.source)

    @property
    def error(self) -> str:
        """Name and message of the exception that it raised; empty where it did not."""
        return next((shown.error for shown in self.outputs if shown.error), "")


def read_cells(notebook: Mapping[str, object]) -> tuple[ExecutedCell, ...]:
    """The cells of an executed notebook's JSON, numbered as in its source."""
    cells = notebook.get("cells")
    found: list[ExecutedCell] = []
    index = 0
    for cell in cells if isinstance(cells, list) else []:
        one = _read(cell, index)
        found.append(one)
        index += one.index is not None
    return tuple(found)


def _read(cell: Mapping[str, object], index: int) -> ExecutedCell:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    is_injected = isinstance(tags, list) and INJECTED_TAG in tags
    source, outputs, count = cell.get("source"), cell.get("outputs"), cell.get("execution_count")
    return ExecutedCell(
        index=None if is_injected else index,
        id=str(cell.get("id", "")),
        kind=str(cell.get("cell_type", "")),
        source="".join(source) if isinstance(source, list) else str(source or ""),
        outputs=read_outputs(outputs) if isinstance(outputs, list) else (),
        execution_count=count if isinstance(count, int) else None,
        is_injected=is_injected,
    )
