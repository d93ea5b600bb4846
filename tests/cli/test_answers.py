from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from nightbook.cli.answers import (
    MARKS,
    MEANING_MARKS,
    checkpoints_table,
    in_brief,
    runs_table,
    show_comparison,
    stdout_console,
    without_checkpoint,
)
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.checkpoints import Refusal
from nightbook.workflow.browsing import Branch
from nightbook.workflow.checkpointing import CheckpointView, UsableCheckpoint
from nightbook.workflow.comparing import MISSING, Comparison, Meaning, MetricRow, ParameterRow

if TYPE_CHECKING:
    import pytest


def run(number: int, status: RunStatus = RunStatus.SUCCEEDED, **facts: object) -> Run:
    return Run(run_id=f"{number:016}", number=number, kind=RunKind.STAGE, stage="fit", status=status, **facts)  # type: ignore[arg-type] # a test's own facts


def printed(comparison: Comparison) -> list[str]:
    out = io.StringIO()
    show_comparison(Console(file=out, width=200), comparison)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_every_status_and_meaning_has_its_mark() -> None:
    assert set(MARKS) == set(RunStatus)
    assert set(MEANING_MARKS) == set(Meaning)
    # Without colour they can still be told apart.
    words = [word for word, _ in MEANING_MARKS.values()]
    assert len(set(words)) == len(words)


def test_a_pipe_gets_wide_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert stdout_console().width >= 200


def test_a_message_is_taken_literally() -> None:
    out = io.StringIO()
    failed = run(1, RunStatus.FAILED, message="KeyError: '[bold]x[/]'")
    Console(file=out, width=200).print(runs_table([Branch(run=failed)], is_unfolded=False))
    assert "KeyError: '[bold]x[/]'" in out.getvalue()


def test_many_metrics_are_counted() -> None:
    assert in_brief(run(1, metrics={"a": 1.0, "b": 0.25, "c": math.nan, "d": 4.0})) == "a 1  b 0.25  c NaN  +1"


def test_checkpoints_are_listed_by_the_cell_that_they_stand_before() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    usable = tuple(
        UsableCheckpoint(cell=cell, made_at=at, saves_seconds=90, memory_bytes=20_000_000, until=at + timedelta(days=1))
        for cell in (None, 7)
    )
    out = io.StringIO()
    Console(file=out, width=200).print(checkpoints_table(CheckpointView(usable=usable)))
    lines = [line.split("  ") for line in out.getvalue().splitlines()]
    assert [line[0] for line in lines] == ["checkpoint", "before the parameters", "before cell 7"]
    assert "20 MB" in out.getvalue()


def test_each_reason_why_there_is_no_checkpoint_has_a_line() -> None:
    refused = tuple(Refusal(cell=cell, reason=why) for cell, why in ((1, "threads"), (2, "a pipe"), (4, "threads")))
    ended = (Refusal(cell=5, reason="too much"),)
    assert without_checkpoint(CheckpointView(refused=refused, ended=ended)) == [
        "no checkpoint before cells 1, 4: threads",
        "no checkpoint before cell 2: a pipe",
        "no checkpoint before cell 5: too much",
    ]
    none = (Refusal(cell=None, reason="the kernel 'ir' is not Python"),)
    assert without_checkpoint(CheckpointView(refused=none)) == ["no checkpoints: the kernel 'ir' is not Python"]


def test_three_runs_stand_side_by_side() -> None:
    comparison = Comparison(
        runs=(run(1), run(2), run(3)),
        parameters=(
            ParameterRow(name="alpha", values=(1, 2, MISSING)),
            ParameterRow(name="same", values=(1, 1, 1)),
        ),
        metrics=(MetricRow(name="auc", values=(0.81, 0.87, None), better="higher"),),
        uncommon=("make",),
    )
    assert printed(comparison) == [
        "not in all of them, so left out: make",
        "parameter fit #1 fit #2 fit #3",
        "alpha 1 2 (none)",
        "",
        "metric fit #1 fit #2 change fit #3 change",
        "auc 0.81 0.87 +0.06 ✓ better — — not comparable",
    ]


def test_without_differences_it_says_so() -> None:
    assert printed(Comparison(runs=(run(1), run(2)), parameters=(), metrics=())) == ["parameters: the same"]
