from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.cli.test_display import BAD, GOOD, Clock, running, said

from nightbook.cli.board import Board, Leader
from nightbook.cli.overview import best_lines, overview, pace_in_words
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Sequence

BEST = Leader(name="rate=0.1 trees=60", run=GOOD, metric="mae")


def board_of(count: int, changes: Sequence[StageView] = (), clock: Clock | None = None) -> Board:
    board = Board(clock or Clock())
    board.begin([StageView(name=f"set {number}", state=StageState.WAITING) for number in range(count)])
    board.take(changes)
    return board


def drawn(board: Board, width: int = 80, height: int = 24) -> list[str]:
    return said(lambda console: console.print(overview(board, width, height)), width=width).splitlines()


def failed(number: int) -> StageView:
    return StageView(name=f"set {number}", state=StageState.FAILED, run=BAD)


def test_few_stages_have_a_row_each() -> None:
    lines = drawn(board_of(3, [running("set 1", "epoch 4")]))
    assert [line.split()[:3] for line in lines[1:]] == [["·", "set", "0"], ["▶", "set", "1"], ["·", "set", "2"]]


def test_a_small_sweep_names_its_best_set_below() -> None:
    board = board_of(3)
    board.leader = BEST
    assert drawn(board)[-1].rstrip() == "best: mae 20.64 by #4 with rate=0.1 trees=60"


def test_a_thousand_are_counted_and_only_what_matters_now_is_listed() -> None:
    clock = Clock()
    board = board_of(1000, clock=clock)
    clock.now += 3
    board.take([StageView(name=f"set {number}", state=StageState.SUCCEEDED) for number in range(9)])
    board.take([failed(9), failed(10), running("set 11", "epoch 4 of 10"), running("set 12", "epoch 2 of 10")])
    board.leader = BEST
    lines = [" ".join(line.split()) for line in drawn(board)]
    assert lines == [
        "11 of 1,000: 987 waiting, 2 running, 9 succeeded, 2 failed",
        "3 s so far, 220 runs a minute, about 4 m 30 s left",
        "best: mae 20.64 by #4 with rate=0.1 trees=60",
        "",
        "running cells time",
        *(" ".join(line.split()) for line in drawn(board)[5:7]),
        "",
        "✗ set 10 #5 ValueError: no flights (in cell 3)",
        "✗ set 9 #5 ValueError: no flights (in cell 3)",
    ]
    assert lines[5].startswith("▶ set 11 3/9")
    assert lines[5].endswith("epoch 4 of 10")


def test_more_than_fit_are_counted() -> None:
    lines = drawn(board_of(1000, [running(f"set {number}", "") for number in range(500)]))
    assert len(lines) < 24
    assert lines[-1] == f"   … and {500 - sum(line.startswith('▶') for line in lines)} more"


def test_a_slow_sweep_counts_by_the_hour() -> None:
    clock = Clock()
    board = board_of(100, clock=clock)
    for number in range(12):
        clock.now += 600
        board.take([StageView(name=f"set {number}", state=StageState.SUCCEEDED)])
    assert pace_in_words(board) == "2 h 0 m so far, 6 runs an hour, about 14 h 40 m left"


def test_nothing_is_promised_before_anything_has_ended() -> None:
    assert pace_in_words(board_of(100)) == "0 s so far"


def test_the_best_sets_parameters_get_a_line_of_their_own_where_it_is_narrow() -> None:
    assert [line.plain for line in best_lines(BEST, 30)] == ["best: mae 20.64 by #4 with", "rate=0.1 trees=60"]


frames = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 9), st.text(max_size=90), st.booleans())


@given(frames, st.integers(40, 200), st.integers(12, 60))
def test_it_always_fits_the_terminal(
    frame: tuple[int, int, int, str, bool],  # how many there are, run and failed; a text; whether one leads
    width: int,
    height: int,
) -> None:
    count, going, failures, text, has_leader = frame
    board = board_of(count)
    board.take([running(f"{number}{text}", text) for number in range(going)])
    board.take([StageView(name=f"x{number}{text}", state=StageState.FAILED, run=BAD) for number in range(failures)])
    board.leader = Leader(name=text, run=GOOD, metric="mae") if has_leader else None
    lines = drawn(board, width, height)
    assert len(lines) < height
    assert all(cell_len(line) <= width for line in lines)
