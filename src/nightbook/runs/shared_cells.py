"""Cells that were executed once for all runs of a sweep, as one of the runs takes them over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat

from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.request import EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode

    from nightbook.runs.journal import Journal
    from nightbook.runs.request import ExecutionRequest, Sharing

_REPEATED = frozenset({EventKind.CELL_STARTED, EventKind.CELL_ENDED, EventKind.LOGGED})


def index_of(cell: Mapping[str, Any]) -> int | None:
    """Which cell of the source notebook it is; None for the injected parameters."""
    index: int | None = cell["metadata"].get("nightbook", {}).get("index")
    return index


def shared_end(cells: Sequence[Mapping[str, Any]], sharing: Sharing) -> int:
    """The position behind the last shared cell; the injected parameters stand before it, or right there."""
    last = max(position for position, cell in enumerate(cells) if index_of(cell) in sharing.cells)
    following = cells[last + 1 : last + 2]
    return last + 1 + (len(following) if following and index_of(following[0]) is None else 0)


def repeat_shared_cells(cells: Sequence[NotebookNode], sharing: Sharing, journal: Journal) -> None:
    """Tell this run's journal what happened in them, with the time of then, and what they showed."""
    for event in EventReader.all_of(Path(sharing.folder) / EVENTS):
        if event.kind not in _REPEATED:
            continue
        journal.repeat(event, **({"shared": True} if event.kind is EventKind.CELL_ENDED else {}))
        if event.kind is EventKind.CELL_ENDED:
            cell = cells[event.position]
            cell.outputs = [nbformat.from_dict(one) for one in cast("list[Any]", event.fields["outputs"])]
            cell.execution_count = event.fields["execution_count"]


def own_values(cells: Sequence[Mapping[str, Any]], request: ExecutionRequest) -> str:
    """Code that gives the varied parameters this run's values, and the history the cell that would have done so."""
    assert request.sharing is not None  # noqa: S101 - the caller has one
    values = [f"{name} = {request.parameters[name]}" for name in request.sharing.varied if name in request.parameters]
    injected = [cell for cell in cells if index_of(cell) is None and cell["cell_type"] == "code"]
    if injected:
        # As IPython remembers it.
        source, count = injected[0]["source"].rstrip("\n"), injected[0].get("execution_count")
        history = "get_ipython().history_manager"
        values += [f"{history}.{name}[{count}] = {source!r}" for name in ("input_hist_parsed", "input_hist_raw")]
        values += [f"_i{count} = {source!r}"]
    return "\n".join(values)
