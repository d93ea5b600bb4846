"""Cells that were executed once for several runs, as one of the runs takes them over."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat

from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.request import ARTIFACTS, EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode

    from nightbook.runs.journal import Journal
    from nightbook.runs.request import ExecutionRequest, Sharing

_REPEATED = frozenset({EventKind.CELL_STARTED, EventKind.CELL_ENDED, EventKind.LOGGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenCells:
    """Cells that a kernel has executed before a run got it.

    Attributes:
        folder: Where the events of these cells are.
        positions: Where each stands in the notebook that they were executed of, and where it stands in ours.
        end: The position of the first cell that the run executes itself.
        written: The declared outputs that they have written.
    """

    folder: Path
    positions: Mapping[int, int]
    end: int
    written: frozenset[str] = frozenset()


def index_of(cell: Mapping[str, Any]) -> int | None:
    """Which cell of the source notebook it is; None for the injected parameters."""
    index: int | None = cell["metadata"].get("nightbook", {}).get("index")
    return index


def shared_end(cells: Sequence[Mapping[str, Any]], sharing: Sharing) -> int:
    """The position behind the last shared cell; the injected parameters stand before it, or right there."""
    last = max(position for position, cell in enumerate(cells) if index_of(cell) in sharing.cells)
    following = cells[last + 1 : last + 2]
    return last + 1 + (len(following) if following and index_of(following[0]) is None else 0)


def cells_of_trunk(cells: Sequence[Mapping[str, Any]], sharing: Sharing) -> TakenCells:
    """What the runs of a sweep take over."""
    end = shared_end(cells, sharing)
    return TakenCells(folder=Path(sharing.folder), positions={one: one for one in range(end)}, end=end)


def repeat_shared_cells(cells: Sequence[NotebookNode], taken: TakenCells, journal: Journal) -> None:
    """Tell this run's journal what happened in them, with the time of then, and what they showed."""
    ended = set[int]()
    for event in EventReader.all_of(taken.folder / EVENTS):
        if event.kind is EventKind.CELL_STARTED and event.position not in taken.positions:
            break
        # What a cell shows while it runs stands in its end, too; what a later one had it show does not.
        if event.kind not in _REPEATED and not (event.kind is EventKind.OUTPUTS and event.position in ended):
            continue
        if event.kind is EventKind.LOGGED:
            journal.repeat(event)
            _take_files(event.fields["payload"], taken.folder, Path(journal.request.folder))
            continue
        journal.repeat(event, position=taken.positions[event.position], shared=True)
        cell = cells[taken.positions[event.position]]
        if event.kind is not EventKind.CELL_STARTED:
            cell.outputs = [nbformat.from_dict(one) for one in cast("list[Any]", event.fields["outputs"])]
        if event.kind is EventKind.CELL_ENDED:
            ended.add(event.position)
            cell.execution_count = event.fields["execution_count"]


def _take_files(payload: object, theirs: Path, ours: Path) -> None:
    """Take over the files that were kept with what was logged."""
    logged = payload if isinstance(payload, dict) else {}
    names = [str(one["name"]) for one in logged.get("artifacts", ())]
    names += [Path(one["path"]).name for one in logged.get("models", ())]
    for name in names:
        place = Path(ARTIFACTS, *(part for part in name.split("/") if part not in {"", ".", ".."}))
        if (theirs / place).is_dir():
            shutil.copytree(theirs / place, ours / place, dirs_exist_ok=True)
        elif (theirs / place).exists():
            (ours / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(theirs / place, ours / place)


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
