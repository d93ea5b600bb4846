"""Send MLflow what it is still owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import LedgerError
from nightbook.runs.ledger import Ledger
from nightbook.runs.outbox import Outbox
from nightbook.runs.publishing import ReportingOutbox
from nightbook.runs.reporting import ensure_page
from nightbook.runs.tracking import MlflowTracker
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What arrived and what did not.

    Attributes:
        delivered: Runs of which MLflow now knows all.
        owed: Runs that still wait.
        reason: Why they wait, empty when none does.
    """

    delivered: int
    owed: int
    reason: str = ""


def sync(settings: Settings, source: Path | None = None) -> SyncResult:
    """Deliver once what a ledger owes to this project's MLflow; a second time there is nothing left to do.

    Args:
        settings: The project whose MLflow receives it.
        source: A project or its state folder, carried over from another machine, whose debts are delivered instead of
            the project's own; it keeps the record of what arrived.

    Raises:
        LedgerError: There is no ledger in `source`.
    """
    if source is None:
        with open_ledger(settings) as ledger:

            def ensure(run_id: str) -> None:
                ensure_page(settings, ledger, ledger.get(run_id))

            # Reports do not wait for MLflow.
            for run_id in ledger.deliveries.owed_runs():
                ensure(run_id)
            drained = ReportingOutbox(settings, ledger, ensure).drain()
    else:
        state = _state_folder(source)
        with Ledger.open(f"sqlite:///{state / 'ledger.sqlite'}", create=False) as ledger:
            drained = Outbox(ledger, MlflowTracker(settings), state / "runs").drain()
    return SyncResult(delivered=drained.delivered, owed=drained.owed, reason=drained.reason)


def _state_folder(source: Path) -> Path:
    for folder in (source, source / ".nightbook"):
        if (folder / "ledger.sqlite").is_file():
            return folder.resolve()
    raise LedgerError(f"there is no ledger.sqlite in {source}", remedy="name a project's folder or its .nightbook")
