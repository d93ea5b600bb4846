from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher, StageState, SweepRequest
from nightbook.workflow.sweep import sweep

if TYPE_CHECKING:
    from pathlib import Path


def test_a_set_that_succeeded_is_not_run_again_and_its_outputs_come_back(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    base = RunRequest(settings=settings, targets=("fit",))

    def states(*alphas: float) -> list[StageState]:
        request = SweepRequest(base=base, sets=tuple({"alpha": alpha} for alpha in alphas), objective="error")
        return [view.state for view in sweep(request, SilentWatcher()).stages]

    assert states(0.1) == [StageState.SUCCEEDED]
    shutil.rmtree(settings.state / "sweeps")
    assert states(0.1, 0.2) == [StageState.UP_TO_DATE, StageState.SUCCEEDED]
    assert sorted(path.read_text() for path in (settings.state / "sweeps").rglob("model.txt")) == ["0.1", "0.2"]
