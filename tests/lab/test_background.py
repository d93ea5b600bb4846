from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nightbook.lab.background import BackgroundRun, Phase, Situation, advance, read_record
from nightbook.lab.order import Order
from nightbook.records import Cause, Cell, CellStatus, Pin, Run, RunKind, RunStatus
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 120
RUN = Run(
    run_id="0a1b",
    number=4,
    kind=RunKind.STAGE,
    status=RunStatus.FAILED,
    stage="train",
    cause=Cause.CELL_ERROR,
    message="boom",
    started_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    parameters={"a": [1, None]},
    metrics={"mae": 1.5, "best": float("inf")},
    inputs=(Pin(name="flights", uri="data/flights.parquet", digest="sha256:00", size_bytes=3),),
    cells=(Cell(index=3, status=CellStatus.FAILED, duration_seconds=0.5), Cell(index=4, status=CellStatus.NOT_RUN)),
)
KERNEL = """\
import sys, threading
from pathlib import Path
from nightbook.lab.background import BackgroundRun
from nightbook.lab.order import Order

def show(now):
    if now.stages and now.stages[0].cells_done >= 2:
        print("busy", flush=True)

order = Order(notebook=str(Path("study.ipynb").absolute()), parameters={"behaviour": "sleep"})
background = BackgroundRun(order, Path.cwd(), show)
print(background.pid, flush=True)
background.wait()
"""


class Diary:
    """Keeps every situation and waits for one."""

    def __init__(self) -> None:
        self.all: list[Situation] = []
        self._news = threading.Condition()

    def __call__(self, now: Situation) -> None:
        with self._news:
            self.all.append(now)
            self._news.notify_all()

    def until_cells_are_done(self, count: int) -> None:
        def is_there() -> bool:
            return any(stage.cells_done >= count for now in self.all for stage in now.stages)

        with self._news:
            assert self._news.wait_for(is_there, PATIENCE_SECONDS), self.all[-1:]


def start(lab_project: Path, diary: Diary, **parameters: object) -> BackgroundRun:
    notebooks = lab_project / "notebooks"
    return BackgroundRun(Order(notebook=str(notebooks / "study.ipynb"), parameters=parameters), notebooks, diary)


def test_a_record_is_read_back_from_its_json() -> None:
    assert read_record(json.loads(json.dumps(RUN.to_json(), allow_nan=False))) == RUN


@pytest.mark.parametrize(
    ("words", "phase"),
    [
        ({"waiting": "another run"}, Phase.WAITING),
        ({"is_up_to_date": False}, Phase.RUNNING),
        ({"stages": [{"name": "a", "state": "running", "cells_done": 1}]}, Phase.STARTING),
        ({"publishing": "reports"}, Phase.PUBLISHING),
        ({"run": RUN.to_json()}, Phase.ENDED),
        ({"error": "no", "remedy": "yes"}, Phase.ENDED),
        ({"something": "of a later version"}, Phase.STARTING),
    ],
)
def test_each_line_turns_the_situation(words: dict[str, Any], phase: Phase) -> None:
    assert advance(Situation(), words).phase is phase


@pytest.mark.slow
def test_a_run_is_followed_and_cancelled(lab_project: Path) -> None:
    diary = Diary()
    background = start(lab_project, diary, behaviour="sleep")
    diary.until_cells_are_done(2)
    background.cancel()
    assert background.wait(PATIENCE_SECONDS)
    run = background.situation.run
    assert run is not None
    assert (run.status, run.cause) == (RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert any(now.is_cancelling for now in diary.all)
    assert any(stage.last_line == "working on month 6" for now in diary.all for stage in now.stages)


@pytest.mark.slow
def test_a_run_ends_as_cancelled_when_its_kernel_is_killed(lab_project: Path) -> None:
    kernel = subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    batch = psutil.Process(int(kernel.stdout.readline()))
    assert kernel.stdout.readline() == "busy\n"
    kernel.kill()
    kernel.communicate()
    batch.wait(PATIENCE_SECONDS)
    with open_ledger(load_settings(lab_project, environment={})) as ledger:
        assert {run.status for run in ledger.runs(limit=9)} == {RunStatus.CANCELLED}


def test_a_batch_process_that_dies_is_told_of(lab_project: Path) -> None:
    diary = Diary()
    background = start(lab_project, diary)
    os.kill(background.pid, signal.SIGKILL)
    assert background.wait(PATIENCE_SECONDS)
    assert background.situation.phase is Phase.ENDED
    assert "ended early" in background.situation.error
    background.cancel()


def test_an_interrupt_of_the_kernel_does_not_reach_the_run(lab_project: Path) -> None:
    background = start(lab_project, Diary(), moth=7)
    assert os.getpgid(background.pid) != os.getpgid(0)
    assert background.wait(PATIENCE_SECONDS)
    assert background.situation.remedy == "did you mean 'month'?"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while psutil.pid_exists(background.pid):
        assert time.monotonic() < deadline
