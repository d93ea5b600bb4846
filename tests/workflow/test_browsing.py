from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.records import RunKind, RunStatus
from nightbook.runs.searching import RunQuery
from nightbook.settings import Settings, load_settings
from nightbook.workflow.browsing import UsedEngine, list_branches, list_runs, show_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(finished_project: Path) -> Settings:
    return load_settings(finished_project, environment={})


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (RunQuery(), [7, 6, 5, 4, 3, 2, 1]),
        (RunQuery(stage="fit"), [6, 3]),
        (RunQuery(status=RunStatus.FAILED), [7, 4, 1]),
        (RunQuery(kind=RunKind.PIPELINE), [5, 1]),
        (RunQuery(status=RunStatus.FAILED, kind=RunKind.STAGE), [7, 4]),
        (RunQuery(limit=2), [7, 6]),
        (RunQuery(stage="nobody"), []),
    ],
    ids=str,
)
def test_runs_are_found_newest_first(settings: Settings, wanted: RunQuery, numbers: list[int]) -> None:
    assert [one.number for one in list_runs(settings, wanted)] == numbers


def test_a_branch_holds_a_pipeline_with_its_parts(settings: Settings) -> None:
    branches = list_branches(settings, 2)
    assert [(one.run.number, [part.number for part in one.parts]) for one in branches] == [(7, []), (5, [6])]


def test_a_part_knows_its_pipeline_and_a_pipeline_its_parts(settings: Settings) -> None:
    part, whole = show_run(settings, "fit@latest"), show_run(settings, "5")
    assert part.parent is not None
    assert part.parent.number == 5
    assert [point.name for point in part.points] == ["error", "size"]
    assert [one.number for one in whole.parts] == [6]


def test_what_ran_the_cells_is_named_and_why_it_is_not_what_was_asked_for(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    run = show_run(settings, "6").run
    assert show_run(settings, "6").engine == UsedEngine(name="fork")
    executed = project_copy / (run.executed_notebook or "")
    notebook = json.loads(executed.read_text())
    notebook["metadata"]["nightbook"] |= {"engine": "jupyter", "engine_reason": "the kernel 'ir' is not Python"}
    executed.write_text(json.dumps(notebook))
    assert show_run(settings, "6").engine == UsedEngine(name="jupyter", reason="the kernel 'ir' is not Python")


def test_a_run_that_goes_on_tells_its_engine_by_its_events(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    (project_copy / (show_run(settings, "6").run.executed_notebook or "")).unlink()
    assert show_run(settings, "6").engine == UsedEngine(name="fork")


def test_a_pipeline_has_no_engine(settings: Settings) -> None:
    assert show_run(settings, "5").engine == UsedEngine()
