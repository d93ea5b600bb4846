"""A run and what was signed about it, for the tests of reviews."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nightbook.records import Cell, CellStatus, Pin, Run, RunKind, RunStatus
from nightbook.reviews.envelope import sign
from nightbook.reviews.trust import TrustedKey
from nightbook.runs.facts import RunFacts
from nightbook.runs.review_log import Entry, ReviewState

if TYPE_CHECKING:
    from nightbook.reviews.keys import SigningKey
    from nightbook.reviews.statement import Statement
    from nightbook.reviews.verification import Evidence

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDED = NOW - timedelta(hours=1)
RUN = Run(
    run_id="feedbeeffeedbeef",
    number=418,
    kind=RunKind.STAGE,
    status=RunStatus.SUCCEEDED,
    stage="train",
    notebook="notebooks/train.ipynb",
    ended_at=ENDED,
    parameters={"month": 6},
    metrics={"auc": 0.87, "brier": 0.1},
    fingerprint="ab",
    git_commit="c0ffee",
    git_dirty=False,
    inputs=(Pin(name="flights", uri="data/flights.parquet", digest="sha256:" + "1" * 64),),
    outputs=(Pin(name="model", uri="data/model.joblib"),),
    cells=(Cell(index=1, status=CellStatus.SUCCEEDED),),
)
FACTS = RunFacts(
    created_at=ENDED,
    host="box",
    user="ada",
    tags={},
    fingerprint_parts={"code cell 1": "cd"},
    reusable=True,
    logged_parameters={},
    artifacts=(),
)


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One approval of one run, and what it is held against."""

    entry: Entry
    evidence: Evidence
    statement: Statement
    key: SigningKey


def trusted(key: SigningKey, **more: object) -> TrustedKey:
    given: dict[str, object] = {"roles": ("reviewer",), "start": NOW - timedelta(days=30), **more}
    return TrustedKey(public=key.public, **given)  # type: ignore[arg-type] # each test gives what it is about


def signed_entry(statement: Statement, key: SigningKey, **more: object) -> Entry:
    given: dict[str, object] = {
        "run_id": statement.run_id,
        "review_id": statement.review_id,
        "verdict": statement.verdict,
        "by": statement.reviewer,
        "job": statement.job,
        "text": statement.text,
        "envelope": sign(statement.to_bytes(), key),
        "sequence": 1,
        "state": ReviewState.APPROVED,
        "at": statement.decided_at,
        **more,
    }
    return Entry(**given)  # type: ignore[arg-type] # as above


def resigned(reviewed: Reviewed, key: SigningKey | None = None, **changes: object) -> Entry:
    """The entry of a statement that was really signed with these changes."""
    return signed_entry(replace(reviewed.statement, **changes), key or reviewed.key)  # type: ignore[arg-type] # as above
