"""Ask for the review of a run."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.subject import require_files
from nightbook.runs.facts import current_user
from nightbook.runs.reporting import ensure_report
from nightbook.runs.review_log import NewEntry, ReviewState, Verdict
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.reviewing import Review, review_of, reviewable

if TYPE_CHECKING:
    from nightbook.settings import Settings


def request_review(settings: Settings, reference: str, text: str = "") -> Review:
    """Put a run before the reviewers, with the digests of what they are to look at.

    Raises:
        RunNotFoundError: There is no such run.
        ReviewRefusedError: There is nothing to review, or it is approved as it is.
    """
    with open_ledger(settings) as ledger:
        run = reviewable(ledger, reference)
        # What was published later has no page yet; a page that was there is not made anew.
        ensure_report(settings, ledger, run)
        review = review_of(settings, ledger, run)
        require_files(run, review.evidence.digests)
        if review.state is ReviewState.APPROVED and all(one.is_valid for one in review.checked):
            raise ReviewRefusedError(f"{run.label} is approved as it is", remedy="nightbook approvals list")
        asked = NewEntry(
            run_id=run.run_id,
            review_id=secrets.token_hex(16),
            verdict=Verdict.REQUESTED,
            by=current_user(),
            text=text,
            digests=review.evidence.digests,
        )
        while not ledger.reviews.append(asked, ReviewState.WAITING, after=len(ledger.reviews.entries(run.run_id))):
            pass
        return review_of(settings, ledger, ledger.get(run.run_id))
