from __future__ import annotations

import pytest

from nightbook.errors import ExitCode
from nightbook.records import Cause, Run, RunKind, RunStatus
from nightbook.workflow.requests import RunResult, StageState, StageView


def view(status: RunStatus, cause: Cause | None = None) -> StageView:
    run = Run(run_id="r", number=2, kind=RunKind.STAGE, stage="a", status=status, cause=cause)
    return StageView(name="a", state=StageState.SUCCEEDED, run=run)


@pytest.mark.parametrize(
    ("status", "cause", "code"),
    [
        (RunStatus.SUCCEEDED, None, ExitCode.DONE),
        (RunStatus.FAILED, Cause.CELL_ERROR, ExitCode.STAGE_FAILED),
        (RunStatus.LOST, Cause.LOST, ExitCode.STAGE_FAILED),
        (RunStatus.CANCELLED, Cause.INTERRUPTED, ExitCode.INTERRUPTED),
    ],
)
def test_the_shell_is_told_how_it_ended(status: RunStatus, cause: Cause | None, code: ExitCode) -> None:
    assert RunResult(status=status, stages=(view(status, cause),)).exit_code is code


def test_the_document_names_the_parent_first() -> None:
    parent = Run(run_id="p", number=1, kind=RunKind.PIPELINE, status=RunStatus.SUCCEEDED)
    result = RunResult(status=RunStatus.SUCCEEDED, parent=parent, stages=(view(RunStatus.SUCCEEDED),))
    document = result.to_json()
    assert (document["run_id"], document["status"]) == ("p", "succeeded")
    lone = RunResult(status=RunStatus.SUCCEEDED, stages=(view(RunStatus.SUCCEEDED),))
    assert lone.to_json()["run_id"] == "r"


def test_states_that_are_settled_or_good() -> None:
    assert {state for state in StageState if not state.is_settled} == {StageState.WAITING, StageState.RUNNING}
    assert {state for state in StageState if state.is_good} == {
        StageState.SUCCEEDED,
        StageState.UP_TO_DATE,
        StageState.RESTORED,
    }
