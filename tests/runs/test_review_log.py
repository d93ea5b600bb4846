from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError
from nightbook.records import RunKind, RunStatus
from nightbook.runs.deliveries import Event
from nightbook.runs.ledger import NewRun, Outcome, SupervisorProcess
from nightbook.runs.review_log import NewEntry, ReviewState, Verdict

if TYPE_CHECKING:
    from nightbook.runs.ledger import Ledger


def ended(ledger: Ledger, stage: str = "train") -> str:
    run_id = ledger.create_run(NewRun(kind=RunKind.STAGE, stage=stage)).run_id
    ledger.start(run_id, SupervisorProcess.this())
    ledger.finish(run_id, Outcome(status=RunStatus.SUCCEEDED))
    return run_id


def entry(run_id: str, review_id: str, verdict: Verdict = Verdict.APPROVED, by: str = "Mara") -> NewEntry:
    return NewEntry(
        run_id=run_id, review_id=review_id, verdict=verdict, by=by, job="nightly", text="größer", envelope="{}"
    )


def test_what_was_said_is_kept_in_order(ledger: Ledger) -> None:
    run_id = ended(ledger)
    assert ledger.reviews.entries(run_id) == ()
    assert ledger.reviews.standing(run_id) is None
    asked = NewEntry(run_id=run_id, review_id="a", verdict=Verdict.REQUESTED, by="ada", digests={"report.html": "00"})
    assert ledger.reviews.append(asked, ReviewState.WAITING, after=0)
    assert ledger.reviews.append(entry(run_id, "b", by="דנה"), ReviewState.APPROVED, after=1)
    first, second = ledger.reviews.entries(run_id)
    assert (first.sequence, first.state, first.digests) == (1, ReviewState.WAITING, {"report.html": "00"})
    assert (second.by, second.text, second.envelope) == ("דנה", "größer", "{}")
    assert abs((ledger.reviews.now() - second.at).total_seconds()) < 60
    standing = ledger.reviews.standing(run_id)
    assert standing is not None
    assert (standing.state, standing.approved_by) == (ReviewState.APPROVED, ("דנה",))


def test_nobody_answers_what_they_have_not_seen(ledger: Ledger) -> None:
    run_id = ended(ledger)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda n: ledger.reviews.append(entry(run_id, f"{n}"), ReviewState.APPROVED, after=0), range(8))
        )
    assert sum(answers) == 1
    assert len(ledger.reviews.entries(run_id)) == 1


def test_a_review_is_recorded_once(ledger: Ledger) -> None:
    run_id, other = ended(ledger), ended(ledger)
    assert ledger.reviews.append(entry(run_id, "a"), ReviewState.APPROVED, after=0)
    assert not ledger.reviews.append(entry(other, "a"), ReviewState.APPROVED, after=0)


def test_the_newest_approved_run_of_a_stage_is_found(ledger: Ledger) -> None:
    first, second, third = (ended(ledger) for _ in range(3))
    with pytest.raises(RunNotFoundError, match="no run of 'train' is approved"):
        ledger.find("train@approved")
    for number, run_id in enumerate((second, first)):
        ledger.reviews.append(entry(run_id, f"{number}"), ReviewState.APPROVED, after=0)
    ledger.reviews.append(entry(third, "w"), ReviewState.WAITING, after=0)
    assert ledger.find("train@approved").run_id == second
    ledger.reviews.append(entry(second, "r", Verdict.REJECTED), ReviewState.REJECTED, after=1)
    assert ledger.find("train@approved").run_id == first
    assert set(ledger.reviews.reviewed_runs()) == {first, second, third}
    with pytest.raises(RunNotFoundError, match="no run of 'other' is approved"):
        ledger.find("other@approved")


def test_the_tracker_is_owed_where_a_review_stands_and_never_the_same_twice(ledger: Ledger) -> None:
    run_id = ended(ledger)
    ledger.reviews.append(entry(run_id, "a"), ReviewState.WAITING, after=0)
    claim = ledger.deliveries.claim(run_id, for_seconds=60)
    assert claim is not None
    assert claim.events == {Event.STARTED, Event.ENDED, Event.REVIEWED}
    # Another word comes while the first one is told.
    ledger.reviews.append(entry(run_id, "b"), ReviewState.APPROVED, after=1)
    ledger.deliveries.delivered(claim, claim.events)
    ledger.deliveries.release(claim)
    again = ledger.deliveries.claim(run_id, for_seconds=60)
    assert again is not None
    assert again.events == {Event.REVIEWED}
    ledger.deliveries.delivered(again, again.events)
    ledger.deliveries.release(again)
    assert ledger.deliveries.owed_runs() == ()
