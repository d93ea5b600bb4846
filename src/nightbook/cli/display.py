"""How runs look in a terminal: a live table while they go on, a closing table, and what to try next."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nightbook.numbers import format_duration, format_number
from nightbook.records import CellStatus, Run
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from nightbook.pipelines.plan import Plan

ICONS = {
    StageState.WAITING: ("·", "dim"),
    StageState.RUNNING: ("▶", "blue"),
    StageState.SUCCEEDED: ("✓", "green"),
    StageState.UP_TO_DATE: ("–", "dim"),
    StageState.RESTORED: ("✓", "green"),
    StageState.FAILED: ("✗", "bold red"),
    StageState.UPSTREAM_FAILED: ("–", "red"),
    StageState.CANCELLED: ("–", "yellow"),
}
MOST_METRICS = 3
MOST_LINES = 24
REFRESHES_PER_SECOND = 8


class PatientConsole(Console):
    """Falls silent when nobody reads any more; rich itself would end the program, and with it what runs."""

    def on_broken_pipe(self) -> None:
        """Called when the other end of a pipe was closed."""
        self.quiet = True


def stderr_console() -> Console:
    """Progress and tables for people go to stderr; colour only on a terminal that wants it."""
    return PatientConsole(stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)


class TerminalWatcher:
    """Shows a run: a live table on a terminal, one line an event elsewhere (a CI log, a file)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._told: dict[str, StageState] = {}
        self._drawn_at = 0.0

    def waiting(self, reason: str) -> None:
        """Say what must end first."""
        self._console.print(Text(f"waiting: {reason}", style="yellow"))

    def planned(self, plan: Plan) -> None:
        """Nothing yet: the table that follows shows it."""

    def update(self, stages: Sequence[StageView]) -> None:
        """Draw the table anew, or tell what changed."""
        if not self._console.is_terminal:
            self._tell_changes(stages)
            return
        now = time.monotonic()
        is_over = all(stage.state.is_settled for stage in stages)
        if now - self._drawn_at < 1 / REFRESHES_PER_SECOND and not is_over:
            return
        self._drawn_at = now
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(progress_table(stages, self._console.width), refresh=True)

    def publishing(self, reason: str) -> None:
        """Take the live table away; the closing one follows."""
        self._stop()
        if self._console.is_terminal:
            self._console.print(Text(reason, style="dim"), end="\r")

    def _tell_changes(self, stages: Sequence[StageView]) -> None:
        for stage in stages:
            if self._told.get(stage.name) is not stage.state and stage.state is not StageState.WAITING:
                self._told[stage.name] = stage.state
                took = format_duration(stage.run.duration_seconds) if stage.run and stage.run.duration_seconds else ""
                message = stage.run.message if stage.run else stage.reason
                self._console.print(
                    Text("  ".join(filter(None, [stage.name, stage.state.value, took, message]))), soft_wrap=True
                )

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


def progress_table(stages: Sequence[StageView], width: int) -> Table:
    """What runs now: cells done of all, elapsed, the last line printed."""
    table = Table(box=None, pad_edge=False, expand=False)
    for column, justify in (("", "left"), ("stage", "left"), ("cells", "right"), ("time", "right"), ("", "left")):
        table.add_column(column, justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]  # the literals are rich's own
    shown = stages if len(stages) <= MOST_LINES else [one for one in stages if one.state is StageState.RUNNING]
    names = max((len(stage.name) for stage in shown), default=0)
    room = max(10, width - names - 26)
    if len(stages) > MOST_LINES:
        table.caption, table.caption_justify = counts_in_words(stages), "left"
    for stage in shown:
        icon, style = ICONS[stage.state]
        table.add_row(
            Text(icon, style),
            Text(stage.name, style if stage.state is StageState.RUNNING else ""),
            *figures(stage),
            Text(last_words(stage)[:room], "dim"),
        )
    return table


def counts_in_words(stages: Sequence[StageView]) -> str:
    """`640 of 1,000: 2 running, 630 succeeded, 8 failed`."""
    counts = Counter(stage.state for stage in stages)
    settled = sum(count for state, count in counts.items() if state.is_settled)
    words = ", ".join(f"{counts[state]:,} {state.value}" for state in StageState if counts[state])
    return f"{settled:,} of {len(stages):,}: {words}"


def figures(stage: StageView) -> tuple[str, str]:
    """Cells done of all, and the time."""
    if stage.progress is not None:
        total = str(stage.progress.cells_total) if stage.progress.cells_total else "…"
        return f"{stage.progress.cells_done}/{total}", format_duration(round(stage.progress.elapsed_seconds))
    if stage.run is not None:
        done = sum(cell.status is CellStatus.SUCCEEDED for cell in stage.run.cells)
        cells = f"{done}/{len(stage.run.cells)}" if stage.run.cells else ""
        return cells, format_duration(stage.run.duration_seconds) if stage.run.duration_seconds else ""
    return "", ""


def last_words(stage: StageView) -> str:
    """What it printed last, found, or failed of."""
    if stage.progress is not None:
        return stage.progress.last_line
    if stage.run is not None:
        return stage.run.message or metrics_in_brief(stage.run)
    return stage.state.value if stage.state is not StageState.WAITING else stage.reason


def metrics_in_brief(run: Run) -> str:
    """The first few metrics, for one line of a table."""
    shown = [f"{name} {format_number(value)}" for name, value in list(run.metrics.items())[:MOST_METRICS]]
    more = len(run.metrics) - MOST_METRICS
    return "  ".join([*shown, *([f"+{more}"] if more > 0 else [])])
