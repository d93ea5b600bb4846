"""What pipelines and sweeps have in common: a publisher beside the runs, an end for the parent, decisions made true."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import DamagedContentError, NightbookError
from nightbook.pipelines.plan import Verdict
from nightbook.records import Cause, LastSuccess, RunStatus
from nightbook.runs.facts import Outcome
from nightbook.runs.git import read_git_state
from nightbook.runs.publisher import Publisher
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.launching import launcher_for
from nightbook.workflow.making import RunMaker
from nightbook.workflow.requests import StageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nightbook.pipelines.plan import Decision, Evidence
    from nightbook.pipelines.stage import Stage
    from nightbook.records import Run
    from nightbook.runs.launch import LiveRun
    from nightbook.runs.ledger import Ledger
    from nightbook.workflow.requests import RunRequest, StageView


@contextmanager
def making_runs(request: RunRequest, asked: Mapping[str, str]) -> Iterator[RunMaker]:
    """Make runs with a publisher at work beside them; it is closed by whoever wants to hear what is still owed.

    Whatever goes wrong meanwhile, the parent run gets an end.
    """
    settings = request.settings
    sources = {settings.notebooks, *settings.module_paths} - {"."}
    # The publisher first: it loads its libraries while we load ours.
    with (
        Publisher(settings) as publisher,
        open_ledger(settings) as ledger,
        launcher_for(settings, ledger, request.jobs) as launcher,
    ):
        maker = RunMaker(
            settings=settings,
            ledger=ledger,
            publisher=publisher,
            git=read_git_state(settings.root, sorted(sources)),
            tags=request.tags,
            asked=asked,
            launcher=launcher,
            resumes=request.resumes,
        )
        try:
            yield maker
        except NightbookError as error:
            maker.end_parent(Outcome(status=RunStatus.FAILED, message=error.message))
            raise
        except KeyboardInterrupt:
            maker.end_parent(Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message="interrupted"))
            raise
        finally:
            # A notebook that called us lives on: nobody is to be told that a run is looked after when it is not.
            maker.stop_beating()


def begin(
    stage: Stage, decide: Callable[[], Decision], evidence: Evidence, maker: RunMaker
) -> tuple[Decision, LiveRun | StageState]:
    """Decide what a stage needs and begin it; kept outputs that turn out to be damaged make a run needed."""
    while True:
        decision = decide()
        with suppress(DamagedContentError):  # the store has dropped them: the next decision is another
            return decision, _make_true(decision, stage, evidence, maker)


def _make_true(decision: Decision, stage: Stage, evidence: Evidence, maker: RunMaker) -> LiveRun | StageState:
    """Start the run that a settled decision asks for, or put back the outputs that make it needless."""
    if decision.verdict is Verdict.UP_TO_DATE:
        return StageState.UP_TO_DATE
    if decision.verdict is Verdict.RESTORE:
        for pin in decision.restores:
            evidence.store.restore(pin.digest, evidence.settings.root / pin.uri)
        return StageState.RESTORED
    assert decision.fingerprint is not None  # noqa: S101 - a settled decision has one
    return maker.start(stage, decision.fingerprint, tuple(evidence.digests.pin(one) for one in stage.inputs))


def with_records(views: Sequence[StageView], ledger: Ledger) -> tuple[StageView, ...]:
    """The views with their runs as the ledger has them now, after the publisher's work."""
    return tuple(replace(view, run=ledger.get(view.run.run_id)) if view.run else view for view in views)


def success_of(run: Run, decision: Decision) -> LastSuccess | None:
    """What stages behind a run that has just succeeded are decided by; None when it did not."""
    if run.status is not RunStatus.SUCCEEDED or decision.fingerprint is None:
        return None
    return LastSuccess(
        run_id=run.run_id,
        number=run.number,
        fingerprint=decision.fingerprint.digest,
        parts=decision.fingerprint.parts,
        outputs=run.outputs,
        ended_at=run.ended_at or datetime.now(UTC),
    )
