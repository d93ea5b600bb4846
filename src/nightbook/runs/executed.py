"""The executed notebook: composed from what was to run and from what happened, not from what a runner claims.

There is one way to it, whether the notebook ran through or was killed in the middle: the prepared notebook and the
events.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nightbook.records import Cause, Cell, CellStatus, RunStatus
from nightbook.runs.changes import FollowedOutputs
from nightbook.runs.events import Event, EventKind
from nightbook.runs.request import EXECUTED, PREPARED, SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nightbook.runs.judge import Judgement

ERROR_NAMES = {
    Cause.KERNEL_DIED: "KernelDied",
    Cause.OUT_OF_MEMORY: "OutOfMemory",
    Cause.TIMEOUT: "Timeout",
    Cause.INTERRUPTED: "Interrupted",
    Cause.LOST: "Lost",
}


@dataclass(slots=True, kw_only=True)
class CellTrace:
    """What the events tell of one cell of the executed notebook."""

    position: int
    started_at: float | None = None
    ended_at: float | None = None
    status: CellStatus = CellStatus.NOT_RUN
    execution_count: int | None = None
    followed: FollowedOutputs = field(default_factory=FollowedOutputs)
    ename: str = ""
    evalue: str = ""
    is_shared: bool = False

    @property
    def outputs(self) -> list[Any]:
        """What it showed at last."""
        return self.followed.outputs

    @property
    def is_open(self) -> bool:
        """It began and nothing tells of its end: there the run was stopped."""
        return self.started_at is not None and self.ended_at is None

    @property
    def duration_seconds(self) -> float | None:
        """From its start to its end; None when it did not run through."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


@dataclass(slots=True, kw_only=True)
class Trace:
    """The whole of the events, by cell."""

    cells: dict[int, CellTrace] = field(default_factory=dict)
    logged: list[object] = field(default_factory=list)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    engine_reason: str = ""
    kernel_returncode: int | None = None
    is_kernel_dead: bool = False
    is_ended: bool = False
    early_exit: str | None = None
    resumed: Mapping[str, object] = field(default_factory=dict)
    fault: str = ""
    last_at: float | None = None

    def cell(self, position: int) -> CellTrace:
        """The cell's trace, begun when it is first asked for."""
        return self.cells.setdefault(position, CellTrace(position=position))

    @property
    def open_cell(self) -> CellTrace | None:
        """The cell in which the run was stopped."""
        return next((cell for cell in self.cells.values() if cell.is_open), None)

    @property
    def failed_cell(self) -> CellTrace | None:
        """The cell that raised, or in which the run was stopped."""
        return next((cell for cell in self.cells.values() if cell.status is CellStatus.FAILED), self.open_cell)


def trace_events(events: Sequence[Event]) -> Trace:
    """Fold the events into what is known of each cell."""
    trace = Trace()
    for event in events:
        _FOLDS.get(event.kind, _ignore)(trace, event)
        trace.last_at = event.at
    return trace


def _ignore(trace: Trace, event: Event) -> None:
    """Progress and process ids are for those who watch."""


def _fold_kernel(trace: Trace, event: Event) -> None:
    trace.engine, trace.engine_reason = str(event.fields.get("engine", "")), str(event.fields.get("reason", ""))


def _fold_ready(trace: Trace, event: Event) -> None:
    trace.metadata = {"language_info": event.fields["language_info"]}


def _fold_start(trace: Trace, event: Event) -> None:
    trace.cell(event.position).started_at = event.at


def _fold_outputs(trace: Trace, event: Event) -> None:
    trace.cell(event.position).followed.take(event)


def _fold_end(trace: Trace, event: Event) -> None:
    cell = trace.cell(event.position)
    _fold_outputs(trace, event)
    cell.ended_at = event.at
    cell.status = CellStatus(str(event.fields["status"]))
    cell.execution_count = count if isinstance(count := event.fields.get("execution_count"), int) else None
    cell.is_shared = event.fields.get("shared") is True
    cell.ename, cell.evalue = str(event.fields.get("ename", "")), str(event.fields.get("evalue", ""))


def _fold_logged(trace: Trace, event: Event) -> None:
    trace.logged.append(event.fields["payload"])


def _fold_death(trace: Trace, event: Event) -> None:
    returncode = event.fields.get("returncode")
    trace.is_kernel_dead = True
    trace.kernel_returncode = returncode if isinstance(returncode, int) else None


def _fold_early_exit(trace: Trace, event: Event) -> None:
    trace.early_exit = str(event.fields["reason"])


def _fold_resumption(trace: Trace, event: Event) -> None:
    trace.resumed = event.fields


def _fold_fault(trace: Trace, event: Event) -> None:
    trace.fault = str(event.fields["message"])


def _fold_completion(trace: Trace, event: Event) -> None:
    metadata = event.fields.get("metadata")
    trace.is_ended = True
    trace.metadata = metadata if isinstance(metadata, dict) else {}


