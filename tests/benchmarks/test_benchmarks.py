"""The parts of `make bench` that decide: what is equal, what is met, what memory and growth come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest

import notebooks
import run
import soak
import sweeps
import warm
from sizes import Size, quick
from timing import Statement, at_least_times, at_most_share
from warm import MEBIBYTE, Holding

if TYPE_CHECKING:
    from pathlib import Path

ROLLUP = "55c0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:      5000 kB\nPss:      1234 kB\nPss_Dirty:   7 kB\nAnonymous:  56 kB\n"


def write_executed(path: Path, *cells: tuple[str, list[nbformat.NotebookNode]], injected: str = "") -> Path:
    made = [nbformat.v4.new_code_cell(source, outputs=outputs) for source, outputs in cells]
    if injected:
        made.insert(0, nbformat.v4.new_code_cell(injected, metadata={"tags": ["injected-parameters"]}))
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("A title"), *made]), path)
    return path


def stream(text: str) -> nbformat.NotebookNode:
    return nbformat.NotebookNode(nbformat.v4.new_output("stream", name="stdout", text=text))


def shows(value: str, **others: str) -> nbformat.NotebookNode:
    return nbformat.NotebookNode(nbformat.v4.new_output("display_data", data={"text/plain": value, **others}))


@pytest.mark.parametrize(
    ("theirs", "times", "is_met", "target"),
    [(6.0, 6, True, "≥ 6 ×"), (5.9, 6, False, "≥ 6 ×"), (0.1, None, True, "")],
)
def test_a_ratio_is_met_from_the_target_on(theirs: float, times: float | None, is_met: bool, target: str) -> None:
    found = at_least_times("a sweep", 1.0, "a peer", theirs, times)
    assert (found.is_met, found.target, found.figure) == (is_met, target, f"{theirs:.1f} ×")


def test_memory_is_compared_in_its_own_unit() -> None:
    found = at_most_share("one more run", 60.0, "a kernel", 150.0, 1 / 3)
    assert (found.unit, found.figure, found.is_met) == ("MiB", "0.40 ×", False)


def test_equal_notebooks_may_cut_their_streams_and_write_their_parameters_differently(tmp_path: Path) -> None:
    ours_ = write_executed(
        tmp_path / "ours.ipynb", ("work()", [stream("a"), stream("b\n"), shows("1")]), injected="n = 1"
    )
    theirs = write_executed(
        tmp_path / "theirs.ipynb", ("work()", [stream("ab\n"), shows("1")]), injected="# Parameters\nn = 1\n"
    )
    notebooks.require_equal(ours_, theirs, "it")


def test_what_nightbook_itself_was_told_is_no_output(tmp_path: Path) -> None:
    ours_ = write_executed(tmp_path / "a.ipynb", ("m()", [shows("1", **{notebooks.NIGHTBOOK_TYPE: "{}"})]))
    notebooks.require_equal(ours_, write_executed(tmp_path / "b.ipynb", ("m()", [shows("1")])), "it")


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ([("work()", [shows("2")])], "cell 0"),
        ([("work(2)", [shows("1")])], "cell 0"),
        ([("work()", [])], "cell 0"),
        ([("work()", [shows("1")]), ("", [])], "1 cells against 2"),
    ],
    ids=["another value", "another source", "nothing shown", "a cell more"],
)
def test_any_other_cell_ends_the_comparison(
    tmp_path: Path, theirs: list[tuple[str, list[nbformat.NotebookNode]]], said: str
) -> None:
    ours_ = write_executed(tmp_path / "ours.ipynb", ("work()", [shows("1")]))
    with pytest.raises(RuntimeError, match=f"small gave other outputs under the peer: {said}"):
        notebooks.require_equal(ours_, write_executed(tmp_path / "theirs.ipynb", *theirs), "small")


def test_the_prefix_is_computed_before_the_parameter_is_used() -> None:
    cells = notebooks.prefixed(0.01)
    assert [("number" in cell) for cell in cells] == [True, False, False, True]


@pytest.mark.parametrize("count", [1, 4, 7, 40])
def test_no_two_sets_of_a_sweep_are_alike(count: int) -> None:
    assert len({(one["depth"], one["rate"]) for one in sweeps.small_sets(count)}) == count


def test_memory_is_read_from_the_line_of_its_kind() -> None:
    assert warm.parse_memory(ROLLUP, "Pss") == 1234 * 1024
    with pytest.raises(ValueError, match="says nothing of Swap"):
        warm.parse_memory(ROLLUP, "Swap")


BEFORE = Holding(memory_bytes={"kernel": 50 * MEBIBYTE, "runner": 40 * MEBIBYTE}, descriptors=21, processes=3)


@pytest.mark.parametrize(
    ("kernel", "descriptors", "processes", "left", "is_met"),
    [
        (51, 21, 3, 0, True),
        (45, 20, 3, 0, True),
        (53, 21, 3, 0, False),
        (50, 22, 3, 0, False),
        (50, 21, 4, 0, False),
        (50, 21, 3, 1, False),
    ],
)
def test_parents_may_not_grow_nor_leave_anybody(
    kernel: int, descriptors: int, processes: int, left: int, is_met: bool
) -> None:
    memory = {"kernel": kernel * MEBIBYTE, "runner": 40 * MEBIBYTE}
    after = Holding(memory_bytes=memory, descriptors=descriptors, processes=processes)
    assert soak.growth_of(BEFORE, after, left).is_met is is_met


def test_a_missed_target_is_said_with_its_figure() -> None:
    one = Statement(measure="soak", figure="1 failures", target="0 failures", is_met=False)
    assert run.line_of(one).split("  ")[-1] == "target 0 failures: missed"
    assert "1 failures" in run.line_of(one)
    assert "target" not in run.line_of(Statement(measure="speed", figure="6.6 runs a second"))


def test_a_quick_round_has_less_of_everything(tmp_path: Path) -> None:
    assert all(getattr(quick(), name) < getattr(Size(), name) for name in Size.__slots__)
    assert [*run.cases_of(quick(), tmp_path)] == [*run.cases_of(Size(), tmp_path)]
