"""How runs are shown where they are a command's answer, on stdout: tables and words that a pipe can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nightbook.numbers import (
    MISSING,
    format_bytes,
    format_column,
    format_count,
    format_delta,
    format_duration,
    format_number,
    format_time,
)
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.report.wording import better_in_words, cause_in_words, commit_in_words, short_digest, value_in_words
from nightbook.workflow.comparing import MISSING as NO_VALUE
from nightbook.workflow.comparing import Meaning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.records import MetricPoint, Pin
    from nightbook.workflow.browsing import Branch, Detail
    from nightbook.workflow.checkpointing import CheckpointView
    from nightbook.workflow.comparing import Comparison, MetricRow

PIPE_WIDTH = 200
MOST_METRICS = 3
MARKS = {
    RunStatus.SUCCEEDED: ("✓", "green"),
    RunStatus.FAILED: ("✗", "bold red"),
    RunStatus.CANCELLED: ("–", "yellow"),
    RunStatus.LOST: ("✗", "red"),
    RunStatus.RUNNING: ("▶", "blue"),
    RunStatus.PENDING: ("·", "dim"),
    RunStatus.SKIPPED: ("–", "dim"),
}
MEANING_MARKS = {
    Meaning.BETTER: ("✓ better", "green"),
    Meaning.WORSE: ("✗ worse", "red"),
    Meaning.NOISE: ("≈ within noise", "dim"),
    Meaning.SAME: ("same", "dim"),
    Meaning.NEUTRAL: ("", ""),
    Meaning.UNKNOWN: ("not comparable", "dim"),
}


def stdout_console() -> Console:
    """For answers; wide where nobody looks, so that a line stays a line for grep."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def plain_table(*headings: str, right: Sequence[str] = ()) -> Table:
    """A table without lines; the columns named in `right` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def status_text(run: Run) -> Text:
    """Never by colour alone: icon and word."""
    icon, style = MARKS[run.status]
    return Text(f"{icon} {run.status.value}", style)


def runs_table(branches: Sequence[Branch], *, is_unfolded: bool) -> Table:
    """Runs newest first; parts folded into a count, or below their pipeline in its order."""
    table = plain_table("run", "what", "status", "started", "took", "result", right=("run", "took"))
    for branch in branches:
        table.add_row(*_row(branch.run, _result(branch)))
        for place, part in enumerate(branch.parts if is_unfolded else (), 1):
            table.add_row(*_row(part, in_brief(part), branch="└ " if place == len(branch.parts) else "├ "))
    return table


def _row(run: Run, result: str, branch: str = "") -> tuple[str | Text, ...]:
    what = f"{branch}{run.stage or run.kind.value}"
    if run.kind is RunKind.SWEEP:
        what = f"sweep of {run.stage}"
    return (
        f"{run.number}",
        Text(what),
        status_text(run),
        format_time(run.started_at),
        format_duration(run.duration_seconds),
        Text(result),
    )


def _result(branch: Branch) -> str:
    if not branch.parts:
        return in_brief(branch.run)
    counts = [
        f"{sum(part.status is status for part in branch.parts)} {status.value}"
        for status in RunStatus
        if any(part.status is status for part in branch.parts)
    ]
    message = f"; {branch.run.message}" if branch.run.message else ""
    return f"{format_count(len(branch.parts), 'run')}: {', '.join(counts)}{message}"


def in_brief(run: Run) -> str:
    """The message of a run that did not end well, else its first metrics."""
    if run.message:
        return run.message
    shown = [f"{name} {format_number(value)}" for name, value in list(run.metrics.items())[:MOST_METRICS]]
    more = len(run.metrics) - MOST_METRICS
    return "  ".join([*shown, *([f"+{more}"] if more > 0 else [])])


def facts_table(detail: Detail) -> Table:
    """What is known of a run, a fact a line; what is not known is left out."""
    run, facts = detail.run, detail.facts
    commit, state = commit_in_words(run)
    lines = {
        "id": run.run_id,
        "part of": detail.parent.label if detail.parent else "",
        "notebook": run.notebook or "",
        "cause": cause_in_words(run),
        "message": run.message,
        "started": format_time(run.started_at) if run.started_at else "",
        "ended": format_time(run.ended_at) if run.ended_at else "",
        "began": detail.checkpoints.resumed.reason if detail.checkpoints.resumed else "",
        "took": format_duration(run.duration_seconds) if run.duration_seconds is not None else "",
        "memory": f"{format_bytes(run.peak_memory_bytes)} at most" if run.peak_memory_bytes else "",
        "engine": ": ".join(filter(None, [detail.engine.name, detail.engine.reason])),
        "by": f"{facts.user} on {facts.host}".strip(),
        "git": f"{commit} {state}".strip(),
        "fingerprint": short_digest(run.fingerprint),
        "MLflow": f"{run.mlflow_run_id or 'not yet known there'}{'' if run.mlflow_synced else ' (nightbook sync)'}",
        "executed": run.executed_notebook or "",
        "report": run.report or "",
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines.items():
        if value:
            table.add_row(name, Text(value))
    return table


def parameters_table(run: Run) -> Table:
    """Parameters with the values that the run had."""
    table = plain_table("parameter", "value")
    for name, value in run.parameters.items():
        table.add_row(Text(name), Text(value_in_words(value)))
    return table


def metrics_table(points: Sequence[MetricPoint]) -> Table:
    """Each metric's last value, how many were logged, which direction is good."""
    table = plain_table("metric", "value", "logged", "", right=("value", "logged"))
    last = {point.name: point for point in points}
    for name, point in last.items():
        count = sum(one.name == name for one in points)
        table.add_row(
            Text(name),
            format_number(point.value, point.unit),
            format_count(count, "time"),
            Text(better_in_words(point), "dim"),
        )
    return table


