from __future__ import annotations

from typing import Any

import pytest
from nbclient.exceptions import CellExecutionError

from nightbook.runs.early_exit import early_exit_reason


def raised(ename: str, evalue: str) -> CellExecutionError:
    return CellExecutionError(traceback="", ename=ename, evalue=evalue)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, None),
        (raised("ValueError", "no"), None),
        (raised("EarlyExit", "no data today"), "no data today"),
        (raised("SystemExit", "1"), None),
    ],
)
def test_only_an_end_in_good_order_has_a_reason(error: CellExecutionError | None, reason: str | None) -> None:
    assert early_exit_reason([], error) == reason


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_good_exit_code_ends_the_notebook_in_good_order(code: str) -> None:
    assert early_exit_reason([], raised("SystemExit", code)) is not None


def test_in_a_cell_that_may_raise_the_exception_stands_in_its_outputs() -> None:
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": ""},
        {"output_type": "error", "ename": "EarlyExit", "evalue": "enough", "traceback": []},
    ]
    assert early_exit_reason(outputs, None) == "enough"
