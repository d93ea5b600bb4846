from __future__ import annotations

import errno
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import LedgerAwayError, StorageError
from nightbook.records import Cause, Run, RunKind, RunStatus
from nightbook.runs.launch import Progress
from nightbook.workflow.execution import Execution, Slot, outcome_of_all
from nightbook.workflow.requests import SilentWatcher, StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class ScriptedRun:
    """Stands in for a supervised run: ends after so many looks."""

    name: str
    looks_left: int = 1
    is_cancelled: bool = False

    @property
    def is_ended(self) -> bool:
        self.looks_left -= 1
        return self.looks_left < 0 or self.is_cancelled

    def follow(self) -> Progress:
        return Progress()

    def fileno(self) -> int:
        return -1

    def cancel(self) -> None:
        self.is_cancelled = True

    def kill(self) -> None:
        self.is_cancelled = True


@dataclass
class ScriptedWork:
    """Answers as a test says, and remembers what it was asked."""

    outcomes: dict[str, list[RunStatus]] = field(default_factory=dict)
    up_to_date: set[str] = field(default_factory=set)
    unwritable: set[str] = field(default_factory=set)
    begun: list[str] = field(default_factory=list)
    given_up: dict[str, list[str]] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0
    ledger_away_for: int = 0

    def reach_the_ledger(self) -> None:
        if self.ledger_away_for:
            self.ledger_away_for -= 1
            raise LedgerAwayError("it is away")

    def begin(self, slot: Slot) -> ScriptedRun | StageState:
        self.reach_the_ledger()
        if slot.name in self.unwritable:
            raise StorageError(f"nothing of {slot.name} can be written")
        if slot.name in self.up_to_date:
            return StageState.UP_TO_DATE
        self.begun.append(slot.name)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return ScriptedRun(slot.name)

    def conclude(self, slot: Slot, live: ScriptedRun) -> Run:
        self.reach_the_ledger()
        self.at_once -= 1
        if live.is_cancelled:
            return record(slot.name, RunStatus.CANCELLED)
        return record(slot.name, self.outcomes.get(slot.name, [RunStatus.SUCCEEDED]).pop(0))

    def give_up(self, slot: Slot, failed: Sequence[str]) -> Run:
        self.given_up[slot.name] = list(failed)
        return record(slot.name, RunStatus.FAILED, Cause.UPSTREAM_FAILED)

    def may_go_on(self) -> bool:
        return True


def record(name: str, status: RunStatus, cause: Cause | None = None) -> Run:
    return Run(run_id=name, number=1, kind=RunKind.STAGE, stage=name, status=status, cause=cause)


def states(execution: Execution) -> dict[str, StageState]:
    return {view.name: view.state for view in execution.views}


def chain(*names: str) -> list[Slot]:
    return [Slot(name=name, needs=names[:place][-1:]) for place, name in enumerate(names)]


def execute(slots: Sequence[Slot], work: ScriptedWork, jobs: int = 2) -> Execution:
    execution = Execution(slots, work, jobs=jobs, watcher=SilentWatcher())  # type: ignore[arg-type]  # scripted runs
    execution.run()
    return execution


def test_a_chain_runs_in_order() -> None:
    work = ScriptedWork()
    execution = execute(chain("a", "b", "c"), work)
    assert work.begun == ["a", "b", "c"]
    assert set(states(execution).values()) == {StageState.SUCCEEDED}


def test_no_more_than_the_jobs_run_at_once() -> None:
    work = ScriptedWork()
    execute([Slot(name=str(number)) for number in range(7)], work, jobs=3)
    assert work.most_at_once == 3


def test_what_depends_on_a_failure_is_given_up_and_the_rest_runs() -> None:
    work = ScriptedWork(outcomes={"a": [RunStatus.FAILED]})
    execution = execute([*chain("a", "b", "c"), Slot(name="apart")], work)
    assert states(execution) == {
        "a": StageState.FAILED,
        "b": StageState.UPSTREAM_FAILED,
        "c": StageState.UPSTREAM_FAILED,
        "apart": StageState.SUCCEEDED,
    }


