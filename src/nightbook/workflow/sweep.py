"""Run stages over many parameter sets: what a set changes gets outputs of its own, the rest is shared."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.machine import processors
from nightbook.pipelines.graph import check_data
from nightbook.pipelines.plan import Evidence, require_kernels, settle
from nightbook.records import Cause, Run, RunKind, RunStatus
from nightbook.runs.facts import Outcome
from nightbook.runs.patience import patiently
from nightbook.runs.request import COMPARISON, ComparisonOrder
from nightbook.workflow.carrying import begin, making_runs, success_of, with_records
from nightbook.workflow.execution import Execution, Slot
from nightbook.workflow.launching import HERE
from nightbook.workflow.planning import check_secrets, gather_evidence
from nightbook.workflow.ranking import BETTER, Ranking
from nightbook.workflow.remembering import remember_sweep
from nightbook.workflow.requests import RunRequest, RunResult, StageState, StageView, SweepRequest
from nightbook.workflow.run import prepare, run
from nightbook.workflow.set_stages import ParameterSet, changed_stages, parameter_set, select_for, shared_stages
from nightbook.workflow.sharing import StageSplit, Trunks, split_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.pipelines.plan import Decision
    from nightbook.records import LastSuccess
    from nightbook.runs.launch import LiveRun
    from nightbook.settings import Settings
    from nightbook.workflow.making import RunMaker
    from nightbook.workflow.requests import Watcher
    from nightbook.workflow.targets import Selection


def sweep(request: SweepRequest, watcher: Watcher) -> RunResult:
    """Run every set that has not succeeded before; a failure stops no other.

    Raises:
        NightbookError: Something is wrong with the project or with any of the sets: nothing was started.
    """
    first, changed, sets = _sets(request)
    shared = shared_stages(first, changed)
    if shared:
        # What every set needs and none changes is looked at before anything starts, too.
        prepare(_shared_request(request.base, shared))
    with making_runs(request.base, remember_sweep(request)) as maker:
        parent = maker.begin_parent(RunKind.SWEEP, {"sets": len(sets)}, stage=changed[-1])
        if shared:
            before = run(_shared_request(request.base, shared), watcher)
            if before.status is not RunStatus.SUCCEEDED:
                return _not_begun(before, parent, maker)
        # A notebook file without outputs always executes, but not in a sweep: there a set that succeeded is done.
        spared = frozenset[str]() if request.base.is_forced else frozenset(first.names)
        evidence = gather_evidence(replace(request.base, spared=spared), first)
        splits = split_sets(request.base.settings, sets, evidence.digests) if request.is_shared else {}
        # Its runs keep all processors busy: more threads in each would only wait for one another.
        if request.base.settings.executor == HERE:
            jobs = min(request.base.jobs or request.base.settings.jobs, len(sets))
            maker.threads = max(1, len(processors()) // jobs)
        with closing(Trunks(maker, splits)) as trunks:
            maker.share = trunks.share
            ranking = Ranking(request.objective, request.direction, maker.ledger.metric_points, watcher.leads)
            work = SweepWork(sets=sets, evidence=evidence, maker=maker, ranking=ranking)
            return _execute(request, work, parent, watcher)


def explain(request: SweepRequest) -> tuple[StageSplit, ...]:
    """Which cells of each swept stage would be executed once for all sets, and why the others would not.

    Raises:
        NightbookError: The sweep could not be started either.
    """
    first, _, sets = _sets(request)
    evidence = gather_evidence(request.base, first)
    return tuple(split_sets(request.base.settings, sets, evidence.digests).values())


def _sets(request: SweepRequest) -> tuple[Selection, tuple[str, ...], tuple[ParameterSet, ...]]:
    """What the first set selects, the stages that the sets change, and the sets, all of which could start."""
    if not any(request.sets):
        raise ParameterError("the sweep's parameter sets name no parameter", remedy="--grid learning_rate=0.01,0.1")
    first = select_for(request.base, request.sets[0])
    changed = changed_stages(first, request.sets)
    # What comes to the same values is one set, however it was typed.
    sets = tuple({one.digest: one for one in (parameter_set(request.base, v, changed) for v in request.sets)}.values())
    _check(sets)
    return first, changed, sets


def _check(sets: Sequence[ParameterSet]) -> None:
    """Nothing starts of a sweep of which any set could not."""
    for one in sets:
        check_data(one.pipeline, one.changed)
    stages = tuple(one.pipeline.stages[name] for one in sets for name in one.changed)
    require_kernels(stages)
    check_secrets(stages)


def _shared_request(base: RunRequest, shared: tuple[str, ...]) -> RunRequest:
    """What every set needs and none changes is brought up to date once."""
    theirs = {key: value for key, value in base.parameters.items() if key.rpartition(".")[0] in shared}
    return replace(base, targets=shared, parameters=theirs, is_forced=False)


def _not_begun(before: RunResult, parent: Run, maker: RunMaker) -> RunResult:
    """The end of a sweep whose sets all wait for a stage that failed or was interrupted; it can be resumed."""
    cause = Cause.UPSTREAM_FAILED if before.status is RunStatus.FAILED else Cause.INTERRUPTED
    why = before.parent.message if before.parent else before.status.value
    maker.end_parent(Outcome(status=before.status, cause=cause, message=f"no set was run: {why}"))
    owed = maker.publisher.close()
    return replace(before, parent=maker.ledger.get(parent.run_id), owed=owed)


def _execute(request: SweepRequest, work: SweepWork, parent: Run, watcher: Watcher) -> RunResult:
    base, maker, ledger = request.base, work.maker, work.maker.ledger
    jobs = maker.launcher.prepare(stage for one in work.sets for stage in one.pipeline.stages.values())
    execution = Execution(work.slots(), work, jobs=jobs, watcher=watcher)
    execution.run()
    watcher.publishing("comparing the runs, telling MLflow …")
    request = replace(request, direction=work.ranking.direction)
    _leave_order(request, base.settings, parent, execution.views)
    patiently(partial(maker.end_parent, replace(execution.outcome, artifacts=(COMPARISON,))))
    owed = maker.publisher.close()
    parent = ledger.get(parent.run_id)
    return RunResult(
        status=parent.status,
        parent=parent,
        stages=with_records(execution.views, ledger),
        owed=owed,
        sweep=request,
    )


def _leave_order(request: SweepRequest, settings: Settings, parent: Run, views: Sequence[StageView]) -> None:
    """Say which runs the comparison page is about: also those that an earlier sweep made."""
    order = ComparisonOrder(
        runs=tuple(view.run.run_id for view in views if view.run is not None),
        objective=request.objective,
        better=BETTER.get(request.direction, ""),
    )
    order.write(settings.runs_folder / parent.run_id)


@dataclass(slots=True, kw_only=True)
class SweepWork:
    """What an execution asks of a sweep's sets.

    Attributes:
        sets: All of them.
        evidence: What decisions rest on.
        maker: Makes the runs.
        ranking: Says which set is the best so far.
    """

    sets: tuple[ParameterSet, ...]
    evidence: Evidence
    maker: RunMaker
    ranking: Ranking
    _places: dict[str, tuple[ParameterSet, str]] = field(default_factory=dict)
    _slots: dict[str, Slot] = field(default_factory=dict)
    _decisions: dict[str, Decision] = field(default_factory=dict)
    _successes: dict[str, dict[str, LastSuccess]] = field(default_factory=dict)

    def slots(self) -> list[Slot]:
        """One for each stage that a set changes."""
        for one in self.sets:
            for stage in one.changed:
                name = self._name(one, stage)
                needs = tuple(
                    self._name(one, before) for before in one.pipeline.upstream[stage] if before in one.changed
                )
                self._places[name] = one, stage
                self._slots[name] = Slot(name=name, needs=needs, tries_left=one.pipeline.stages[stage].retries)
        return list(self._slots.values())

    def _name(self, one: ParameterSet, stage: str) -> str:
        return one.name if len(one.changed) == 1 else f"{stage} {one.name}"

    def begin(self, slot: Slot) -> LiveRun | StageState:
        """A set that succeeded before, with the same code and data, is not run again."""
        one, name = self._places[slot.name]
        decide = partial(self._decide, one, name)
        decision, begun = begin(one.pipeline.stages[name], decide, self.evidence, self.maker)
        self._decisions[slot.name] = decision
        slot.reason = "; ".join(decision.reasons)
        if begun is StageState.WAITING:
            return begun
        if isinstance(begun, StageState) and decision.last is not None:
            self._successes[one.digest][name] = decision.last
            slot.run = self.maker.ledger.get(decision.last.run_id)
            self.ranking.consider(slot.name, slot.run)
            return StageState.UP_TO_DATE
        return begun

    def _decide(self, one: ParameterSet, name: str) -> Decision:
        """By this set's own successes: the pipeline's are of other values."""
        shared = {stage: last for stage, last in self.evidence.last_successes.items() if stage not in one.changed}
        own = self._successes.setdefault(one.digest, {})
        return settle(one.pipeline, name, replace(self.evidence, last_successes={**shared, **own}))

    def conclude(self, slot: Slot, live: LiveRun) -> Run:
        """Read how it ended; stages of the same set that come behind it are decided by that."""
        run = self.maker.conclude(live)
        self.ranking.consider(slot.name, run)
        one, name = self._places[slot.name]
        success = success_of(run, self._decisions[slot.name])
        if success is not None:
            self._successes[one.digest][name] = success
        return run

    def give_up(self, slot: Slot, failed: Sequence[str]) -> Run:
        """Record that it could not begin."""
        one, name = self._places[slot.name]
        return self.maker.give_up(one.pipeline.stages[name], f"not run: {', '.join(failed)} failed")

    def may_go_on(self) -> bool:
        """False when somebody asked that all stop."""
        return self.maker.may_go_on()
