from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nbformat
import pytest

from nightbook.runs.containment import choose_containment
from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.journal import Journal
from nightbook.runs.kernel_client import SupervisedClient
from nightbook.runs.request import EVENTS, FORK, JUPYTER, ExecutionRequest
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, fork_kernel
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from warmth import WarmFolder

CELLS = ["n = 20\nprint('counting')", "n + 1", "import os\n_ = os.system('echo below')", "raise ValueError(n)", "n"]


@pytest.mark.parametrize("engine", [FORK, JUPYTER])
def test_both_kinds_of_kernel_are_driven_alike(shared_warm: WarmFolder, tmp_path: Path, engine: str) -> None:
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    request = ExecutionRequest(
        **known, run_id="r", notebook="n.ipynb", kernel_name="python3", language="python", engine=engine
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    for index, cell in enumerate(notebook.cells):
        cell.metadata["nightbook"] = {"index": index}
    forked = None
    if engine == FORK:
        imports = Imports()
        place = place_of(KERNEL, os.environ)
        forked = fork_kernel(place, present_surroundings(str(tmp_path)), choose_containment(), imports=imports, log=2)
        assert forked is not None
    journal = Journal(request)
    journal.prepared(notebook)
    SupervisedClient(notebook, journal=journal, kernel_name="python3", forked=forked).execute_notebook()
    texts = [
        "".join(str(one.get("text", one.get("data", one.get("ename")))) for one in cell.outputs)
        for cell in notebook.cells
    ]
    assert texts == ["counting\n", "{'text/plain': '21'}", "below\n", "ValueError", ""]
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4, None]
    kinds = [event.kind for event in EventReader(tmp_path / EVENTS).read()]
    assert kinds.count(EventKind.CELL_STARTED) == kinds.count(EventKind.CELL_ENDED) == 4
    assert kinds[-1] is EventKind.ENDED
