"""How runs look in a terminal: a live table while they go on, a closing table, and what to try next."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nightbook.numbers import format_column, format_duration, format_number
from nightbook.records import CellStatus, Run, RunStatus
from nightbook.runs.request import COMPARISON, REPORT
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from nightbook.pipelines.plan import Plan
    from nightbook.workflow.requests import RunResult, SweepRequest

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
MOST_COLUMNS = 5
MOST_REPORTS = 8
REFRESHES_PER_SECOND = 8
_BAD = frozenset({RunStatus.FAILED, RunStatus.LOST})


def stderr_console() -> Console:
    """Progress and tables for people go to stderr; colour only on a terminal that wants it."""
    return Console(stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)


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
            *_figures(stage),
            Text(_last_words(stage)[:room], "dim"),
        )
    return table


def counts_in_words(stages: Sequence[StageView]) -> str:
    """`640 of 1,000: 2 running, 630 succeeded, 8 failed`."""
    counts = Counter(stage.state for stage in stages)
    settled = sum(count for state, count in counts.items() if state.is_settled)
    words = ", ".join(f"{counts[state]:,} {state.value}" for state in StageState if counts[state])
    return f"{settled:,} of {len(stages):,}: {words}"


def _figures(stage: StageView) -> tuple[str, str]:
    if stage.progress is not None:
        total = str(stage.progress.cells_total) if stage.progress.cells_total else "…"
        return f"{stage.progress.cells_done}/{total}", format_duration(round(stage.progress.elapsed_seconds))
    if stage.run is not None:
        done = sum(cell.status is CellStatus.SUCCEEDED for cell in stage.run.cells)
        cells = f"{done}/{len(stage.run.cells)}" if stage.run.cells else ""
        return cells, format_duration(stage.run.duration_seconds) if stage.run.duration_seconds else ""
    return "", ""


def _last_words(stage: StageView) -> str:
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


def closing_table(result: RunResult) -> Table:
    """Every stage's end: its run's number, state, cells, time, and what it found or why it failed."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("stage", no_wrap=True, header_style="dim")
    table.add_column("run", justify="right", no_wrap=True, header_style="dim")
    table.add_column("cells", justify="right", no_wrap=True, header_style="dim")
    table.add_column("time", justify="right", no_wrap=True, header_style="dim")
    table.add_column("result", header_style="dim", overflow="fold")
    for stage in result.stages:
        icon, style = ICONS[stage.state]
        number = f"#{stage.run.number}" if stage.run else ""
        words = _last_words(stage)
        table.add_row(
            Text(icon, style),
            stage.name,
            number,
            *_figures(stage),
            Text(words, style if stage.state is StageState.FAILED else ""),
        )
    return table


def _show_sweep(console: Console, result: RunResult, request: SweepRequest, took_seconds: float) -> None:
    """The best runs of a sweep, how many there were, where the comparison is."""
    metrics = list(dict.fromkeys(name for run in result.runs for name in run.metrics))
    if request.objective:
        metrics = [request.objective, *(name for name in metrics if name != request.objective)]
    columns = metrics[:MOST_COLUMNS]
    table = Table(box=None, pad_edge=False)
    for heading in ("", "set", "run", *columns):
        table.add_column(heading, header_style="dim", justify="left" if heading in {"", "set"} else "right")
    ordered = best_first(result.stages, request)
    texts = {name: format_column([_metric(one, name) for one in ordered]) for name in columns}
    for place, stage in enumerate(ordered[:MOST_LINES]):
        icon, style = ICONS[stage.state]
        number = f"#{stage.run.number}" if stage.run else ""
        table.add_row(Text(icon, style), stage.name, number, *(texts[name][place] for name in columns))
    console.print(table)
    if len(ordered) > MOST_LINES:
        console.print(f"[dim]… and {len(ordered) - MOST_LINES:,} more[/]")
    console.print()
    icon, style = ("✓", "green") if result.status is RunStatus.SUCCEEDED else ("✗", "bold red")
    sweep = result.all_runs[0]
    console.print(Text(f"{icon} {sweep.label} {result.status.value} in {format_duration(took_seconds)}", style))
    console.print(f"  {counts_in_words(result.stages)}")
    page = os.path.relpath(request.base.settings.runs_folder / sweep.run_id / COMPARISON)
    console.print(Text(f"  compare  {page}"), soft_wrap=True)
    if result.status is not RunStatus.SUCCEEDED:
        console.print(f"  go on    nightbook resume {sweep.number}")
    if result.owed:
        console.print(Text(f"  MLflow   {result.owed}; nothing is lost: nightbook sync", "yellow"), soft_wrap=True)


