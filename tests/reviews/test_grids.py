from __future__ import annotations

import pandas as pd

from nightbook.reviews.grids import read_grid

FRAME = pd.DataFrame({"score": [1, 2], "word": ["a", "b"]}, index=pd.Index(["x", "y"], name="key"))


def html(frame: pd.DataFrame) -> str:
    return str(frame.to_html())


def test_a_data_frame_has_its_rows_and_columns() -> None:
    grid = read_grid(html(FRAME))
    assert grid
    assert grid.columns == (("score", 0), ("word", 0))
    assert grid.index == (("x", 0), ("y", 0))
    assert grid.rows == (("1", "a"), ("2", "b"))
    assert (grid.is_counted, grid.text) == (False, "key")


def test_an_index_that_only_counts_names_nothing() -> None:
    grid = read_grid(html(FRAME.reset_index(drop=True)))
    assert grid
    assert grid.is_counted
    other = read_grid(html(FRAME.set_axis([3, 1])))
    assert other
    assert not other.is_counted


def test_levels_are_joined() -> None:
    columns = pd.MultiIndex.from_tuples([("a", "min"), ("a", "max"), ("b", "min")])
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 2)], names=["one", "two"])
    grid = read_grid(html(pd.DataFrame([[1, 2, 3], [4, 5, 6]], index=index, columns=columns)))
    assert grid
    assert [name for name, _ in grid.columns] == ["a / min", "a / max", "b / min"]
    assert [name for name, _ in grid.index] == ["x / 1", "x / 2"]
    assert grid.rows[1] == ("4", "5", "6")


def test_names_may_repeat() -> None:
    grid = read_grid(html(pd.DataFrame([[1, 2]], columns=["a", "a"], index=["x"])))
    assert grid
    assert grid.columns == (("a", 0), ("a", 1))


def test_a_table_without_headings_has_rows() -> None:
    grid = read_grid("<table><tr><td>1</td><td colspan='2'>2</td></tr><tr><td>3</td></tr></table> in all")
    assert grid
    assert grid.rows == (("1", "2", "2"), ("3", "", ""))
    assert (grid.index, grid.is_counted, grid.text) == ((), True, "in all")


def test_what_is_not_one_table_is_none() -> None:
    assert read_grid("<p>none</p>") is None
    assert read_grid("<table></table><table></table>") is None
    assert read_grid(f"<table>{' ' * 3_000_000}</table>") is None


def test_a_table_without_rows_is_empty() -> None:
    grid = read_grid("<table></table>")
    assert grid
    assert (grid.rows, grid.columns) == ((), ())
