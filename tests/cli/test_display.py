from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from nightbook.cli.display import TerminalWatcher, draws_live
from nightbook.records import Cause, Cell, CellStatus, Run, RunKind, RunStatus
from nightbook.runs.launch import Progress
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


class Clock:
    """Time that a test makes pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Console, list[bytes]]]:
    """A console on a terminal, and what it has shown; all of it is there when the block has ended."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    leader, follower = os.openpty()
    shown: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(leader, 65536):
                shown.append(chunk)
        except OSError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(follower, "w", encoding="utf-8") as file:
        yield Console(file=file, width=80, height=24, highlight=False), shown
    reader.join()
    os.close(leader)


def running(name: str, line: str) -> StageView:
    progress = Progress(cells_done=3, cells_total=9, last_line=line)
    return StageView(name=name, state=StageState.RUNNING, progress=progress)


def test_a_terminal_shows_what_runs_at_most_some_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with terminal(monkeypatch) as (console, shown), TerminalWatcher(console, clock) as watcher:
        watcher.begun([StageView(name="train", state=StageState.WAITING)])
        watcher.update([running("train", "epoch 4 of 10")])
        clock.now += 0.01
        watcher.update([running("train", "too soon to be drawn")])
        clock.now += 0.2
        watcher.update([running("train", "epoch 5 of 10")])
        clock.now += 0.01
        watcher.update([StageView(name="train", state=StageState.SUCCEEDED, run=GOOD)])
        watcher.publishing("writing reports")
    text = b"".join(shown).decode()
    assert "epoch 4 of 10" in text
    assert "epoch 5 of 10" in text
    assert "too soon" not in text
    # The last state is drawn however soon it comes.
    assert "mae 20.64" in text
    assert "writing reports" in text


def test_a_sweep_names_its_best_set_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as (console, shown), TerminalWatcher(console) as watcher:
        watcher.begun([StageView(name=f"rate={number}", state=StageState.WAITING) for number in range(1000)])
        watcher.leads("rate=0", GOOD, "mae")
        watcher.update([StageView(name="rate=0", state=StageState.SUCCEEDED, run=GOOD), running("rate=1", "epoch 4")])
    text = b"".join(shown).decode()
    assert "1 of 1,000: 998 waiting, 1 running, 1 succeeded" in text
    assert "best: mae 20.64 by #4 with rate=0" in text


def test_where_there_is_no_terminal_each_change_is_one_line() -> None:
    written = io.StringIO()
    watcher = TerminalWatcher(Console(file=written, width=80, highlight=False))
    running = StageView(name="train", state=StageState.RUNNING, reason="never ran successfully")
    watcher.begun([StageView(name="train", state=StageState.WAITING)])
    for views in ([running], [running], [StageView(name="train", state=StageState.SUCCEEDED, run=GOOD)]):
        watcher.update(views)
    assert written.getvalue().splitlines() == [
        "train  running  never ran successfully",
        "train  succeeded  32 s",
    ]


def test_what_a_sweep_shares_is_forgotten_when_its_sets_begin() -> None:
    written = io.StringIO()
    watcher = TerminalWatcher(Console(file=written, width=80, highlight=False))
    watcher.begun([StageView(name="prepare", state=StageState.WAITING)])
    watcher.update([StageView(name="prepare", state=StageState.SUCCEEDED)])
    watcher.begun([StageView(name="prepare", state=StageState.WAITING)])
    watcher.update([StageView(name="prepare", state=StageState.SUCCEEDED)])
    assert written.getvalue().splitlines() == ["prepare  succeeded"] * 2


@pytest.mark.parametrize(
    ("name", "value", "is_live"),
    [("CI", "true", False), ("TERM", "dumb", False), ("CI", "false", True), ("NO_COLOR", "1", True)],
)
def test_the_log_of_a_build_is_no_terminal_to_draw_on(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, *, is_live: bool
) -> None:
    with terminal(monkeypatch) as (console, _):
        monkeypatch.setenv(name, value)
        assert draws_live(Console(file=console.file)) is is_live
    assert not draws_live(Console(file=io.StringIO(), force_terminal=True))


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
