from __future__ import annotations

import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.cli.test_display import GOOD, said

from nightbook.cli.stage_table import (
    counts_in_words,
    figures,
    metrics_in_brief,
    progress_table,
    shortened,
    whole_seconds,
)
from nightbook.runs.launch import Progress
from nightbook.workflow.requests import StageState, StageView


def drawn(stages: list[StageView], width: int = 100) -> str:
    return said(lambda console: console.print(progress_table(stages, width)), width=width)


def test_the_live_table_shows_cells_time_and_the_last_line() -> None:
    progress = Progress(cells_done=3, cells_total=9, last_line="epoch 4 of 10")
    text = drawn(
        [
            StageView(name="train", state=StageState.RUNNING, progress=progress),
            StageView(name="score", state=StageState.WAITING, reason="never ran successfully"),
        ]
    )
    assert "▶  train" in text
    assert "3/9" in text
    assert "epoch 4 of 10" in text
    assert "·  score" in text


def test_states_are_counted_in_words() -> None:
    counts = Counter({StageState.SUCCEEDED: 998, StageState.RUNNING: 1, StageState.FAILED: 1, StageState.WAITING: 0})
    assert counts_in_words(counts) == "999 of 1,000: 1 running, 998 succeeded, 1 failed"


def test_a_few_metrics_stand_for_many() -> None:
    assert metrics_in_brief(GOOD) == "mae 20.64  rows 244,737  size 0.4  +1"


def test_what_has_ended_shows_its_own_figures() -> None:
    assert figures(StageView(name="train", state=StageState.SUCCEEDED, run=GOOD)) == ("1/1", "32 s")


def test_a_time_that_grows_is_told_in_whole_seconds() -> None:
    assert [whole_seconds(one) for one in (0.2, 7.4, 59.4, 126)] == ["0 s", "7 s", "59 s", "2 m 6 s"]


def test_what_a_terminal_would_obey_is_left_out() -> None:
    assert shortened("\x1b[31mepoch 4\x1b[0m\tof 10\x07", 40).plain == "epoch 4 of 10"


names_and_lines = st.lists(st.tuples(st.text(max_size=120), st.text(max_size=300)), min_size=1, max_size=5)


@given(names_and_lines, st.integers(40, 200))
def test_no_row_is_wider_than_the_terminal_nor_taller_than_a_line(rows: list[tuple[str, str]], width: int) -> None:
    stages = [
        StageView(
            name=name,
            state=StageState.RUNNING,
            progress=Progress(last_line=line, cells_total=100_000, started_at=time.time()),
        )
        for name, line in rows
    ]
    lines = drawn(stages, width).splitlines()
    assert len(lines) == len(rows) + 1
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.startswith("▶") for line in lines[1:])
