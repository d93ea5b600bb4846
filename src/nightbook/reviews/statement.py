"""What a reviewer signs: an in-toto statement about the digests of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.canonical import canonical_json, read_canonical
from nightbook.runs.review_log import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:nightbook:review:v1"
_WHAT = "the statement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The run that was approved for the same job before.

    Attributes:
        run_id: Which.
        label: Its name, for people.
        review_id: Its last approval.
    """

    run_id: str
    label: str
    review_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One review.

    Attributes:
        review_id: Drawn at random: the same words said again are another statement.
        verdict: Approved, rejected or commented.
        project: The project's name.
        run_id: The run.
        label: Its name, for people.
        reviewer: Who signs, by the name in the trust list.
        key_id: With which key.
        decided_at: When, aware and in UTC, to the millisecond.
        text: Why.
        job: What is approved; empty where nothing is.
        digests: SHA-256 of everything that was reviewed, by name.
        previous: What was approved before; None where nothing was.
    """

    review_id: str
    verdict: Verdict
    project: str
    run_id: str
    label: str
    reviewer: str
    key_id: str
    decided_at: datetime
    text: str
    job: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    previous: Previous | None = None

    def to_bytes(self) -> bytes:
        """Canonical JSON: what is signed."""
        before = self.previous
        predicate = {
            "decidedAt": self.decided_at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "job": self.job,
            "previous": before and {"label": before.label, "reviewId": before.review_id, "runId": before.run_id},
            "project": self.project,
            "reason": self.text,
            "reviewId": self.review_id,
            "reviewer": {"keyId": self.key_id, "name": self.reviewer},
            "run": {"label": self.label, "runId": self.run_id},
            "verdict": self.verdict.value,
        }
        subject = [{"digest": {"sha256": digest}, "name": name} for name, digest in sorted(self.digests.items())]
        return canonical_json(
            {"_type": STATEMENT_TYPE, "predicate": predicate, "predicateType": PREDICATE_TYPE, "subject": subject}
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Statement:
        """Read what `to_bytes` wrote, and nothing else.

        Raises:
            ReviewRefusedError: It is no such statement, or another program's.
        """
        document = read_canonical(content, _WHAT)
        if document.get("predicateType") != PREDICATE_TYPE:
            raise ReviewRefusedError(f"{_WHAT} is of another kind: {document.get('predicateType')!r}")
        try:
            statement = cls._from_document(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReviewRefusedError(f"{_WHAT} was altered: {type(error).__name__} in {error}") from error
        # A field too many, or one that another spelling would read the same.
        if statement.to_bytes() != content:
            raise ReviewRefusedError(f"{_WHAT} was altered: it holds what no review holds")
        return statement

    @classmethod
    def _from_document(cls, document: Mapping[str, object]) -> Statement:
        predicate: Mapping[str, object] = document["predicate"]  # type: ignore[assignment] # what else it is raises, and is refused
        run: Mapping[str, str] = predicate["run"]  # type: ignore[assignment] # as above
        reviewer: Mapping[str, str] = predicate["reviewer"]  # type: ignore[assignment] # as above
        before: Mapping[str, str] | None = predicate["previous"]  # type: ignore[assignment] # as above
        subject: list[Mapping[str, Mapping[str, str]]] = document["subject"]  # type: ignore[assignment] # as above
        return cls(
            review_id=str(predicate["reviewId"]),
            verdict=Verdict(str(predicate["verdict"])),
            project=str(predicate["project"]),
            run_id=str(run["runId"]),
            label=str(run["label"]),
            reviewer=str(reviewer["name"]),
            key_id=str(reviewer["keyId"]),
            decided_at=datetime.fromisoformat(str(predicate["decidedAt"])),
            text=str(predicate["reason"]),
            job=str(predicate["job"]),
            digests={str(one["name"]): one["digest"]["sha256"] for one in subject},
            previous=None
            if before is None
            else Previous(run_id=before["runId"], label=before["label"], review_id=before["reviewId"]),
        )
