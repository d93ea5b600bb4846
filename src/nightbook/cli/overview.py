"""One screen for a pipeline or a sweep, whether of three runs or of a thousand."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from nightbook.cli.stage_table import counts_in_words, progress_table, shortened, whole_seconds
from nightbook.numbers import format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from nightbook.cli.board import Board, Leader
    from nightbook.workflow.requests import StageView

MOST_LISTED = 24
"""So many stages have a row each, where the terminal is high enough."""
_LEAST_NUMBER = 10
# The headings, a blank line, the best so far, the cursor's line, and one to spare.
_AROUND_A_LIST = 5
_LINES_FOR_A_FAILURE = 6
# An icon, and two blanks behind each column but the last.
_FAILURE_BETWEEN = 7


def overview(board: Board, width: int, height: int) -> RenderableType:
    """What fits the terminal: every stage when they are few, else the counts, what runs now, the newest failures."""
    best = best_lines(board.leader, width) if board.leader else []
    if len(board.stages) <= min(MOST_LISTED, height - _AROUND_A_LIST):
        table = progress_table(board.stages.values(), width)
        return Group(table, Text(), *best) if best else table
    summary = [
        shortened(counts_in_words(board.counts), width, "bold"),
        shortened(pace_in_words(board), width),
        *best,
    ]
    failures = list(board.failures)[-max(1, height // _LINES_FOR_A_FAILURE) :]
    # A blank line and the headings above what runs, a blank line above the failures, the cursor's line below all.
    room = max(1, height - len(summary) - len(failures) - 4)
    return Group(*summary, *_running_rows(board, room, width), *_failure_rows(failures, width))


def pace_in_words(board: Board) -> str:
    """`3 m 2 s so far, 196 runs a minute, 2 m 6 s left`; what nobody can say yet is left out."""
    words = [f"{whole_seconds(board.elapsed_seconds)} so far"]
    rate, left = board.per_minute, board.seconds_left
    if rate is not None and left is not None:
        is_slow = rate < _LEAST_NUMBER
        words.append(f"{round(rate * 60):,} runs an hour" if is_slow else f"{round(rate):,} runs a minute")
        words += [f"about {whole_seconds(left)} left"] if left else []
    return ", ".join(words)


def best_lines(leader: Leader, width: int) -> list[Text]:
    """`best: validation_mae 20.64 by #418 with learning_rate=0.1 trees=60`; in two lines where one is too narrow."""
    value = format_number(leader.run.metrics[leader.metric])
    words = f"best: {leader.metric} {value} by #{leader.run.number} with", leader.name
    lines = [" ".join(words)] if sum(map(cell_len, words)) < width else words
    return [shortened(line, width, "green") for line in lines]


def _running_rows(board: Board, room: int, width: int) -> list[RenderableType]:
    if not board.running:
        return []
    hidden = len(board.running) - room
    shown = list(islice(board.running.values(), room if hidden <= 0 else max(1, room - 1)))
    table = progress_table(shown, width, heading="running", longest=board.longest_name)
    if len(shown) == len(board.running) or room == 1:
        return [Text(), table]
    return [Text(), table, Text(f"   … and {len(board.running) - len(shown):,} more", "dim")]


def _failure_rows(failures: Sequence[StageView], width: int) -> list[RenderableType]:
    """The newest first, with the cause in words."""
    if not failures:
        return []
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(no_wrap=True)
    numbers = [f"#{one.run.number}" if one.run else "" for one in failures]
    rest = width - max(map(len, numbers)) - _FAILURE_BETWEEN
    name_width = min(rest // 3, max(cell_len(one.name) for one in failures))
    for stage, number in zip(reversed(failures), reversed(numbers), strict=True):
        cause = stage.run.message or (stage.run.cause or "") if stage.run else stage.reason
        name, words = shortened(stage.name, name_width), shortened(cause, rest - name_width, "red")
        table.add_row(Text("✗", "bold red"), name, number, words)
    return [Text(), table]
