from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.records import Cause, MetricPoint, RunStatus
from nightbook.runs.report.wording import (
    CAUSE_WORDS,
    STATUS_WORDS,
    better_in_words,
    cause_in_words,
    commit_in_words,
    full_value,
    short_digest,
    value_in_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.records import Run


def test_every_status_and_every_cause_has_words() -> None:
    assert set(STATUS_WORDS) == set(RunStatus)
    assert set(CAUSE_WORDS) == set(Cause)


def test_only_failure_is_told_in_the_solid_tone() -> None:
    solid = {status for status, word in STATUS_WORDS.items() if word.tone == "bad"}
    assert solid == {RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST}


def test_a_cause_is_a_sentence(make_run: Callable[..., Run]) -> None:
    assert cause_in_words(make_run(cause=Cause.OUT_OF_MEMORY)) == "The kernel ran out of memory"
    assert cause_in_words(make_run()) == ""


def test_a_commit_says_whether_the_tree_was_clean(make_run: Callable[..., Run]) -> None:
    assert commit_in_words(make_run()) == ("a3f9c21", "clean")
    assert commit_in_words(make_run(git_dirty=True)) == ("a3f9c21", "with uncommitted changes")
    assert commit_in_words(make_run(git_commit=None)) == ("", "no git commit")


def test_a_digest_is_short_enough_to_compare_by_eye() -> None:
    assert short_digest("sha256:9b1e6200000040") == "9b1e62…40"
    assert short_digest("sha256:abc") == "abc"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        (True, "True"),
        (8, "8"),
        (0.00004, "4×10⁻⁵"),
        ("007", "007"),
        ("", "(empty)"),
        ([1, 2], "[1, 2]"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("x" * 500, "x" * 400 + "… (500 characters)"),
    ],
)
def test_a_parameter_value_is_told_as_what_it_is(value: object, shown: str) -> None:
    assert value_in_words(value) == shown


def test_the_full_value_keeps_every_digit() -> None:
    assert full_value(0.123456789) == "0.123456789"
    assert full_value("x" * 500) == "x" * 500
    assert full_value([1]) == "[1]"


def test_a_direction_is_told_in_words() -> None:
    assert better_in_words(MetricPoint(name="auc", value=1, better="higher")) == "higher is better"
    assert better_in_words(MetricPoint(name="rows", value=1)) == ""
    assert better_in_words(None) == ""
