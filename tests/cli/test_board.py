from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.test_display import Clock

from nightbook.cli.board import MOST_FAILURES, Board, Leader, Pace
from nightbook.records import Run, RunKind, RunStatus
from nightbook.workflow.requests import StageState, StageView


def waiting(count: int) -> list[StageView]:
    return [StageView(name=f"set {number}", state=StageState.WAITING) for number in range(count)]


def ended(number: int, state: StageState = StageState.SUCCEEDED) -> StageView:
    return StageView(name=f"set {number}", state=state)


def test_the_pace_is_that_of_the_last_minute() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.per_minute is None
    for seconds in [1.0] * 200 + [0.5] * 200:
        clock.now += seconds
        pace.end()
    assert pace.per_minute == pytest.approx(120)


def test_long_runs_are_judged_by_the_last_few() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(50):
        clock.now += 600
        pace.end()
    assert pace.per_minute == pytest.approx(0.1)
    # Nothing ends any more: nobody is promised a time that never comes.
    clock.now += 6000
    assert pace.per_minute == pytest.approx(0.05)


def test_the_time_left_is_what_the_rest_takes_at_this_pace() -> None:
    clock = Clock()
    board = Board(clock)
    board.begin(waiting(100))
    assert board.seconds_left is None
    for number in range(40):
        clock.now += 0.5
        board.take([ended(number)])
    assert board.per_minute == pytest.approx(120)
    assert board.seconds_left == pytest.approx(30)
    assert board.elapsed_seconds == pytest.approx(20)


def test_what_was_up_to_date_says_nothing_about_the_pace() -> None:
    clock = Clock()
    board = Board(clock)
    board.begin(waiting(100))
    clock.now += 1
    board.take([ended(number, StageState.UP_TO_DATE) for number in range(90)])
    assert board.per_minute is None


def test_the_newest_failures_are_kept() -> None:
    board = Board()
    board.begin(waiting(100))
    for number in range(20):
        board.take([ended(number, StageState.FAILED)])
    assert [one.name for one in board.failures] == [f"set {number}" for number in range(20 - MOST_FAILURES, 20)]


def test_a_new_beginning_forgets_all_that_was() -> None:
    board = Board()
    board.begin(waiting(3))
    board.take([ended(0, StageState.FAILED)])
    run = Run(run_id="r", number=1, kind=RunKind.STAGE, status=RunStatus.SUCCEEDED)
    board.leader = Leader(name="set 1", run=run, metric="loss")
    board.begin(waiting(2))
    assert board.counts == Counter({StageState.WAITING: 2})
    assert not board.failures
    assert board.leader is None


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(StageState)))))
def test_counts_and_what_runs_are_those_of_all_stages_whatever_came_in_whatever_order(
    changes: list[tuple[int, StageState]],
) -> None:
    board = Board()
    board.begin(waiting(10))
    states = {f"set {number}": StageState.WAITING for number in range(10)}
    for number, state in changes:
        is_change = states[f"set {number}"] is not state
        states[f"set {number}"] = state
        assert bool(board.take([ended(number, state)])) is is_change
    assert +board.counts == Counter(states.values())
    assert set(board.running) == {name for name, state in states.items() if state is StageState.RUNNING}
    assert board.is_over is all(state.is_settled for state in states.values())
