"""What the tracker has of each run, what it is still owed, and who is just delivering it."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from nightbook.runs.database import database_clock, ledger_errors
from nightbook.runs.facts import TrackedRun
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.schema import claims, deliveries, experiments, outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import ColumnElement, Connection, Engine


class Event(StrEnum):
    """What a tracker is told about a run."""

    STARTED = "started"
    ENDED = "ended"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One run that only the holder delivers, until it is released or its time is over.

    Attributes:
        run_id: The run.
        owner: Who holds it.
        events: What it is owed.
        review: Up to which review it is owed, as the outbox has it; empty where none is.
    """

    run_id: str
    owner: str
    events: frozenset[Event]
    review: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What is owed: how many runs wait, and why the latest attempt failed."""

    runs: int
    last_error: str


class Deliveries:
    """The outbox of a ledger. A run is claimed as a whole, so that two drainers never create it twice."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def owed(self) -> Debt:
        """Count the runs that wait for delivery."""
        with self._transaction() as connection:
            waiting = select(func.count(outbox.c.run_id.distinct())).where(outbox.c.delivered_at.is_(None))
            error = (
                select(outbox.c.last_error)
                .where(outbox.c.delivered_at.is_(None), outbox.c.last_error != "")
                .order_by(outbox.c.id.desc())
                .limit(1)
            )
            return Debt(runs=connection.scalar(waiting) or 0, last_error=connection.scalar(error) or "")

    def owed_runs(self) -> tuple[str, ...]:
        """Name the runs that wait for delivery, oldest debt first: parents before their parts."""
        first = func.min(outbox.c.id)
        query = select(outbox.c.run_id).where(outbox.c.delivered_at.is_(None)).group_by(outbox.c.run_id).order_by(first)
        with self._transaction() as connection:
            return tuple(connection.scalars(query))

    def claim(self, run_id: str, *, for_seconds: float) -> Claim | None:
        """Take a run's debts for delivery, perhaps none; None when another holds it."""
        self._drop_dead_claim(run_id)
        owner = json.dumps({"token": secrets.token_hex(8), **asdict(SupervisorProcess.this())})
        owed = outbox.c.run_id == run_id, outbox.c.delivered_at.is_(None)
        try:
            with self._transaction(writes=True) as connection:
                now = database_clock(connection)
                terms = {"owner": owner, "until": now + for_seconds}
                taken_over = connection.execute(
                    update(claims).where(claims.c.run_id == run_id, claims.c.until < now).values(**terms)
                )
                if not taken_over.rowcount:
                    connection.execute(insert(claims).values(run_id=run_id, **terms))
                names = connection.scalars(select(outbox.c.event).where(*owed)).all()
                connection.execute(update(outbox).where(*owed).values(attempts=outbox.c.attempts + 1))
        except IntegrityError:
            return None
        events = frozenset(Event(name.partition(" ")[0]) for name in names)
        review = next((name for name in names if name.startswith(Event.REVIEWED.value)), "")
        return Claim(run_id=run_id, owner=owner, events=events, review=review)

    def renew(self, claim: Claim, *, for_seconds: float) -> bool:
        """Hold a claim longer; False when it ran out and another took it."""
        with self._transaction(writes=True) as connection:
            until = database_clock(connection) + for_seconds
            return bool(connection.execute(update(claims).where(_held(claim)).values(until=until)).rowcount)

    def delivered(self, claim: Claim, events: Collection[Event]) -> None:
        """Record that these events arrived; the claim stays, and so does the debt of a review that came meanwhile."""
        names = [claim.review if event is Event.REVIEWED else event.value for event in events]
        arrived = update(outbox).where(outbox.c.run_id == claim.run_id, outbox.c.event.in_(names))
        with self._transaction(writes=True) as connection:
            connection.execute(arrived.values(delivered_at=datetime.now(UTC), last_error=""))

    def release(self, claim: Claim, *, error: str = "") -> None:
        """Give a claim back; with an error, what it still owes keeps it as the reason."""
        with self._transaction(writes=True) as connection:
            if error:
                waiting = outbox.c.run_id == claim.run_id, outbox.c.delivered_at.is_(None)
                connection.execute(update(outbox).where(*waiting).values(last_error=error))
            connection.execute(delete(claims).where(_held(claim)))

    def known_run(self, run_id: str, tracking_uri: str) -> TrackedRun | None:
        """Return where a run is found at this tracker, None before it was created there."""
        columns = (deliveries.c.mlflow_run_id, deliveries.c.experiment_id, deliveries.c.artifact_uri)
        with self._transaction() as connection:
            row = connection.execute(select(*columns).where(*_mine(run_id, tracking_uri))).one_or_none()
        if row is None:
            return None
        return TrackedRun(
            mlflow_run_id=row.mlflow_run_id, experiment_id=row.experiment_id, artifact_uri=row.artifact_uri
        )

    def remember_run(self, run_id: str, tracking_uri: str, tracked: TrackedRun | None) -> None:
        """Keep where a run is found at this tracker; None forgets what turned out to be gone."""
        with self._transaction(writes=True) as connection:
            connection.execute(delete(deliveries).where(*_mine(run_id, tracking_uri)))
            if tracked is not None:
                row = {"run_id": run_id, "tracking_uri": tracking_uri, "at": datetime.now(UTC), **asdict(tracked)}
                connection.execute(insert(deliveries).values(row))

    def known_experiment(self, tracking_uri: str, name: str) -> str | None:
        """Return the experiment's id as it was last seen, so that it need not be asked for each time."""
        with self._transaction() as connection:
            return connection.scalar(
                select(experiments.c.experiment_id).where(
                    experiments.c.tracking_uri == tracking_uri, experiments.c.name == name
                )
            )

    def remember_experiment(self, tracking_uri: str, name: str, experiment_id: str) -> None:
        """Keep an experiment's id."""
        mine = experiments.c.tracking_uri == tracking_uri, experiments.c.name == name
        with self._transaction(writes=True) as connection:
            connection.execute(delete(experiments).where(*mine))
            connection.execute(
                insert(experiments).values(tracking_uri=tracking_uri, name=name, experiment_id=experiment_id)
            )

    def _drop_dead_claim(self, run_id: str) -> None:
        """A killed drainer's claim need not run out: on its own host one can see that it is gone."""
        with self._transaction() as connection:
            owner = connection.scalar(select(claims.c.owner).where(claims.c.run_id == run_id))
        if owner is None:
            return
        facts = json.loads(owner)
        facts.pop("token")
        if SupervisorProcess(**facts).is_gone():
            with self._transaction(writes=True) as connection:
                connection.execute(delete(claims).where(claims.c.run_id == run_id, claims.c.owner == owner))

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        with (
            ledger_errors(self.engine.url),
            self.engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
        ):
            yield connection


def owe_review(connection: Connection, run_id: str, sequence: int) -> None:
    """Owe the tracker where a run's review stands, up to this entry: one debt, however many entries there are."""
    name = f"{Event.REVIEWED.value} {sequence}"
    mine = outbox.c.run_id == run_id, outbox.c.event.startswith(Event.REVIEWED.value)
    renewed = update(outbox).where(*mine).values(event=name, delivered_at=None)
    if not connection.execute(renewed).rowcount:
        connection.execute(insert(outbox).values(run_id=run_id, event=name, attempts=0, last_error=""))


def _held(claim: Claim) -> ColumnElement[bool]:
    return (claims.c.run_id == claim.run_id) & (claims.c.owner == claim.owner)


def _mine(run_id: str, tracking_uri: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.run_id == run_id, deliveries.c.tracking_uri == tracking_uri
