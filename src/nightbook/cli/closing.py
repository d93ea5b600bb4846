"""The closing words of a run or a sweep: what happened, where the reports are, what to try next."""

from __future__ import annotations

import math
import os
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from nightbook.cli.answers import before_cell, without_checkpoint
from nightbook.cli.stage_table import ICONS, counts_in_words, figures, last_words
from nightbook.numbers import format_column, format_duration, format_time
from nightbook.records import RunStatus
from nightbook.runs.request import COMPARISON, REPORT
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from nightbook.records import Run
    from nightbook.workflow.checkpointing import CheckpointView
    from nightbook.workflow.requests import RunResult, SweepRequest

MOST_LINES = 24
MOST_COLUMNS = 5
MOST_REPORTS = 8
_BAD = frozenset({RunStatus.FAILED, RunStatus.LOST})


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
        words = last_words(stage)
        table.add_row(
            Text(icon, style),
            Text(stage.name),
            number,
            *figures(stage),
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
        table.add_row(Text(icon, style), Text(stage.name), number, *(texts[name][place] for name in columns))
    console.print(table)
    if len(ordered) > MOST_LINES:
        console.print(f"[dim]… and {len(ordered) - MOST_LINES:,} more[/]")
    console.print()
    icon, style = ("✓", "green") if result.status is RunStatus.SUCCEEDED else ("✗", "bold red")
    sweep = result.all_runs[0]
    console.print(Text(f"{icon} {sweep.label} {result.status.value} in {format_duration(took_seconds)}", style))
    console.print(f"  {counts_in_words(Counter(stage.state for stage in result.stages))}")
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
    for run in result.runs:
        _show_checkpoints(console, run, result.checkpoints.get(run.run_id))
    if failed is not None:
        console.print(f"  logs     nightbook runs logs {failed.number}")
    elif reported:
        console.print(f"  details  nightbook runs show {reported[-1].number}\n  compare  nightbook runs list")
    if result.status is not RunStatus.SUCCEEDED and result.parent is not None:
        console.print(f"  go on    nightbook resume {result.parent.number}")
    if result.owed:
        console.print(Text(f"  MLflow   {result.owed}; nothing is lost: nightbook sync", "yellow"), soft_wrap=True)


def _show_checkpoints(console: Console, run: Run, view: CheckpointView | None) -> None:
    if view is None:
        return
    if view.resumed is not None:
        console.print(Text(f"  began    {view.resumed.reason}"), soft_wrap=True)
    for line in without_checkpoint(view):
        console.print(Text(f"  note     {line}", "yellow"), soft_wrap=True)
    if view.usable:
        last = before_cell(view.usable[-1].cell)
        until = format_time(view.usable[-1].until)
        console.print(
            Text(f"  mended?  nightbook resume {run.number} goes on {last} at best, until {until}"), soft_wrap=True
        )


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
