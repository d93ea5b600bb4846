"""What the ledger tells about its runs."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Row, Select, case, func, or_, select

from nightbook.errors import RunNotFoundError, nearest
from nightbook.records import Cause, Cell, CellStatus, LastSuccess, MetricPoint, Pin, Run, RunKind, RunStatus
from nightbook.runs.database import ledger_errors
from nightbook.runs.facts import RunFacts
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.review_log import ReviewLog
from nightbook.runs.schema import deliveries, metrics, outbox, results, runs, transitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Engine

_ID_PREFIX_MIN = 4


class LedgerReader:
    """Questions to a ledger; every answer is one consistent read."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with ledger_errors(self.engine.url), self.engine.connect() as connection:
            yield connection

    def get(self, run_id: str) -> Run:
        """Return the run with this exact id.

        Raises:
            RunNotFoundError: There is none.
        """
        found = self.records(RECORDS.where(runs.c.run_id == run_id))
        if not found:
            raise RunNotFoundError(f"there is no run {run_id}", remedy="nightbook runs list")
        return found[0]

    def find(self, reference: str) -> Run:
        """Resolve what people type: a number, an id or its start, `latest`, `STAGE@latest`, `STAGE@approved`.

        `latest` is what was asked for last: the newest run that is not part of another. `approved` is the newest whose
        approvals sufficed when they were given; whether they still hold, only their verification says.

        Raises:
            RunNotFoundError: None fits, or several do.
        """
        stage, at, word = reference.rpartition("@")
        if word == "latest":
            newest = self.runs(limit=1, stage=stage) if at else self.runs(limit=1, top_level=True)
            if not newest:
                raise self._no_runs(stage)
            return newest[0]
        if at and word == "approved":
            return self.get(ReviewLog(self.engine).approved_run(stage))
        number = int(reference.lstrip("#")) if reference.lstrip("#").isdecimal() else None
        fits = runs.c.run_id.startswith(reference.lower(), autoescape=True)
        if number is not None and number < 2**31:
            fits = or_(fits, runs.c.number == number)
        found = self.records(RECORDS.where(fits).order_by(runs.c.number.desc()).limit(20))
        exact = [run for run in found if run.number == number or run.run_id == reference]
        if len(exact) == 1 or (len(found) == 1 and len(reference) >= _ID_PREFIX_MIN):
            return (exact or found)[0]
        if not found or len(reference) < _ID_PREFIX_MIN:
            raise self._no_such_run(reference)
        several = ", ".join(f"{run.label} ({run.run_id})" for run in found[:5])
        raise RunNotFoundError(f"'{reference}' begins the ids of several runs: {several}", remedy="type more of the id")

    def runs(
        self,
        *,
        limit: int = 100,
        stage: str | None = None,
        status: RunStatus | None = None,
        kind: RunKind | None = None,
        top_level: bool = False,
    ) -> tuple[Run, ...]:
        """Return runs, newest first; `top_level` leaves out the parts of pipelines and sweeps."""
        query = RECORDS.order_by(runs.c.number.desc()).limit(limit)
        query = narrowed(query, stage=stage, status=status, kind=kind)
        if top_level:
            query = query.where(runs.c.parent_run_id.is_(None))
        return self.records(query)

    def children(self, run_id: str, *, after: int = 0) -> tuple[Run, ...]:
        """Return the runs of a pipeline or sweep in the order of their creation; only those numbered after `after`."""
        theirs = (runs.c.parent_run_id == run_id) & (runs.c.number > after)
        return self.records(RECORDS.where(theirs).order_by(runs.c.number))

    def last_successes(self) -> Mapping[str, LastSuccess]:
        """Return each stage's latest success that later runs may rely on, in one query.

        The parts of a sweep do not count: they left their outputs in folders of their own.
        """
        parents = runs.alias()
        newest = (
            select(func.max(runs.c.number))
            .join(results, results.c.run_id == runs.c.run_id)
            .join(parents, parents.c.run_id == runs.c.parent_run_id, isouter=True)
            .where(runs.c.kind == RunKind.STAGE.value, _REUSABLE)
            .where(func.coalesce(parents.c.kind, "") != RunKind.SWEEP.value)
            .group_by(runs.c.stage)
        )
        with self._reading() as connection:
            rows = connection.execute(_SUCCESSES.where(runs.c.number.in_(newest))).all()
        return {row.stage: _success(row) for row in rows}

    def successes_of(self, fingerprints: Iterable[str]) -> Mapping[str, LastSuccess]:
        """Return the latest reusable success of each fingerprint that has one."""
        wanted = _SUCCESSES.where(runs.c.fingerprint.in_(list(fingerprints)), _REUSABLE).order_by(runs.c.number)
        with self._reading() as connection:
            rows = connection.execute(wanted).all()
        return {row.fingerprint: _success(row) for row in rows}

    def metric_points(self, run_id: str) -> tuple[MetricPoint, ...]:
        """Return every logged value in the order of logging."""
        with self._reading() as connection:
            rows = connection.execute(select(metrics).where(metrics.c.run_id == run_id).order_by(metrics.c.id)).all()
        return tuple(
            MetricPoint(
                name=row.name,
                value=math.nan if row.value is None else row.value,
                step=row.step,
                at=row.at,
                better=row.better,
                tolerance=row.tolerance,
                unit=row.unit,
            )
            for row in rows
        )

    def carer(self, run_id: str) -> SupervisorProcess:
        """Return the process that looked after a run last: its supervisor, before that its creator.

        Raises:
            RunNotFoundError: There is no such run.
        """
        query = (
            select(transitions)
            .where(transitions.c.run_id == run_id, transitions.c.is_final.is_(False))
            .order_by(transitions.c.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise RunNotFoundError(f"there is no run {run_id}", remedy="nightbook runs list")
        return SupervisorProcess(host=row.host, pid=row.pid, pid_started_at=row.pid_started_at, pid_space=row.pid_space)

    def facts(self, run_id: str) -> RunFacts:
        """Return what the record does not show.

        Raises:
            RunNotFoundError: There is no such run.
        """
        query = (
            select(runs, results.c.reusable, results.c.logged_parameters, results.c.artifacts)
            .join(results, results.c.run_id == runs.c.run_id, isouter=True)
            .where(runs.c.run_id == run_id)
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise RunNotFoundError(f"there is no run {run_id}", remedy="nightbook runs list")
        return RunFacts(
            created_at=row.created_at,
            host=row.host,
            user=row.username,
            tags=row.tags,
            fingerprint_parts=row.fingerprint_parts,
            reusable=bool(row.reusable),
            logged_parameters=row.logged_parameters or {},
            artifacts=tuple(row.artifacts or ()),
        )

    def records(self, query: Select[*tuple[object, ...]]) -> tuple[Run, ...]:
        """Return the runs of a narrowed or ordered `RECORDS`."""
        with self._reading() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def _no_runs(self, stage: str) -> RunNotFoundError:
        if not stage:
            return RunNotFoundError("the ledger holds no run yet", remedy="nightbook run")
        with self._reading() as connection:
            stages = connection.scalars(select(runs.c.stage).where(runs.c.stage.is_not(None)).distinct()).all()
        return RunNotFoundError(f"stage '{stage}' has not run yet", remedy=nearest(stage, stages))

    def _no_such_run(self, reference: str) -> RunNotFoundError:
        with self._reading() as connection:
            low, high = connection.execute(select(func.min(runs.c.number), func.max(runs.c.number))).one()
        if high is None:
            return self._no_runs("")
        return RunNotFoundError(
            f"there is no run '{reference}'; numbers go from {low} to {high}", remedy="nightbook runs list"
        )


_REUSABLE = (results.c.status == RunStatus.SUCCEEDED.value) & results.c.reusable

_STARTED = (
    select(transitions.c.run_id, transitions.c.at).where(transitions.c.status == RunStatus.RUNNING.value).subquery()
)
STATUS = func.coalesce(
    results.c.status,
    case((_STARTED.c.at.is_not(None), RunStatus.RUNNING.value), else_=RunStatus.PENDING.value),
)
_MLFLOW_RUN = (
    select(deliveries.c.mlflow_run_id)
    .where(deliveries.c.run_id == runs.c.run_id)
    .order_by(deliveries.c.at.desc())
    .limit(1)
    .scalar_subquery()
)
_OWED = select(func.count()).where(outbox.c.run_id == runs.c.run_id, outbox.c.delivered_at.is_(None)).scalar_subquery()

RECORDS = (
    select(
        runs,
        results,
        _STARTED.c.at.label("started_at"),
        STATUS.label("state"),
        _MLFLOW_RUN.label("mlflow_run_id"),
        _OWED.label("owed"),
    )
    .join(results, results.c.run_id == runs.c.run_id, isouter=True)
    .join(_STARTED, _STARTED.c.run_id == runs.c.run_id, isouter=True)
)

_SUCCESSES = select(
    runs.c.run_id,
    runs.c.number,
    runs.c.stage,
    runs.c.fingerprint,
    runs.c.fingerprint_parts,
    results.c.outputs,
    results.c.ended_at,
).join(results, results.c.run_id == runs.c.run_id)


def narrowed(
    query: Select[*tuple[object, ...]], *, stage: str | None, status: RunStatus | None, kind: RunKind | None
) -> Select[*tuple[object, ...]]:
    """Narrow `RECORDS` to a stage, a status and a kind; None leaves a question open."""
    for column, wanted in ((runs.c.stage, stage), (STATUS, status), (runs.c.kind, kind)):
        if wanted is not None:
            query = query.where(column.in_([str(wanted)]))
    return query


def _success(row: Row[*tuple[object, ...]]) -> LastSuccess:
    return LastSuccess(
        run_id=row.run_id,
        number=row.number,
        fingerprint=row.fingerprint,
        parts=row.fingerprint_parts,
        outputs=tuple(Pin(**pin) for pin in row.outputs),
        ended_at=row.ended_at,
    )


def _record(row: Row[*tuple[object, ...]]) -> Run:
    return Run(
        run_id=row.run_id,
        number=row.number,
        kind=RunKind(row.kind),
        status=RunStatus(row.state),
        parent_run_id=row.parent_run_id,
        stage=row.stage,
        notebook=row.notebook,
        cause=Cause(row.cause) if row.cause else None,
        message=row.message or "",
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_seconds=row.duration_seconds,
        peak_memory_bytes=row.peak_memory_bytes,
        parameters=row.parameters,
        metrics=row.metrics or {},
        fingerprint=row.fingerprint,
        git_commit=row.git_commit,
        git_dirty=row.git_dirty,
        inputs=tuple(Pin(**pin) for pin in row.inputs),
        outputs=tuple(Pin(**pin) for pin in row.outputs or ()),
        mlflow_run_id=row.mlflow_run_id,
        mlflow_synced=row.mlflow_run_id is not None and row.owed == 0,
        executed_notebook=row.executed_notebook,
        report=row.report,
        cells=tuple(Cell(**{**one, "status": CellStatus(one["status"])}) for one in row.cells or ()),
    )
