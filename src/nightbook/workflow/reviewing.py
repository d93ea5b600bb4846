"""What every story about reviews begins with: a run, what there is of it now, and which of its reviews hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.records import RunKind, json_value
from nightbook.reviews.policy import Candidate, Judgement, judge
from nightbook.reviews.statement import Previous
from nightbook.reviews.subject import digests_of
from nightbook.reviews.trust import load_trust
from nightbook.reviews.verification import Checked, Evidence, check_reviews
from nightbook.runs.request import REVIEWS
from nightbook.runs.review_log import Entry, ReviewState, Verdict
from nightbook.settings.reviews import rules_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A run under review.

    Attributes:
        run: Its record.
        author: Who ran it, by login name.
        entries: What was said, oldest first, as the ledger has it.
        evidence: What the signed ones are held against.
        checked: The signed ones, each with what is wrong with it.
    """

    run: Run
    author: str
    entries: tuple[Entry, ...]
    evidence: Evidence
    checked: tuple[Checked, ...]

    @property
    def job(self) -> str:
        """The job of the last approval; empty where there is none."""
        return next((one.job for one in reversed(self.entries) if one.verdict is Verdict.APPROVED), "")

    @property
    def state(self) -> ReviewState | None:
        """Where the run stands, as the ledger has it; None when nobody said anything."""
        return self.entries[-1].state if self.entries else None

    def to_json(self) -> dict[str, object]:
        """One run of `approvals list --json`."""
        return {
            "run_id": self.run.run_id,
            "number": self.run.number,
            "stage": self.run.stage,
            "state": self.state,
            "job": self.job,
            "entries": [
                {
                    "review_id": one.review_id,
                    "verdict": one.verdict.value,
                    "by": one.by,
                    "at": json_value(one.at),
                    "job": one.job,
                    "text": one.text,
                }
                for one in self.entries
            ],
        }


def review_of(settings: Settings, ledger: Ledger, run: Run) -> Review:
    """Look at a run as it is now."""
    facts = ledger.facts(run.run_id)
    evidence = Evidence(
        run=run,
        digests=digests_of(run, facts, settings.runs_folder / run.run_id),
        trust=load_trust(settings.root),
        now=ledger.reviews.now(),
        kept=_kept(settings, run),
    )
    entries = ledger.reviews.entries(run.run_id)
    checked = check_reviews(entries, evidence)
    return Review(run=run, author=facts.user, entries=entries, evidence=evidence, checked=checked)


def reviewable(ledger: Ledger, reference: str) -> Run:
    """Find a run that can be reviewed.

    Raises:
        RunNotFoundError: There is no such run.
        ReviewRefusedError: It goes on, or it has no notebook of its own.
    """
    run = ledger.find(reference)
    if run.kind is not RunKind.STAGE:
        parts = [one for one in ledger.children(run.run_id) if one.executed_notebook]
        numbers = ", ".join(f"{one.stage} #{one.number}" for one in parts[:10]) or "none"
        raise ReviewRefusedError(f"{run.label} is reviewed stage by stage: {numbers}", remedy="name one of them")
    if not run.status.is_final or not run.executed_notebook:
        raise ReviewRefusedError(f"{run.label} is {run.status.value}: there is nothing to review", remedy="another run")
    return run


def judged(settings: Settings, ledger: Ledger, review: Review, checked: tuple[Checked, ...], job: str) -> Judgement:
    """Where a run stands with these reviews."""
    return judge(rules_for(settings.reviews, job), candidate_of(ledger, review, job), checked, job)


def candidate_of(ledger: Ledger, review: Review, job: str) -> Candidate:
    """What decides about a run."""
    before = previous_of(ledger, review.run, job)
    return Candidate(
        run=review.run,
        author=review.author,
        better={point.name: point.better for point in ledger.metric_points(review.run.run_id)},
        before=_metrics_of(ledger, before),
        trust=review.evidence.trust,
    )


def previous_of(ledger: Ledger, run: Run, job: str) -> Previous | None:
    """The last other run of the stage that was approved for a job."""
    if not job:
        return None
    for run_id in ledger.reviews.reviewed_runs():
        other = ledger.get(run_id)
        if run_id == run.run_id or other.stage != run.stage or other.number > run.number:
            continue
        entries = ledger.reviews.entries(run_id)
        approvals = [one for one in entries if one.verdict is Verdict.APPROVED and one.job == job]
        if approvals and entries[-1].state is ReviewState.APPROVED:
            return Previous(run_id=run_id, label=other.label, review_id=approvals[-1].review_id)
    return None


def _metrics_of(ledger: Ledger, before: Previous | None) -> Mapping[str, float] | None:
    return ledger.get(before.run_id).metrics if before else None


def _kept(settings: Settings, run: Run) -> dict[str, str]:
    files = (settings.runs_folder / run.run_id / REVIEWS).glob("*.json")
    return {file.stem: file.read_bytes().decode("utf-8", "replace") for file in files}
