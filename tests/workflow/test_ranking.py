from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.records import MetricPoint, Run, RunKind, RunStatus
from nightbook.workflow.ranking import Ranking


def run_with(number: int, loss: float | None, status: RunStatus = RunStatus.SUCCEEDED) -> Run:
    metrics = {} if loss is None else {"loss": loss}
    return Run(run_id=f"r{number}", number=number, kind=RunKind.STAGE, status=status, metrics=metrics)


class Race:
    """A ranking, with what it has told; the runs named in `declared` say which end of `loss` is better."""

    def __init__(self, direction: str = "", objective: str = "loss", **declared: str) -> None:
        self.leaders: list[int] = []
        self.declared = declared
        self.ranking = Ranking(objective, direction, self.points, lambda _, run, __: self.leaders.append(run.number))

    def points(self, run_id: str) -> list[MetricPoint]:
        return [MetricPoint(name="loss", value=0.0, better=self.declared.get(run_id, ""))]

    def see(self, *losses: float | None) -> list[int]:
        for number, loss in enumerate(losses):
            self.ranking.consider(f"set {number}", run_with(number, loss))
        return self.leaders


@pytest.mark.parametrize(("direction", "leaders"), [("min", [0, 2]), ("max", [0, 1]), ("", [0, 2])])
def test_each_new_best_is_told_once(direction: str, leaders: list[int]) -> None:
    assert Race(direction).see(3.0, 5.0, 1.0, 1.0, 4.0) == leaders


def test_what_a_notebook_declares_late_turns_the_ranking_round() -> None:
    race = Race(r2="higher")
    assert race.see(3.0, 5.0, 1.0) == [0, 1]
    assert race.ranking.direction == "max"


def test_what_failed_or_is_no_number_leads_nothing() -> None:
    race = Race("max")
    race.ranking.consider("a", run_with(1, 9.0, RunStatus.FAILED))
    assert race.see(math.nan, None) == []


def test_without_an_objective_nobody_leads() -> None:
    race = Race(objective="")
    assert race.see(1.0, 2.0) == []
    assert race.ranking.direction == ""


@given(st.lists(st.floats(), min_size=1), st.sampled_from(["min", "max"]))
def test_the_last_one_told_is_the_best_of_all(losses: list[float], direction: str) -> None:
    leaders = Race(direction).see(*losses)
    numbers = [loss for loss in losses if not math.isnan(loss)]
    best = (min if direction == "min" else max)(numbers, default=None)
    assert [losses[number] for number in leaders[-1:]] == ([] if best is None else [best])
