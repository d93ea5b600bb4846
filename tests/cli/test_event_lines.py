from __future__ import annotations

import io

from rich.console import Console
from tests.cli.test_display import BAD, GOOD, Clock

from nightbook.cli.board import Board, Leader
from nightbook.cli.event_lines import SUMMARY_SECONDS, EventLines
from nightbook.workflow.requests import StageState, StageView


class Log:
    """The log of a build in which so many sets are run."""

    def __init__(self, count: int) -> None:
        self.written = io.StringIO()
        self.clock = Clock()
        self.board = Board(self.clock)
        self.board.begin([StageView(name=f"set {number}", state=StageState.WAITING) for number in range(count)])
        self.event_lines = EventLines(Console(file=self.written, width=80, highlight=False), self.board)

    def tell(self, *stages: StageView, after_seconds: float = 0.0) -> list[str]:
        """What is written now."""
        already = len(self.written.getvalue())
        self.clock.now += after_seconds
        self.event_lines.tell(self.board.take(stages))
        return self.written.getvalue()[already:].splitlines()


def view(number: int, state: StageState) -> StageView:
    run = {StageState.SUCCEEDED: GOOD, StageState.FAILED: BAD}.get(state)
    return StageView(name=f"set {number}", state=state, run=run)


def test_of_few_stages_beginnings_and_ends_are_told() -> None:
    log = Log(3)
    assert log.tell(view(0, StageState.RUNNING)) == ["set 0  running"]
    assert log.tell(view(0, StageState.RUNNING)) == []
    assert log.tell(view(0, StageState.SUCCEEDED)) == ["set 0  succeeded  32 s"]


def test_of_some_dozens_only_ends_are() -> None:
    log = Log(60)
    assert log.tell(view(0, StageState.RUNNING)) == []
    assert log.tell(view(0, StageState.FAILED)) == ["set 0  failed  ValueError: no flights (in cell 3)"]


def test_of_a_thousand_failures_are_told_and_now_and_then_how_it_stands() -> None:
    log = Log(1000)
    log.board.leader = Leader(name="set 0", run=GOOD, metric="mae")
    assert log.tell(view(0, StageState.SUCCEEDED), view(1, StageState.RUNNING)) == []
    assert log.tell(view(1, StageState.FAILED)) == ["set 1  failed  ValueError: no flights (in cell 3)"]
    (summary,) = log.tell(after_seconds=SUMMARY_SECONDS)
    assert summary.split("; ") == [
        "2 of 1,000: 998 waiting, 1 succeeded, 1 failed",
        "30 s so far, 240 runs an hour, about 4 h 10 m left",
        "best: mae 20.64 by #4 with set 0",
    ]
    assert log.tell(after_seconds=SUMMARY_SECONDS / 2) == []


def test_the_end_of_a_thousand_is_summed_up_once() -> None:
    log = Log(1000)
    told = log.tell(*(view(number, StageState.CANCELLED) for number in range(1000)))
    assert told == ["1,000 of 1,000: 1,000 cancelled; 0 s so far"]
    assert log.tell() == []


def test_a_thousand_failures_do_not_fill_the_log() -> None:
    log = Log(1000)
    told = [line for number in range(900) for line in log.tell(view(number, StageState.FAILED))]
    assert len(told) == 21
    assert told[-1] == "further failures are only counted"
