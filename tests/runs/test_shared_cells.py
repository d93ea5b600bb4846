from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from nightbook.runs.events import EventKind, EventLog, EventReader
from nightbook.runs.journal import Journal
from nightbook.runs.request import ARTIFACTS, EVENTS, ExecutionRequest, Sharing
from nightbook.runs.shared_cells import cells_of_trunk, own_values, repeat_shared_cells, shared_end


def notebook(*indices: int | None) -> list[nbformat.NotebookNode]:
    """Code cells by their place in the source; None is the cell with the injected parameters."""
    cells = [nbformat.v4.new_code_cell(f"cell {index}") for index in indices]
    for cell, index in zip(cells, indices, strict=True):
        cell.metadata["nightbook"] = {"index": index} if index is not None else {}
    return cells


@pytest.fixture
def request_of_a_set(tmp_path: Path) -> ExecutionRequest:
    known = dict.fromkeys(("ledger", "root", "state", "store", "working_directory"), str(tmp_path))
    own = {"run_id": "r", "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    (tmp_path / "run").mkdir()
    (tmp_path / "shared").mkdir()
    sharing = Sharing(folder=str(tmp_path / "shared"), cells=(0, 1), varied=("alpha",))
    parameters = {"alpha": "0.5", "beta": "[1, 2]"}
    return ExecutionRequest(
        **known,  # type: ignore[arg-type]  # of the fields' own types
        **own,  # type: ignore[arg-type]  # as above
        folder=str(tmp_path / "run"),
        parameters=parameters,
        sharing=sharing,
    )


@pytest.mark.parametrize(
    ("indices", "cells", "end"),
    [((0, None, 1, 2), (0, 1), 3), ((0, None, 1), (0,), 2), ((0, 1, 2), (0,), 1), ((0, 1), (0, 1), 2)],
)
def test_what_is_shared_ends_behind_the_last_shared_cell_and_the_parameters(
    indices: tuple[int | None, ...], cells: tuple[int, ...], end: int
) -> None:
    assert shared_end(notebook(*indices), Sharing(folder="", cells=cells, varied=())) == end


def test_a_run_tells_of_shared_cells_with_the_times_of_then(request_of_a_set: ExecutionRequest) -> None:
    assert request_of_a_set.sharing is not None
    log = EventLog(Path(request_of_a_set.sharing.folder) / EVENTS)
    output = {"output_type": "stream", "name": "stdout", "text": "shown"}
    log.append(EventKind.KERNEL_STARTED, pid=1)
    log.append(EventKind.CELL_STARTED, position=2, at=5.0)
    log.append(EventKind.LOGGED, payload={"metrics": []})
    log.append(EventKind.OUTPUTS, position=2, outputs=[])
    log.append(EventKind.CELL_ENDED, position=2, status="succeeded", outputs=[], execution_count=3, at=7.0)
    log.append(EventKind.OUTPUTS, position=2, outputs=[output])
    log.append(EventKind.CELL_STARTED, position=3, at=8.0)
    log.append(EventKind.LOGGED, payload={"metrics": []})
    log.close()
    cells = notebook(0, None, 1, 2)
    taken = cells_of_trunk(cells, request_of_a_set.sharing)
    repeat_shared_cells(cells, taken, Journal(request_of_a_set))
    told = EventReader.all_of(Path(request_of_a_set.folder) / EVENTS)
    kinds = [EventKind.CELL_STARTED, EventKind.LOGGED, EventKind.CELL_ENDED, EventKind.OUTPUTS]
    assert [event.kind for event in told] == kinds
    assert (told[0].at, told[2].at, told[2].fields["shared"]) == (5.0, 7.0, True)
    assert (cells[2].outputs[0].text, cells[2].execution_count) == ("shown", 3)


def test_only_what_varies_is_set_anew_and_history_says_what_was_set(request_of_a_set: ExecutionRequest) -> None:
    cells = notebook(0, None, 1)
    cells[1].source, cells[1].execution_count = "alpha = 0.5\nbeta = [1, 2]", 2
    code = own_values(cells, request_of_a_set).splitlines()
    assert code[0] == "alpha = 0.5"
    assert [line for line in code if line.startswith("beta")] == []
    assert all(repr(cells[1].source) in line for line in code[1:])
    assert own_values(notebook(0, 1), replace(request_of_a_set, parameters={})) == ""


def test_files_that_were_kept_are_taken_over_those_of_later_cells_are_not(request_of_a_set: ExecutionRequest) -> None:
    assert request_of_a_set.sharing is not None
    theirs, ours = Path(request_of_a_set.sharing.folder), Path(request_of_a_set.folder)
    for name in ("plots/one.png", "later.png", "model.joblib"):
        (theirs / ARTIFACTS / name).parent.mkdir(parents=True, exist_ok=True)
        (theirs / ARTIFACTS / name).write_text(name)
    log = EventLog(theirs / EVENTS)
    log.append(EventKind.CELL_STARTED, position=2)
    log.append(EventKind.LOGGED, payload={"artifacts": [{"path": "/x/plots", "name": "../plots"}]})
    log.append(EventKind.LOGGED, payload={"models": [{"path": "/x/model.joblib", "name": "best"}]})
    log.append(EventKind.LOGGED, payload=["misunderstood"])
    log.append(EventKind.CELL_STARTED, position=3)
    log.append(EventKind.LOGGED, payload={"artifacts": [{"path": "/x/later.png", "name": "later.png"}]})
    log.close()
    cells = notebook(0, None, 1, 2)
    repeat_shared_cells(cells, cells_of_trunk(cells, request_of_a_set.sharing), Journal(request_of_a_set))
    kept = sorted(path.relative_to(ours / ARTIFACTS).as_posix() for path in (ours / ARTIFACTS).rglob("*.*"))
    assert kept == ["model.joblib", "plots/one.png"]
