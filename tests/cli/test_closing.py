from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.test_display import BAD, GOOD, PARENT, record, said

from nightbook.cli.closing import best_first, show_result
from nightbook.records import Run, RunKind, RunStatus
from nightbook.settings import Settings, load_settings
from nightbook.workflow.requests import RunRequest, RunResult, StageState, StageView, SweepRequest


def test_the_closing_words_say_what_failed_why_and_what_to_do_next() -> None:
    result = RunResult(
        status=RunStatus.FAILED,
        parent=PARENT,
        stages=(
            StageView(name="prepare", state=StageState.UP_TO_DATE),
            StageView(name="train", state=StageState.SUCCEEDED, run=GOOD),
            StageView(name="score", state=StageState.FAILED, run=BAD),
        ),
        owed="MLflow does not answer, 3 runs wait for it",
    )
    text = said(show_result, result, Path.cwd().parent, 40.0)
    assert "✓ train #4 1/1 32 s" in " ".join(text.split())
    assert "mae 20.64" in text
    assert "ValueError: no flights (in cell 3)" in text
    assert "✗ pipeline #3 failed in 40 s: 1 of 3 failed: score" in text
    assert ".nightbook/runs/score/report.html" in text
    assert "nightbook resume 3" in text
    assert "nightbook runs logs 5" in text
    assert "nightbook sync" in text


def successes(count: int) -> tuple[StageView, ...]:
    runs = [
        record(f"s{number}", number, RunStatus.SUCCEEDED, report=f".nightbook/runs/{number:02}/report.html")
        for number in range(count)
    ]
    return tuple(StageView(name=run.stage or "", state=StageState.SUCCEEDED, run=run) for run in runs)


def closing_lines(*stages: StageView, status: RunStatus = RunStatus.SUCCEEDED) -> list[str]:
    parent = Run(run_id="p", number=99, kind=RunKind.PIPELINE, status=status)
    text = said(show_result, RunResult(status=status, parent=parent, stages=stages), Path.cwd().parent, 4.0)
    return [line.rstrip() for line in text.splitlines() if line.startswith((" " * 11, "  report"))]


def test_every_report_has_a_line_and_what_failed_the_first() -> None:
    failure = StageView(name="score", state=StageState.FAILED, run=BAD)
    assert closing_lines(*successes(2), failure, status=RunStatus.FAILED) == [
        "  reports  score  ../.nightbook/runs/score/report.html",
        "           s0     ../.nightbook/runs/00/report.html",
        "           s1     ../.nightbook/runs/01/report.html",
    ]
    assert closing_lines(*successes(1)) == ["  report   ../.nightbook/runs/00/report.html"]


def test_of_many_reports_one_is_named_and_where_the_others_are() -> None:
    assert closing_lines(*successes(9)) == [
        "  reports  s8  ../.nightbook/runs/08/report.html",
        "           all 9: ../.nightbook/runs/*/report.html",
    ]


def test_nothing_to_do_is_one_line() -> None:
    views = tuple(StageView(name=name, state=StageState.UP_TO_DATE) for name in "ab")
    text = said(show_result, RunResult(status=RunStatus.SUCCEEDED, stages=views), Path(), 0.05)
    assert text == "✓ nothing to do: all 2 stages are up to date (50 ms)\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, environment={})


@pytest.mark.parametrize(("direction", "order"), [("min", "abcd"), ("max", "bacd"), ("", "abcd")])
def test_a_sweeps_best_come_first_and_failures_last(settings: Settings, direction: str, order: str) -> None:
    def view(name: str, loss: float | None, state: StageState = StageState.SUCCEEDED) -> StageView:
        metrics = {} if loss is None else {"loss": loss}
        return StageView(name=name, state=state, run=record(name, 1, RunStatus.SUCCEEDED, metrics=metrics))

    views = [view("d", 0.0, StageState.FAILED), view("b", 2.0), view("c", None), view("a", 1.0)]
    request = SweepRequest(base=RunRequest(settings=settings), sets=({},), objective="loss", direction=direction)
    assert "".join(one.name for one in best_first(views, request)) == order


def test_the_name_of_a_set_is_no_markup(settings: Settings) -> None:
    view = StageView(name="place=[/tmp] kind=[a,b]", state=StageState.SUCCEEDED)
    sweep = SweepRequest(base=RunRequest(settings=settings), sets=({},))
    parent = Run(run_id="p", number=9, kind=RunKind.SWEEP, status=RunStatus.SUCCEEDED)
    result = RunResult(status=RunStatus.SUCCEEDED, parent=parent, stages=(view,), sweep=sweep)
    assert "place=[/tmp] kind=[a,b]" in said(show_result, result, Path(), 1.0)


def test_who_interrupted_a_run_is_told_how_it_goes_on() -> None:
    parent = Run(run_id="p", number=9, kind=RunKind.PIPELINE, status=RunStatus.CANCELLED)
    result = RunResult(status=RunStatus.CANCELLED, parent=parent, stages=successes(1))
    assert "go on    nightbook resume 9" in said(show_result, result, Path(), 1.0)
