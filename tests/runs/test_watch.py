from __future__ import annotations

import pytest

from nightbook.records import Limits
from nightbook.runs.judge import Stop
from nightbook.runs.watch import Deadlines


@pytest.mark.parametrize(
    ("limits", "now", "stop"),
    [
        (Limits(), 1e9, None),
        (Limits(timeout_seconds=10), 109.9, None),
        (Limits(timeout_seconds=10), 110.0, Stop.RUN_TIMEOUT),
        (Limits(cell_timeout_seconds=5), 106.0, None),
        (Limits(cell_timeout_seconds=5), 107.0, Stop.CELL_TIMEOUT),
        (Limits(timeout_seconds=7, cell_timeout_seconds=5), 107.0, Stop.RUN_TIMEOUT),
    ],
)
def test_time_is_up_for_the_run_or_for_the_cell(limits: Limits, now: float, stop: Stop | None) -> None:
    deadlines = Deadlines(limits, started=100.0)
    deadlines.cell_started(102.0)
    assert deadlines.passed(now) is stop


def test_between_cells_only_the_runs_time_counts() -> None:
    deadlines = Deadlines(Limits(cell_timeout_seconds=5), started=100.0)
    deadlines.cell_started(102.0)
    deadlines.cell_ended()
    assert deadlines.passed(1000.0) is None
