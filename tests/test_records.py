from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.records import Cause, Cell, CellStatus, Pin, Run, RunKind, RunStatus, json_value

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "record.md"

RUN = Run(
    run_id="0a1b",
    number=418,
    kind=RunKind.STAGE,
    stage="train",
    status=RunStatus.FAILED,
    cause=Cause.CELL_ERROR,
    started_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2))),
    metrics={"mae": math.nan, "best": math.inf, "worst": -math.inf, "rmse": 1.5},
    inputs=(Pin(name="flights", uri="data/flights.parquet", digest="sha256:00"),),
    cells=(Cell(index=3, status=CellStatus.FAILED, duration_seconds=0.5),),
)

FINAL = {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST, RunStatus.SKIPPED}


@pytest.mark.parametrize("status", RunStatus)
def test_only_pending_and_running_are_not_final(status: RunStatus) -> None:
    assert status.is_final == (status in FINAL)


def test_the_record_is_strict_json() -> None:
    record = json.loads(json.dumps(RUN.to_json(), allow_nan=False))
    assert record["metrics"] == {"mae": "NaN", "best": "Infinity", "worst": "-Infinity", "rmse": 1.5}
    assert record["started_at"] == "2026-01-02T01:04:05.678Z"
    assert record["status"] == "failed"
    assert record["cause"] == "cell_error"
    assert record["inputs"][0]["uri"] == "data/flights.parquet"
    assert record["cells"] == [{"index": 3, "status": "failed", "duration_seconds": 0.5, "shared": False}]


def test_people_name_a_run_by_stage_and_number() -> None:
    assert RUN.label == "train #418"


def test_a_parent_run_is_named_by_its_kind() -> None:
    parent = Run(run_id="p", number=1, kind=RunKind.SWEEP, status=RunStatus.RUNNING)
    assert parent.label == "sweep #1"


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        RUN.number = 1  # type: ignore[misc]  # the very thing that must fail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(JSON)
def test_any_nested_value_becomes_strict_json(value: object) -> None:
    json.dumps(json_value(value), allow_nan=False)


def test_a_notebook_shows_a_run_as_a_card() -> None:
    shown = replace(
        RUN, message="<b>boom</b>", parameters={"month": 7, "note": "<i>"}, report="runs/r.html"
    )._repr_html_()
    for words in ("train #418", "Failed", "Cell error: &lt;b&gt;boom", "rmse", "1.5", "2 parameters", "runs/r.html"):
        assert words in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_a_card_of_a_run_that_waits_says_no_more_than_it_knows() -> None:
    shown = Run(run_id="p", number=1, kind=RunKind.SWEEP, status=RunStatus.PENDING)._repr_html_()
    assert "Pending" in shown
    assert "—" not in shown
