from __future__ import annotations

import os
import subprocess
import uuid
from typing import TYPE_CHECKING

import nbformat
import pytest

from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE, RUNNER_MODULE
from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.process import command_for
from nightbook.runs.request import EVENTS, FORK, JUPYTER, REQUEST, SOURCE, ExecutionRequest
from nightbook.runs.warm.asking import ensure_parent
from nightbook.runs.warm.kernels import parents_environment
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warmth import WarmFolder

CELLS = [
    "n = 20\nprint('counting')",
    "n + 1",
    "import sys\nprint('below', file=sys.stderr)",
    "raise ValueError(n)",
    "n",
]
TOLD = ["counting", "'text/plain': '21'", "below", "ValueError"]


@pytest.mark.parametrize("engine", [FORK, JUPYTER])
def test_both_kinds_of_kernel_are_driven_alike(shared_warm: WarmFolder, tmp_path: Path, engine: str) -> None:
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    own = {"run_id": uuid.uuid4().hex, "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    request = ExecutionRequest(**known, **own, engine=engine)  # type: ignore[arg-type]  # of the fields' own types
    request.write(tmp_path / REQUEST)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / SOURCE)
    if engine == FORK:
        ensure_parent(place_of(KERNEL, os.environ, root=str(tmp_path)), parents_environment(os.environ))
    environment = {**os.environ, RUN_VARIABLE: own["run_id"], RUN_FOLDER: str(tmp_path)}
    # In a process of its own, as always: Jupyter's client leaves threads and sockets to the process's end.
    command = command_for(RUNNER_MODULE, str(tmp_path / REQUEST))
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE) as runner:
        # Its standard input is its supervisor: while that is open it goes on.
        assert runner.wait() == 0
    events = list(EventReader(tmp_path / EVENTS).read())
    statuses = [event.fields["status"] for event in events if event.kind is EventKind.CELL_ENDED]
    assert statuses == ["succeeded", "succeeded", "succeeded", "failed"]
    shown = {event.fields["position"]: event.fields["outputs"] for event in events if "outputs" in event.fields}
    assert [told in str(outputs) for told, outputs in zip(TOLD, shown.values(), strict=True)] == [True] * 4
