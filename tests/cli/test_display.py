from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from nightbook.cli.display import (
    TerminalWatcher,
    best_first,
    counts_in_words,
    metrics_in_brief,
    progress_table,
    show_result,
)
from nightbook.records import Cause, Cell, CellStatus, Run, RunKind, RunStatus
from nightbook.runs.launch import Progress
from nightbook.settings import Settings, load_settings
from nightbook.workflow.requests import RunRequest, RunResult, StageState, StageView, SweepRequest

if TYPE_CHECKING:
    from collections.abc import Callable


def record(stage: str, number: int, status: RunStatus, **facts: object) -> Run:
    return Run(run_id=stage, number=number, kind=RunKind.STAGE, stage=stage, status=status, **facts)  # type: ignore[arg-type]  # a test's few facts


GOOD = record(
    "train",
    4,
    RunStatus.SUCCEEDED,
    metrics={"mae": 20.6373, "rows": 244737, "size": 0.4, "more": 1},
    duration_seconds=31.9,
    cells=(Cell(index=0, status=CellStatus.SUCCEEDED),),
    report=".nightbook/runs/train/report.html",
)
BAD = record(
    "score",
    5,
    RunStatus.FAILED,
    cause=Cause.CELL_ERROR,
    message="ValueError: no flights (in cell 3)",
    cells=(Cell(index=0, status=CellStatus.FAILED), Cell(index=1, status=CellStatus.NOT_RUN)),
    report=".nightbook/runs/score/report.html",
)
PARENT = Run(run_id="p", number=3, kind=RunKind.PIPELINE, status=RunStatus.FAILED, message="1 of 3 failed: score")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, environment={})


def said(show: Callable[..., None], *arguments: object, width: int = 100) -> str:
    written = io.StringIO()
    show(Console(file=written, width=width, highlight=False), *arguments)
    return written.getvalue()


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


def test_the_live_table_shows_cells_time_and_the_last_line() -> None:
    progress = Progress(cells_done=3, cells_total=9, last_line="epoch 4 of 10")
    stages = [
        StageView(name="train", state=StageState.RUNNING, progress=progress),
        StageView(name="score", state=StageState.WAITING, reason="never ran successfully"),
    ]
    text = said(lambda console: console.print(progress_table(stages, 100)))
    assert "▶  train" in text
    assert "3/9" in text
    assert "epoch 4 of 10" in text
    assert "·  score" in text


def test_a_thousand_runs_are_counted_rather_than_listed() -> None:
    stages = [StageView(name=f"set {number}", state=StageState.SUCCEEDED) for number in range(998)]
    stages += [StageView(name="set a", state=StageState.RUNNING), StageView(name="set b", state=StageState.FAILED)]
    assert counts_in_words(stages) == "999 of 1,000: 1 running, 998 succeeded, 1 failed"
    text = said(lambda console: console.print(progress_table(stages, 100)))
    assert "set a" in text
    assert "set 5" not in text
    assert "999 of 1,000" in text


def test_a_few_metrics_stand_for_many() -> None:
    assert metrics_in_brief(GOOD) == "mae 20.64  rows 244,737  size 0.4  +1"


@pytest.mark.parametrize(("direction", "order"), [("min", "abcd"), ("max", "bacd"), ("", "abcd")])
def test_a_sweeps_best_come_first_and_failures_last(settings: Settings, direction: str, order: str) -> None:
    def view(name: str, loss: float | None, state: StageState = StageState.SUCCEEDED) -> StageView:
        metrics = {} if loss is None else {"loss": loss}
        return StageView(name=name, state=state, run=record(name, 1, RunStatus.SUCCEEDED, metrics=metrics))

    views = [view("d", 0.0, StageState.FAILED), view("b", 2.0), view("c", None), view("a", 1.0)]
    request = SweepRequest(base=RunRequest(settings=settings), sets=({},), objective="loss", direction=direction)
    assert "".join(one.name for one in best_first(views, request)) == order


def test_where_there_is_no_terminal_each_change_is_one_line() -> None:
    written = io.StringIO()
    watcher = TerminalWatcher(Console(file=written, width=80, highlight=False))
    running = StageView(name="train", state=StageState.RUNNING, reason="never ran successfully")
    for views in ([running], [running], [StageView(name="train", state=StageState.SUCCEEDED, run=GOOD)]):
        watcher.update(views)
    assert written.getvalue().splitlines() == [
        "train  running  never ran successfully",
        "train  succeeded  32 s",
    ]
