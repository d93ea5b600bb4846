"""Each contact with a ledger begins with the truth: runs that died unseen are given their final state first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nightbook.runs.ledger import Ledger
from nightbook.runs.recovery import recover_lost_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.settings import Settings


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the project's ledger; what it then says of every run is true now."""
    with Ledger.open(settings.ledger) as ledger:
        recover_lost_runs(ledger, settings.runs_folder, lost_after_seconds=settings.lost_after_seconds)
        yield ledger