def pins_table(heading: str, pins: Sequence[Pin]) -> Table:
    """Data with sizes and digests."""
    table = plain_table(heading, "size", "digest", right=("size",))
    for pin in pins:
        table.add_row(Text(pin.uri), format_bytes(pin.size_bytes), short_digest(pin.digest) or MISSING)
    return table


def cells_table(run: Run) -> Table:
    """Code cells by their place in the source notebook."""
    table = plain_table("cell", "status", "took", right=("cell", "took"))
    for cell in run.cells:
        status = cell.status.value.replace("_", " ")
        if cell.shared:
            status += ", taken over"
        table.add_row(str(cell.index), status, format_duration(cell.duration_seconds))
    return table


def checkpoints_table(view: CheckpointView) -> Table:
    """What `resume` can go on from."""
    table = plain_table("checkpoint", "left", "saves", "memory", "stays until", right=("saves", "memory"))
    for one in view.usable:
        table.add_row(
            before_cell(one.cell),
            format_time(one.made_at),
            format_duration(one.saves_seconds),
            format_bytes(one.memory_bytes),
            format_time(one.until),
        )
    return table


def before_cell(cell: int | None) -> str:
    """Where a checkpoint was left, in words."""
    return "before the parameters" if cell is None else f"before cell {cell}"


def without_checkpoint(view: CheckpointView) -> list[str]:
    """Where there is no checkpoint, a line for each reason."""
    cells: dict[str, list[int | None]] = {}
    for one in (*view.refused, *view.ended):
        cells.setdefault(one.reason, []).append(one.cell)
    return [
        f"no checkpoints: {reason}"
        if None in where
        else f"no checkpoint before cell{'s' * (len(where) > 1)} {', '.join(map(str, where))}: {reason}"
        for reason, where in cells.items()
    ]


def show_comparison(console: Console, comparison: Comparison) -> None:
    """The parameters that differ, then the metrics; the first run is what the others are measured by."""
    labels = [run.label for run in comparison.runs]
    if comparison.uncommon:
        console.print(Text(f"not in all of them, so left out: {', '.join(comparison.uncommon)}", "dim"))
    if comparison.differing:
        table = plain_table("parameter", *labels)
        for row in comparison.differing:
            shown = ["(none)" if value is NO_VALUE else value_in_words(value) for value in row.values]
            table.add_row(Text(row.name), *map(Text, shown))
        console.print(table)
    else:
        console.print("parameters: the same")
    if comparison.metrics:
        others = [heading for label in labels[1:] for heading in (label, "change", "")]
        table = plain_table("metric", labels[0], *others, right=(*labels, "change"))
        for metric in comparison.metrics:
            table.add_row(*_metric_cells(metric))
        console.print()
        console.print(table)


def _metric_cells(row: MetricRow) -> list[Text]:
    values = format_column(row.values, row.unit)
    cells = [Text(row.name), Text(values[0])]
    base = row.values[0]
    for shown, value, meaning in zip(values[1:], row.values[1:], row.meanings, strict=True):
        word, style = MEANING_MARKS[meaning]
        change = MISSING if base is None or value is None else format_delta(value, base, row.unit)
        cells += [Text(shown), Text(change), Text(word, style)]
    return cells
