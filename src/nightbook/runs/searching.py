"""Runs by what is asked of them: which fit, page by page, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from nightbook.runs.reading import RECORDS, LedgerReader, narrowed
from nightbook.runs.schema import results, runs

if TYPE_CHECKING:
    from nightbook.records import Run, RunKind, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs are meant; what is None or empty is left open.

    Attributes:
        stage: Of this stage.
        status: That stand so.
        kind: A stage's, a pipeline, a sweep.
        text: What the name of the stage or notebook, or the message of a failure, contains.
        before: With a smaller number: where a page before ended.
        limit: At most so many.
    """

    stage: str | None = None
    status: RunStatus | None = None
    kind: RunKind | None = None
    text: str = ""
    before: int | None = None
    limit: int = 50


class LedgerSearch(LedgerReader):
    """Searches a ledger; every answer is one consistent read."""

    def search(self, query: RunQuery) -> tuple[Run, ...]:
        """Return the runs that fit, newest first."""
        found = RECORDS.order_by(runs.c.number.desc()).limit(query.limit)
        found = narrowed(found, stage=query.stage, status=query.status, kind=query.kind)
        if query.before is not None:
            found = found.where(runs.c.number < query.before)
        if query.text:
            places = (runs.c.stage, runs.c.notebook, results.c.message)
            found = found.where(or_(*(place.icontains(query.text, autoescape=True) for place in places)))
        return self.records(found)

    def stages(self) -> tuple[str, ...]:
        """Return the names of all stages that have run, in their order."""
        named = select(runs.c.stage).where(runs.c.stage.is_not(None)).distinct().order_by(runs.c.stage)
        with self._reading() as connection:
            return tuple(connection.scalars(named))
