"""Ask a run that goes on, from anywhere on its machine, to stop; whoever looks after it records how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import NightbookError, RunElsewhereError
from nightbook.files import write_atomically
from nightbook.records import Cause, RunKind, RunStatus
from nightbook.runs.facts import Outcome
from nightbook.runs.request import CANCEL, WORKER
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """What became of it.

    Attributes:
        run: Its final record; a cancelled run may also have come to its end just before.
        was_over: It had ended before anybody asked.
    """

    run: Run
    was_over: bool = False


def cancel(settings: Settings, reference: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Cancellation:
    """Stop a run, with all its parts when it is a pipeline or sweep, and wait until it is over.

    Raises:
        RunNotFoundError: There is no such run.
        RunElsewhereError: Its processes cannot be reached from here.
        NightbookError: It does not stop within `patience_seconds`.
    """
    with open_ledger(settings) as ledger:
        run = ledger.find(reference)
        if run.status.is_final:
            return Cancellation(run=run, was_over=True)
        _ask(settings, ledger, run)
    return Cancellation(run=_until_over(settings, run, patience_seconds))


def _until_over(settings: Settings, run: Run, patience_seconds: float) -> Run:
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        # Each contact gives a run its final state whose supervisor died meanwhile.
        with open_ledger(settings) as ledger:
            now = ledger.get(run.run_id)
        if now.status.is_final:
            return now
    raise NightbookError(
        f"{run.label} was asked to stop but still runs after {patience_seconds:.0f} s",
        remedy=f"nightbook runs logs -f {run.number}",
    )


def _ask(settings: Settings, ledger: Ledger, run: Run) -> None:
    carer = ledger.carer(run.run_id)
    if not carer.is_in_sight():
        raise RunElsewhereError(
            f"{run.label} runs on {carer.host}, whose processes cannot be reached from here",
            remedy=f"on {carer.host}: nightbook runs cancel {run.number}",
        )
    folder = settings.runs_folder / run.run_id
    if run.kind is RunKind.STAGE and run.status is RunStatus.PENDING and not (folder / WORKER).exists():
        message = "cancelled before it began"
        ledger.finish(run.run_id, Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message=message))
    else:
        # Not a signal: whoever started it may be a notebook's kernel, or a shell that ignores interrupts; who looks
        # after a run on a worker looks after others, too; and Windows has none that could be heard.
        write_atomically(folder / CANCEL, b"")