def test_a_failure_is_tried_again_as_often_as_its_stage_allows() -> None:
    work = ScriptedWork(outcomes={"a": [RunStatus.FAILED, RunStatus.FAILED, RunStatus.SUCCEEDED]})
    execution = execute([Slot(name="a", tries_left=2)], work)
    assert work.begun == ["a", "a", "a"]
    assert states(execution) == {"a": StageState.SUCCEEDED}


def test_what_is_up_to_date_counts_as_good_for_what_depends_on_it() -> None:
    work = ScriptedWork(up_to_date={"a"})
    assert states(execute(chain("a", "b"), work)) == {"a": StageState.UP_TO_DATE, "b": StageState.SUCCEEDED}


def test_a_lost_run_counts_as_failed() -> None:
    work = ScriptedWork(outcomes={"a": [RunStatus.LOST]})
    assert states(execute(chain("a", "b"), work)) == {"a": StageState.FAILED, "b": StageState.UPSTREAM_FAILED}


def test_a_ledger_that_is_away_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightbook.workflow.execution.PAUSE_SECONDS", 0)
    work = ScriptedWork(ledger_away_for=1)
    execution = Execution(chain("a", "b"), work, jobs=1, watcher=SilentWatcher())  # type: ignore[arg-type]  # scripted runs
    begin = work.begin

    def begin_and_lose_it(slot: Slot) -> ScriptedRun | StageState:
        live = begin(slot)
        work.ledger_away_for = 3
        return live

    work.begin = begin_and_lose_it  # type: ignore[method-assign]  # a scripted run
    execution.run()
    assert work.begun == ["a", "b"]
    assert set(states(execution).values()) == {StageState.SUCCEEDED}


def test_a_ledger_that_stays_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightbook.workflow.execution.LEDGER_PATIENCE_SECONDS", 0)
    monkeypatch.setattr("nightbook.workflow.execution.PAUSE_SECONDS", 0)
    with pytest.raises(LedgerAwayError):
        execute(chain("a"), ScriptedWork(ledger_away_for=1000))


def test_what_runs_is_ended_in_good_order_when_something_is_wrong_beside_it() -> None:
    work = ScriptedWork(unwritable={"c"})
    slots = [Slot(name="a"), Slot(name="b"), Slot(name="c")]
    execution = Execution(slots, work, jobs=3, watcher=SilentWatcher())  # type: ignore[arg-type]  # scripted runs
    with pytest.raises(StorageError, match="nothing of c"):
        execution.run()
    assert work.begun == ["a", "b"]
    assert states(execution) == {"a": StageState.CANCELLED, "b": StageState.CANCELLED, "c": StageState.WAITING}


