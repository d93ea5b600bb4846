from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.runs.logged import Logged, storable

if TYPE_CHECKING:
    from pathlib import Path


def test_metrics_keep_all_that_was_said_of_them() -> None:
    sent = {"name": "rmse", "value": 1, "step": 3, "at": "2026-01-02T03:04:05+00:00", "better": "lower", "tolerance": 0.1, "unit": "min"}  # fmt: skip
    (point,) = Logged.of([{"metrics": [sent]}]).points
    assert (point.name, point.value, point.step) == ("rmse", 1.0, 3)
    assert point.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (point.better, point.tolerance, point.unit) == ("lower", 0.1, "min")


def test_numbers_that_json_lacks_are_named() -> None:
    values = [point.value for point in Logged.of([{"metrics": [{"name": "x", "value": name} for name in ("NaN", "Infinity", "-Infinity")]}]).points]  # fmt: skip
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf]


def test_the_last_value_of_a_name_holds() -> None:
    assert Logged.of([{"parameters": {"depth": 3}}, {"parameters": {"depth": 4}}]).parameters == {"depth": 4}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [1],
        {"metrics": 5},
        {"metrics": [{"value": 1}]},
        {"metrics": [{"name": "x", "value": "many"}]},
        {"metrics": [{"name": "x", "value": None}]},
        {"metrics": [{"name": "x", "value": 1, "step": 10**30}]},
        {"metrics": [{"name": "x", "value": 10**400}]},
        {"metrics": [{"name": "x", "value": 1, "at": "yesterday"}]},
        {"metrics": [{"name": "x", "value": 1, "tolerance": []}]},
        {"parameters": [1]},
        {"tables": [{"name": "t", "columns": 1, "rows": []}]},
    ],
)
def test_what_cannot_be_understood_is_counted_and_costs_nothing_else(payload: Any) -> None:
    logged = Logged.of([payload, {"metrics": [{"name": "good", "value": 1}]}])
    assert logged.misunderstood == 1
    assert [point.name for point in logged.points] == ["good"]


def test_a_table_becomes_an_artifact_that_mlflow_can_load(tmp_path: Path) -> None:
    table = {"name": "by ../carrier", "columns": ["a"], "rows": [[1], [2]]}
    Logged.of([{"tables": [table]}]).write_tables(tmp_path)
    (path,) = tmp_path.rglob("*.json")
    assert path.parent == tmp_path / "artifacts"
    assert json.loads(path.read_text()) == {"columns": ["a"], "data": [[1], [2]]}


def test_text_that_databases_refuse_is_made_storable() -> None:
    assert storable("a\0b\udc80c") == "a\N{REPLACEMENT CHARACTER}b?c"
