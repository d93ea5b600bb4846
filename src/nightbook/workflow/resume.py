"""Run what a failed or interrupted run still owes: the same request, without what has succeeded since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightbook.errors import NightbookError
from nightbook.records import RunKind, RunStatus
from nightbook.workflow.checkpointing import unfinished_runs
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.remembering import recall, recall_sweep
from nightbook.workflow.run import run as run_request
from nightbook.workflow.sweep import sweep as sweep_request

if TYPE_CHECKING:
    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings
    from nightbook.workflow.requests import RunResult, Watcher

RESUMES_TAG = "nightbook.resumes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """What became of a resumed run.

    Attributes:
        of: The run that was resumed, a whole pipeline or sweep rather than its part.
        result: How the rest ended; None when nothing was owed.
    """

    of: Run
    result: RunResult | None = None


def resume(settings: Settings, reference: str, watcher: Watcher, *, jobs: int | None = None) -> Resumption:
    """Finish a run: stages that have succeeded since it began, and are still up to date, are not run again.

    Args:
        settings: The project.
        reference: The run; of a part, the pipeline or sweep is meant.
        watcher: Is told while it goes on.
        jobs: How many stages may run at once; None takes the setting.

    Raises:
        RunNotFoundError: There is no such run, or it does not say what it was asked for.
        NightbookError: It still runs, or what it was asked for is no longer possible.
    """
    with open_ledger(settings) as ledger:
        unfinished = _whole(ledger, ledger.find(reference))
        if unfinished.status in {RunStatus.SUCCEEDED, RunStatus.SKIPPED}:
            return Resumption(of=unfinished)
        if not unfinished.status.is_final:
            raise NightbookError(
                f"{unfinished.label} is still {unfinished.status.value}",
                remedy=f"nightbook runs cancel {unfinished.number}",
            )
        facts = ledger.facts(unfinished.run_id)
        tags = {RESUMES_TAG: unfinished.run_id}
        done = _done(ledger, unfinished)
        parts = ledger.children(unfinished.run_id) if unfinished.kind is RunKind.PIPELINE else (unfinished,)
    if unfinished.kind is RunKind.SWEEP:
        sweep = recall_sweep(settings, unfinished, facts)
        sweep = replace(sweep, base=replace(sweep.base, jobs=jobs, tags=tags))
        return Resumption(of=unfinished, result=sweep_request(sweep, watcher))
    request = replace(recall(settings, unfinished, facts), jobs=jobs, tags=tags, spared=done)
    request = replace(request, resumes=unfinished_runs(settings, parts))
    return Resumption(of=unfinished, result=run_request(request, watcher))


def _whole(ledger: Ledger, run: Run) -> Run:
    return ledger.get(run.parent_run_id) if run.parent_run_id else run


def _done(ledger: Ledger, unfinished: Run) -> frozenset[str]:
    """Also of stages that always run, or were forced: those that succeeded since owe nothing unless they changed."""
    successes = ledger.last_successes()
    return frozenset(stage for stage, last in successes.items() if last.number > unfinished.number)
