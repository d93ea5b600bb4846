"""Runs: the first page, the list, one in full, several side by side; and to cancel one."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from nightbook.errors import NightbookError
from nightbook.records import CellStatus, RunKind, RunStatus
from nightbook.runs.report.charts import Bar, duration_bars, median
from nightbook.runs.report.header import metric_curves
from nightbook.runs.searching import RunQuery
from nightbook.ui.guard import SEE_OTHER
from nightbook.workflow.browsing import progress_of, show_run
from nightbook.workflow.cancelling import cancel
from nightbook.workflow.comparing import MISSING, compare
from nightbook.workflow.overview import base_of, find_runs, overview, underway
from nightbook.workflow.reports import report
from nightbook.workflow.requesting import request_review
from nightbook.workflow.verifying import verify_approvals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup
    from starlette.requests import Request

    from nightbook.records import Run
    from nightbook.ui.pages import Pages
    from nightbook.ui.shelf import Shelf

MOST_COMPARED = 50
CANCEL_PATIENCE_SECONDS = 10.0
_LARGEST_NUMBER = 2**31 - 1
_FEWEST_BARS = 3


class RunPages:
    """Answers about runs."""

    def __init__(self, pages: Pages, shelf: Shelf) -> None:
        self._pages = pages
        self._settings = pages.settings
        self._shelf = shelf

    def home(self, request: Request) -> Response:
        """What needs me now?"""
        found = overview(self._settings)
        return self._pages.show(request, "home.html.j2", found=found, running=found.running)

    def running(self, request: Request) -> Response:
        """The part of the first page that changes while something runs."""
        return self._pages.show(request, "running.html.j2", running=underway(self._settings))

    def runs(self, request: Request) -> Response:
        """Where is the run I mean?"""
        query = query_of(request.query_params)
        found = find_runs(self._settings, query)
        older = urlencode({**dict(request.query_params), "before": found.runs[-1].number}) if found.runs else ""
        return self._pages.show(
            request,
            "runs.html.j2",
            found=found,
            query=query,
            older=older,
            statuses=[one.value for one in RunStatus],
            kinds=[one.value for one in RunKind],
            search=urlencode(request.query_params),
        )

    def runs_json(self, request: Request) -> Response:
        """The list as JSON, with the list's own questions."""
        found = find_runs(self._settings, query_of(request.query_params))
        return JSONResponse({"runs": [one.to_json() for one in found.runs]})

    def runs_csv(self, request: Request) -> Response:
        """The list as CSV: a column for each parameter and each metric that occurs."""
        found = find_runs(self._settings, query_of(request.query_params))
        return Response(as_csv(found.runs), media_type="text/csv")

    def run(self, request: Request) -> Response:
        """Can I trust it?"""
        detail = show_run(self._settings, request.path_params["run"])
        frame, problem = self._report(detail.run)
        verified = verify_approvals(self._settings, detail.run.run_id)
        durations = [cell for cell in detail.run.cells if cell.duration_seconds is not None]
        return self._pages.show(
            request,
            "run.html.j2",
            detail=detail,
            run=detail.run,
            frame=frame,
            problem=problem,
            progress=None if detail.run.status.is_final else progress_of(self._settings, detail.run),
            curves=metric_curves(detail.points),
            latest={point.name: point for point in detail.points},
            verified=verified[0] if verified and verified[0].review.entries else None,
            base=base_of(self._settings, detail.run) if detail.run.executed_notebook else None,
            bars=_bars(detail.run) if len(durations) >= _FEWEST_BARS else None,
        )

    def run_json(self, request: Request) -> Response:
        """The record as JSON."""
        return JSONResponse(show_run(self._settings, request.path_params["run"]).to_json())

    def compare(self, request: Request) -> Response:
        """Which is best, and what made the difference?"""
        named = [one for one in ",".join(request.query_params.getlist("runs")).split(",") if one][:MOST_COMPARED]
        if len(named) < 2:  # noqa: PLR2004 - one alone is compared with nothing
            return self._pages.show(request, "compare.html.j2", found=None, named=named, missing=MISSING)
        found = compare(self._settings, named)
        return self._pages.show(request, "compare.html.j2", found=found, named=named, missing=MISSING)

    def cancel(self, request: Request) -> Response:
        """Ask a run to stop; the page that follows says how it stands."""
        reference = request.path_params["run"]
        with suppress(NightbookError):
            cancel(self._settings, reference, patience_seconds=CANCEL_PATIENCE_SECONDS)
        return RedirectResponse(f"/runs/{reference}", status_code=SEE_OTHER)

    def request_review(self, request: Request) -> Response:
        """Put a run before the reviewers."""
        reference = request.path_params["run"]
        request_review(self._settings, reference, str(request.scope["form"].get("text", "")))
        return RedirectResponse(f"/runs/{reference}", status_code=SEE_OTHER)

    def _report(self, run: Run) -> tuple[str, str]:
        """Where the report is shown, or why there is none."""
        if not run.status.is_final or run.kind is RunKind.PIPELINE:
            return "", ""
        try:
            (path,) = report(self._settings, run.run_id)
            return self._shelf.put(path), ""
        except NightbookError as error:
            return "", error.message
        except OSError as error:
            return "", f"the report cannot be read: {error.strerror}"


def query_of(asked: Mapping[str, str]) -> RunQuery:
    """What the address asks for; what makes no sense there is left open."""
    query = RunQuery(stage=asked.get("stage") or None, text=asked.get("q", "").strip())
    with suppress(ValueError):
        query = replace(query, status=RunStatus(asked.get("status", "")))
    with suppress(ValueError):
        query = replace(query, kind=RunKind(asked.get("kind", "")))
    with suppress(ValueError):
        query = replace(query, before=min(int(asked.get("before", "")), _LARGEST_NUMBER))
    return query


def as_csv(runs: tuple[Run, ...]) -> str:
    """One line a run, every digit; a name that is a parameter and a metric has two columns."""
    parameters = dict.fromkeys(name for run in runs for name in run.parameters)
    metrics = dict.fromkeys(name for run in runs for name in run.metrics)
    out = io.StringIO()
    writer = csv.writer(out)
    columns = ["number", "run_id", "stage", "status", "started_at", "ended_at", "duration_seconds"]
    named = [*(f"parameter.{name}" for name in parameters), *(f"metric.{name}" for name in metrics)]
    writer.writerow([*columns, *named])
    for run in runs:
        record = run.to_json()
        values = [*(run.parameters.get(name) for name in parameters), *(run.metrics.get(name) for name in metrics)]
        writer.writerow([_cell(value) for value in (*(record[name] for name in columns), *values)])
    return out.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _bars(run: Run) -> Markup:
    ran = [cell for cell in run.cells if cell.duration_seconds is not None]
    bars = [
        Bar(label=f"cell {cell.index}", seconds=cell.duration_seconds or 0.0, failed=cell.status is CellStatus.FAILED)
        for cell in ran
    ]
    return duration_bars(bars, median([bar.seconds for bar in bars]))
