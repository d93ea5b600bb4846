"""The ledger: the durable record of what became of every run, and the only truth about it."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from nightbook.errors import LedgerError
from nightbook.records import MetricPoint, Run, RunStatus
from nightbook.runs.database import database_clock, ledger_errors, open_engine
from nightbook.runs.deliveries import Deliveries, Event
from nightbook.runs.facts import NewRun, Outcome, new_run_id
from nightbook.runs.liveness import SupervisorProcess, Watch, forsaken_runs
from nightbook.runs.reading import LedgerReader
from nightbook.runs.review_log import ReviewLog
from nightbook.runs.schema import heartbeats, metrics, outbox, results, runs, transitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Ledger", "NewRun", "Outcome", "SupervisorProcess", "new_run_id"]


class Ledger(LedgerReader):
    """Records runs; every write is one durable transaction.

    Threads may share one; a forked child opens its own. `deliveries` holds what MLflow is still owed.
    """

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Self:
        """Open the ledger at a database URL, by default making what is missing.

        Raises:
            LedgerError: It cannot be reached, or a newer program wrote it.
        """
        return cls(open_engine(url, create=create))

    @property
    def deliveries(self) -> Deliveries:
        """What MLflow has and what it is still owed."""
        return Deliveries(self.engine)

    @property
    def reviews(self) -> ReviewLog:
        """What was said about runs, and where they stand."""
        return ReviewLog(self.engine)

    def create_run(self, new: NewRun) -> Run:
        """Record a run as pending, in the care of the calling process until its supervisor starts it.

        A second time, as after an answer that got lost, it is the same run.
        """
        now = datetime.now(UTC)
        try:
            with self._writing() as connection:
                number = connection.scalar(insert(runs).values(created_at=now, **_facts(new)).returning(runs.c.number))
                _append(connection, new.run_id, RunStatus.PENDING, now)
                connection.execute(insert(heartbeats).values(run_id=new.run_id, **_beat_now(connection)))
        except IntegrityError:
            return self.get(new.run_id)
        return Run(
            run_id=new.run_id,
            number=int(number or 0),
            kind=new.kind,
            status=RunStatus.PENDING,
            parent_run_id=new.parent_run_id,
            stage=new.stage,
            notebook=new.notebook,
            parameters=new.parameters,
            fingerprint=new.fingerprint,
            git_commit=new.git_commit,
            git_dirty=new.git_dirty,
            inputs=new.inputs,
        )

    def start(self, run_id: str, supervisor: SupervisorProcess, at: datetime | None = None) -> bool:
        """Record that a supervisor took over; False when the run ended before, such as by a cancellation.

        Args:
            run_id: The run.
            supervisor: Who looks after it.
            at: When it did; now when None.
        """
        try:
            with self._writing() as connection:
                if connection.scalar(_final_of(run_id)) is not None:
                    return False
                _append(connection, run_id, RunStatus.RUNNING, at or datetime.now(UTC), supervisor)
                connection.execute(
                    update(heartbeats).where(heartbeats.c.run_id == run_id).values(**_beat_now(connection))
                )
                _owe(connection, run_id, Event.STARTED)
        except IntegrityError as error:
            raise LedgerError(f"run {run_id} was started before: two supervisors would run it twice") from error
        return True

    def finish(self, run_id: str, outcome: Outcome) -> bool:
        """Record the final state; False, with nothing recorded, when another one was first."""
        if not outcome.status.is_final:
            message = f"{outcome.status.value} is no final status"
            raise ValueError(message)
        try:
            with self._writing() as connection:
                _append(connection, run_id, outcome.status, outcome.ended_at)
                connection.execute(insert(results).values(run_id=run_id, **_result(outcome)))
                points = [_point(run_id, point) for point in outcome.metrics]
                if points:
                    connection.execute(insert(metrics), points)
                # A skipped run is no execution: MLflow would show an empty run for each.
                if outcome.status is not RunStatus.SKIPPED:
                    _owe(connection, run_id, Event.ENDED)
        except IntegrityError:
            return False
        return True

    def beat(self, run_id: str) -> bool:
        """Say that a run is still looked after; False when the ledger holds it for ended."""
        with self._writing() as connection:
            if connection.scalar(_final_of(run_id)) is not None:
                return False
            connection.execute(update(heartbeats).where(heartbeats.c.run_id == run_id).values(**_beat_now(connection)))
        return True

    def unsupervised(self, *, lost_after_seconds: float = 30.0) -> tuple[Run, ...]:
        """Return the unfinished runs that nobody looks after any more.

        Their supervisor's process is gone (which only its own host can tell), or its heartbeat is older than
        `lost_after_seconds`. A pending part of a pipeline or sweep shares the fate of its parent.
        """
        newest = select(func.max(transitions.c.id)).group_by(transitions.c.run_id)
        query = (
            select(transitions, runs.c.parent_run_id, heartbeats.c.at.label("beat"), heartbeats.c.monotonic)
            .join(runs, runs.c.run_id == transitions.c.run_id)
            .join(heartbeats, heartbeats.c.run_id == transitions.c.run_id)
            .where(transitions.c.id.in_(newest), transitions.c.is_final.is_(False))
            .order_by(runs.c.number)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
            now = database_clock(connection) if rows else 0.0
        forsaken = forsaken_runs([_watch(row, now) for row in rows], lost_after_seconds=lost_after_seconds)
        return tuple(self.get(run_id) for run_id in forsaken)

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        """Use as a context manager that closes."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close, whatever happened."""
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            ledger_errors(self.engine.url),
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection


