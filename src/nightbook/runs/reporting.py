"""The report of a run, from what the run left on disk and in the ledger."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from nightbook.errors import RunNotFoundError
from nightbook.files import write_atomically
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.report import CodeVisibility, ReportContext, ReportParameter, render_report
from nightbook.runs.report.comparison import ComparisonContext, render_comparison
from nightbook.runs.request import (
    COMPARISON,
    ENVIRONMENT,
    EXECUTED,
    ORDER,
    REPORT,
    REQUEST,
    ComparisonOrder,
    ExecutionRequest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings

RECENT_RUNS = 12


def rehearse() -> None:
    """Render a page of next to nothing, so that forks of this process find templates, schema and lexer compiled."""
    run = Run(run_id="rehearsal", number=0, kind=RunKind.STAGE, status=RunStatus.SUCCEEDED)
    prose = {"id": "prose", "cell_type": "markdown", "metadata": {}, "source": "*a*"}
    code: dict[str, object] = {
        "id": "code",
        "cell_type": "code",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    language = {"name": "python", "pygments_lexer": "ipython3"}
    notebook = {"cells": [prose, code], "metadata": {"language_info": language}, "nbformat": 4, "nbformat_minor": 5}
    render_report(notebook, ReportContext(run=run, project=""), code=CodeVisibility.FOLDED)


def ensure_page(settings: Settings, ledger: Ledger, run: Run) -> Path | None:
    """Write the page of an ended run unless it is there: a stage's report, a sweep's comparison."""
    if run.kind is RunKind.STAGE:
        return ensure_report(settings, ledger, run)
    return ensure_comparison(settings, ledger, run) if run.kind is RunKind.SWEEP else None


def ensure_comparison(settings: Settings, ledger: Ledger, sweep: Run) -> Path | None:
    """Write `comparison.html` of an ended sweep unless it is there; None when the sweep was cut off before its end."""
    folder = settings.runs_folder / sweep.run_id
    path = folder / COMPARISON
    if path.exists() or not sweep.status.is_final or not (folder / ORDER).exists():
        return path if path.exists() else None
    write_atomically(path, render_sweep(settings, ledger, sweep, links=folder).encode())
    return path


def render_sweep(settings: Settings, ledger: Ledger, sweep: Run, *, links: Path | None) -> str:
    """The HTML that compares a sweep's runs.

    Args:
        settings: The project.
        ledger: Where the runs stand.
        sweep: The sweep; its folder holds the order of its page.
        links: The folder from which the page links to the runs' reports; None for a page that goes elsewhere.
    """
    order = ComparisonOrder.read(settings.runs_folder / sweep.run_id)
    points = {point.name: point for run_id in order.runs for point in ledger.metric_points(run_id)}
    context = ComparisonContext(
        project=settings.name,
        objective=order.objective,
        better=order.better,
        points=tuple(points.values()),
        links={run_id: os.path.relpath(settings.runs_folder / run_id / REPORT, links) for run_id in order.runs}
        if links
        else {},
    )
    return render_comparison(sweep, [ledger.get(run_id) for run_id in order.runs], context)


def ensure_report(settings: Settings, ledger: Ledger, run: Run) -> Path | None:
    """Write `report.html` of an ended run unless it is there; None for a run without notebook."""
    path = settings.runs_folder / run.run_id / REPORT
    if path.exists():
        return path
    if not run.status.is_final or not (path.parent / EXECUTED).exists():
        return None
    write_atomically(path, render(settings, ledger, run, CodeVisibility.FOLDED).encode())
    return path


def render(settings: Settings, ledger: Ledger, run: Run, code: CodeVisibility, *, notebook_link: str = EXECUTED) -> str:
    """The report's HTML.

    Args:
        settings: The project.
        ledger: Where the run stands.
        run: The run.
        code: Whether the notebook's source is in the page.
        notebook_link: Where the page finds the executed notebook; empty for a page that goes elsewhere.

    Raises:
        RunNotFoundError: The run's files are not on this machine.
    """
    folder = settings.runs_folder / run.run_id
    if not (folder / EXECUTED).exists():
        raise RunNotFoundError(
            f"{run.label} left no notebook here ({folder} has none)", remedy="ask on the machine that ran it"
        )
    notebook: Mapping[str, Any] = json.loads((folder / EXECUTED).read_text(encoding="utf-8"))
    request = ExecutionRequest.read(folder / REQUEST)
    context = ReportContext(
        run=run,
        project=settings.name,
        parameters=tuple(ReportParameter(**dict(one)) for one in request.declared),  # type: ignore[arg-type]  # written by ourselves from the same fields
        points=ledger.metric_points(run.run_id),
        environment=_environment(folder, notebook, request),
        root=settings.root,
        notebook_link=notebook_link,
        recent_durations=_recent_durations(ledger, run),
    )
    return render_report(notebook, context, code=code)


def _environment(folder: Path, notebook: Mapping[str, Any], request: ExecutionRequest) -> dict[str, str]:
    language = notebook.get("metadata", {}).get("language_info", {})
    shown = {"Kernel": request.kernel_name}
    if language.get("version"):
        shown[str(language.get("name", "language")).capitalize()] = str(language["version"])
    listed = folder / ENVIRONMENT
    if listed.exists():
        content = listed.read_bytes()
        lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
        # the digest that `sha256sum environment.txt` prints, so that anyone can check it
        shown["Environment"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        shown["Packages"] = f"{len(lines)} (environment.txt)"
    return shown


def _recent_durations(ledger: Ledger, run: Run) -> tuple[float, ...]:
    earlier = [
        one.duration_seconds
        for one in ledger.runs(limit=RECENT_RUNS, stage=run.stage)
        if one.number < run.number and one.duration_seconds is not None and one.cause is None
    ]
    return tuple(reversed(earlier))
