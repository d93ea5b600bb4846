"""What follows from a run once it ended: its report, then MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.runs.outbox import Outbox
from nightbook.runs.tracking import MlflowTracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.runs.ledger import Ledger
    from nightbook.runs.shaping import Delivery
    from nightbook.settings import Settings


class ReportingOutbox(Outbox):
    """An outbox that has a run's page written before it delivers the run: the page is one of its artifacts.

    Args:
        settings: The project.
        ledger: Whose debts are delivered.
        ensure_page: Writes the page of a run unless it is there.
    """

    def __init__(self, settings: Settings, ledger: Ledger, ensure_page: Callable[[str], object]) -> None:
        super().__init__(ledger, MlflowTracker(settings), settings.runs_folder)
        self._ensure_page = ensure_page

    def _delivery(self, run_id: str) -> Delivery:
        self._ensure_page(run_id)
        return super()._delivery(run_id)
