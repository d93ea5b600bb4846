"""Runs that go on, as people see them: drawn over on a terminal, told line by line elsewhere."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from nightbook.cli.board import Board, Leader
from nightbook.cli.event_lines import EventLines
from nightbook.cli.overview import overview

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from nightbook.pipelines.plan import Plan
    from nightbook.records import Run
    from nightbook.workflow.requests import StageView

REFRESHES_PER_SECOND = 8


class PatientConsole(Console):
    """Falls silent when nobody reads any more; rich itself would end the program, and with it what runs."""

    def on_broken_pipe(self) -> None:
        """Called when the other end of a pipe was closed."""
        self.quiet = True


def stderr_console() -> Console:
    """Progress and tables for people go to stderr; colour only on a terminal that wants it."""
    return PatientConsole(stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)


def draws_live(console: Console) -> bool:
    """Whether lines may be drawn over: a terminal that somebody looks at, not the log of a build."""
    is_build = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal and not is_build


class TerminalWatcher:
    """Shows a run: a live table on a terminal, one line an event elsewhere (a CI log, a file).

    Args:
        console: Where to.
        clock: Seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._board = Board(clock)
        self._lines = None if draws_live(console) else EventLines(console, self._board)
        self._live: Live | None = None
        self._drawn_at = -math.inf

    def waiting(self, reason: str) -> None:
        """Say what must end first."""
        self._console.print(Text(f"waiting: {reason}", style="yellow"))

    def planned(self, plan: Plan) -> None:
        """Nothing yet: the table that follows shows it."""

    def begun(self, stages: Sequence[StageView]) -> None:
        """Note what is to be carried out; nothing of it has started."""
        self._board.begin(stages)
        if self._lines is not None:
            self._lines.begin()

    def leads(self, name: str, run: Run, metric: str) -> None:
        """Note which set is the best so far."""
        self._board.leader = Leader(name=name, run=run, metric=metric)

    def update(self, stages: Sequence[StageView]) -> None:
        """Draw the table anew, or tell what changed."""
        changed = self._board.take(stages)
        if self._lines is not None:
            self._lines.tell(changed)
            return
        now = self._clock()
        if now - self._drawn_at < 1 / REFRESHES_PER_SECOND and not self._board.is_over:
            return
        self._drawn_at = now
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(overview(self._board, self._console.width, self._console.height), refresh=True)

    def publishing(self, reason: str) -> None:
        """Take the live table away; the closing one follows."""
        self._stop()
        if self._lines is None:
            self._console.print(Text(reason, style="dim"), end="\r")

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Self:
        """Use as a context manager, so that the cursor comes back whatever happens."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the terminal in order."""
        self._stop()
