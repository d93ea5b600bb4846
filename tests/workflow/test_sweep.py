from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher, StageState, SweepRequest
from nightbook.workflow.sweep import sweep

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.records import Run


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


class BestWatcher(SilentWatcher):
    """Keeps who led."""

    def __init__(self) -> None:
        self.leaders: list[str] = []

    def leads(self, name: str, run: Run, metric: str) -> None:
        assert metric in run.metrics
        self.leaders.append(name)


def test_the_best_set_so_far_is_told_also_of_those_that_an_earlier_sweep_ran(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={}, flags={"jobs": 1})
    base = RunRequest(settings=settings, targets=("fit",))

    def leaders(*alphas: float, direction: str = "") -> list[str]:
        watcher = BestWatcher()
        sets = tuple({"alpha": alpha} for alpha in alphas)
        sweep(SweepRequest(base=base, sets=sets, objective="error", direction=direction), watcher)
        return watcher.leaders

    # The notebook says that a lower error is better.
    assert leaders(0.2, 0.1) == ["alpha=0.2", "alpha=0.1"]
    assert leaders(0.1, 0.2, direction="max") == ["alpha=0.1", "alpha=0.2"]
