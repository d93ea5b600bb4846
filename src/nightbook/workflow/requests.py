"""What a user asks for, and what they get back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from nightbook.errors import ExitCode
from nightbook.records import Cause, RunStatus, json_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.pipelines.plan import Plan
    from nightbook.records import Run
    from nightbook.runs.launch import Progress
    from nightbook.runs.request import Unfinished
    from nightbook.settings import Settings
    from nightbook.workflow.checkpointing import CheckpointView


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One `nightbook run`.

    Attributes:
        settings: The project.
        targets: Stage names or notebook files; none is the whole pipeline.
        parameters: Values by name, or by `STAGE.NAME` for one stage among several.
        is_forced: Run the targets even when they are up to date.
        jobs: How many stages may run at once; None takes the setting.
        tags: Free words kept with every run, such as who asked for it.
        spared: Stages that run only when they are out of date, even where all else is forced.
        resumes: Runs from whose checkpoints a stage's may go on, by stage.
    """

    settings: Settings
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    is_forced: bool = False
    jobs: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    spared: frozenset[str] = frozenset()
    resumes: Mapping[str, Unfinished] = field(default_factory=dict)


class StageState(StrEnum):
    """Where a stage stands within a run that goes on."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    UP_TO_DATE = "up to date"
    RESTORED = "restored"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream failed"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Nothing more will happen to it."""
        return self not in {StageState.WAITING, StageState.RUNNING}

    @property
    def is_good(self) -> bool:
        """Its outputs are there and right: what depends on it may go on."""
        return self in {StageState.SUCCEEDED, StageState.UP_TO_DATE, StageState.RESTORED}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One line of the live table.

    Attributes:
        name: The stage's name, or a sweep's child in words.
        state: Where it stands.
        progress: Of its run; None before.
        run: Its record once it is final.
        reason: Why it will run or not, in words.
    """

    name: str
    state: StageState
    progress: Progress | None = None
    run: Run | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """One `nightbook sweep`.

    Attributes:
        base: The target, the parameters that do not vary, the jobs.
        sets: What varies: one run, or one per stage that it changes, for each.
        objective: The metric by which runs are ordered; empty for none.
        direction: `min` or `max`; empty takes what the notebook declared of the metric.
        is_shared: Cells that are the same for all sets are executed once.
    """

    base: RunRequest
    sets: tuple[Mapping[str, object], ...]
    objective: str = ""
    direction: str = ""
    is_shared: bool = True


class Watcher(Protocol):
    """Whoever shows a run to a person while it goes on."""

    def waiting(self, reason: str) -> None:
        """Something else must end first."""

    def planned(self, plan: Plan) -> None:
        """What will run and why is known; nothing has started."""

    def begun(self, stages: Sequence[StageView]) -> None:
        """All that is going to be carried out, before any of it starts; of a sweep, what its sets share comes first."""

    def update(self, stages: Sequence[StageView]) -> None:
        """Called several times a second with those that run, and those that have changed since the last time."""

    def leads(self, name: str, run: Run, metric: str) -> None:
        """A sweep's best set by its objective is another now, or the first."""

    def publishing(self, reason: str) -> None:
        """All stages are settled; reports and MLflow are still at work."""


class SilentWatcher:
    """Nobody watches."""

    def waiting(self, reason: str) -> None:
        """Say nothing."""

    def planned(self, plan: Plan) -> None:
        """Say nothing."""

    def begun(self, stages: Sequence[StageView]) -> None:
        """Say nothing."""

    def update(self, stages: Sequence[StageView]) -> None:
        """Say nothing."""

    def leads(self, name: str, run: Run, metric: str) -> None:
        """Say nothing."""

    def publishing(self, reason: str) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a `nightbook run` ended.

    Attributes:
        status: Of the whole; `succeeded` also when there was nothing to do.
        plan: What was intended, and why; None for a lone notebook.
        parent: The pipeline's or sweep's own record; None when nothing ran or a lone notebook did.
        stages: Each stage's last state.
        owed: Why MLflow does not know all of it yet, empty when it does.
        sweep: What a sweep was asked for, with the direction of its objective; None for any other run.
        checkpoints: What was left to go on from, by run, and where the run itself began.
    """

    status: RunStatus
    plan: Plan | None = None
    parent: Run | None = None
    stages: tuple[StageView, ...] = ()
    owed: str = ""
    sweep: SweepRequest | None = None
    checkpoints: Mapping[str, CheckpointView] = field(default_factory=dict)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The stage runs that were made, in the order of the pipeline."""
        return tuple(stage.run for stage in self.stages if stage.run is not None)

    @property
    def exit_code(self) -> ExitCode:
        """What the shell is told."""
        if self.status is RunStatus.SUCCEEDED:
            return ExitCode.DONE
        is_interrupted = self.status is RunStatus.CANCELLED and any(
            run.cause is Cause.INTERRUPTED for run in self.all_runs
        )
        return ExitCode.INTERRUPTED if is_interrupted else ExitCode.STAGE_FAILED

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """The parent's record, if any, and the stages'."""
        return ((self.parent,) if self.parent else ()) + self.runs

    def to_json(self) -> dict[str, object]:
        """The document of `--json`."""
        head = self.parent or (self.runs[0] if self.runs else None)
        return {
            "run_id": head.run_id if head else None,
            "status": self.status.value,
            "runs": [run.to_json() for run in self.runs],
            **({"checkpoints": json_value(self.checkpoints)} if self.checkpoints else {}),
        }