def test_a_cancellation_interrupts_what_runs_and_starts_nothing_more() -> None:
    work = ScriptedWork()
    execution = Execution(chain("a", "b"), work, jobs=1, watcher=SilentWatcher())  # type: ignore[arg-type]  # scripted runs
    begin = work.begin

    def begin_and_cancel(slot: Slot) -> ScriptedRun | StageState:
        live = begin(slot)
        slot.live, slot.state = live, StageState.RUNNING  # type: ignore[assignment]  # as the execution is about to
        execution.cancel()
        return live

    work.begin = begin_and_cancel  # type: ignore[method-assign]  # the cancellation comes while the stage starts
    execution.run()
    assert states(execution) == {"a": StageState.CANCELLED, "b": StageState.CANCELLED}
    assert work.begun == ["a"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_heard_between_two_steps_never_within_one(number: signal.Signals) -> None:
    work = ScriptedWork()
    conclude = work.conclude
    before = signal.getsignal(number)

    def conclude_under_fire(slot: Slot, live: ScriptedRun) -> Run:
        signal.raise_signal(number)
        return conclude(slot, live)

    work.conclude = conclude_under_fire  # type: ignore[method-assign]  # the signal comes while a run is concluded
    execution = execute(chain("a", "b"), work, jobs=1)
    assert states(execution) == {"a": StageState.SUCCEEDED, "b": StageState.CANCELLED}
    assert signal.getsignal(number) is before


def test_a_third_ctrl_c_does_not_wait_for_the_step_to_end() -> None:
    work = ScriptedWork()

    def begin_for_ever(slot: Slot) -> ScriptedRun | StageState:
        while True:
            signal.raise_signal(signal.SIGINT)

    work.begin = begin_for_ever  # type: ignore[method-assign]  # digests a huge input, say
    with pytest.raises(KeyboardInterrupt):
        execute(chain("a"), work)


def test_a_terminal_that_is_closed_does_not_end_the_runs() -> None:
    class ClosedTerminal(SilentWatcher):
        def update(self, stages: Sequence[StageView]) -> None:
            raise OSError(errno.EIO, "Input/output error")

    work = ScriptedWork()
    execution = Execution(chain("a", "b"), work, jobs=1, watcher=ClosedTerminal())  # type: ignore[arg-type]  # scripted runs
    execution.run()
    assert states(execution) == {"a": StageState.SUCCEEDED, "b": StageState.SUCCEEDED}


def test_the_parents_end_follows_from_its_parts() -> None:
    good = StageView(name="a", state=StageState.SUCCEEDED)
    bad = StageView(name="b", state=StageState.FAILED, run=record("b", RunStatus.FAILED, Cause.TIMEOUT))

    def told(*views: StageView, is_cancelled: bool = False) -> tuple[RunStatus, Cause | None, str]:
        outcome = outcome_of_all(views, is_cancelled=is_cancelled)
        return outcome.status, outcome.cause, outcome.message

    assert told(good) == (RunStatus.SUCCEEDED, None, "")
    assert told(good, bad) == (RunStatus.FAILED, Cause.TIMEOUT, "1 of 2 failed: b")
    assert told(good, bad, is_cancelled=True) == (
        RunStatus.CANCELLED,
        Cause.INTERRUPTED,
        "interrupted; 1 of 2 were done",
    )


def test_who_cannot_run_is_told_which_of_its_needs_failed() -> None:
    work = ScriptedWork({"a": [RunStatus.FAILED]})
    execute([*chain("a"), *chain("b"), Slot(name="c", needs=("a", "b"))], work)
    assert work.given_up == {"c": ["a"]}


class Listener(SilentWatcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.told: list[dict[str, StageState]] = []

    def begun(self, stages: Sequence[StageView]) -> None:
        self.all = [stage.name for stage in stages]

    def update(self, stages: Sequence[StageView]) -> None:
        self.told.append({stage.name: stage.state for stage in stages})


def test_a_watcher_hears_of_what_runs_and_of_what_has_changed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightbook.workflow.execution.TICK_SECONDS", 0)
    listener = Listener()
    slots = [Slot(name=str(number)) for number in range(1000)]
    Execution(slots, ScriptedWork(up_to_date={"5"}), jobs=4, watcher=listener).run()  # type: ignore[arg-type]  # scripted runs
    assert listener.all == [str(number) for number in range(1000)]
    last: dict[str, StageState] = {}
    for told in listener.told:
        last |= told
    assert last == {str(number): StageState.SUCCEEDED for number in range(1000)} | {"5": StageState.UP_TO_DATE}
    # Four that ended and four that began in their place.
    assert max(map(len, listener.told)) <= 8


def test_who_waits_for_cells_that_all_share_is_not_asked_with_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightbook.workflow.execution.TICK_SECONDS", 0)
    asked: list[str] = []

    class SharingWork(ScriptedWork):
        def begin(self, slot: Slot) -> ScriptedRun | StageState:
            asked.append(slot.name)
            return StageState.WAITING if len(asked) < 10 else super().begin(slot)

    execution = execute([Slot(name=str(number)) for number in range(1000)], SharingWork(), jobs=3)
    assert asked[:9] == ["0", "1", "2"] * 3
    assert set(states(execution).values()) == {StageState.SUCCEEDED}
