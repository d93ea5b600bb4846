"""Each contact with a ledger begins with the truth: runs that died unseen are given their final state first."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from nightbook.runs.recovery import recover_lost_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the project's ledger; what it then says of every run is true now."""
    # Loaded when it is opened: what has nothing to do needs no SQLAlchemy, and what runs begins before it is there.
    module = import_module("nightbook.runs.ledger")
    with module.Ledger.open(settings.ledger) as ledger:
        recover_lost_runs(ledger, settings.runs_folder, lost_after_seconds=settings.lost_after_seconds)
        yield ledger
