"""What follows from a run once it ended: its report, then MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.runs.outbox import Outbox
from nightbook.runs.reporting import ensure_page
from nightbook.runs.tracking import MlflowTracker

if TYPE_CHECKING:
    from nightbook.runs.ledger import Ledger
    from nightbook.runs.shaping import Delivery
    from nightbook.settings import Settings


class ReportingOutbox(Outbox):
    """An outbox that writes a run's report before it delivers the run: the report is one of its artifacts."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        super().__init__(ledger, MlflowTracker(settings), settings.runs_folder)
        self._settings = settings

    def _delivery(self, run_id: str) -> Delivery:
        ensure_page(self._settings, self._ledger, self._ledger.get(run_id))
        return super()._delivery(run_id)
