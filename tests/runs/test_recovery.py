from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nightbook.records import Cause, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.runs.recovery import recover, recover_lost_runs
from nightbook.runs.request import EVENTS, EXECUTED, SOURCE, ExecutionRequest

if TYPE_CHECKING:
    from pathlib import Path

CELLS: list[dict[str, Any]] = [
    {"cell_type": "code", "id": name, "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
    for name in ("a", "b", "c")
]
ENDED = {"event": "cell_ended", "at": 2.0, "position": 0, "status": "succeeded", "outputs": [], "execution_count": 1}


def abandoned_run(tmp_path: Path, ledger: Ledger) -> str:
    """A run whose supervisor is gone, in its second cell."""
    me = SupervisorProcess.this()
    gone = SupervisorProcess(host=me.host, pid=me.pid, pid_started_at=me.pid_started_at - 1, pid_space=me.pid_space)
    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
    ledger.start(run.run_id, gone)
    folder = tmp_path / run.run_id
    folder.mkdir()
    (folder / SOURCE).write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": CELLS}))
    ExecutionRequest(
        run_id=run.run_id,
        ledger="",
        root=str(tmp_path),
        state=str(tmp_path),
        store=str(tmp_path),
        folder=str(folder),
        notebook="n.ipynb",
        working_directory=str(tmp_path),
        kernel_name="python3",
        language="python",
    ).write(folder / "request.json")
    events = [{"event": "cell_started", "at": 1.0, "position": 0}, ENDED]
    events += [{"event": "cell_started", "at": 3.0, "position": 1}]
    (folder / EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "cell_e')
    return run.run_id


def test_a_lost_run_keeps_all_that_is_known_of_it(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        run_id = abandoned_run(tmp_path, ledger)
        assert [run.run_id for run in recover_lost_runs(ledger, tmp_path, lost_after_seconds=30)] == [run_id]
        run = ledger.get(run_id)
        assert recover_lost_runs(ledger, tmp_path, lost_after_seconds=30) == ()
    assert (run.status, run.cause) == (RunStatus.LOST, Cause.LOST)
    assert [cell.status.value for cell in run.cells] == ["succeeded", "failed", "not_run"]
    executed = json.loads((tmp_path / run_id / EXECUTED).read_text())
    assert executed["cells"][1]["outputs"][0]["ename"] == "Lost"
    assert run.ended_at is not None
    assert run.ended_at.timestamp() == 3.0


def test_a_run_whose_files_are_elsewhere_is_lost_all_the_same(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
        recover(ledger, run, tmp_path / "nowhere")
        assert ledger.get(run.run_id).status is RunStatus.LOST
