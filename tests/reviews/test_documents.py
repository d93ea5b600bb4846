from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.documents import MOST_NAMED, Absence, diff_documents
from nightbook.reviews.noise import Noise
from nightbook.reviews.rules import EXACT, USUAL, DiffRules

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=10,
)


def test_changed_paths_are_named() -> None:
    before = {"data": [{"y": [1, 2], "line color": "red"}], "layout": {"title": "a"}}
    after = {"layout": {"title": "b", "width": 3}, "data": [{"y": [1, 2.5, 4], "line color": "red"}]}
    diff = diff_documents(before, after, USUAL)
    assert [(one.path, one.before, one.after) for one in diff.changes] == [
        ("data[0].y[1]", 2, 2.5),
        ("data[0].y[2]", Absence.ABSENT, 4),
        ("layout.title", "a", "b"),
        ("layout.width", Absence.ABSENT, 3),
    ]
    document = json.loads(json.dumps(diff.to_json(), allow_nan=False))
    assert document["changes"][1] == {"path": "data[0].y[2]", "after": 4}
    assert document["changes"][0]["number"]["relative"] == 0.25


def test_a_key_that_is_no_name_is_quoted() -> None:
    (change,) = diff_documents({"a b": 1}, {"a b": None}, USUAL).changes
    assert change.path == '["a b"]'


def test_noise_and_tolerance_hold_for_values() -> None:
    before = {"model_id": "a1", "at": "2026-11-23T02:14:55Z", "y": 1.0}
    after = {"model_id": "b2", "at": "2026-11-23T02:14:56Z", "y": 1.01}
    diff = diff_documents(before, after, DiffRules(tolerance=0.1))
    assert (diff.is_changed, diff.close) == (False, 1)
    assert diff.noise == {Noise.IDENTIFIER: 1, Noise.TIMESTAMP: 1}
    assert diff_documents(before, after, EXACT).count == 3


def test_of_many_changes_the_first_are_named_and_all_counted() -> None:
    diff = diff_documents(list(range(5000)), list(range(1, 5001)), USUAL)
    assert (diff.count, len(diff.changes)) == (5000, MOST_NAMED)


def test_of_a_large_part_the_size_is_told() -> None:
    (change,) = diff_documents({}, {"y": list(range(5000))}, USUAL).changes
    assert change.to_json() == {"path": "y", "after": "(list of 5,000 values)"}


def test_numbers_without_end_are_values() -> None:
    (change,) = diff_documents(10**400, 10**400 + 1, DiffRules(tolerance=0.1)).changes
    assert change.number is None


def test_deep_nesting_is_no_obstacle() -> None:
    before: object = 1
    after: object = 2
    for _ in range(5000):
        before, after = [before], [after]
    assert diff_documents(before, after, USUAL).count == 1


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: object) -> None:
    assert diff_documents(document, json.loads(json.dumps(document)), USUAL).count == 0


@given(DOCUMENTS, DOCUMENTS)
def test_whether_documents_differ_goes_both_ways(before: object, after: object) -> None:
    assert diff_documents(before, after, USUAL).count == diff_documents(after, before, USUAL).count


def test_nan_has_not_changed() -> None:
    assert not diff_documents([math.nan, 1], [math.nan, 1], USUAL).is_changed
