from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.signed import NOW, RUN, Reviewed, resigned, trusted

from nightbook.records import Cell, CellStatus, RunStatus
from nightbook.reviews.policy import Candidate, approver_obstacles, judge, run_obstacles
from nightbook.reviews.trust import TrustList
from nightbook.reviews.verification import Checked
from nightbook.runs.review_log import ReviewState, Verdict
from nightbook.settings import MetricLimit, ReviewSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.reviews.keys import SigningKey

ANY = ReviewSettings(self_approval=True)


@pytest.fixture
def candidate(keys: Any) -> Candidate:
    """A run of Mara's; she and דנה are trusted."""
    trust = TrustList(keys=(trusted(keys[0], users=("ada",)), trusted(keys[1], roles=("lead",))))
    return Candidate(run=RUN, author="ada", better={"auc": "higher", "brier": "lower"}, before=None, trust=trust)


@pytest.fixture
def said(reviewed: Reviewed) -> Callable[..., Checked]:
    """A review by somebody, valid unless it has problems."""

    def say(key: SigningKey, verdict: Verdict = Verdict.APPROVED, *problems: str, job: str = "nightly") -> Checked:
        entry = resigned(reviewed, key=key, reviewer=key.public.name, verdict=verdict, job=job)
        entry_key = trusted(key, users=("ada",) if key.public.name.startswith("Mara") else ())
        return Checked(entry=entry, problems=problems, statement=reviewed.statement, key=entry_key)

    return say


def state(rules: ReviewSettings, candidate: Candidate, *reviews: Checked) -> ReviewState:
    return judge(rules, candidate, reviews, "nightly").state


def test_one_approval_suffices_unless_more_are_asked_for(keys: Any, candidate: Candidate, said: Any) -> None:
    mara, dana = said(keys[0]), said(keys[1])
    assert state(ANY, candidate) is ReviewState.WAITING
    assert state(ANY, candidate, mara) is ReviewState.APPROVED
    two = replace(ANY, approvals=2)
    assert judge(two, candidate, (mara,), "nightly").lacks == ("1 of 2 approvals",)
    assert state(two, candidate, mara, mara) is ReviewState.WAITING
    assert state(two, candidate, mara, dana) is ReviewState.APPROVED


def test_a_rejection_stands_until_the_same_person_approves(keys: Any, candidate: Candidate, said: Any) -> None:
    no, yes, other = said(keys[0], Verdict.REJECTED), said(keys[0]), said(keys[1])
    assert state(ANY, candidate, no, other) is ReviewState.REJECTED
    assert state(ANY, candidate, no, yes) is ReviewState.APPROVED
    assert state(ANY, candidate, yes, no) is ReviewState.REJECTED
    assert state(ANY, candidate, yes, said(keys[0], Verdict.COMMENTED)) is ReviewState.APPROVED


def test_what_is_not_valid_or_for_another_job_does_not_count(keys: Any, candidate: Candidate, said: Any) -> None:
    assert state(ANY, candidate, said(keys[0], Verdict.APPROVED, "altered")) is ReviewState.WAITING
    assert state(ANY, candidate, said(keys[0], job="weekly")) is ReviewState.WAITING


def test_ones_own_run_is_anothers_to_approve_once_two_are_trusted(keys: Any, candidate: Candidate, said: Any) -> None:
    rules = ReviewSettings()
    assert state(rules, candidate, said(keys[0])) is ReviewState.WAITING
    assert state(rules, candidate, said(keys[1])) is ReviewState.APPROVED
    alone = replace(candidate, trust=TrustList(keys=candidate.trust.keys[:1]))
    assert state(rules, alone, said(keys[0])) is ReviewState.APPROVED
    assert state(replace(rules, self_approval=False), alone, said(keys[0])) is ReviewState.WAITING
    assert state(replace(rules, self_approval=True), candidate, said(keys[0])) is ReviewState.APPROVED


def test_a_revoked_second_person_is_nobody(keys: Any, candidate: Candidate, said: Any) -> None:
    gone = trusted(keys[1], revoked=NOW, reason="left")
    alone = replace(candidate, trust=TrustList(keys=(candidate.trust.keys[0], gone)))
    assert state(ReviewSettings(), alone, said(keys[0])) is ReviewState.APPROVED


def test_who_may_is_said_by_name_or_role(keys: Any, candidate: Candidate) -> None:
    mara, dana = candidate.trust.keys
    for allowed, who, may in (("lead", dana, True), ("lead", mara, False), ("Mara Lind", mara, True)):
        rules = replace(ANY, may_approve=(allowed,))
        assert (approver_obstacles(rules, candidate, who, NOW) == ()) is may


@pytest.mark.parametrize(
    ("rules", "change", "words"),
    [
        ({}, {"status": RunStatus.FAILED}, "the run failed"),
        ({}, {"cells": (Cell(index=3, status=CellStatus.FAILED),)}, "in cell 3"),
        ({"clean_git": True}, {"git_dirty": True}, "it ran with uncommitted changes"),
        ({"clean_git": True}, {"git_commit": None}, "there is no commit"),
        ({"metrics": {"auc": MetricLimit(at_least=0.9)}}, {}, "auc is 0.87, not at least 0.9"),
        ({"metrics": {"brier": MetricLimit(at_most=0.05)}}, {}, "brier is 0.1, not at most 0.05"),
        ({"metrics": {"f1": MetricLimit(at_least=0)}}, {}, "the metric 'f1' was not logged"),
        ({"metrics": {"auc": MetricLimit(at_least=0)}}, {"metrics": {"auc": float("nan")}}, "auc is NaN"),
    ],
)
def test_what_stands_against_a_run_is_named(
    candidate: Candidate, rules: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    demanded = ReviewSettings(**rules)
    assert words in "; ".join(run_obstacles(demanded, replace(candidate, run=replace(RUN, **change))))


def test_what_is_not_demanded_stands_against_nothing(candidate: Candidate) -> None:
    failed = replace(candidate, run=replace(RUN, status=RunStatus.FAILED, git_dirty=True))
    assert run_obstacles(ReviewSettings(no_failing_cell=False), failed) == ()


@pytest.mark.parametrize(
    ("metric", "before", "is_good"),
    [("auc", 0.88, True), ("auc", 0.95, False), ("brier", 0.09, True), ("brier", 0.01, False), ("auc", 0.1, True)],
)
def test_a_metric_may_be_worse_than_before_by_so_much(
    candidate: Candidate, metric: str, before: float, is_good: bool
) -> None:
    rules = ReviewSettings(metrics={metric: MetricLimit(worse_by=0.02)})
    found = run_obstacles(rules, replace(candidate, before={metric: before}))
    assert (found == ()) is is_good
    assert run_obstacles(rules, candidate) == ()


def test_a_metric_without_direction_cannot_be_compared(candidate: Candidate) -> None:
    rules = ReviewSettings(metrics={"auc": MetricLimit(worse_by=0.02)})
    (words,) = run_obstacles(rules, replace(candidate, better={}, before={"auc": 0.9}))
    assert "does not say whether higher or lower is better" in words


def test_who_was_alone_when_approving_keeps_that_approval(keys: Any, candidate: Candidate, said: Any) -> None:
    later = trusted(keys[1], start=NOW + timedelta(days=1))
    grown = replace(candidate, trust=TrustList(keys=(candidate.trust.keys[0], later)))
    assert state(ReviewSettings(), grown, said(keys[0])) is ReviewState.APPROVED
    assert approver_obstacles(ReviewSettings(), grown, candidate.trust.keys[0], NOW + timedelta(days=2)) != ()
