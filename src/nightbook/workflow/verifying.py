"""Whether approvals still hold: every signature, every digest, every rule, without asking any network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.records import json_value
from nightbook.reviews.verification import strays
from nightbook.runs.review_log import ReviewState
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.reviewing import Review, judged, review_of

if TYPE_CHECKING:
    from nightbook.reviews.verification import Checked
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the verification of one run found.

    Attributes:
        review: The run, its entries, and each signed one with what is wrong with it.
        problems: What is wrong beyond single reviews.
    """

    review: Review
    problems: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing is to be refused."""
        return not self.problems and all(one.is_valid for one in self.review.checked)

    def to_json(self) -> dict[str, object]:
        """One run of `approvals verify --json`."""
        return {
            "run_id": self.review.run.run_id,
            "number": self.review.run.number,
            "state": self.review.state,
            "ok": self.is_good,
            "problems": list(self.problems),
            "reviews": [_shown(one) for one in self.review.checked],
        }


def verify_approvals(settings: Settings, reference: str = "") -> tuple[Verified, ...]:
    """Check what was signed about a run, or about all runs, newest word first.

    Raises:
        RunNotFoundError: There is no such run.
        TrustError: The trust list cannot be read.
    """
    with open_ledger(settings) as ledger:
        ids = [ledger.find(reference).run_id] if reference else ledger.reviews.reviewed_runs()
        return tuple(_verified(settings, ledger, run_id) for run_id in ids)


def list_reviews(settings: Settings) -> tuple[Review, ...]:
    """Runs about which something was said, newest word first."""
    with open_ledger(settings) as ledger:
        return tuple(review_of(settings, ledger, ledger.get(run_id)) for run_id in ledger.reviews.reviewed_runs())


def _verified(settings: Settings, ledger: Ledger, run_id: str) -> Verified:
    review = review_of(settings, ledger, ledger.get(run_id))
    problems = strays(review.entries, review.evidence)
    if review.state is ReviewState.APPROVED:
        judgement = judged(settings, ledger, review, review.checked, review.job)
        if judgement.state is not ReviewState.APPROVED:
            problems += (f"it no longer counts as approved: {'; '.join(judgement.lacks)}",)
    return Verified(review=review, problems=problems)


def _shown(one: Checked) -> dict[str, object]:
    return {
        "review_id": one.entry.review_id,
        "verdict": one.entry.verdict.value,
        "by": one.entry.by,
        "at": json_value(one.entry.at),
        "ok": one.is_valid,
        "problems": list(one.problems),
    }