_FOLDS = {
    EventKind.KERNEL_STARTED: _fold_kernel,
    EventKind.KERNEL_READY: _fold_ready,
    EventKind.CELL_STARTED: _fold_start,
    EventKind.OUTPUTS: _fold_outputs,
    EventKind.OUTPUTS_CHANGED: _fold_outputs,
    EventKind.CELL_ENDED: _fold_end,
    EventKind.LOGGED: _fold_logged,
    EventKind.KERNEL_DIED: _fold_death,
    EventKind.EXITED_EARLY: _fold_early_exit,
    EventKind.RESUMED: _fold_resumption,
    EventKind.FAULT: _fold_fault,
    EventKind.ENDED: _fold_completion,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, as it will stand in the notebook."""

    run_id: str
    judgement: Judgement
    ended_at: datetime


def prepared_notebook(folder: Path) -> dict[str, Any]:
    """What was to run: with injected parameters once the runner got that far, else the source."""
    path = folder / PREPARED
    if not path.exists():
        path = folder / SOURCE
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def source_indices(prepared: Mapping[str, Any]) -> dict[int, int | None]:
    """Which cell of the source notebook each cell is, by position; None for what papermill inserted."""
    noted = [cell.get("metadata", {}).get("nightbook", {}).get("index") for cell in prepared["cells"]]
    if all(index is None for index in noted):
        # The runner did not get so far: this still is the source.
        return {position: position for position in range(len(noted))}
    return dict(enumerate(noted))


def compose_notebook(prepared: dict[str, Any], trace: Trace, ending: Ending) -> dict[str, Any]:
    """Put outputs, states and the cause into the notebook.

    Args:
        prepared: nbformat 4 JSON; changed in place.
        trace: What happened.
        ending: How it ended.

    Returns:
        The notebook; each code cell's `metadata.nightbook` says its source index, status and duration, the notebook's
        the run's status, cause and message.
    """
    indices = source_indices(prepared)
    for position, cell in enumerate(prepared["cells"]):
        cell.setdefault("metadata", {}).pop("nightbook", None)
        if cell["cell_type"] == "code":
            _settle_cell(cell, trace.cells.get(position) or CellTrace(position=position), ending)
            cell["metadata"]["nightbook"] |= {"index": indices[position]}
    metadata = prepared.setdefault("metadata", {})
    # What the notebook was saved with is of the kernel of that day.
    metadata.pop("language_info", None)
    metadata.update({key: value for key, value in trace.metadata.items() if value})
    metadata["nightbook"] = {
        "run_id": ending.run_id,
        "status": ending.judgement.status.value,
        "cause": ending.judgement.cause.value if ending.judgement.cause else None,
        "message": ending.judgement.message,
        "engine": trace.engine,
        "engine_reason": trace.engine_reason,
    }
    if trace.resumed:
        metadata["nightbook"]["resumed"] = dict(trace.resumed)
    metadata.setdefault("papermill", {}).update(_papermill_metadata(trace, ending))
    return prepared


def _settle_cell(cell: dict[str, Any], traced: CellTrace, ending: Ending) -> None:
    status = CellStatus.FAILED if traced.is_open else traced.status
    cell["outputs"] = list(traced.outputs)
    cell["execution_count"] = traced.execution_count
    if traced.is_open or (traced.ename == "KeyboardInterrupt" and ending.judgement.cause is not Cause.CELL_ERROR):
        # The kernel could not say why it was stopped, or knows of the interruption only.
        cell["outputs"].append(_error_output(ending))
    cell["metadata"]["nightbook"] = {"status": status.value, "duration_seconds": traced.duration_seconds}
    if traced.is_shared:
        cell["metadata"]["nightbook"]["shared"] = True
    cell["metadata"]["papermill"] = {
        "status": {CellStatus.SUCCEEDED: "completed", CellStatus.FAILED: "failed", CellStatus.NOT_RUN: "pending"}[
            status
        ],
        "exception": status is CellStatus.FAILED,
        "start_time": _time(traced.started_at),
        "end_time": _time(traced.ended_at),
        "duration": traced.duration_seconds,
    }


def _error_output(ending: Ending) -> dict[str, Any]:
    name = ERROR_NAMES.get(ending.judgement.cause, "Stopped") if ending.judgement.cause else "Stopped"
    message = ending.judgement.message
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}


def _papermill_metadata(trace: Trace, ending: Ending) -> dict[str, Any]:
    starts = [(cell.is_shared, cell.started_at) for cell in trace.cells.values() if cell.started_at is not None]
    # Cells that were taken over may have been executed days ago.
    _, started = min(starts, default=(False, None))
    return {
        "exception": ending.judgement.status is not RunStatus.SUCCEEDED,
        "start_time": _time(started),
        "end_time": ending.ended_at.isoformat(),
        "duration": ending.ended_at.timestamp() - started if started is not None else None,
        "output_path": EXECUTED,
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def cells_of(executed: Mapping[str, Any]) -> tuple[Cell, ...]:
    """The outcome of each code cell of the source notebook, in order."""
    states = [cell["metadata"]["nightbook"] for cell in executed["cells"] if cell["cell_type"] == "code"]
    return tuple(
        Cell(
            index=state["index"],
            status=CellStatus(state["status"]),
            duration_seconds=state["duration_seconds"],
            shared=state.get("shared", False),
        )
        for state in states
        if state["index"] is not None
    )
