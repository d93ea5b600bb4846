"""Where a run's report is; written when it is missing, or as a copy elsewhere, with the code or without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.errors import RunNotFoundError
from nightbook.files import write_atomically
from nightbook.records import RunKind
from nightbook.runs.report import CodeVisibility
from nightbook.runs.reporting import ensure_report, render, render_sweep
from nightbook.runs.request import COMPARISON, EXECUTED, ORDER, REPORT
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings

WITHOUT_CODE = "report-no-code.html"


def report(
    settings: Settings, reference: str, *, target: Path | None = None, code: CodeVisibility = CodeVisibility.FOLDED
) -> tuple[Path, ...]:
    """The report's file; of a pipeline the reports of its stages, of a sweep its comparison.

    Args:
        settings: The project.
        reference: The run.
        target: Where to write a copy, which links to nothing that is not beside it; None leaves it in the run's folder.
        code: Whether the notebook's code stands in it.

    Raises:
        RunNotFoundError: There is no such run, or it has no notebook to report on.
        StorageError: The copy cannot be written.
    """
    with open_ledger(settings) as ledger:
        run = ledger.find(reference)
        if run.kind is RunKind.STAGE:
            return (_stage_report(settings, ledger, run, target, code),)
        parts = [one for one in ledger.children(run.run_id) if one.executed_notebook]
        if run.kind is RunKind.PIPELINE and target is None:
            return tuple(_stage_report(settings, ledger, one, None, code) for one in parts)
        if run.kind is RunKind.SWEEP:
            return (_comparison(settings, ledger, run, target),)
    numbers = ", ".join(f"{one.stage} #{one.number}" for one in parts) or "none"
    raise RunNotFoundError(f"{run.label} has a report for each of its stages: {numbers}", remedy="name one of them")


def _comparison(settings: Settings, ledger: Ledger, sweep: Run, target: Path | None) -> Path:
    path = settings.runs_folder / sweep.run_id / COMPARISON
    if not path.exists():
        raise RunNotFoundError(f"{sweep.label} has no comparison page yet", remedy="wait until it has ended")
    if target is None or _are_neighbours(path, target) or not path.with_name(ORDER).exists():
        return _copy(path, target)
    write_atomically(target, render_sweep(settings, ledger, sweep, links=None).encode())
    return target


def _stage_report(settings: Settings, ledger: Ledger, run: Run, target: Path | None, code: CodeVisibility) -> Path:
    if not run.status.is_final:
        raise RunNotFoundError(
            f"{run.label} is still {run.status.value}; its report comes with its end",
            remedy=f"nightbook runs logs -f {run.number}",
        )
    folder = settings.runs_folder / run.run_id
    executed = folder / EXECUTED
    # without its notebook a report cannot be rendered again for another place
    is_as_it_is = code is CodeVisibility.FOLDED and (target is None or not executed.exists())
    if is_as_it_is and (own := ensure_report(settings, ledger, run)) is not None:
        return _copy(own, target)
    path = target or folder / (REPORT if code is CodeVisibility.FOLDED else WITHOUT_CODE)
    link = EXECUTED if _are_neighbours(executed, path) else ""
    write_atomically(path, render(settings, ledger, run, code, notebook_link=link).encode())
    return path


def _are_neighbours(one: Path, other: Path) -> bool:
    return one.resolve().parent == other.resolve().parent


def _copy(path: Path, target: Path | None) -> Path:
    if target is None:
        return path
    write_atomically(target, path.read_bytes())
    return target
