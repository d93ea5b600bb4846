"""Stages and sets as rows of a table: an icon, cells done, the time, and what each said last or failed of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from nightbook.numbers import format_duration, format_number
from nightbook.records import CellStatus, Run
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
_MINUTE = 60
_CELLS_WIDTH, _TIME_WIDTH = 5, 8
# An icon, and two blanks behind each column but the last.
_BETWEEN = 9
_LEAST_NAME = 8


def progress_table(stages: Collection[StageView], width: int, *, heading: str = "stage", longest: int = 0) -> Table:
    """How each stands: cells done of all, elapsed, the last line printed; no row is wider than the terminal.

    Args:
        stages: A row for each.
        width: The terminal's, in columns.
        heading: Over the names.
        longest: Characters of the longest name that may come, so that columns stay where they are.
    """
    table = Table(box=None, pad_edge=False, expand=False)
    rows = [(stage, *figures(stage)) for stage in stages]
    widths = (
        max([_CELLS_WIDTH, *(cell_len(cells) for _, cells, _ in rows)]),
        max([_TIME_WIDTH, *(cell_len(time) for _, _, time in rows)]),
    )
    rest = width - sum(widths) - _BETWEEN
    longest = max([longest, *(cell_len(stage.name) for stage in stages)])
    name_width = max(cell_len(heading), min(longest, max(_LEAST_NAME, rest * 3 // 5)))
    room = rest - name_width
    table.add_column("", no_wrap=True)
    table.add_column(heading, no_wrap=True, header_style="dim", min_width=name_width)
    table.add_column("cells", justify="right", no_wrap=True, header_style="dim", min_width=widths[0])
    table.add_column("time", justify="right", no_wrap=True, header_style="dim", min_width=widths[1])
    table.add_column("", no_wrap=True)
    for stage, cells, time in rows:
        icon, style = ICONS[stage.state]
        name = shortened(stage.name, name_width, style if stage.state is StageState.RUNNING else "")
        table.add_row(Text(icon, style), name, cells, time, shortened(last_words(stage), room, "dim"))
    return table


def shortened(words: str, width: int, style: str = "") -> Text:
    """One line of at most so many columns, without what a terminal would obey."""
    plain = "".join(one if one.isprintable() else " " for one in click.unstyle(words))
    text = Text(" ".join(plain.split()) if width > 0 else "", style)
    text.truncate(max(width, 1), overflow="ellipsis")
    return text


def whole_seconds(seconds: float) -> str:
    """`0 s`, `7 s`, `2 m 6 s`: a time that somebody sees grow, or shrink."""
    rounded = round(seconds)
    return f"{rounded} s" if rounded < _MINUTE else format_duration(rounded)


def counts_in_words(counts: Mapping[StageState, int]) -> str:
    """`640 of 1,000: 2 running, 630 succeeded, 8 failed`."""
    settled = sum(count for state, count in counts.items() if state.is_settled)
    words = ", ".join(f"{counts[state]:,} {state.value}" for state in StageState if counts.get(state))
    return f"{settled:,} of {sum(counts.values()):,}: {words}"


def figures(stage: StageView) -> tuple[str, str]:
    """Cells done of all, and the time."""
    if stage.progress is not None:
        total = str(stage.progress.cells_total) if stage.progress.cells_total else "…"
        return f"{stage.progress.cells_done}/{total}", whole_seconds(stage.progress.elapsed_seconds)
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
