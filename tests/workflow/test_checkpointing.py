from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nightbook.pipelines.stage import load_stage
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.checkpoints import Checkpoint, Checkpoints, Refusal
from nightbook.runs.request import Checkpointing
from nightbook.settings import load_settings
from nightbook.workflow.checkpointing import (
    CheckpointView,
    checkpoints_for,
    unfinished_runs,
    view_all,
    view_checkpoints,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.warmth import WarmFolder

SWEEP = Run(run_id="s", number=1, kind=RunKind.SWEEP, status=RunStatus.RUNNING)
GONE = Checkpoint(key="checkpoint-gone-1", position=1, cell=1, made_at=1.0, saves_seconds=2.0, place="p")
ENDED = Checkpoint(key="checkpoint-gone-2", position=2, cell=2, made_at=1.0, saves_seconds=2.0, place="p", ended="why")


@pytest.fixture
def notebook(tmp_path: Path, new_notebook: Callable[..., Path]) -> Path:
    return new_notebook(tmp_path / "notebooks" / "make.ipynb", "n: int = 1", "print(n)")


@pytest.mark.parametrize(
    ("text", "flag", "is_asked"),
    [
        ("", None, False),
        ("", True, True),
        ("checkpoint = true", None, True),
        ("checkpoint = true", False, False),
        ("checkpoint = true\n[stages.make]\ncheckpoint = false", None, False),
        ("[stages.make]\ncheckpoint = true", None, True),
    ],
)
def test_a_run_leaves_checkpoints_when_its_project_or_its_stage_asks_for_them(
    tmp_path: Path, notebook: Path, text: str, flag: object, *, is_asked: bool
) -> None:
    (tmp_path / "nightbook.toml").write_text(f"{text}\n")
    settings = load_settings(tmp_path, environment={}, flags={"checkpoint": flag})
    fields = checkpoints_for(settings, load_stage(settings, notebook), None)
    wishes = Checkpointing(after_seconds=10, keep_seconds=86_400, memory_bytes=settings.checkpoint_memory_bytes)
    assert fields == ({"checkpointing": wishes} if is_asked else {})


def test_where_none_can_be_left_the_reason_is_told(tmp_path: Path, notebook: Path) -> None:
    asked: dict[str, Any] = {"checkpoint": True}
    settings = load_settings(tmp_path, environment={}, flags=asked)
    stage = load_stage(settings, notebook)
    assert checkpoints_for(settings, stage, SWEEP) == {"no_checkpoints": "the runs of a sweep leave none"}
    settings = load_settings(tmp_path, environment={}, flags={**asked, "executor": "dask"})
    fields = checkpoints_for(settings, stage, None)
    assert fields == {"no_checkpoints": "runs on an executor's workers leave none"}


def test_only_what_is_there_can_be_used(tmp_path: Path, warm: WarmFolder) -> None:
    assert warm.path.is_dir()
    settings = load_settings(tmp_path, environment={})
    run = Run(run_id="r", number=1, kind=RunKind.STAGE, status=RunStatus.FAILED, stage="make")
    assert view_checkpoints(settings, run) == CheckpointView()
    assert view_all(settings, [run]) == {}
    refused = (Refusal(cell=3, reason="a thread lives"),)
    Checkpoints(made=(GONE, ENDED), refused=refused).write(settings.runs_folder / "r")
    view = CheckpointView(usable=(), ended=(Refusal(cell=2, reason="why"),), refused=refused)
    assert view_all(settings, [run]) == {"r": view}


def test_the_last_run_of_a_stage_counts_when_it_failed_and_was_to_leave_checkpoints(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environment={})

    def run(number: int, stage: str, status: RunStatus) -> Run:
        run_id = f"r{number}"
        if number != 9:
            Checkpoints(made=(GONE,)).write(settings.runs_folder / run_id)
        return Run(run_id=run_id, number=number, kind=RunKind.STAGE, status=status, stage=stage)

    runs = [
        run(5, "fit", RunStatus.LOST),
        run(4, "fit", RunStatus.FAILED),
        run(6, "load", RunStatus.FAILED),
        run(7, "load", RunStatus.SUCCEEDED),
        run(8, "plot", RunStatus.CANCELLED),
        run(9, "never", RunStatus.FAILED),
    ]
    found = unfinished_runs(settings, runs)
    assert {stage: (one.run_id, one.label) for stage, one in found.items()} == {
        "fit": ("r5", "fit #5"),
        "plot": ("r8", "plot #8"),
    }
