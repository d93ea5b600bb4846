from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.records import RunKind, RunStatus
from nightbook.settings import Settings, load_settings
from nightbook.workflow.browsing import RunFilter, list_branches, list_runs, show_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(finished_project: Path) -> Settings:
    return load_settings(finished_project, environment={})


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (RunFilter(), [7, 6, 5, 4, 3, 2, 1]),
        (RunFilter(stage="fit"), [6, 3]),
        (RunFilter(status=RunStatus.FAILED), [7, 4, 1]),
        (RunFilter(kind=RunKind.PIPELINE), [5, 1]),
        (RunFilter(status=RunStatus.FAILED, kind=RunKind.STAGE), [7, 4]),
        (RunFilter(limit=2), [7, 6]),
        (RunFilter(stage="nobody"), []),
    ],
    ids=str,
)
def test_runs_are_found_newest_first(settings: Settings, wanted: RunFilter, numbers: list[int]) -> None:
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