def best_first(stages: Sequence[StageView], request: SweepRequest) -> list[StageView]:
    """By the objective where there is one, else in the order of the sets; those without a value last."""
    if not request.objective:
        return list(stages)
    sign = -1 if request.direction == "max" else 1

    def rank(stage: StageView) -> tuple[bool, bool, float]:
        value = _metric(stage, request.objective)
        is_missing = value is None or math.isnan(value)
        # What a failed run logged before it failed wins nothing.
        return not stage.state.is_good, is_missing, 0.0 if value is None or is_missing else sign * value

    return sorted(stages, key=rank)


def _metric(stage: StageView, name: str) -> float | None:
    return stage.run.metrics.get(name) if stage.run else None


def show_result(console: Console, result: RunResult, root: Path, took_seconds: float) -> None:
    """The closing words: what happened, where the reports are, what to try next.

    Args:
        console: Where to.
        result: How it ended.
        root: The project's; paths are shown from where the person stands.
        took_seconds: The command, from its start.
    """
    if result.sweep is not None:
        _show_sweep(console, result, result.sweep, took_seconds)
        return
    if not result.runs and result.status is RunStatus.SUCCEEDED:
        restored = [stage.name for stage in result.stages if stage.state is StageState.RESTORED]
        if restored:
            console.print(f"[green]✓[/] outputs restored from the store: {', '.join(restored)}")
        count = len(result.stages)
        stages = "the stage is" if count == 1 else f"all {count} stages are"
        console.print(f"[green]✓[/] nothing to do: {stages} up to date [dim]({format_duration(took_seconds)})[/]")
        return
    console.print(closing_table(result))
    console.print()
    icon, style = {RunStatus.SUCCEEDED: ("✓", "green"), RunStatus.CANCELLED: ("–", "yellow")}.get(
        result.status, ("✗", "bold red")
    )
    head = result.parent or result.runs[0]
    message = f": {result.parent.message}" if result.parent and result.parent.message else ""
    console.print(Text(f"{icon} {head.label} {result.status.value} in {format_duration(took_seconds)}{message}", style))
    _show_next_steps(console, result, root)


def _show_next_steps(console: Console, result: RunResult, root: Path) -> None:
    # What failed comes first; of what went well, the last is what all the others were for.
    reported = sorted((run for run in result.runs if run.report), key=lambda run: run.status not in _BAD)
    failed = next((run for run in reported if run.status in _BAD), None)
    if reported:
        _show_reports(console, reported, failed or reported[-1], root)
    if failed is not None:
        console.print(f"  logs     nightbook runs logs {failed.number}")
        if result.parent is not None:
            console.print(f"  go on    nightbook resume {result.parent.number}")
    elif reported:
        console.print(f"  details  nightbook runs show {reported[-1].number}\n  compare  nightbook runs list")
    if result.owed:
        console.print(Text(f"  MLflow   {result.owed}; nothing is lost: nightbook sync", "yellow"), soft_wrap=True)


def _show_reports(console: Console, runs: Sequence[Run], first: Run, root: Path) -> None:
    """A line for each; of many, the one to read first and where the others are."""
    listed = runs if len(runs) <= MOST_REPORTS else [first]
    width = max(len(run.stage or "") for run in listed)
    for place, run in enumerate(listed):
        heading = "" if place else "report" if len(runs) == 1 else "reports"
        name = f"{run.stage:<{width}}  " if len(runs) > 1 else ""
        console.print(Text(f"  {heading:<7}  {name}{os.path.relpath(root / (run.report or ''))}"), soft_wrap=True)
    if len(listed) < len(runs):
        others = os.path.relpath(root / (first.report or "") / ".." / ".." / "*" / REPORT)
        console.print(Text(f"           all {len(runs)}: {others}"), soft_wrap=True)
