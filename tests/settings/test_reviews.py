from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.settings import MetricLimit, ReviewSettings, load_settings
from nightbook.settings.reviews import read_reviews, rules_for

if TYPE_CHECKING:
    from pathlib import Path


def test_the_tables_are_read_in_their_order(tmp_path: Path) -> None:
    text = """
        [reviews."nightly-*"]
        approvals = 2
        may_approve = ["lead", "Mara Lind"]
        self_approval = false
        clean_git = true

        [reviews."nightly-*".metrics]
        auc = { at_least = 0.85, worse_by = 0.01 }

        [reviews."*"]
        no_failing_cell = false
    """
    (tmp_path / "nightbook.toml").write_text(text, encoding="utf-8")
    reviews = load_settings(tmp_path, environment={}).reviews
    assert reviews == {
        "nightly-*": ReviewSettings(
            approvals=2,
            may_approve=("lead", "Mara Lind"),
            self_approval=False,
            clean_git=True,
            metrics={"auc": MetricLimit(at_least=0.85, worse_by=0.01)},
        ),
        "*": ReviewSettings(no_failing_cell=False),
    }
    assert list(reviews) == ["nightly-*", "*"]


def test_the_own_name_of_a_job_goes_before_the_first_pattern_that_fits() -> None:
    any_, nightly, own = (ReviewSettings(approvals=number) for number in (1, 2, 3))
    reviews = {"night*": nightly, "*": any_, "nightly": own}
    assert rules_for(reviews, "nightly") == own
    assert rules_for(reviews, "nights") == nightly
    assert rules_for(reviews, "weekly") == any_
    assert rules_for({}, "weekly") == ReviewSettings()


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"approvals": 2}, "'reviews' in here must hold tables, one for a pattern of jobs"),
        ([], "must hold tables"),
        ({"*": {"aprovals": 2}}, "unknown setting 'aprovals' in [reviews.\"*\"] of here"),
        ({"*": {"approvals": 0}}, "must be a whole number above 0"),
        ({"*": {"self_approval": "no"}}, "must be true or false"),
        (
            {"*": {"metrics": {"auc": 0.8}}},
            "'auc' in the metrics of [reviews.\"*\"] of here must be a table of numbers",
        ),
        ({"*": {"metrics": {"auc": {"at_least": float("nan")}}}}, "must be a table of numbers"),
        ({"*": {"metrics": {"auc": {}}}}, "must be a table of numbers"),
        ({"*": {"metrics": {"auc": {"above": 1}}}}, "unknown limit 'above'"),
    ],
)
def test_a_mistake_is_named(tables: object, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_reviews(tables, "here")
    assert words in caught.value.message
