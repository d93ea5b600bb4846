"""Run stages over many parameter sets: what a set changes gets outputs of its own, the rest is shared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import NightbookError, ParameterError
from nightbook.notebooks.parameters import ParameterRole
from nightbook.pipelines.plan import Evidence, Verdict, settle
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.git import read_git_state
from nightbook.runs.ledger import Ledger, Outcome
from nightbook.runs.publisher import Publisher
from nightbook.runs.request import COMPARISON, ComparisonOrder
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.execution import Execution, Slot, status_of_all
from nightbook.workflow.making import RunMaker
from nightbook.workflow.parameter_sets import set_digest, set_name
from nightbook.workflow.planning import check_secrets, gather_evidence
from nightbook.workflow.requests import RunRequest, RunResult, StageState, StageView
from nightbook.workflow.run import run
from nightbook.workflow.targets import Selection, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.pipelines.graph import Pipeline
    from nightbook.pipelines.plan import Decision
    from nightbook.pipelines.stage import DataPath, Stage
    from nightbook.runs.launch import SupervisedRun
    from nightbook.settings import Settings
    from nightbook.workflow.requests import Watcher

BETTER = {"min": "lower", "max": "higher"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """One `nightbook sweep`.

    Attributes:
        base: The target, the parameters that do not vary, the jobs.
        sets: What varies: one run, or one per stage that it changes, for each.
        objective: The metric by which runs are ordered; empty for none.
        direction: `min` or `max`; empty takes what the notebook declared of the metric.
    """

    base: RunRequest
    sets: tuple[Mapping[str, object], ...]
    objective: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSet:
    """One set, ready to run.

    Attributes:
        name: For people.
        pipeline: The stages with the set's values; those that it changes write into folders of their own.
        changed: The stages that it changes, in order.
    """

    name: str
    pipeline: Pipeline
    changed: tuple[str, ...]


def sweep(request: SweepRequest, watcher: Watcher) -> RunResult:
    """Run every set that has not succeeded before; a failure stops no other.

    Raises:
        NightbookError: Something is wrong with the project or with any of the sets: nothing was started.
    """
    settings = request.base.settings
    first = _select(request.base, request.sets[0])
    changed = _changed_stages(first, request.sets)
    sets = tuple(_parameter_set(request.base, values, changed) for values in _without_repeats(request.sets))
    shared = _shared_stages(first, changed)
    if shared:
        # What every set needs and none changes is brought up to date once.
        before = run(replace(request.base, targets=shared, parameters={}, is_forced=False), watcher)
        if before.status is not RunStatus.SUCCEEDED:
            return before
    with open_ledger(settings) as ledger:
        evidence = gather_evidence(request.base, first)
        check_secrets(tuple(one.pipeline.stages[name] for one in sets for name in one.changed))
        work = SweepWork(sets=sets, evidence=evidence, ledger=ledger)
        return _execute(request, ledger, work, watcher)


def _select(base: RunRequest, values: Mapping[str, object]) -> Selection:
    return select(base.settings, base.targets, {**base.parameters, **values})


def _without_repeats(sets: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return list({set_name(one): one for one in sets}.values())


def _changed_stages(selection: Selection, sets: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """The stages that declare what varies, and all behind them that were asked for."""
    varied = {name for one in sets for name in one}
    involved = selection.pipeline.needed_for(selection.names)
    asked = set(selection.names)
    declaring = []
    for name in involved:
        declared = {one.name for one in selection.pipeline.stages[name].parameters}
        if any(key in declared if "." not in key else key.partition(".")[0] == name for key in varied) and (
            name in asked or any(key.startswith(f"{name}.") for key in varied)
        ):
            declaring.append(name)
    behind = set(selection.pipeline.depending_on(declaring))
    return tuple(name for name in involved if name in behind)


def _shared_stages(selection: Selection, changed: tuple[str, ...]) -> tuple[str, ...]:
    needed = selection.pipeline.needed_for(selection.names)
    return () if selection.is_lone else tuple(name for name in needed if name not in changed)


def _parameter_set(base: RunRequest, values: Mapping[str, object], changed: tuple[str, ...]) -> ParameterSet:
    """The stages of a set: outputs go to a folder of its own, and what it reads of them comes from there."""
    plain = _select(base, values)
    stages = plain.pipeline.stages
    bound = {name: stages[name].binding.json_values() for name in changed}
    folder = base.settings.state / "sweeps" / set_digest(bound)
    moved: dict[str, str] = {}
    apart: dict[str, object] = {}
    for name in changed:
        prefix = "" if plain.is_lone else f"{name}."
        for output in _own_outputs(stages[name]):
            moved[output.key] = str(folder / name / Path(output.uri).name)
            apart[f"{prefix}{output.name}"] = moved[output.key]
        apart |= {f"{prefix}{data.name}": moved[data.key] for data in stages[name].inputs if data.key in moved}
    selection = _select(base, {**values, **apart})
    return ParameterSet(name=set_name(values), pipeline=selection.pipeline, changed=changed)


def _own_outputs(stage: Stage) -> tuple[DataPath, ...]:
    """The stage's outputs, all of which a parameter of its notebook must set.

    Raises:
        ParameterError: One is written to a path that cannot be set.
    """
    settable = {one.name for one in stage.parameters if one.role is ParameterRole.OUTPUT}
    for output in stage.outputs:
        if output.name not in settable:
            raise ParameterError(
                f"stage '{stage.name}' always writes {output.uri}: the runs of a sweep would overwrite each other's",
                remedy=f"declare it in the notebook: {output.name}: Output = …",
            )
    return stage.outputs


def _execute(request: SweepRequest, ledger: Ledger, work: SweepWork, watcher: Watcher) -> RunResult:
    base, settings = request.base, request.base.settings
    with Publisher(settings) as publisher:
        maker = RunMaker(
            settings=settings, ledger=ledger, publisher=publisher, git=read_git_state(settings.root), tags=base.tags
        )
        work.maker = maker
        parent = maker.begin_parent(RunKind.SWEEP, {"sets": len(work.sets)}, stage=work.sets[0].changed[-1])
        execution = Execution(work.slots(), work, jobs=base.jobs or settings.jobs, watcher=watcher)
        try:
            execution.run()
        except NightbookError as error:
            maker.end_parent(Outcome(status=RunStatus.FAILED, message=error.message))
            raise
        status, cause, message = status_of_all(execution.views, is_cancelled=execution.is_cancelled)
        watcher.publishing("comparing the runs, telling MLflow …")
        _leave_order(request, settings, parent, execution.views)
        maker.end_parent(Outcome(status=status, cause=cause, message=message, artifacts=(COMPARISON,)))
        owed = publisher.close()
        stages = tuple(replace(view, run=ledger.get(view.run.run_id)) if view.run else view for view in execution.views)
    return RunResult(status=status, parent=ledger.get(parent.run_id), stages=stages, owed=owed)


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
        ledger: Knows which sets have succeeded before.
        maker: Makes the runs.
    """

    sets: tuple[ParameterSet, ...]
    evidence: Evidence
    ledger: Ledger
    maker: RunMaker = field(init=False)
    _places: dict[str, tuple[ParameterSet, str]] = field(default_factory=dict)
    _slots: dict[str, Slot] = field(default_factory=dict)

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

    def begin(self, slot: Slot) -> SupervisedRun | StageState:
        """A set that succeeded before, with the same code and data, is not run again."""
        one, name = self._places[slot.name]
        decision = self._decide(one, name)
        slot.reason = "; ".join(decision.reasons)
        if decision.last is not None and decision.verdict in {Verdict.UP_TO_DATE, Verdict.RESTORE}:
            for pin in decision.restores:
                self.evidence.store.restore(pin.digest, self.evidence.settings.root / pin.uri)
            slot.run = self.ledger.get(decision.last.run_id)
            return StageState.UP_TO_DATE
        stage = one.pipeline.stages[name]
        assert decision.fingerprint is not None  # noqa: S101 - a settled decision has one
        return self.maker.start(
            stage, decision.fingerprint, tuple(self.evidence.digests.pin(data) for data in stage.inputs)
        )

    def _decide(self, one: ParameterSet, name: str) -> Decision:
        others = {stage: last for stage, last in self.evidence.last_successes.items() if stage != name}
        fresh = settle(one.pipeline, name, replace(self.evidence, last_successes=others))
        if fresh.fingerprint is None or name in self.evidence.forced:
            return fresh
        known = self.ledger.successes_of([fresh.fingerprint.digest]).get(fresh.fingerprint.digest)
        if known is None:
            return fresh
        return settle(one.pipeline, name, replace(self.evidence, last_successes={**others, name: known}))

    def conclude(self, slot: Slot, live: SupervisedRun) -> Run:
        """Read how it ended."""
        del slot
        return self.maker.conclude(live)

    def give_up(self, slot: Slot) -> Run:
        """Record that it could not begin."""
        one, name = self._places[slot.name]
        return self.maker.give_up(one.pipeline.stages[name], "not run: a stage before it failed")

    def beat(self) -> bool:
        """The sweep is still looked after; False when it is asked to stop."""
        return self.maker.beat()
