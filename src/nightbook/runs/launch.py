"""The client's end of a run: start its supervisor, follow its events, ask it to stop."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nightbook.records import CellStatus
from nightbook.runs.events import Event, EventKind, EventReader
from nightbook.runs.pipes import never_wait
from nightbook.runs.request import EVENTS, LOG, REQUEST
from nightbook.runs.warm.places import RUNNER
from nightbook.runs.warm.process import WarmProcess

if TYPE_CHECKING:
    from nightbook.records import Run
    from nightbook.runs.request import ExecutionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a person wants to see of a run that goes on: code cells done of all, the last line printed."""

    cells_done: int = 0
    cells_total: int = 0
    last_line: str = ""
    started_at: float = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """Since the run was started."""
        return time.time() - self.started_at


class LiveRun(Protocol):
    """A run that goes on, here or on another machine."""

    @property
    def run(self) -> Run:
        """The record that it was started with."""

    @property
    def is_ended(self) -> bool:
        """Nobody works at it any more: the ledger knows how it ended, or the run is lost."""

    def fileno(self) -> int:
        """A descriptor that is readable when it may have ended; -1 where there is none."""

    def follow(self) -> Progress:
        """Progress up to now."""

    def cancel(self) -> None:
        """Interrupt the cell that runs; the run ends as cancelled within seconds."""

    def kill(self) -> None:
        """End the run's processes at once; it still ends as cancelled, with all that is known."""

    def close(self) -> None:
        """Let go of a run that has ended."""


class SupervisedRun:
    """A run in a process of its own; it ends when this object's process does.

    Args:
        run: The pending run in the ledger.
        request: What to execute; its folder exists and holds the source.
        idle_seconds: How long the warm process waits for work that is started for this, should there be none.
    """

    def __init__(self, run: Run, request: ExecutionRequest, *, idle_seconds: float = 600) -> None:
        folder = Path(request.folder)
        request.write(folder / REQUEST)
        self.run = run
        self.request = request
        self.progress = Progress(started_at=time.time())
        self._events = EventReader(folder / EVENTS)
        commands, self._commands = os.pipe()
        never_wait(self._commands)
        with (folder / LOG).open("ab") as log:
            self._process = WarmProcess(
                RUNNER,
                ("nightbook.runs.supervise", str(folder / REQUEST)),
                descriptors=(commands, log.fileno(), log.fileno()),
                working_directory=request.working_directory,
                idle_seconds=idle_seconds,
            )
        os.close(commands)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    @property
    def is_ended(self) -> bool:
        """The supervisor is gone: the ledger knows how the run ended, or the run is lost."""
        return self._process.poll()

    def fileno(self) -> int:
        """A descriptor that is readable when the supervisor may be gone."""
        return self._process.fileno()

    def follow(self) -> Progress:
        """Progress up to now."""
        for event in self._events.read():
            self.progress = advance(self.progress, event)
        return self.progress

    def cancel(self) -> None:
        """Interrupt the cell that runs; the run ends as cancelled within seconds."""
        self._send(b"cancel\n")

    def kill(self) -> None:
        """End the run's processes at once; it still ends as cancelled, with all that is known."""
        self._send(b"kill\n")

    def wait(self) -> None:
        """Return when the supervisor is gone."""
        self._process.wait()

    def close(self) -> None:
        """Release the pipe to a supervisor that is gone."""
        self._process.close()
        if self._commands >= 0:
            os.close(self._commands)
            # Another descriptor may have its number next.
            self._commands = -1

    def _send(self, command: bytes) -> None:
        with suppress(OSError):
            os.write(self._commands, command)


def advance(progress: Progress, event: Event) -> Progress:
    """Progress after one more event; a notebook that is prepared begins, perhaps once more."""
    fields = event.fields
    if event.kind is EventKind.PREPARED:
        return replace(progress, cells_done=0, cells_total=int(str(fields["cells"])))
    if event.kind is EventKind.OUTPUT:
        return replace(progress, last_line=str(fields["line"]))
    if event.kind is EventKind.RESUMED:
        return replace(progress, last_line=str(fields["reason"]))
    if event.kind is EventKind.CELL_ENDED and fields["status"] == CellStatus.SUCCEEDED:
        return replace(progress, cells_done=progress.cells_done + 1)
    return progress
