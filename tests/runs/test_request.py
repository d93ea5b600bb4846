from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.records import Limits, Pin
from nightbook.runs.request import JUPYTER, REFUSAL, REQUEST, ComparisonOrder, DeclaredPath, ExecutionRequest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stage_request(tmp_path: Path) -> ExecutionRequest:
    return ExecutionRequest(
        run_id="r",
        ledger="sqlite:///ledger.sqlite",
        root="/project",
        state="/project/.nightbook",
        store="/project/.nightbook/store",
        folder=str(tmp_path),
        notebook="notebooks/train.ipynb",
        working_directory="/project/notebooks",
        kernel_name="python3",
        language="python",
        parameters={"rate": "0.1"},
        secrets=("env:TOKEN",),
        limits=Limits(timeout_seconds=3.5),
        inputs=(Pin(name="data", uri="data/x", digest="sha256:1", size_bytes=3),),
        outputs=(DeclaredPath(name="model", uri="data/m", path="/project/data/m"),),
        declared=({"name": "rate", "value": 0.1},),
    )


def test_a_request_is_read_as_it_was_written(tmp_path: Path, stage_request: ExecutionRequest) -> None:
    stage_request.write(tmp_path / REQUEST)
    assert ExecutionRequest.read(tmp_path / REQUEST) == stage_request


def test_why_there_is_no_warm_process_is_taken_from_the_folder_once(
    tmp_path: Path, stage_request: ExecutionRequest
) -> None:
    (tmp_path / REFUSAL).write_text("it would not do", encoding="utf-8")
    for reason in ("it would not do", "no warm process could be had"):
        made = stage_request.for_jupyter()
        assert (made.engine, made.engine_reason) == (JUPYTER, reason)


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    order = ComparisonOrder(runs=("a", "b"), objective="loss", better="lower")
    order.write(tmp_path)
    assert ComparisonOrder.read(tmp_path) == order
