from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.records import RunKind, RunStatus
from nightbook.runs.ledger import Ledger
from nightbook.runs.searching import LedgerSearch, RunQuery
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def search(finished_project: Path) -> Iterator[LedgerSearch]:
    with Ledger.open(load_settings(finished_project, environment={}).ledger) as ledger:
        yield LedgerSearch(ledger.engine)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (RunQuery(), [7, 6, 5, 4, 3, 2, 1]),
        (RunQuery(limit=2), [7, 6]),
        (RunQuery(before=3), [2, 1]),
        (RunQuery(stage="fit"), [6, 3]),
        (RunQuery(status=RunStatus.FAILED, kind=RunKind.STAGE), [7, 4]),
        (RunQuery(kind=RunKind.PIPELINE), [5, 1]),
        (RunQuery(text="NOBODY allowed"), [7, 4]),
        (RunQuery(text="scratch/lone"), [7]),
        (RunQuery(text="%"), []),
        (RunQuery(text="_"), []),
        (RunQuery(stage="fit", before=6), [3]),
    ],
)
def test_runs_are_found_newest_first(search: LedgerSearch, query: RunQuery, numbers: list[int]) -> None:
    assert [run.number for run in search.search(query)] == numbers


def test_every_stage_that_has_run_is_named(search: LedgerSearch) -> None:
    assert search.stages() == ("check", "fit", "lone", "make")
