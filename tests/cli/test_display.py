from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from nightbook.cli.display import (
    TerminalWatcher,
    counts_in_words,
    metrics_in_brief,
    progress_table,
)
from nightbook.records import Cause, Cell, CellStatus, Run, RunKind, RunStatus
from nightbook.runs.launch import Progress
from nightbook.workflow.requests import StageState, StageView

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


def said(show: Callable[..., None], *arguments: object, width: int = 100) -> str:
    written = io.StringIO()
    show(Console(file=written, width=width, highlight=False), *arguments)
    return written.getvalue()


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


def test_a_reader_who_has_gone_away_does_not_end_what_runs() -> None:
    code = (
        "import os; from nightbook.cli.display import stderr_console\n"
        "console = stderr_console()\n"
        "for _ in range(3): console.print('more than anybody wants to read ' * 1000)\n"
        "os.write(1, b'went on')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stderr=writer, stdout=subprocess.PIPE, check=True)
    os.close(writer)
    assert done.stdout == b"went on"
