"""Runs go as soon as what they need is there: some at once, each supervised, the rest waiting or given up."""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nightbook.errors import LedgerAwayError, LedgerError, NightbookError
from nightbook.records import Cause, RunStatus
from nightbook.runs.facts import Outcome
from nightbook.runs.patience import LEDGER_PATIENCE_SECONDS, PAUSE_SECONDS
from nightbook.runs.pipes import await_any
from nightbook.workflow.ready_queue import ReadyQueue
from nightbook.workflow.requests import SilentWatcher, StageState, StageView
from nightbook.workflow.signals import signals_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nightbook.records import Run
    from nightbook.runs.launch import LiveRun
    from nightbook.workflow.requests import Watcher

TICK_SECONDS = 0.05
PATIENT_SIGNALS = 2


@dataclass(slots=True, kw_only=True)
class Slot:
    """One thing to run: a stage of a pipeline, or one parameter set of a sweep.

    Attributes:
        name: Unique within the execution.
        needs: Names of the slots that must be good before.
        tries_left: How often a failure is tried again.
        state: Where it stands.
        reason: Why it runs or does not, in words.
        live: Its supervised run, once started.
        run: Its record, once final.
    """

    name: str
    needs: tuple[str, ...] = ()
    tries_left: int = 0
    state: StageState = StageState.WAITING
    reason: str = ""
    live: LiveRun | None = None
    run: Run | None = None

    @property
    def view(self) -> StageView:
        """What a watcher sees."""
        progress = self.live.follow() if self.live is not None else None
        return StageView(name=self.name, state=self.state, progress=progress, run=self.run, reason=self.reason)


class Work(Protocol):
    """What an execution asks of whoever knows the stages and the ledger."""

    def begin(self, slot: Slot) -> LiveRun | StageState:
        """Start the slot's run now that what it needs is there, or say why it need not run."""

    def conclude(self, slot: Slot, live: LiveRun) -> Run:
        """Read the final record of a run whose supervisor is gone."""

    def give_up(self, slot: Slot, failed: Sequence[str]) -> Run:
        """Record that it cannot run since those that it needs failed."""

    def may_go_on(self) -> bool:
        """Asked every tick; False when somebody wants that all stop."""


