from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

import nightbook
from nightbook.errors import ParameterError, RunNotFoundError, SettingsError
from nightbook.pipelines.plan import Verdict
from nightbook.records import Cause, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def in_project(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished_project)
    return finished_project


@pytest.mark.usefixtures("in_project")
def test_a_target_that_is_up_to_date_gives_the_run_that_made_it_so() -> None:
    assert nightbook.run("make").number == 2


@pytest.mark.usefixtures("in_project")
def test_runs_are_found_by_what_people_call_them() -> None:
    assert nightbook.get_run("fit@latest").number == 6
    assert nightbook.get_run(4).status is RunStatus.FAILED
    assert [run.number for run in nightbook.search_runs(stage="fit", status="succeeded")] == [6, 3]
    with pytest.raises(RunNotFoundError):
        nightbook.get_run(99)


@pytest.mark.usefixtures("in_project")
def test_a_plan_is_made_without_running_anything() -> None:
    assert nightbook.plan("make").is_up_to_date
    assert nightbook.plan("fit", parameters={"alpha": 3.0})["fit"].verdict is Verdict.RUN


@pytest.mark.usefixtures("in_project")
def test_runs_side_by_side_show_what_differs() -> None:
    frame = nightbook.compare([3, nightbook.get_run(6)])
    assert list(frame.index) == ["fit #3", "fit #6"]
    assert ("parameters", "alpha") in frame.columns
    assert ("parameters", "numbers") not in frame.columns
    assert list(frame["metrics", "error"]) == [0.75, 1.5]


@pytest.mark.usefixtures("in_project")
def test_a_sweep_takes_a_grid_or_sets() -> None:
    with pytest.raises(ParameterError, match="either a grid or sets"):
        nightbook.sweep("fit")


@pytest.mark.usefixtures("in_project")
def test_a_run_that_succeeded_owes_nothing() -> None:
    assert nightbook.resume(5).number == 5


@pytest.mark.usefixtures("in_project")
def test_a_run_stands_for_its_reference() -> None:
    assert nightbook.get_run(nightbook.get_run(4)).number == 4
    assert nightbook.resume(nightbook.get_run(5), jobs=1).number == 5


def test_a_run_may_be_given_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_notebook: Callable[..., Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    slow = new_notebook(tmp_path / "slow.ipynb", "x: int = 1", "import time; time.sleep(60)")
    assert nightbook.run(slow, timeout_seconds=1).cause is Cause.TIMEOUT
    with pytest.raises(SettingsError, match="above 0, not -1"):
        nightbook.run(slow, timeout_seconds=-1)


@pytest.mark.usefixtures("in_project")
def test_no_stage_at_once_is_refused() -> None:
    for call in (partial(nightbook.run, "fit"), partial(nightbook.sweep, "fit", grid={"alpha": [1]}), nightbook.resume):
        with pytest.raises(SettingsError, match="not 0"):
            call(jobs=0)
