"""What goes on and what went wrong: the story behind the first page of the review app."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import RunNotFoundError
from nightbook.records import RunKind, RunStatus
from nightbook.runs.searching import LedgerSearch, RunQuery
from nightbook.workflow.browsing import branches_of, progress_of
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from nightbook.records import Run
    from nightbook.runs.launch import Progress
    from nightbook.settings import Settings
    from nightbook.workflow.browsing import Branch

MOST_WAITING, MOST_RUNNING, MOST_FAILED, MOST_RECENT = 20, 50, 8, 10
_LOOKED_THROUGH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A notebook that runs, and how far it is."""

    run: Run
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A project at a glance.

    Attributes:
        waiting: Runs that wait for a reviewer, the oldest request first.
        running: Notebooks that run now.
        failed: The latest failures of stages that have not succeeded since.
        recent: What was asked for last.
    """

    waiting: tuple[Run, ...]
    running: tuple[Underway, ...]
    failed: tuple[Run, ...]
    recent: tuple[Branch, ...]


def overview(settings: Settings) -> Overview:
    """Look at the whole project."""
    with open_ledger(settings) as ledger:
        search = LedgerSearch(ledger.engine)
        running = _running(settings, search)
        failed = search.search(RunQuery(kind=RunKind.STAGE, status=RunStatus.FAILED, limit=_LOOKED_THROUGH))
        successes = ledger.last_successes()
        waiting = tuple(ledger.get(run_id) for run_id in ledger.reviews.waiting_runs(MOST_WAITING))
        recent = branches_of(ledger, MOST_RECENT)
    succeeded = {name: one.number for name, one in successes.items()}
    open_failures = [run for run in failed if succeeded.get(run.stage or "", 0) < run.number]
    return Overview(
        waiting=waiting,
        running=running,
        failed=_newest_of_each(open_failures)[:MOST_FAILED],
        recent=recent,
    )


def underway(settings: Settings) -> tuple[Underway, ...]:
    """What runs now; asked for every other second by each page that shows it."""
    with open_ledger(settings) as ledger:
        return _running(settings, LedgerSearch(ledger.engine))


def _running(settings: Settings, search: LedgerSearch) -> tuple[Underway, ...]:
    found = search.search(RunQuery(kind=RunKind.STAGE, status=RunStatus.RUNNING, limit=MOST_RUNNING))
    return tuple(Underway(run=run, progress=progress_of(settings, run)) for run in found)


def _newest_of_each(runs: list[Run]) -> tuple[Run, ...]:
    """A stage that failed again is named once."""
    newest: dict[str | None, Run] = {}
    for run in runs:
        newest.setdefault(run.stage or run.notebook, run)
    return tuple(newest.values())


def base_of(settings: Settings, run: Run) -> Run | None:
    """What a run is held against: the last run of its stage that was approved, else that succeeded, before it."""
    if run.kind is not RunKind.STAGE or run.stage is None:
        return None
    with open_ledger(settings) as ledger:
        with suppress(RunNotFoundError):
            approved = ledger.find(f"{run.stage}@approved")
            if approved.number < run.number:
                return approved
        query = RunQuery(stage=run.stage, status=RunStatus.SUCCEEDED, before=run.number, limit=1)
        return next(iter(LedgerSearch(ledger.engine).search(query)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of runs, and what one may ask for.

    Attributes:
        runs: Those that fit, newest first.
        stages: Every stage that has run.
        is_last: There are no older ones that fit.
    """

    runs: tuple[Run, ...]
    stages: tuple[str, ...]
    is_last: bool


def find_runs(settings: Settings, query: RunQuery) -> Found:
    """Find the runs that fit."""
    with open_ledger(settings) as ledger:
        search = LedgerSearch(ledger.engine)
        runs = search.search(query)
        return Found(runs=runs, stages=search.stages(), is_last=len(runs) < query.limit)
