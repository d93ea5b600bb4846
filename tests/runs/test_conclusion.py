from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.records import Cause, RunStatus
from nightbook.runs.conclusion import kept_artifacts, leave_notebook, relative_to_root, unwritten
from nightbook.runs.events import EventReader
from nightbook.runs.executed import Ending, trace_events
from nightbook.runs.facts import Outcome
from nightbook.runs.judge import Judgement
from nightbook.runs.request import EVENTS, EXECUTED, REQUEST, ExecutionRequest
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    import pytest


def request_of(project: Path, reference: str) -> ExecutionRequest:
    settings = load_settings(project, environment={})
    with open_ledger(settings) as ledger:
        folder = settings.runs_folder / ledger.find(reference).run_id
    # The copied project's files name the original's folders.
    fields = json.loads((folder / REQUEST).read_text())
    old = fields["root"]
    (folder / REQUEST).write_text(json.dumps(fields).replace(old, str(project)))
    return ExecutionRequest.read(folder / REQUEST)


def test_the_notebook_and_the_outcome_tell_the_same_story(project_copy: Path) -> None:
    request = request_of(project_copy, "4")
    folder = Path(request.folder)
    before = json.loads((folder / EXECUTED).read_text())
    (folder / EXECUTED).unlink()
    judgement = Judgement(status=RunStatus.FAILED, cause=Cause.CELL_ERROR, message="AssertionError: nobody allowed it")
    ending = Ending(run_id=request.run_id, judgement=judgement, ended_at=datetime(2026, 1, 2, tzinfo=UTC))
    outcome = leave_notebook(request, trace_events(EventReader.all_of(folder / EVENTS)), ending)
    after = json.loads((folder / EXECUTED).read_text())
    assert [cell["outputs"] for cell in after["cells"]] == [cell["outputs"] for cell in before["cells"]]
    assert after["metadata"]["nightbook"]["status"] == outcome.status.value == "failed"
    assert outcome.executed_notebook == f".nightbook/runs/{request.run_id}/executed.ipynb"
    assert [cell.status.value for cell in outcome.cells] == ["succeeded", "succeeded", "failed"]


def test_a_notebook_that_cannot_be_written_makes_a_success_a_failure(
    project_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(project_copy, "2")

    def full(path: Path, content: bytes) -> None:
        raise StorageError(f"cannot write {path.name}: no space left")

    monkeypatch.setattr("nightbook.runs.conclusion.write_atomically", full)
    ending = Ending(run_id="r", judgement=Judgement(status=RunStatus.SUCCEEDED), ended_at=datetime.now(UTC))
    outcome = leave_notebook(request, trace_events([]), ending)
    assert (outcome.status, outcome.executed_notebook) == (RunStatus.FAILED, None)
    assert "no space left" in outcome.message


def test_what_was_no_success_stays_what_it_was() -> None:
    lost = unwritten(Outcome(status=RunStatus.LOST, message="gone"), StorageError("cannot write x"))
    assert (lost.status, lost.message) == (RunStatus.LOST, "gone; cannot write x")


def test_paths_are_relative_to_the_root_when_they_can_be(project_copy: Path) -> None:
    request = request_of(project_copy, "2")
    assert relative_to_root(request, project_copy / "data" / "x") == "data/x"
    assert relative_to_root(request, Path("/elsewhere/x")) == "/elsewhere/x"


def test_logged_files_are_named_within_the_runs_folder(tmp_path: Path) -> None:
    assert kept_artifacts(tmp_path) == ()
    (tmp_path / "artifacts" / "plots").mkdir(parents=True)
    (tmp_path / "artifacts" / "plots" / "a.png").touch()
    assert kept_artifacts(tmp_path) == ("artifacts/plots/a.png",)
