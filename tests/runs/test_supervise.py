from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.records import Cause, Pin, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome
from nightbook.runs.request import ENVIRONMENT, SOURCE, DeclaredPath, ExecutionRequest
from nightbook.runs.supervise import SupervisorsLedger, beat, changed_inputs, record, supervise, write_environment
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def request_for(tmp_path: Path, new_notebook: Callable[..., Path]) -> Callable[..., ExecutionRequest]:
    """Makes a pending run and its request."""

    def make(**fields: object) -> ExecutionRequest:
        url = f"sqlite:///{tmp_path}/ledger.sqlite"
        with Ledger.open(url) as ledger:
            run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
        folder = tmp_path / "runs" / run.run_id
        folder.mkdir(parents=True)
        notebook = new_notebook(tmp_path / "n.ipynb", "n: int = 1", "n + 1")
        (folder / SOURCE).write_bytes(notebook.read_bytes())
        known: dict[str, object] = {
            "run_id": run.run_id,
            "ledger": url,
            "root": str(tmp_path),
            "state": str(tmp_path),
            "store": str(tmp_path / "store"),
            "folder": str(folder),
            "notebook": "n.ipynb",
            "working_directory": str(tmp_path),
            "kernel_name": "python3",
            "language": "python",
        }
        return ExecutionRequest(**{**known, **fields})  # type: ignore[arg-type]  # of the fields' own types

    return make


def final(request: ExecutionRequest) -> tuple[RunStatus, Cause | None, str]:
    with Ledger.open(request.ledger) as ledger:
        run = ledger.get(request.run_id)
    return run.status, run.cause, run.message


def test_whatever_goes_wrong_before_the_notebook_the_run_has_an_end(
    request_for: Callable[..., ExecutionRequest],
) -> None:
    request = request_for(secrets=("env:NO_SUCH_SECRET",))
    supervise(request)
    status, _, message = final(request)
    assert status is RunStatus.FAILED
    assert "NO_SUCH_SECRET" in message


def test_another_final_state_that_was_first_stays_and_the_notebook_agrees(
    request_for: Callable[..., ExecutionRequest],
) -> None:
    request = request_for()
    with Ledger.open(request.ledger) as ledger:
        ledger.finish(request.run_id, Outcome(status=RunStatus.LOST, cause=Cause.LOST, message="nobody knows"))
    with SupervisorsLedger(request) as opening:
        record(request, Outcome(status=RunStatus.SUCCEEDED, ended_at=datetime.now(UTC)), opening)
    assert final(request) == (RunStatus.LOST, Cause.LOST, "nobody knows")
    executed = json.loads((Path(request.folder) / "executed.ipynb").read_text())
    assert executed["metadata"]["nightbook"]["status"] == "lost"


def test_a_ledger_that_is_away_is_no_reason_to_end_a_run(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.STAGE))
        assert beat(ledger, run.run_id)
        ledger.finish(run.run_id, Outcome(status=RunStatus.CANCELLED))
        assert not beat(ledger, run.run_id)
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE heartbeats")
        other = NewRun(kind=RunKind.STAGE).run_id
        assert beat(ledger, other)


def test_inputs_that_changed_meanwhile_are_named(tmp_path: Path, request_for: Callable[..., ExecutionRequest]) -> None:
    digests = FileDigests(tmp_path / "digests.json")
    for name in ("same", "edited", "gone"):
        (tmp_path / name).write_text(name)
    pins = tuple(
        Pin(name=name, uri=name, digest=digests.digest(tmp_path / name)) for name in ("same", "edited", "gone")
    )
    (tmp_path / "edited").write_text("otherwise")
    (tmp_path / "gone").unlink()
    request = request_for(inputs=pins, outputs=(DeclaredPath(name="o", uri="o", path=""),))
    assert list(changed_inputs(request, digests)) == ["edited", "gone"]


def test_what_was_installed_for_the_kernel_is_left_beside_the_run(
    request_for: Callable[..., ExecutionRequest],
) -> None:
    request = request_for()
    write_environment(request)
    lines = (Path(request.folder) / ENVIRONMENT).read_text().splitlines()
    assert lines[0].startswith("# python3 on ")
    assert f"papermill=={version('papermill')}" in lines


def test_a_run_takes_as_long_as_its_times_say(finished_project: Path) -> None:
    with Ledger.open(load_settings(finished_project, environment={}).ledger) as ledger:
        ended = [run for run in ledger.runs(limit=20) if run.kind is RunKind.STAGE]
    assert len(ended) == 5
    for run in ended:
        assert run.started_at is not None
        assert run.ended_at is not None
        assert run.duration_seconds == (run.ended_at - run.started_at).total_seconds()
