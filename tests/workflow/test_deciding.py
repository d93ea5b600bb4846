from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.reviews import envelope
from nightbook.reviews.statement import Statement
from nightbook.runs.ledger import Ledger
from nightbook.runs.review_log import ReviewLog, ReviewState, Verdict
from nightbook.workflow import deciding
from nightbook.workflow.browsing import show_run
from nightbook.workflow.deciding import Decision, decide
from nightbook.workflow.requesting import request_review
from nightbook.workflow.verifying import verify_approvals


def test_an_approval_is_signed_recorded_and_kept_with_the_run(project: Any) -> None:
    request_review(project.settings, "6")
    decided = project.decide(project.mara)
    assert decided.judgement.state is ReviewState.APPROVED
    (file,) = (project.run_folder() / "reviews").iterdir()
    assert file.stem == decided.statement.review_id
    assert json.loads(file.read_text())["payloadType"] == "application/vnd.in-toto+json"
    assert show_run(project.settings, "fit@approved").run.number == 6
    (verified,) = verify_approvals(project.settings)
    assert verified.is_good


def test_the_run_approved_before_is_named(project: Any) -> None:
    first = project.decide(project.mara, reference="3")
    assert first.statement.previous is None
    second = project.decide(project.mara).statement
    assert second.previous is not None
    assert (second.previous.label, second.previous.review_id) == ("fit #3", first.statement.review_id)
    assert Statement.from_bytes(second.to_bytes()) == second


def test_a_metric_that_became_worse_is_refused(project: Any) -> None:
    project.configure('[reviews."*".metrics]\nerror = { worse_by = 0.1 }')
    project.decide(project.mara, reference="3")
    with pytest.raises(ReviewRefusedError, match=r"error is worse by more than 0\.1: 1\.5 after 0\.75"):
        project.decide(project.mara)


def test_two_approvals_may_be_needed(project: Any) -> None:
    project.configure('[reviews."*"]\napprovals = 2')
    assert project.decide(project.mara).judgement.lacks == ("1 of 2 approvals",)
    with pytest.raises(ReviewRefusedError, match="Mara has approved fit #6 for 'nightly' already"):
        project.decide(project.mara)
    assert project.decide(project.dana).judgement.state is ReviewState.APPROVED


def test_two_reviewers_at_once_both_count(project: Any) -> None:
    project.configure('[reviews."*"]\napprovals = 2')
    request_review(project.settings, "6")
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(lambda key: project.decide(key).judgement.state, (project.mara, project.dana)))
    assert sorted(states) == [ReviewState.APPROVED, ReviewState.WAITING]
    (verified,) = verify_approvals(project.settings)
    assert verified.is_good
    assert verified.review.state is ReviewState.APPROVED


def test_a_rejection_and_a_comment_are_signed_likewise(project: Any) -> None:
    assert project.decide(project.mara, "commented").judgement.state is ReviewState.WAITING
    project.decide(project.mara)
    assert project.decide(project.dana, "commented").judgement.state is ReviewState.APPROVED
    assert project.decide(project.dana, "rejected").judgement.state is ReviewState.REJECTED
    (verified,) = verify_approvals(project.settings)
    assert verified.is_good
    assert [one.entry.verdict for one in verified.review.checked] == [
        Verdict.COMMENTED,
        Verdict.APPROVED,
        Verdict.COMMENTED,
        Verdict.REJECTED,
    ]


def test_a_failed_run_may_be_rejected_but_not_approved(project: Any) -> None:
    with pytest.raises(
        ReviewRefusedError, match="check #4 may not be approved for 'nightly': the run failed in cell 2"
    ):
        project.decide(project.mara, reference="4")
    assert project.decide(project.mara, "rejected", reference="4").judgement.state is ReviewState.REJECTED


def test_who_is_not_trusted_signs_nothing(project: Any) -> None:
    (project.root / "nightbook-trust.toml").unlink()
    with pytest.raises(ReviewRefusedError, match=r"the key of Mara is not in nightbook-trust\.toml") as caught:
        project.decide(project.mara)
    assert caught.value.exit_code == 3


def test_a_reason_is_needed(project: Any) -> None:
    with pytest.raises(ReviewRefusedError, match="needs its reason"):
        decide(project.settings, Decision(reference="6", verdict=Verdict.COMMENTED, text=" "), project.mara)


def test_a_report_that_changed_since_the_request_is_refused(project: Any) -> None:
    request_review(project.settings, "6")
    with (project.run_folder() / "report.html").open("a") as report:
        report.write("<!-- better -->")
    with pytest.raises(
        ReviewRefusedError, match=r"changed since its review was requested: report\.html is not as it was"
    ):
        project.decide(project.mara)
    request_review(project.settings, "6")
    assert project.decide(project.mara).judgement.state is ReviewState.APPROVED


def test_a_report_that_is_not_what_was_shown_is_refused(project: Any) -> None:
    shown = {**request_review(project.settings, "6").evidence.digests, "report.html": "0" * 64}
    decision = Decision(reference="6", verdict=Verdict.APPROVED, text="fine", job="nightly", shown=shown)
    with pytest.raises(ReviewRefusedError, match=r"changed since it was shown: report\.html is not as it was"):
        decide(project.settings, decision, project.mara)


def test_a_report_that_changes_while_it_is_signed_is_refused(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = envelope.sign

    def slowly(statement: bytes, key: Any) -> str:
        (project.run_folder() / "report.html").write_text("other")
        return sign(statement, key)

    monkeypatch.setattr(deciding, "sign", slowly)
    with pytest.raises(ReviewRefusedError, match="changed while it was signed"):
        project.decide(project.mara)
    with Ledger.open(project.settings.ledger) as ledger:
        assert ledger.reviews.reviewed_runs() == ()


def test_a_run_deleted_on_disk_is_refused(project: Any) -> None:
    shutil.rmtree(project.run_folder())
    with pytest.raises(ReviewRefusedError, match="fit #6 cannot be reviewed here"):
        project.decide(project.mara)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_wrong_is_named(project: Any, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    monkeypatch.setattr(ReviewLog, "now", lambda _: datetime.now(UTC) + timedelta(hours=hours))
    with pytest.raises(ReviewRefusedError, match="the clock of this machine says") as caught:
        project.decide(project.mara)
    assert caught.value.remedy == "set the clock"


@pytest.mark.parametrize(
    ("text", "job", "words"),
    [
        ("fine", " ", "an approval names its job"),
        ("fine\x1b[2J", "nightly", "control characters"),
        ("fine", "\udc80", "control characters"),
    ],
)
def test_words_that_cannot_be_signed_or_read_are_refused(project: Any, text: str, job: str, words: str) -> None:
    with pytest.raises(ReviewRefusedError, match=words):
        decide(project.settings, Decision(reference="6", verdict=Verdict.APPROVED, text=text, job=job), project.mara)
