"""Approve, reject or comment: one signed statement, recorded only if nothing changed while it was made."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.files import write_atomically
from nightbook.reviews.envelope import sign
from nightbook.reviews.policy import Judgement, approver_obstacles, run_obstacles
from nightbook.reviews.statement import Statement
from nightbook.reviews.subject import differences, require_files
from nightbook.reviews.trust import TRUST_FILE
from nightbook.reviews.verification import CLOCK_TOLERANCE, check_reviews
from nightbook.runs.patience import patiently
from nightbook.runs.reporting import ensure_report
from nightbook.runs.request import REVIEWS
from nightbook.runs.review_log import Entry, NewEntry, ReviewState, Verdict
from nightbook.settings.reviews import rules_for
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.reviewing import Review, candidate_of, judged, previous_of, review_of, reviewable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.reviews.keys import SigningKey
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a reviewer decided.

    Attributes:
        reference: The run.
        verdict: Approved, rejected or commented.
        text: Why.
        job: What is approved; empty for the others.
        shown: Digests of what the reviewer was shown; without them those of the request count, and without a request
            what is there now.
    """

    reference: str
    verdict: Verdict
    text: str
    job: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of it.

    Attributes:
        statement: What was signed.
        label: The run, for people.
        number: The run's number.
        judgement: Where the run stands now.
    """

    statement: Statement
    label: str
    number: int
    judgement: Judgement

    def to_json(self) -> dict[str, object]:
        """The document of `--json`."""
        return {
            "run_id": self.statement.run_id,
            "number": self.number,
            "review_id": self.statement.review_id,
            "verdict": self.statement.verdict.value,
            "by": self.statement.reviewer,
            "key_id": self.statement.key_id,
            "job": self.statement.job,
            "state": self.judgement.state.value,
            "lacks": list(self.judgement.lacks),
        }


def decide(settings: Settings, decision: Decision, key: SigningKey) -> Decided:
    """Sign a decision and record it.

    Raises:
        RunNotFoundError: There is no such run.
        ReviewRefusedError: The key is not trusted, the policy forbids it, the run's files are gone or not what was
            shown, or the clock of this machine is wrong.
    """
    _require_words(decision)
    with open_ledger(settings) as ledger:
        run = reviewable(ledger, decision.reference)
        ensure_report(settings, ledger, run)
        review = review_of(settings, ledger, run)
        _require_unchanged(review, decision)
        _require_allowed(settings, ledger, review, decision, key)
        statement = _statement(settings, ledger, review, decision, key)
        envelope = sign(statement.to_bytes(), key)
        judgement = patiently(lambda: _record(settings, ledger, review, statement, envelope))
    path = settings.runs_folder / run.run_id / REVIEWS / f"{statement.review_id}.json"
    write_atomically(path, envelope.encode())
    return Decided(statement=statement, label=run.label, number=run.number, judgement=judgement)


def _require_words(decision: Decision) -> None:
    if not decision.text.strip():
        raise ReviewRefusedError("a review needs its reason", remedy="-m TEXT")
    if decision.verdict is Verdict.APPROVED and not decision.job.strip():
        raise ReviewRefusedError("an approval names its job", remedy="--job NAME")
    # They could steer the terminal of whoever reads the review; half a character cannot be signed at all.
    if any(unicodedata.category(one) in {"Cc", "Cs"} for one in decision.job + decision.text if one not in "\n\t"):
        raise ReviewRefusedError("the words of a review hold control characters", remedy="leave them out")


def _require_unchanged(review: Review, decision: Decision) -> None:
    require_files(review.run, review.evidence.digests)
    requests = [one for one in review.entries if one.verdict is Verdict.REQUESTED]
    asked = requests[-1].digests if requests else review.evidence.digests
    changed = differences(decision.shown or asked, review.evidence.digests)
    if changed:
        since = "it was shown" if decision.shown else "its review was requested"
        raise ReviewRefusedError(
            f"{review.run.label} changed since {since}: {'; '.join(changed)}",
            remedy=f"look again, then: nightbook request-review {review.run.number}",
        )


def _require_allowed(settings: Settings, ledger: Ledger, review: Review, decision: Decision, key: SigningKey) -> None:
    now, here = review.evidence.now, datetime.now(UTC)
    if abs(now - here) > CLOCK_TOLERANCE or (review.run.ended_at and here < review.run.ended_at - CLOCK_TOLERANCE):
        against = f"the ledger's {now:%Y-%m-%d %H:%M:%S}, and the run ended at {review.run.ended_at:%Y-%m-%d %H:%M:%S}"
        raise ReviewRefusedError(
            f"the clock of this machine says {here:%Y-%m-%d %H:%M:%S} UTC, {against}", remedy="set the clock"
        )
    trusted = review.evidence.trust.find(key.public.key_id)
    if trusted is None or trusted.refusal(here):
        problem = trusted.refusal(here) if trusted else f"the key of {key.public.name} is not in {TRUST_FILE}"
        raise ReviewRefusedError(problem, remedy="nightbook keys trust, and have that change reviewed")
    if decision.verdict is not Verdict.APPROVED:
        return
    rules, candidate = rules_for(settings.reviews, decision.job), candidate_of(ledger, review, decision.job)
    obstacles = (*run_obstacles(rules, candidate), *approver_obstacles(rules, candidate, trusted, now))
    if obstacles:
        raise ReviewRefusedError(
            f"{review.run.label} may not be approved for '{decision.job}': {'; '.join(obstacles)}",
            remedy="the [reviews] settings say what is demanded",
        )
    mine = [one for one in review.checked if one.is_valid and one.key == trusted]
    decisions = [one.entry for one in mine if one.entry.verdict is not Verdict.COMMENTED]
    if decisions and (decisions[-1].verdict, decisions[-1].job) == (Verdict.APPROVED, decision.job):
        raise ReviewRefusedError(f"{trusted.name} has approved {review.run.label} for '{decision.job}' already")


def _statement(settings: Settings, ledger: Ledger, review: Review, decision: Decision, key: SigningKey) -> Statement:
    trusted = review.evidence.trust.find(key.public.key_id)
    now = datetime.now(UTC)
    return Statement(
        review_id=secrets.token_hex(16),
        verdict=decision.verdict,
        project=settings.name,
        run_id=review.run.run_id,
        label=review.run.label,
        reviewer=trusted.name if trusted else key.public.name,
        key_id=key.public.key_id,
        decided_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        text=decision.text.strip(),
        job=decision.job,
        digests=review.evidence.digests,
        previous=previous_of(ledger, review.run, decision.job),
    )


def _record(settings: Settings, ledger: Ledger, seen: Review, statement: Statement, envelope: str) -> Judgement:
    """Append the entry; where another reviewer was faster, where the run stands is decided anew with theirs."""
    new = NewEntry(
        run_id=statement.run_id,
        review_id=statement.review_id,
        verdict=statement.verdict,
        by=statement.reviewer,
        job=statement.job,
        text=statement.text,
        envelope=envelope,
    )
    while True:
        review = review_of(settings, ledger, seen.run)
        changed = differences(statement.digests, review.evidence.digests)
        if changed:
            raise ReviewRefusedError(
                f"{seen.run.label} changed while it was signed: {'; '.join(changed)}", remedy="look again"
            )
        judgement = _judgement_with(settings, ledger, review, new)
        last = review.entries[-1] if review.entries else None
        is_mine = any(one.review_id == new.review_id for one in review.entries)
        if is_mine or ledger.reviews.append(new, judgement.state, after=last.sequence if last else 0):
            return judgement


def _judgement_with(settings: Settings, ledger: Ledger, review: Review, new: NewEntry) -> Judgement:
    given = {name: getattr(new, name) for name in ("run_id", "review_id", "verdict", "by", "job", "text", "envelope")}
    entry = Entry(**given, sequence=len(review.entries) + 1, state=ReviewState.WAITING, at=review.evidence.now)
    checked = check_reviews((entry,), replace(review.evidence, kept={}))
    return judged(settings, ledger, review, (*review.checked, *checked), new.job or review.job)