class Execution:
    """Brings slots to their end.

    A Ctrl-C, a termination or a closed terminal interrupts what runs and starts nothing more; a second one kills.

    Args:
        slots: In an order in which each comes after what it needs.
        work: Starts and concludes them.
        jobs: How many may run at once.
        watcher: Is told several times a second.
    """

    def __init__(self, slots: Sequence[Slot], work: Work, *, jobs: int, watcher: Watcher) -> None:
        self._slots = {slot.name: slot for slot in slots}
        self._queue = ReadyQueue({slot.name: slot.needs for slot in slots})
        self._running: dict[str, Slot] = {}
        self._changed: dict[str, Slot] = {}
        self._unsettled = len(self._slots)
        self._work = work
        self._jobs = jobs
        self._watcher = watcher
        self._cancellations = 0
        self._asked = self._heard = 0
        self._away_since: float | None = None

    @property
    def views(self) -> tuple[StageView, ...]:
        """Every slot as it stands now."""
        return tuple(slot.view for slot in self._slots.values())

    @property
    def is_cancelled(self) -> bool:
        """Somebody asked it to stop."""
        return self._cancellations > 0

    @property
    def outcome(self) -> Outcome:
        """What the parent's end follows from: its children's ends."""
        return outcome_of_all(self.views, is_cancelled=self.is_cancelled)

    def run(self) -> None:
        """Return when every slot is settled.

        Raises:
            NightbookError: Something is wrong that no slot is to blame for: what ran has been ended in good order.
        """
        self._say(lambda watcher: watcher.begun(self.views))
        with signals_to(self._ask_to_stop):
            try:
                while not self._is_settled:
                    self._tick_patiently()
                    if not self._is_settled:
                        self._pause()
            except NightbookError as error:
                self._end_what_runs(is_waited_for=not isinstance(error, LedgerError))
                raise
        self._tell()

    def _pause(self) -> None:
        """Wait for the next tick, or for the end of a run that makes room for another."""
        with selectors.DefaultSelector() as selector:
            for slot in self._running.values():
                if slot.live is not None and (descriptor := slot.live.fileno()) >= 0:
                    selector.register(descriptor, selectors.EVENT_READ)
            await_any(selector, TICK_SECONDS)

    def _tick_patiently(self) -> None:
        """Ask a ledger that is away for a moment again with the next tick; what runs goes on without it."""
        self._hear()
        try:
            self._tick()
        except LedgerAwayError as error:
            if self._away_since is None:
                self._away_since = time.monotonic()
                message = error.message
                self._say(lambda watcher: watcher.waiting(message))
            if time.monotonic() - self._away_since > LEDGER_PATIENCE_SECONDS:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            self._away_since = None

    def _hear(self) -> None:
        while self._asked > self._heard:
            self._heard += 1
            self.cancel()

    def _end_what_runs(self, *, is_waited_for: bool) -> None:
        """Interrupt it; without a ledger that could be told how it ended, there is nothing to wait for."""
        self.cancel()
        for slot in self._slots.values():
            while is_waited_for and slot.live is not None:
                self._hear()
                if slot.live.is_ended:
                    with suppress(NightbookError):  # one has been raised already
                        self._settle(slot, slot.live)
                    break
                time.sleep(TICK_SECONDS)

    @property
    def _is_settled(self) -> bool:
        return self._unsettled == 0

    def _ask_to_stop(self) -> None:
        # Noted only: an exception in the middle of a step would leave a run that nobody settles.
        self._asked += 1
        if self._asked > PATIENT_SIGNALS:
            raise KeyboardInterrupt

    def cancel(self) -> None:
        """Interrupt what runs, start nothing more; the second time kill what runs. Safe from another thread."""
        self._cancellations += 1
        for slot in self._slots.values():
            if slot.state is StageState.RUNNING and slot.live is not None:
                slot.live.cancel() if self._cancellations == 1 else slot.live.kill()

    def _tick(self) -> None:
        for slot in tuple(self._running.values()):
            if slot.live is not None and slot.live.is_ended:
                self._settle(slot, slot.live)
        while (name := self._queue.hopeless) is not None and not self.is_cancelled:
            self._give_up(self._slots[name])
        self._begin_ready()
        if self.is_cancelled and self._unsettled > len(self._running):
            self._cancel_waiting()
        if not self._work.may_go_on() and not self.is_cancelled:
            self.cancel()
        self._tell()

    def _tell(self) -> None:
        """Only of what runs and what has changed: most of a large sweep has ended, or waits."""
        told = {**self._changed, **self._running}
        self._changed.clear()
        views = tuple(slot.view for slot in told.values())
        self._say(lambda watcher: watcher.update(views))

    def _say(self, words: Callable[[Watcher], None]) -> None:
        try:
            words(self._watcher)
        except OSError:
            # The terminal was closed: there is nobody to tell, and the runs go on to their end.
            self._watcher = SilentWatcher()

    def _settle(self, slot: Slot, live: LiveRun) -> None:
        run = self._work.conclude(slot, live)
        slot.live = None
        del self._running[slot.name]
        is_failure = run.status is RunStatus.FAILED
        if is_failure and slot.tries_left > 0 and not self.is_cancelled:
            slot.tries_left -= 1
            slot.reason = f"tried again after: {run.message}"
            self._change(slot, StageState.WAITING)
            self._queue.push(slot.name)
            return
        slot.run = run
        ends = {RunStatus.SUCCEEDED: StageState.SUCCEEDED, RunStatus.CANCELLED: StageState.CANCELLED}
        self._change(slot, ends.get(run.status, StageState.FAILED))

    def _begin_ready(self) -> None:
        """Begin as many as there is room for; one that has to wait for more than other slots takes room, too."""
        held: list[str] = []
        try:
            while len(self._running) + len(held) < self._jobs and not self.is_cancelled:
                if (name := self._queue.pop()) is None:
                    break
                held.append(name)
                slot = self._slots[name]
                begun = self._work.begin(slot)
                if begun is StageState.WAITING:
                    continue
                held.pop()
                if isinstance(begun, StageState):
                    self._change(slot, begun)
                    self._tell()
                else:
                    slot.live, self._running[name] = begun, slot
                    self._change(slot, StageState.RUNNING)
        finally:
            for name in held:
                self._queue.push(name)

    def _give_up(self, slot: Slot) -> None:
        needed = [self._slots[name] for name in slot.needs if name in self._slots]
        failed = [one.name for one in needed if one.state.is_settled and not one.state.is_good]
        slot.run = self._work.give_up(slot, failed)
        self._change(slot, StageState.UPSTREAM_FAILED)

    def _cancel_waiting(self) -> None:
        for slot in self._slots.values():
            if slot.state is StageState.WAITING:
                self._change(slot, StageState.CANCELLED)

    def _change(self, slot: Slot, state: StageState) -> None:
        slot.state = state
        self._changed[slot.name] = slot
        if state.is_settled:
            self._unsettled -= 1
            self._queue.settle(slot.name, is_good=state.is_good)


def outcome_of_all(views: Sequence[StageView], *, is_cancelled: bool) -> Outcome:
    """How a parent run ends whose children stand so."""
    failed = [view for view in views if view.state is StageState.FAILED]
    if is_cancelled:
        done = sum(view.state.is_good for view in views)
        message = f"interrupted; {done} of {len(views)} were done"
        return Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message=message)
    if failed:
        first = next((view.run for view in failed if view.run is not None), None)
        message = f"{len(failed)} of {len(views)} failed: {', '.join(view.name for view in failed[:5])}"
        return Outcome(status=RunStatus.FAILED, cause=first.cause if first else None, message=message)
    cancelled = [view.name for view in views if view.state is StageState.CANCELLED]
    if cancelled:
        message = f"cancelled: {', '.join(cancelled[:5])}"
        return Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message=message)
    return Outcome(status=RunStatus.SUCCEEDED)
