"""Which runs leave checkpoints, and from which runs a resumed one may go on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from nightbook.errors import StorageError
from nightbook.records import RunKind, RunStatus
from nightbook.runs.checkpoint_sockets import checkpoint_place, is_there, memory_held, stays_until
from nightbook.runs.checkpoints import NONE, Refusal, read_checkpoints
from nightbook.runs.request import Checkpointing, Unfinished
from nightbook.workflow.launching import HERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.pipelines.stage import Stage
    from nightbook.records import Run
    from nightbook.runs.checkpoints import Resumed
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableCheckpoint:
    """A checkpoint that is there now.

    Attributes:
        cell: The cell of the source notebook before which it was left; None for the injected parameters.
        made_at: When, aware and in UTC.
        saves_seconds: What the cells took between the checkpoint before it and this one.
        memory_bytes: What it holds; what it has in common with other processes is divided among them.
        until: When it will be ended, aware and in UTC.
    """

    cell: int | None
    made_at: datetime
    saves_seconds: float
    memory_bytes: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointView:
    """What a user wants to know of a run's checkpoints.

    Attributes:
        usable: Those from which `resume` can go on.
        ended: Why others are there no more.
        refused: Why there are none elsewhere.
        resumed: Where the run itself began, when it was to go on from another's.
    """

    usable: tuple[UsableCheckpoint, ...] = ()
    ended: tuple[Refusal, ...] = ()
    refused: tuple[Refusal, ...] = ()
    resumed: Resumed | None = None


def view_checkpoints(settings: Settings, run: Run) -> CheckpointView:
    """Look which of a run's checkpoints are there now."""
    known = read_checkpoints(settings.runs_folder / run.run_id)
    places = {}
    with suppress(StorageError):  # where others may enter, none of ours is
        places = {one.key: checkpoint_place(one.key).socket for one in known.left}
    usable = tuple(
        UsableCheckpoint(
            cell=one.cell,
            made_at=datetime.fromtimestamp(one.made_at, UTC),
            saves_seconds=one.saves_seconds,
            memory_bytes=memory_held(places[one.key]),
            until=datetime.fromtimestamp(stays_until(places[one.key]), UTC),
        )
        for one in known.left
        if one.key in places and is_there(places[one.key])
    )
    # That a success needs none any more goes without saying.
    ended = tuple(
        Refusal(cell=one.cell, reason=one.ended)
        for one in known.made
        if one.ended and run.status is not RunStatus.SUCCEEDED
    )
    return CheckpointView(usable=usable, ended=ended, refused=known.refused, resumed=known.resumed)


def view_all(settings: Settings, runs: Sequence[Run]) -> dict[str, CheckpointView]:
    """The same of several runs, by id; those without anything to tell are left out."""
    views = {run.run_id: view_checkpoints(settings, run) for run in runs}
    return {run_id: view for run_id, view in views.items() if view != CheckpointView()}


class Fields(TypedDict, total=False):
    """Those of an `ExecutionRequest` that say it."""

    checkpointing: Checkpointing
    no_checkpoints: str


def checkpoints_for(settings: Settings, stage: Stage, parent: Run | None) -> Fields:
    """Whether a stage's run leaves checkpoints and how, or why it leaves none although it was asked to."""
    declared = settings.stages[stage.name].checkpoint if stage.name in settings.stages else None
    if not (settings.checkpoint if declared is None else declared):
        return {}
    if settings.executor != HERE:
        return {"no_checkpoints": "runs on an executor's workers leave none"}
    if parent is not None and parent.kind is RunKind.SWEEP:
        return {"no_checkpoints": "the runs of a sweep leave none"}
    return {
        "checkpointing": Checkpointing(
            after_seconds=settings.checkpoint_after_seconds,
            keep_seconds=settings.checkpoint_keep_seconds,
            memory_bytes=settings.checkpoint_memory_bytes,
        )
    }


def unfinished_runs(settings: Settings, runs: Sequence[Run]) -> dict[str, Unfinished]:
    """The last run of each stage that did not succeed and was to leave checkpoints, by stage."""
    found = {}
    for run in sorted(runs, key=lambda one: one.number):
        folder = settings.runs_folder / run.run_id
        if run.stage and run.status in {RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST}:
            found[run.stage] = Unfinished(run_id=run.run_id, label=run.label, folder=str(folder))
        elif run.stage:
            found.pop(run.stage, None)
    return {stage: one for stage, one in found.items() if read_checkpoints(settings.runs_folder / one.run_id) != NONE}
