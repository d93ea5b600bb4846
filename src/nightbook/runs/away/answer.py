"""What comes back from a worker: news while a run goes on, and at its end how it ended and where its files are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nightbook.errors import NightbookError
from nightbook.records import Cause, Cell, CellStatus, MetricPoint, Pin, RunStatus
from nightbook.runs.facts import Outcome

if TYPE_CHECKING:
    from nightbook.runs.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the client tells a run, several times a second.

    Attributes:
        attempt: Which attempt it has heard of; empty before.
        offset: How many bytes of that attempt's events it has.
        has_prepared: It has the prepared notebook.
        wish: `cancel`, `kill`, or nothing.
        tracking: What puts the notebook's own MLflow calls into its run; empty while that is not known.
    """

    attempt: str = ""
    offset: int = 0
    has_prepared: bool = False
    wish: str = ""
    tracking: str = ""

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Letter:
        """What `to_json` made."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a run tells the client.

    Attributes:
        attempt: Which attempt speaks; another one than before means that the worker before died.
        worker: Where it is carried out.
        began_at: When the attempt began, in seconds since the epoch.
        offset: From which byte of its events on they follow here.
        events: Whole lines.
        prepared: The prepared notebook, once; empty otherwise.
    """

    attempt: str
    worker: str
    began_at: float
    offset: int = 0
    events: str = ""
    prepared: str = ""

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> News:
        """What `to_json` made."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an attempt ended.

    Attributes:
        attempt: Which.
        worker: Where it was carried out.
        began_at: When it began, in seconds since the epoch.
        outcome: As the worker's supervisor judged.
        files: Digest of the packed run's files in the content store; empty when there are none.
    """

    attempt: str
    worker: str
    began_at: float
    outcome: Outcome = field(default_factory=lambda: Outcome(status=RunStatus.FAILED))
    files: str = ""

    def to_json(self) -> str:
        """One JSON document; times in ISO 8601."""
        return json.dumps(asdict(self), default=_as_text)

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """What `to_json` made."""
        fields = json.loads(text)
        return cls(**{**fields, "outcome": _outcome(fields["outcome"])})


def outcome_in(ledger: Ledger, run_id: str) -> Outcome:
    """The outcome that a supervisor has recorded, to be recorded elsewhere once more."""
    run, facts = ledger.get(run_id), ledger.facts(run_id)
    assert run.ended_at is not None  # noqa: S101 - a final run has ended
    return Outcome(
        status=run.status,
        cause=run.cause,
        message=run.message,
        ended_at=run.ended_at,
        duration_seconds=run.duration_seconds,
        peak_memory_bytes=run.peak_memory_bytes,
        metrics=ledger.metric_points(run_id),
        outputs=run.outputs,
        cells=run.cells,
        executed_notebook=run.executed_notebook,
        report=run.report,
        reusable=facts.reusable,
        logged_parameters=facts.logged_parameters,
        artifacts=facts.artifacts,
    )


def without_files(outcome: Outcome, lost: str, error: Exception) -> Outcome:
    """How a run ended whose files cannot be had: what was a success is none, since nobody could use it."""
    said = error.message if isinstance(error, NightbookError) else str(error)
    status = RunStatus.FAILED if outcome.status is RunStatus.SUCCEEDED else outcome.status
    message = "; ".join(filter(None, [outcome.message, f"{lost}: {said}"]))
    return replace(outcome, status=status, message=message, outputs=())


def _outcome(fields: dict[str, Any]) -> Outcome:
    known = dict(fields)
    known["status"] = RunStatus(fields["status"])
    known["cause"] = Cause(fields["cause"]) if fields["cause"] else None
    known["ended_at"] = datetime.fromisoformat(fields["ended_at"])
    known["metrics"] = tuple(
        MetricPoint(**{**point, "at": datetime.fromisoformat(point["at"])}) for point in fields["metrics"]
    )
    known["outputs"] = tuple(Pin(**pin) for pin in fields["outputs"])
    known["cells"] = tuple(Cell(**{**cell, "status": CellStatus(cell["status"])}) for cell in fields["cells"])
    known["artifacts"] = tuple(fields["artifacts"])
    return Outcome(**known)


def _as_text(value: object) -> str:
    assert isinstance(value, datetime)  # noqa: S101 - an outcome holds nothing else that JSON lacks
    return value.isoformat()
