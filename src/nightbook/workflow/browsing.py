"""Find runs again: many in a list, one in full."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.records import Run, RunKind, json_value
from nightbook.runs.events import EventReader
from nightbook.runs.executed import trace_events
from nightbook.runs.launch import Progress, advance
from nightbook.runs.request import EVENTS, EXECUTED
from nightbook.runs.searching import LedgerSearch, RunQuery
from nightbook.workflow.checkpointing import CheckpointView, view_checkpoints
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.records import MetricPoint
    from nightbook.runs.facts import RunFacts
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A run with its parts, if it is a pipeline or sweep."""

    run: Run
    parts: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedEngine:
    """What ran a run's cells.

    Attributes:
        name: `fork` or `jupyter`; empty before a kernel has started, and where the run's files are elsewhere.
        reason: Why it is not `fork`; empty when it is.
    """

    name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All that is known of one run."""

    run: Run
    facts: RunFacts
    engine: UsedEngine
    points: tuple[MetricPoint, ...]
    parts: tuple[Run, ...]
    parent: Run | None
    checkpoints: CheckpointView = field(default_factory=CheckpointView)

    def to_json(self) -> dict[str, object]:
        """The document of `runs show --json`: the record, and what there is to tell of its checkpoints."""
        told = {} if self.checkpoints == CheckpointView() else {"checkpoints": json_value(self.checkpoints)}
        return {**self.run.to_json(), **told}


def list_runs(settings: Settings, wanted: RunQuery) -> tuple[Run, ...]:
    """Every run that fits, parts of others too, newest first."""
    with open_ledger(settings) as ledger:
        return LedgerSearch(ledger.engine).search(wanted)


def progress_of(settings: Settings, run: Run) -> Progress:
    """How far a run is, as its events tell."""
    progress = Progress(started_at=(run.started_at or datetime.now(UTC)).timestamp())
    for event in EventReader.all_of(settings.runs_folder / run.run_id / EVENTS):
        progress = advance(progress, event)
    return progress


def list_branches(settings: Settings, limit: int) -> tuple[Branch, ...]:
    """What was asked for, newest first, each with its parts."""
    with open_ledger(settings) as ledger:
        return branches_of(ledger, limit)


def branches_of(ledger: Ledger, limit: int) -> tuple[Branch, ...]:
    """The same of a ledger that is open."""
    tops = ledger.runs(limit=limit, top_level=True)
    return tuple(
        Branch(run=one, parts=() if one.kind is RunKind.STAGE else ledger.children(one.run_id)) for one in tops
    )


def show_run(settings: Settings, reference: str) -> Detail:
    """Everything about one run.

    Raises:
        RunNotFoundError: There is no such run.
    """
    with open_ledger(settings) as ledger:
        run = ledger.find(reference)
        return Detail(
            run=run,
            facts=ledger.facts(run.run_id),
            engine=_engine_of(settings.runs_folder / run.run_id),
            points=ledger.metric_points(run.run_id),
            parts=() if run.kind is RunKind.STAGE else ledger.children(run.run_id),
            parent=ledger.get(run.parent_run_id) if run.parent_run_id else None,
            checkpoints=view_checkpoints(settings, run),
        )


def _engine_of(folder: Path) -> UsedEngine:
    """As the executed notebook says; as the events do while there is none."""
    try:
        noted = json.loads((folder / EXECUTED).read_bytes())["metadata"]["nightbook"]
        return UsedEngine(name=str(noted["engine"]), reason=str(noted["engine_reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        # It goes on, or an older version or another program wrote the file.
        trace = trace_events(EventReader.all_of(folder / EVENTS))
        return UsedEngine(name=trace.engine, reason=trace.engine_reason)