def _facts(new: NewRun) -> dict[str, object]:
    return {
        "run_id": new.run_id,
        "parent_run_id": new.parent_run_id,
        "kind": new.kind.value,
        "stage": new.stage,
        "notebook": new.notebook,
        "parameters": dict(new.parameters),
        "fingerprint": new.fingerprint,
        "fingerprint_parts": dict(new.fingerprint_parts),
        "git_commit": new.git_commit,
        "git_dirty": new.git_dirty,
        "inputs": [asdict(pin) for pin in new.inputs],
        "host": new.host,
        "username": new.user,
        "tags": dict(new.tags),
    }


def _append(
    connection: Connection,
    run_id: str,
    status: RunStatus,
    at: datetime,
    process: SupervisorProcess | None = None,
) -> None:
    process = process or SupervisorProcess.this()
    connection.execute(
        insert(transitions).values(
            run_id=run_id, status=status.value, at=at, is_final=status.is_final, **asdict(process)
        )
    )


def _owe(connection: Connection, run_id: str, event: Event) -> None:
    connection.execute(insert(outbox).values(run_id=run_id, event=event.value, attempts=0, last_error=""))


def _final_of(run_id: str) -> Select[str]:
    return select(transitions.c.status).where(transitions.c.run_id == run_id, transitions.c.is_final)


def _beat_now(connection: Connection) -> dict[str, float]:
    return {"at": database_clock(connection), "monotonic": time.monotonic()}


def _watch(row: Row[*tuple[Any, ...]], now: float) -> Watch:
    process = SupervisorProcess(host=row.host, pid=row.pid, pid_started_at=row.pid_started_at, pid_space=row.pid_space)
    return Watch(
        run_id=row.run_id,
        # A part of a pipeline may wait long for its turn; nobody beats for it until then.
        waits_in=row.parent_run_id if row.status == RunStatus.PENDING.value else None,
        process=process,
        # The monotonic clock of one boot stands still while the machine sleeps: sleep is no silence.
        silence_seconds=time.monotonic() - row.monotonic if process.is_in_sight() else now - row.beat,
    )


def _result(outcome: Outcome) -> dict[str, object]:
    last_values = {point.name: point.value for point in outcome.metrics}
    return {
        "status": outcome.status.value,
        "cause": outcome.cause.value if outcome.cause else None,
        "message": outcome.message,
        "ended_at": outcome.ended_at,
        "duration_seconds": outcome.duration_seconds,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "metrics": last_values,
        "outputs": [asdict(pin) for pin in outcome.outputs],
        "cells": [asdict(cell) for cell in outcome.cells],
        "executed_notebook": outcome.executed_notebook,
        "report": outcome.report,
        "reusable": outcome.reusable,
        "logged_parameters": dict(outcome.logged_parameters),
        "artifacts": list(outcome.artifacts),
    }


def _point(run_id: str, point: MetricPoint) -> dict[str, object]:
    return {
        "run_id": run_id,
        "name": point.name,
        "value": None if math.isnan(point.value) else point.value,
        "step": point.step,
        "at": point.at,
        "better": point.better,
        "tolerance": point.tolerance,
        "unit": point.unit,
    }
