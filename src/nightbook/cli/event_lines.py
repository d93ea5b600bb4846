"""Runs told line by line, where nothing can be drawn over: the log of a build, a file, a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from nightbook.cli.overview import MOST_LISTED, best_lines, pace_in_words
from nightbook.cli.stage_table import counts_in_words
from nightbook.numbers import format_duration
from nightbook.workflow.requests import StageState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from nightbook.cli.board import Board
    from nightbook.workflow.requests import StageView

MOST_ENDS = 100
MOST_FAILURES = 20
SUMMARY_SECONDS = 30.0
_ONE_LINE = 10_000


class EventLines:
    """Each end has a line, of few stages each beginning, too; of very many only failures and, now and then, the counts.

    Args:
        console: Where to.
        board: How all of them stand.
    """

    def __init__(self, console: Console, board: Board) -> None:
        self._console = console
        self._board = board
        self._summed_up_at = 0.0
        self._failures = 0

    def begin(self) -> None:
        """Others are carried out now."""
        self._summed_up_at = 0.0
        self._failures = 0

    def tell(self, changed: Sequence[StageView]) -> None:
        """Tell what there is to tell of those whose state is another now, and perhaps how all stand."""
        count = len(self._board.stages)
        if count <= MOST_ENDS:
            for stage in changed:
                if stage.state.is_settled or (stage.state is StageState.RUNNING and count <= MOST_LISTED):
                    self._print(event_in_words(stage))
            return
        for stage in changed:
            if stage.state is StageState.FAILED:
                self._tell_failure(stage)
        elapsed = self._board.elapsed_seconds
        if elapsed - self._summed_up_at >= SUMMARY_SECONDS or (changed and self._board.is_over):
            self._summed_up_at = elapsed
            self._print(summary_in_words(self._board))

    def _tell_failure(self, stage: StageView) -> None:
        self._failures += 1
        if self._failures <= MOST_FAILURES:
            self._print(event_in_words(stage))
        elif self._failures == MOST_FAILURES + 1:
            self._print("further failures are only counted")

    def _print(self, words: str) -> None:
        self._console.print(Text(words), soft_wrap=True)


def event_in_words(stage: StageView) -> str:
    """`train  succeeded  32 s`, `train  failed  1.2 s  ValueError: no flights (in cell 3)`."""
    took = format_duration(stage.run.duration_seconds) if stage.run and stage.run.duration_seconds else ""
    message = stage.run.message if stage.run else stage.reason
    return "  ".join(filter(None, [stage.name, stage.state.value, took, message]))


def summary_in_words(board: Board) -> str:
    """The counts, the pace and the best so far, in one line."""
    best = [line.plain for line in best_lines(board.leader, _ONE_LINE)] if board.leader else []
    return "; ".join([counts_in_words(board.counts), pace_in_words(board), *best])
