"""What was said about runs, in the order in which it was said; entries are appended, none is changed or taken away."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from nightbook.errors import RunNotFoundError
from nightbook.runs.database import database_clock, ledger_errors
from nightbook.runs.deliveries import owe_review
from nightbook.runs.schema import reviews, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine, Row, Subquery


class Verdict(StrEnum):
    """What an entry says; all but a request are signed."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    COMMENTED = "commented"


class ReviewState(StrEnum):
    """Where a run stands: it waits also while one of two approvals that it needs is there."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is to be appended.

    Attributes:
        run_id: The run that it is about.
        review_id: Drawn at random; no two entries of a ledger share it.
        verdict: What it says.
        by: Who says it: the name of the trust list, or the user who asks.
        job: The job that is approved; empty where none is.
        text: The reason, the comment, what is asked for.
        digests: For a request: what is to be reviewed, by name.
        envelope: The signed statement; empty for a request.
    """

    run_id: str
    review_id: str
    verdict: Verdict
    by: str
    job: str = ""
    text: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    envelope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """What was appended.

    Attributes:
        sequence: Counts the run's entries from 1.
        state: Where the run stood afterwards.
        at: When, by the ledger's clock, aware and in UTC.
    """

    sequence: int
    state: ReviewState
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands, and who approved it, as the ledger has it."""

    state: ReviewState
    approved_by: tuple[str, ...]


class ReviewLog:
    """The reviews of a ledger. Entries of a run are numbered, so that nobody answers what they have not seen."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def append(self, new: NewEntry, state: ReviewState, *, after: int) -> bool:
        """Append an entry to a run's, and owe the tracker where the run stands now.

        Args:
            new: The entry.
            state: Where the run stands with it.
            after: The number of the entry that was the last when `state` was decided, 0 when there was none.

        Returns:
            False, with nothing recorded, when another entry came meanwhile.
        """
        try:
            with self._transaction(writes=True) as connection:
                connection.execute(
                    insert(reviews).values(
                        run_id=new.run_id,
                        sequence=after + 1,
                        review_id=new.review_id,
                        verdict=new.verdict.value,
                        state=state.value,
                        by=new.by,
                        job=new.job,
                        text=new.text,
                        at=datetime.fromtimestamp(database_clock(connection), UTC),
                        digests=dict(new.digests),
                        envelope=new.envelope,
                    )
                )
                owe_review(connection, new.run_id, after + 1)
        except IntegrityError:
            return False
        return True

    def now(self) -> datetime:
        """The time by the clock that dates entries."""
        with self._transaction() as connection:
            return datetime.fromtimestamp(database_clock(connection), UTC)

    def entries(self, run_id: str) -> tuple[Entry, ...]:
        """What was said about a run, oldest first."""
        query = select(reviews).where(reviews.c.run_id == run_id).order_by(reviews.c.sequence)
        with self._transaction() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def reviewed_runs(self) -> tuple[str, ...]:
        """Runs about which something was said, newest word first."""
        query = select(reviews.c.run_id).group_by(reviews.c.run_id).order_by(func.max(reviews.c.at).desc())
        with self._transaction() as connection:
            return tuple(connection.scalars(query))

    def standing(self, run_id: str) -> Standing | None:
        """Where a run stands; None when nobody said anything about it."""
        entries = self.entries(run_id)
        if not entries:
            return None
        state = entries[-1].state
        names = dict.fromkeys(one.by for one in entries if one.verdict is Verdict.APPROVED)
        return Standing(state=state, approved_by=tuple(names) if state is ReviewState.APPROVED else ())

    def waiting_runs(self, limit: int) -> tuple[str, ...]:
        """Runs that wait for a decision, those that have waited longest first."""
        newest = _newest_entries()
        query = (
            select(reviews.c.run_id)
            .join(newest, (newest.c.run_id == reviews.c.run_id) & (newest.c.sequence == reviews.c.sequence))
            .where(reviews.c.state == ReviewState.WAITING.value)
            .order_by(reviews.c.at)
            .limit(limit)
        )
        with self._transaction() as connection:
            return tuple(connection.scalars(query))

    def approved_run(self, stage: str) -> str:
        """The newest run of a stage that stands approved.

        Raises:
            RunNotFoundError: None does.
        """
        newest = _newest_entries()
        query = (
            select(reviews.c.run_id)
            .join(newest, (newest.c.run_id == reviews.c.run_id) & (newest.c.sequence == reviews.c.sequence))
            .join(runs, runs.c.run_id == reviews.c.run_id)
            .where(runs.c.stage == stage, reviews.c.state == ReviewState.APPROVED.value)
            .order_by(runs.c.number.desc())
            .limit(1)
        )
        with self._transaction() as connection:
            found = connection.scalar(query)
        if found is None:
            raise RunNotFoundError(f"no run of '{stage}' is approved", remedy="nightbook approvals list")
        return str(found)

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        with (
            ledger_errors(self.engine.url),
            self.engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
        ):
            yield connection


def _newest_entries() -> Subquery:
    last = select(reviews.c.run_id, func.max(reviews.c.sequence).label("sequence")).group_by(reviews.c.run_id)
    return last.subquery()


def _entry(row: Row[*tuple[object, ...]]) -> Entry:
    return Entry(
        run_id=row.run_id,
        review_id=row.review_id,
        verdict=Verdict(row.verdict),
        by=row.by,
        job=row.job,
        text=row.text,
        digests=row.digests,
        envelope=row.envelope,
        sequence=row.sequence,
        state=ReviewState(row.state),
        at=row.at,
    )
