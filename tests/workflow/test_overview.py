from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.runs.searching import RunQuery
from nightbook.settings import load_settings
from nightbook.workflow.overview import find_runs, overview

if TYPE_CHECKING:
    from pathlib import Path


def test_the_overview_names_failures_that_nothing_has_mended(finished_project: Path) -> None:
    found = overview(load_settings(finished_project, environment={}))
    assert [run.label for run in found.failed] == ["lone #7", "check #4"]
    assert found.running == ()
    assert [branch.run.label for branch in found.recent] == ["lone #7", "pipeline #5", "pipeline #1"]


def test_a_page_of_runs_knows_whether_it_is_the_last(finished_project: Path) -> None:
    settings = load_settings(finished_project, environment={})
    first = find_runs(settings, RunQuery(limit=5))
    assert [run.number for run in first.runs] == [7, 6, 5, 4, 3]
    assert not first.is_last
    rest = find_runs(settings, RunQuery(limit=5, before=3))
    assert [run.number for run in rest.runs] == [2, 1]
    assert rest.is_last
    assert rest.stages == first.stages
