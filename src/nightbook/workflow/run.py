"""Run a pipeline, some of its stages, or a notebook: plan, execute what is owed, publish."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from nightbook.errors import StorageError
from nightbook.files import make_folder
from nightbook.pipelines.plan import Decision, Evidence, Plan, Verdict, make_plan, settle
from nightbook.records import LastSuccess, RunKind, RunStatus
from nightbook.runs.patience import patiently
from nightbook.workflow.carrying import begin, making_runs, success_of, with_records
from nightbook.workflow.checkpointing import view_all
from nightbook.workflow.execution import Execution, Slot
from nightbook.workflow.planning import check_secrets, gather_evidence
from nightbook.workflow.remembering import remember
from nightbook.workflow.requests import RunResult, StageState, StageView
from nightbook.workflow.targets import Selection, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightbook.records import Run
    from nightbook.runs.launch import LiveRun
    from nightbook.settings import Settings
    from nightbook.workflow.making import RunMaker
    from nightbook.workflow.requests import RunRequest, Watcher


def run(request: RunRequest, watcher: Watcher) -> RunResult:
    """Bring the targets up to date.

    Returns:
        How it ended; a stage that fails is a result, not an exception.

    Raises:
        NightbookError: Something is wrong with the project or the parameters: nothing was started.
    """
    work = prepare(request)
    if work.plan.is_up_to_date:
        return nothing_to_do(work.plan, watcher)
    with _alone(request.settings, work.selection, watcher):
        # Once more, now that nobody else can change what there is to do.
        work = work if work.selection.is_lone else prepare(request)
        if work.plan.is_up_to_date:
            return nothing_to_do(work.plan, watcher)
        watcher.planned(work.plan)
        with making_runs(request, remember(request)) as maker:
            return _execute(work, maker, watcher)


def prepare(request: RunRequest) -> StageWork:
    """Decide what there is to do and check that it can be done; nothing is started, and no ledger is made."""
    selection = select(request.settings, request.targets, request.parameters)
    evidence = gather_evidence(request, selection)
    plan = make_plan(selection.pipeline, selection.names, evidence)
    check_secrets(tuple(selection.pipeline.stages[name] for name in plan.named(Verdict.RUN, Verdict.UNDECIDED)))
    return StageWork(selection=selection, evidence=evidence, plan=plan)


def nothing_to_do(plan: Plan, watcher: Watcher) -> RunResult:
    """The result of a plan in which everything is up to date."""
    watcher.planned(plan)
    views = tuple(
        StageView(name=one.stage, state=StageState.UP_TO_DATE, reason="; ".join(one.reasons)) for one in plan.decisions
    )
    return RunResult(status=RunStatus.SUCCEEDED, plan=plan, stages=views)


def _execute(work: StageWork, maker: RunMaker, watcher: Watcher) -> RunResult:
    work.maker = maker
    jobs = maker.launcher.prepare(work.selection.pipeline.stages.values())
    if not work.selection.is_lone:
        maker.begin_parent(RunKind.PIPELINE, work.selection.given)
    execution = Execution(work.slots(), work, jobs=jobs, watcher=watcher)
    execution.run()
    patiently(partial(maker.end_parent, execution.outcome))
    watcher.publishing("writing reports and telling MLflow …")
    owed = maker.publisher.close()
    parent = maker.ledger.get(maker.parent.run_id) if maker.parent else None
    stages = with_records(execution.views, maker.ledger)
    return RunResult(
        # What the ledger says: another command may have found this one silent, and its runs lost.
        status=parent.status if parent else execution.outcome.status,
        plan=work.plan,
        parent=parent,
        stages=stages,
        owed=owed,
        checkpoints=view_all(maker.settings, [stage.run for stage in stages if stage.run is not None]),
    )


@dataclass(slots=True, kw_only=True)
class StageWork:
    """What an execution asks of a pipeline's stages.

    Attributes:
        selection: The stages, and which were asked for.
        evidence: What decisions rest on; grows as stages succeed.
        plan: What was intended before anything ran.
        maker: Makes the runs.
    """

    selection: Selection
    evidence: Evidence
    plan: Plan
    maker: RunMaker = field(init=False)
    _decisions: dict[str, Decision] = field(default_factory=dict)

    def slots(self) -> list[Slot]:
        """One for each stage of the plan."""
        pipeline = self.selection.pipeline
        planned = {one.stage for one in self.plan.decisions}
        return [
            Slot(
                name=one.stage,
                needs=tuple(name for name in pipeline.upstream[one.stage] if name in planned),
                tries_left=pipeline.stages[one.stage].retries,
                reason="; ".join(one.reasons),
            )
            for one in self.plan.decisions
        ]

    def begin(self, slot: Slot) -> LiveRun | StageState:
        """Decide again, now that all before it is there: outputs that came out the same need no new run behind them."""
        pipeline = self.selection.pipeline
        decide = partial(settle, pipeline, slot.name, self.evidence)
        decision, begun = begin(pipeline.stages[slot.name], decide, self.evidence, self.maker)
        self._decisions[slot.name] = decision
        slot.reason = "; ".join(decision.reasons)
        if isinstance(begun, StageState) and decision.last is not None:
            self._succeeded(slot.name, decision.last)
        return begun

    def conclude(self, slot: Slot, live: LiveRun) -> Run:
        """Read how it ended; a success is what the stages behind it are decided by."""
        run = self.maker.conclude(live)
        success = success_of(run, self._decisions[slot.name])
        if success is not None:
            self._succeeded(slot.name, success)
        return run

    def _succeeded(self, stage: str, success: LastSuccess) -> None:
        self.evidence = replace(self.evidence, last_successes={**self.evidence.last_successes, stage: success})

    def give_up(self, slot: Slot, failed: Sequence[str]) -> Run:
        """Record that it could not begin."""
        return self.maker.give_up(self.selection.pipeline.stages[slot.name], f"not run: {', '.join(failed)} failed")

    def may_go_on(self) -> bool:
        """False when somebody asked that all stop."""
        return self.maker.may_go_on()


@contextmanager
def _alone(settings: Settings, selection: Selection, watcher: Watcher) -> Iterator[None]:
    """Let one pipeline run at a time in a project; lone notebooks run beside each other."""
    if selection.is_lone:
        yield
        return
    make_folder(settings.state)
    lock = FileLock(settings.state / "run.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        watcher.waiting("another nightbook run is at work in this project; this one goes on when it ends")
        lock.acquire()
    except OSError as error:
        raise StorageError(
            f"cannot lock {lock.lock_file}: {error}", remedy="choose a state folder you may write"
        ) from error
    try:
        yield
    finally:
        lock.release()
