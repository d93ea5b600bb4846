"""Around the runner: holds the limits, ends what must end, leaves nobody behind."""

from __future__ import annotations

import os
import selectors
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nightbook.runs.census import (
    await_end,
    descendants,
    descendants_in_run,
    end_processes_of,
    is_runner,
    kill_all,
    outlives_its_run,
)
from nightbook.runs.checkpoint_watch import CheckpointWatch
from nightbook.runs.containment import Containment, become_subreaper, choose_containment
from nightbook.runs.events import Event, EventKind, EventLog, EventReader
from nightbook.runs.judge import Stop
from nightbook.runs.memory import count_memory_kills, memory_of, peak_memory_of, proportional_memory_of
from nightbook.runs.pipes import await_any, incoming, incoming_orders
from nightbook.runs.request import CANCEL, EVENTS, FORK, LOG, NO_WARM_PARENT, REQUEST, ExecutionRequest
from nightbook.runs.runner import start_runner
from nightbook.runs.runner_log import RunnerLog
from nightbook.systems import KILL

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.records import Limits
    from nightbook.runs.redaction import Redactor

POLL_SECONDS = 0.5
LIMITED_POLL_SECONDS = 0.2
GRACE_SECONDS = 3.0
# What util-linux 2.38 says, and exits with 1, when the runner was killed: to end by the same signal is beyond it.
UNSHARE_CONFUSED = "unshare: sigprocmask unblock failed"


class Deadlines:
    """When time is up: for the run, and for the cell that runs now."""

    def __init__(self, limits: Limits, started: float) -> None:
        self._limits = limits
        self._run_ends = started + limits.timeout_seconds if limits.timeout_seconds else None
        self._cell_ends: float | None = None

    def cell_started(self, at: float) -> None:
        """A cell began: its own time starts."""
        self._cell_ends = at + self._limits.cell_timeout_seconds if self._limits.cell_timeout_seconds else None

    def cell_ended(self) -> None:
        """Between cells only the run's time counts."""
        self._cell_ends = None

    def passed(self, now: float) -> Stop | None:
        """Which limit is passed, if any."""
        if self._run_ends is not None and now >= self._run_ends:
            return Stop.RUN_TIMEOUT
        if self._cell_ends is not None and now >= self._cell_ends:
            return Stop.CELL_TIMEOUT
        return None

    def next(self, now: float) -> float:
        """Seconds until somebody must look again."""
        times = [one - now for one in (self._run_ends, self._cell_ends) if one is not None]
        poll = POLL_SECONDS if self._limits.memory_bytes is None else LIMITED_POLL_SECONDS
        return max(0.0, min([poll, *times]))


