from __future__ import annotations

from typing import Any

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.runs.review_log import ReviewState, Verdict
from nightbook.workflow.requesting import request_review


def test_a_run_waits_for_review_as_it_is_now(project: Any) -> None:
    review = request_review(project.settings, "fit@latest", "please look")
    (entry,) = review.entries
    assert (entry.verdict, entry.text, review.state) == (Verdict.REQUESTED, "please look", ReviewState.WAITING)
    assert entry.digests == review.evidence.digests
    assert "report.html" in entry.digests


def test_a_page_that_was_not_written_yet_is_written(project: Any) -> None:
    report = project.run_folder() / "report.html"
    report.unlink()
    request_review(project.settings, "6")
    assert report.exists()


def test_a_pipeline_is_reviewed_stage_by_stage(project: Any) -> None:
    with pytest.raises(ReviewRefusedError, match=r"pipeline #1 is reviewed stage by stage: make #2, fit #3, check #4"):
        request_review(project.settings, "1")


def test_what_is_approved_needs_no_review(project: Any) -> None:
    project.decide(project.mara)
    with pytest.raises(ReviewRefusedError, match="fit #6 is approved as it is"):
        request_review(project.settings, "6")


def test_a_run_whose_files_are_gone_cannot_be_reviewed(project: Any) -> None:
    (project.run_folder() / "executed.ipynb").unlink()
    with pytest.raises(ReviewRefusedError, match=r"executed\.ipynb is not on this machine") as caught:
        request_review(project.settings, "6")
    assert caught.value.exit_code == 3
