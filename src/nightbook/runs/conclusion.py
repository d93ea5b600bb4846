"""The end of a run on disk: the executed notebook, and what the notebook logged on its way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.files import write_atomically
from nightbook.records import RunStatus
from nightbook.runs.executed import cells_of, compose_notebook, prepared_notebook
from nightbook.runs.facts import Outcome
from nightbook.runs.logged import Logged, storable
from nightbook.runs.request import ARTIFACTS, EXECUTED, REPORT, ExecutionRequest

if TYPE_CHECKING:
    from nightbook.runs.executed import Ending, Trace


def leave_notebook(request: ExecutionRequest, trace: Trace, ending: Ending) -> Outcome:
    """Write `executed.ipynb` and say what stands in it; durations and outputs are the supervisor's to add.

    Where it cannot be written the run is no success: the outcome says so and names no notebook.
    """
    folder = Path(request.folder)
    logged = Logged.of(trace.logged)
    if logged.misunderstood:
        note = f"{logged.misunderstood} logged entries could not be understood and were left out"
        message = "; ".join(filter(None, [ending.judgement.message, note]))
        ending = replace(ending, judgement=replace(ending.judgement, message=message))
    executed = compose_notebook(prepared_notebook(folder), trace, ending)
    judgement = ending.judgement
    outcome = Outcome(
        status=judgement.status,
        cause=judgement.cause,
        message=storable(judgement.message),
        ended_at=ending.ended_at,
        metrics=tuple(logged.points),
        cells=cells_of(executed),
        logged_parameters=logged.parameters,
    )
    try:
        logged.write_tables(folder)
        write_atomically(folder / EXECUTED, json.dumps(executed, indent=1).encode())
    except StorageError as error:
        return unwritten(outcome, error)
    return replace(
        outcome,
        executed_notebook=relative_to_root(request, folder / EXECUTED),
        report=relative_to_root(request, folder / REPORT),
        artifacts=kept_artifacts(folder),
    )


def unwritten(outcome: Outcome, error: StorageError) -> Outcome:
    """The outcome of a run of which something could not be written: at best a failure."""
    status = RunStatus.FAILED if outcome.status is RunStatus.SUCCEEDED else outcome.status
    return replace(outcome, status=status, message="; ".join(filter(None, [outcome.message, error.message])))


def relative_to_root(request: ExecutionRequest, path: Path) -> str:
    """As records show paths: relative to the project's root, absolute when elsewhere."""
    return path.relative_to(request.root).as_posix() if path.is_relative_to(request.root) else path.as_posix()


def kept_artifacts(folder: Path) -> tuple[str, ...]:
    """Files that the notebook logged, which were copied into the run's folder when it did; relative to that folder."""
    artifacts = folder / ARTIFACTS
    return tuple(sorted(path.relative_to(folder).as_posix() for path in artifacts.rglob("*") if path.is_file()))
