"""Runs that nobody supervises any more: they become `lost`, with all that is known; nothing of theirs stays alive."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.records import Cause, RunStatus
from nightbook.runs.census import end_processes_of
from nightbook.runs.checkpoint_sockets import end_overdue
from nightbook.runs.checkpoints import leave_checkpoints
from nightbook.runs.conclusion import leave_notebook
from nightbook.runs.events import EventReader
from nightbook.runs.executed import Ending, trace_events
from nightbook.runs.facts import Outcome
from nightbook.runs.judge import Judgement
from nightbook.runs.request import EVENTS, REQUEST, ExecutionRequest
from nightbook.runs.sockets import remove_sockets, remove_trunk_sockets

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger

_LOST = Judgement(
    status=RunStatus.LOST, cause=Cause.LOST, message="its supervisor ended without a word: nobody knows how far it came"
)


def recover_lost_runs(ledger: Ledger, runs_folder: Path, *, lost_after_seconds: float) -> tuple[Run, ...]:
    """Give every unsupervised run its final state; returns those that were lost. Checkpoints end with their time.

    Called on each contact with a ledger, so that no reader ever sees a dead run as a running one.
    """
    end_overdue()
    lost = ledger.unsupervised(lost_after_seconds=lost_after_seconds)
    for run in lost:
        recover(ledger, run, runs_folder)
    return lost


def recover(ledger: Ledger, run: Run, runs_folder: Path) -> None:
    """End what is left of a run on this machine, compose its notebook from its events, record it as lost."""
    end_processes_of(run.run_id)
    remove_sockets(run.run_id)
    remove_trunk_sockets(run.run_id)
    # Its end is worth more than what somebody has made of its files, or whether the disk has room.
    with suppress(StorageError, OSError, ValueError, KeyError, TypeError):
        leave_checkpoints(runs_folder / run.run_id)
    ledger.finish(run.run_id, _outcome(run, runs_folder / run.run_id))


def _outcome(run: Run, folder: Path) -> Outcome:
    now = datetime.now(UTC)
    bare = Outcome(status=_LOST.status, cause=_LOST.cause, message=_LOST.message, ended_at=now)
    try:
        request = ExecutionRequest.read(folder / REQUEST)
        trace = trace_events(EventReader.all_of(folder / EVENTS))
        last_sign = datetime.fromtimestamp(trace.last_at, UTC) if trace.last_at else now
        return leave_notebook(request, trace, Ending(run_id=run.run_id, judgement=_LOST, ended_at=last_sign))
    except (OSError, ValueError, KeyError, TypeError):
        # It never began, or ran on another machine, or somebody touched its files: it is lost all the same.
        return bare