class RunnerWatch:
    """Starts the runner and watches it until no process of the run is left.

    Args:
        request: What to execute.
        redactor: Takes the secrets out of the log.
    """

    def __init__(self, request: ExecutionRequest, redactor: Redactor) -> None:
        self.request = request
        self.folder = Path(request.folder)
        self.stop: Stop | None = None
        self.peak_memory_bytes = 0
        self.log = RunnerLog(self.folder / LOG, redactor)
        self.events = EventLog(self.folder / EVENTS)
        self._reader = EventReader(self.folder / EVENTS)
        self._deadlines = Deadlines(request.limits, time.time())
        self._kill_at: float | None = None
        self._memory_kills_before = count_memory_kills()
        self._keeper: psutil.Process | None = None
        self._checkpoints = CheckpointWatch(request, self.events)
        self._orders = incoming_orders()
        become_subreaper()
        self._start_runner()

    @property
    def memory_kills(self) -> int:
        """Processes that the operating system killed for memory since the run began."""
        return count_memory_kills() - self._memory_kills_before

    @property
    def returncode(self) -> int:
        """How the runner ended, negative for a signal; known once `end` has been called."""
        return -KILL if UNSHARE_CONFUSED in self.log.last_line else self._runner.wait()

    def until_ended(self, beat: Callable[[], bool]) -> None:
        """Return when the runner is gone; one that found no warm parent is followed by one that needs none.

        Args:
            beat: Tells the ledger that the run is supervised, every `request.heartbeat_seconds`. It returns False when
                the ledger holds the run for ended: then its processes are ended too.
        """
        self._until_runner_ended(beat)
        if self._runner.poll() == NO_WARM_PARENT and self.request.engine == FORK and self.stop is None:
            self.request = self.request.for_jupyter()
            self.request.write(self.folder / REQUEST)
            self._drain_log()
            self._start_runner()
            self._until_runner_ended(beat)

    def _start_runner(self) -> None:
        self._runner = start_runner(self.request)
        assert self._runner.stdout is not None  # noqa: S101 - it was given a pipe
        self._said = incoming(self._runner.stdout.fileno())

    def _until_runner_ended(self, beat: Callable[[], bool]) -> None:
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            next_beat = 0.0
            while self._runner.poll() is None:
                now = time.time()
                if now >= next_beat:
                    next_beat = now + self.request.heartbeat_seconds
                    if not beat():
                        self._end_now()
                self._look(now)
                for key in await_any(selector, self._deadlines.next(now)):
                    key.data(selector)

    def end(self) -> None:
        """Leave no process of the run behind, whatever happened."""
        if self._runner.poll() is None:
            self._end_now()
            self._runner.wait()
        self._await_keeper()
        self._checkpoints.end()
        if choose_containment(self.request.containment) is Containment.PROCESS_TREE:
            # Whoever the kernel left behind has become our child, or bears the run's id. From a PID namespace nobody
            # is left when its first process has ended.
            end_processes_of(self.request.run_id, below=os.getpid(), spare=[os.getpid()])
        self._drain_log()

    def end_checkpoints(self) -> None:
        """Nobody needs to go on from them any more, nor from those that this run has gone on from."""
        self._checkpoints.end_all()
        if self._keeper is not None:
            await_end(self._keeper, within_seconds=GRACE_SECONDS)

    def _register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self._said, selectors.EVENT_READ, self._read_log)
        selector.register(self._orders, selectors.EVENT_READ, self._read_command)
        if hasattr(os, "pidfd_open"):
            selector.register(os.pidfd_open(self._runner.pid), selectors.EVENT_READ, lambda _: None)

    def _read_log(self, selector: selectors.BaseSelector) -> None:
        chunk = self._said.read()
        if chunk:
            self.log.feed(chunk)
        elif chunk == b"":
            selector.unregister(self._said)

    def _read_command(self, selector: selectors.BaseSelector) -> None:
        command = self._orders.read()
        if command is None:
            return
        if not command:
            selector.unregister(self._orders)
            self.interrupt(Stop.ABANDONED)
        elif b"kill" in command:
            self.interrupt(Stop.CANCELLED)
            self._end_now()
        else:
            self.interrupt(Stop.CANCELLED)

    def interrupt(self, stop: Stop) -> None:
        """Ask the cell to stop; after some seconds' grace everything is killed."""
        if self.stop is not None:
            return
        self.stop = stop
        with suppress(OSError):
            self.events.append(EventKind.STOPPING, reason=stop.value)
        self._kill_at = time.time() + (0 if stop is Stop.MEMORY else GRACE_SECONDS)
        assert self._runner.stdin is not None  # noqa: S101 - Popen was given a pipe
        with suppress(OSError):
            self._runner.stdin.write(b"interrupt\n")
            self._runner.stdin.flush()

    def _look(self, now: float) -> None:
        for event in self._reader.read():
            self._note(event)
            if event.kind is EventKind.CELL_STARTED and not event.fields.get("shared"):
                self._deadlines.cell_started(event.at)
            elif event.kind is EventKind.CELL_ENDED:
                self._deadlines.cell_ended()
        self._checkpoints.look(now)
        self._measure_memory()
        passed = self._deadlines.passed(now)
        if passed is not None:
            self.interrupt(passed)
        if self.stop is None and (self.folder / CANCEL).exists():
            self.interrupt(Stop.CANCELLED)
        if self._kill_at is not None and time.time() >= self._kill_at:
            self._end_now()

    def _measure_memory(self) -> None:
        # A runner with an engine that forks has no children.
        first = self._runner.pid if self.request.engine != FORK else self._keeper and self._keeper.pid
        processes = descendants_in_run(first) if first else []
        # The runner itself is ours: it does not count against the notebook.
        kernels = [process for process in processes if not is_runner(process)]
        resident = memory_of(kernels)
        self.peak_memory_bytes = max(self.peak_memory_bytes, resident, peak_memory_of(kernels))
        limit = self.request.limits.memory_bytes
        if limit is not None and resident > limit and proportional_memory_of(kernels) > limit:
            self.interrupt(Stop.MEMORY)

    def _note(self, event: Event) -> None:
        self._checkpoints.note(event)
        if event.kind is EventKind.KERNEL_STARTED and event.fields.get("engine") == FORK:
            with suppress(psutil.Error):
                self._keeper = psutil.Process(int(str(event.fields["pid"])))

    def _await_keeper(self) -> None:
        """The keeper of a forked kernel ends by itself when the runner has; here it is seen to."""
        for event in self._reader.read():
            self._note(event)
        if self._keeper is None:
            return
        if not outlives_its_run(self._keeper) and await_end(self._keeper, within_seconds=GRACE_SECONDS):
            return
        if outlives_its_run(self._keeper):
            # It stays for the checkpoints, and ends all others.
            kill_all(psutil.wait_procs(descendants_in_run(self._keeper.pid), timeout=GRACE_SECONDS)[1])
            return
        kill_all([*descendants(self._keeper.pid), self._keeper])
        await_end(self._keeper, within_seconds=GRACE_SECONDS)

    def _end_now(self) -> None:
        kill_all(descendants(self._runner.pid))
        if self._keeper is not None:
            is_kept = outlives_its_run(self._keeper)
            kill_all(descendants_in_run(self._keeper.pid) if is_kept else [self._keeper])
        with suppress(OSError):
            self._runner.kill()

    def _drain_log(self) -> None:
        for chunk in self._said.rest():
            self.log.feed(chunk)
        self._said.close()
        self.log.close()
