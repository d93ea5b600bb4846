from __future__ import annotations

from typing import Any

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.records import RunKind
from nightbook.runs.ledger import Ledger, NewRun
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.reviewing import previous_of, review_of, reviewable


def test_a_run_that_goes_on_cannot_be_reviewed(project: Any) -> None:
    with Ledger.open(project.settings.ledger) as ledger:
        ledger.create_run(NewRun(kind=RunKind.STAGE, stage="fit"))
        with pytest.raises(ReviewRefusedError, match="fit #8 is pending: there is nothing to review"):
            reviewable(ledger, "8")


def test_only_what_was_approved_for_the_same_job_before_counts(project: Any) -> None:
    project.decide(project.mara, reference="3")
    project.decide(project.mara, reference="2")
    with open_ledger(project.settings) as ledger:
        run = ledger.find("6")
        found = previous_of(ledger, run, "nightly")
        assert found is not None
        assert found.label == "fit #3"
        assert previous_of(ledger, run, "weekly") is None
        assert previous_of(ledger, run, "") is None
        assert previous_of(ledger, ledger.find("3"), "nightly") is None


def test_what_is_said_of_a_run_as_json(project: Any) -> None:
    project.decide(project.dana)
    with open_ledger(project.settings) as ledger:
        review = review_of(project.settings, ledger, ledger.find("6"))
        untouched = review_of(project.settings, ledger, ledger.find("3"))
    document = review.to_json()
    assert (document["number"], document["state"], document["job"]) == (6, "approved", "nightly")
    assert untouched.to_json()["state"] is None
