from __future__ import annotations

import pytest

from nightbook.lab.background import Phase, Situation, StageProgress
from nightbook.lab.status import report_frame, situation_html
from nightbook.records import Cause, Run, RunKind, RunStatus

RUN = Run(run_id="a", number=4, kind=RunKind.STAGE, stage="train", status=RunStatus.SUCCEEDED, metrics={"mae": 1.5})


def test_a_run_that_goes_on_shows_cells_time_and_the_last_line() -> None:
    stage = StageProgress(
        name="train", state="running", cells_done=3, cells_total=9, last_line="epoch <3>", elapsed_seconds=71
    )
    done = StageProgress(name="prepare", state="up to date")
    shown = situation_html(Situation(phase=Phase.RUNNING, stages=(done, stage)), "train")
    for words in ("cell 3 of 9", "1 m 11 s", "epoch &lt;3&gt;", 'value="3"', "✓</span> up to date", "Running"):
        assert words in shown


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Situation(), "starting …"),
        (Situation(phase=Phase.WAITING, remark="another run is at work"), "another run is at work"),
        (Situation(phase=Phase.PUBLISHING, remark="writing reports"), "writing reports"),
        (Situation(phase=Phase.RUNNING, is_cancelling=True), "cancelling …"),
    ],
)
def test_what_takes_time_is_said(now: Situation, words: str) -> None:
    assert words in situation_html(now, "train")


def test_an_ended_run_is_shown_as_its_card() -> None:
    failed = Run(
        run_id="b",
        number=5,
        kind=RunKind.STAGE,
        stage="train",
        status=RunStatus.FAILED,
        cause=Cause.TIMEOUT,
        message="60 s",
    )
    shown = situation_html(Situation(phase=Phase.ENDED, run=failed), "train")
    assert "Timeout: 60 s" in shown
    assert "Nothing to do" not in shown


def test_nothing_to_do_names_the_run_that_holds() -> None:
    shown = situation_html(Situation(phase=Phase.ENDED, run=RUN, is_up_to_date=True), "train")
    assert "up to date since train #4" in shown
    assert "mae" in shown


def test_what_kept_it_from_running_is_said_with_the_remedy() -> None:
    shown = situation_html(Situation(phase=Phase.ENDED, error="no <kernel>", remedy="install one"), "train")
    assert "no &lt;kernel&gt;\ntry: install one" in shown
    assert 'role="alert"' in shown


def test_a_report_travels_within_its_frame_and_is_kept_apart() -> None:
    frame = report_frame('<html><head><title>"r"</title></head></html>', "train #4")
    assert 'sandbox="allow-scripts allow-popups"' in frame
    assert "&lt;base href=&quot;about:srcdoc&quot;&gt;" in frame
    assert frame.count("<") == 2
