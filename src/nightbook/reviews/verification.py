"""Whether what was signed still holds: decided from the ledger's entries, the run's files and the trust list alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.envelope import read_envelope, signer_of, verified_payload
from nightbook.reviews.statement import Statement
from nightbook.reviews.subject import differences
from nightbook.runs.review_log import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightbook.records import Run
    from nightbook.reviews.trust import TrustedKey, TrustList
    from nightbook.runs.review_log import Entry

# Clocks of different machines; also between the moment of signing and that of recording.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a run's reviews are held against.

    Attributes:
        run: Its record.
        digests: Of what is there now.
        trust: The trust list.
        kept: The envelopes beside the run, by the id of their review.
        now: The time by the ledger's clock.
    """

    run: Run
    digests: Mapping[str, str]
    trust: TrustList
    now: datetime
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One review and what is wrong with it.

    Attributes:
        entry: As the ledger has it.
        problems: Why it does not count; empty when it does.
        statement: What was signed; None where nothing readable was.
        key: Whose signature it is; None where it is nobody's.
    """

    entry: Entry
    problems: tuple[str, ...] = ()
    statement: Statement | None = None
    key: TrustedKey | None = None

    @property
    def is_valid(self) -> bool:
        """It counts."""
        return not self.problems


def check_reviews(entries: tuple[Entry, ...], evidence: Evidence) -> tuple[Checked, ...]:
    """Check every signed entry of a run; requests are nobody's word and left out."""
    return tuple(_checked(one, evidence) for one in entries if one.verdict is not Verdict.REQUESTED)


def strays(entries: tuple[Entry, ...], evidence: Evidence) -> tuple[str, ...]:
    """Envelopes beside the run that the ledger does not know: copied there from another run, or from another time."""
    known = {one.review_id for one in entries}
    return tuple(
        f"reviews/{name}.json was put there: the ledger knows no such review" for name in evidence.kept.keys() - known
    )


def _checked(entry: Entry, evidence: Evidence) -> Checked:
    try:
        envelope = read_envelope(entry.envelope)
        key = evidence.trust.find(signer_of(envelope))
        if key is None:
            return Checked(entry=entry, problems=("it is signed with a key that is not on the trust list",))
        statement = Statement.from_bytes(verified_payload(envelope, key.public))
    except ReviewRefusedError as error:
        return Checked(entry=entry, problems=(error.message,))
    problems = (
        *_about_another(entry, statement, key, evidence),
        *_untimely(entry, statement, key, evidence),
        *_changed(entry, statement, evidence),
    )
    return Checked(entry=entry, problems=problems, statement=statement, key=key)


def _about_another(entry: Entry, signed: Statement, key: TrustedKey, evidence: Evidence) -> list[str]:
    """A good signature in the wrong place."""
    problems = []
    if signed.run_id != evidence.run.run_id:
        problems.append(f"it was signed for another run, {signed.label} ({signed.run_id}), and is replayed here")
    if signed.review_id != entry.review_id:
        problems.append("it was signed as another review, and is replayed here")
    told = (entry.verdict, entry.by, entry.job, entry.text)
    if told != (signed.verdict, signed.reviewer, signed.job, signed.text):
        problems.append("the ledger's entry does not say what was signed")
    if (signed.reviewer, signed.key_id) != (key.name, key.public.key_id):
        problems.append(f"it names {signed.reviewer} as reviewer, but the key is that of {key.name}")
    return problems


def _untimely(entry: Entry, signed: Statement, key: TrustedKey, evidence: Evidence) -> list[str]:
    problems = [reason for reason in (key.refusal(signed.decided_at),) if reason]
    if abs(entry.at - signed.decided_at) > CLOCK_TOLERANCE:
        problems.append(f"it says that it was signed at {signed.decided_at}, but was recorded at {entry.at}")
    if signed.decided_at > evidence.now + CLOCK_TOLERANCE:
        problems.append(f"it says that it was signed at {signed.decided_at}, which is to come")
    ended = evidence.run.ended_at
    if ended is not None and signed.decided_at < ended - CLOCK_TOLERANCE:
        problems.append(f"it says that it was signed at {signed.decided_at}, before the run had ended")
    return problems


def _changed(entry: Entry, signed: Statement, evidence: Evidence) -> list[str]:
    problems = list(differences(signed.digests, evidence.digests))
    if evidence.kept.get(entry.review_id, entry.envelope) != entry.envelope:
        problems.append(f"reviews/{entry.review_id}.json is not what was recorded")
    return problems
