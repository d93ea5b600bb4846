from __future__ import annotations

import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.noise import Noise
from nightbook.reviews.rules import EXACT, USUAL, DiffRules
from nightbook.reviews.tables import TableDiff, diff_tables

FRAME = pd.DataFrame({"score": [1.0, 2.0, 4.0], "word": list("abc")}, index=list("xyz"))
FRAMES = st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 3), st.sampled_from("ab")), max_size=5).map(
    lambda rows: pd.DataFrame([row[1:] for row in rows], index=[row[0] for row in rows], columns=["n", "w"])
)


def compared(before: pd.DataFrame, after: pd.DataFrame, rules: DiffRules = USUAL) -> TableDiff:
    diff = diff_tables(str(before.to_html()), str(after.to_html()), rules)
    assert diff
    return diff


def test_values_are_compared_in_their_places() -> None:
    diff = compared(FRAME, FRAME.assign(score=[1.0, 2.5, 4.0]))
    (change,) = diff.changes
    assert (change.row, change.column, change.before, change.after) == ("y", "score", "2.0", "2.5")
    assert change.number
    assert change.number.relative == 0.25
    assert json.loads(json.dumps(diff.to_json()))["changes"][0]["number"]["absolute"] == 0.5


def test_rows_and_columns_come_and_go() -> None:
    after = FRAME.drop("y").drop(columns="word").assign(new=[7, 8])
    diff = compared(FRAME, after)
    assert [(row.name, row.texts) for row in diff.removed_rows] == [("y", ("2.0", "b"))]
    assert (diff.added_columns, diff.removed_columns, diff.changes) == (("new",), ("word",), ())
    back = compared(after, FRAME)
    assert [row.name for row in back.added_rows] == ["y"]


def test_rows_without_names_are_found_by_what_they_hold() -> None:
    before = FRAME.reset_index(drop=True)
    after = pd.concat([pd.DataFrame({"score": [0.5], "word": ["new"]}), before], ignore_index=True)
    diff = compared(before, after)
    assert [(row.name, row.texts) for row in diff.added_rows] == [("0", ("0.5", "new"))]
    assert (diff.changes, diff.removed_rows) == ((), ())


def test_another_order_is_told() -> None:
    diff = compared(FRAME, FRAME.loc[["z", "x", "y"]])
    assert (diff.is_reordered, diff.changes, diff.is_changed) == (True, (), True)
    assert compared(FRAME, FRAME[["word", "score"]]).is_reordered


def test_a_tolerance_holds_for_numbers() -> None:
    diff = compared(FRAME, FRAME.assign(score=[1.0, 2.01, 5.0]), DiffRules(tolerance=0.01))
    assert (diff.close, [change.row for change in diff.changes]) == (1, ["z"])


def test_more_decimals_are_no_other_number() -> None:
    diff = compared(FRAME, FRAME.assign(score=[1.0, 2.0, 4.25]))
    assert [(change.before, change.after) for change in diff.changes] == [("4.0", "4.25")]
    (share,) = compared(FRAME.assign(score="12"), FRAME.assign(score=["12", "12", "12%"])).changes
    assert share.number is None


def test_addresses_are_noise_and_dates_are_not() -> None:
    before = FRAME.assign(word=["<A at 0x7f11>", "2026-11-23 02:14:55", "c"])
    after = FRAME.assign(word=["<A at 0x7f22>", "2026-11-23 02:14:56", "c"])
    diff = compared(before, after)
    assert diff.noise == {Noise.ADDRESS: 1}
    assert [change.row for change in diff.changes] == ["y"]
    assert len(compared(before, after, EXACT).changes) == 2


def test_an_index_that_is_given_names_is_a_change() -> None:
    assert compared(FRAME.reset_index(drop=True), FRAME).is_changed
    assert compared(FRAME, FRAME.rename_axis("key")).text == ("", "key")


def test_what_is_no_table_is_not_compared() -> None:
    assert diff_tables("<p>1</p>", "<p>2</p>", USUAL) is None


@given(FRAMES)
def test_a_table_does_not_differ_from_itself(frame: pd.DataFrame) -> None:
    assert not compared(frame, frame.copy()).is_changed


@given(FRAMES, FRAMES)
def test_whether_tables_differ_goes_both_ways(before: pd.DataFrame, after: pd.DataFrame) -> None:
    diff, back = compared(before, after), compared(after, before)
    assert diff.is_changed == back.is_changed
    assert len(diff.added_rows) == len(back.removed_rows)
