from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from nightbook.records import RunKind, RunStatus
from nightbook.runs.launch import Progress, SupervisedRun
from nightbook.runs.ledger import Ledger, NewRun
from nightbook.runs.request import SOURCE, ExecutionRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def launch(tmp_path: Path, ledger: Ledger, notebook: Path) -> SupervisedRun:
    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
    folder = tmp_path / "runs" / run.run_id
    folder.mkdir(parents=True)
    (folder / SOURCE).write_bytes(notebook.read_bytes())
    request = ExecutionRequest(
        run_id=run.run_id,
        ledger=f"sqlite:///{tmp_path}/ledger.sqlite",
        root=str(tmp_path),
        state=str(tmp_path),
        store=str(tmp_path / "store"),
        folder=str(folder),
        notebook=notebook.name,
        working_directory=str(tmp_path),
        kernel_name="python3",
        language="python",
    )
    return SupervisedRun(run, request)


def wait_for(live: SupervisedRun, line: str) -> Progress:
    deadline = time.monotonic() + 120
    while live.follow().last_line != line:
        assert time.monotonic() < deadline
        assert not live.is_ended
        time.sleep(0.02)
    return live.progress


def test_a_run_is_followed_while_it_goes_on_and_ends_when_it_is_cancelled(
    tmp_path: Path, new_notebook: Callable[..., Path]
) -> None:
    notebook = new_notebook(
        tmp_path / "slow.ipynb", "n: int = 1", "print('at work', flush=True)\nimport time\ntime.sleep(600)"
    )
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        live = launch(tmp_path, ledger, notebook)
        progress = wait_for(live, "at work")
        assert (progress.cells_done, progress.cells_total) == (1, 2)
        assert psutil.pid_exists(live.pid)
        assert ledger.get(live.run.run_id).status is RunStatus.RUNNING
        live.cancel()
        live.wait()
        live.close()
        run = ledger.get(live.run.run_id)
    assert live.is_ended
    assert run.status is RunStatus.CANCELLED
    assert [cell.status.value for cell in run.cells] == ["succeeded", "failed"]
