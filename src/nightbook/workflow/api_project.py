"""The same by function, of a project and its runs: what `nightbook.params`, `nightbook.report` and their like do.

Apart from `api`, so that whoever only runs something loads nothing that compares notebooks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.runs.report import CodeVisibility
from nightbook.workflow import cancelling, diagnosing, differing, following, reports, requesting, verifying
from nightbook.workflow import sync as syncing
from nightbook.workflow.api import project_settings, reference_of
from nightbook.workflow.declaring import Declaration, declaration_of
from nightbook.workflow.starting import NewProject, start_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.records import Run
    from nightbook.workflow.diagnosing import Diagnosis
    from nightbook.workflow.differing import RunDiff
    from nightbook.workflow.following import LogPart
    from nightbook.workflow.reviewing import Review
    from nightbook.workflow.sync import SyncResult
    from nightbook.workflow.verifying import Verified


def init(folder: str | Path = ".") -> NewProject:
    """Lay out a project; files that are there stay as they are.

    Args:
        folder: Where; it is made when it is not there.

    Returns:
        The project's folder, and which files are new, which were kept.

    Raises:
        SettingsError: The folder's settings cannot be read.
        StorageError: The folder cannot be written.
    """
    return start_project(Path(folder))


def doctor() -> Diagnosis:
    """Look at what is installed, how the project is configured, and what can be reached; nothing is made.

    Returns:
        Versions, settings with their sources, and checks; `is_healthy` when nothing stands in the way of a run.

    Raises:
        SettingsError: The settings cannot be read.
    """
    return diagnosing.diagnose(project_settings())


def params(notebook: str | Path) -> Declaration:
    """Read what a notebook can be given; nothing is executed.

    Args:
        notebook: Its file, or a stage's name.

    Returns:
        The file, its kernel and language, and its parameters: each with name, type, role, default and help.

    Raises:
        NightbookError: There is no such notebook, or what it declares is wrong.
    """
    return declaration_of(project_settings(), str(notebook))


def report(reference: str | int | Run, *, target: str | Path | None = None, with_code: bool = True) -> tuple[Path, ...]:
    """Find a run's report, one HTML file that opens from disk; it is written when it is missing.

    Args:
        reference: The run.
        target: Where to write a copy; None leaves it in the run's folder.
        with_code: Whether the notebook's code stands in it.

    Returns:
        Its file; of a pipeline those of its stages, of a sweep the page that compares its runs.

    Raises:
        RunNotFoundError: There is no such run, or it has no report yet.
        StorageError: The copy cannot be written.
    """
    code = CodeVisibility.FOLDED if with_code else CodeVisibility.ABSENT
    place = None if target is None else Path(target)
    return reports.report(project_settings(), reference_of(reference), target=place, code=code)


def diff(before: str | int | Run, after: str | int | Run) -> RunDiff:
    """Find out what changed from one run to another.

    Args:
        before: The run by which the other is measured.
        after: The other.

    Returns:
        `comparison` (parameters and metrics) and `sources` (by stage, nbdime's operations and their `text`).

    Raises:
        RunNotFoundError: One does not exist, or its files are not on this machine.
    """
    return differing.diff(project_settings(), reference_of(before), reference_of(after))


def logs(reference: str | int | Run, *, follow: bool = False) -> Iterator[LogPart]:
    """Read what a run has printed, cell by cell, then the log of its kernel.

    Args:
        reference: The run; of a pipeline or sweep, one part after the other.
        follow: Go on until the run ends.

    Returns:
        Parts with `run`, `heading` and `text`, one at a time; errors come with the first.

    Raises:
        RunNotFoundError: There is no such run, or its files are not on this machine.
    """
    read = following.follow_log if follow else following.read_log
    return read(project_settings(), reference_of(reference))


def cancel(reference: str | int | Run) -> Run:
    """Stop a run, with all its parts when it is a pipeline or sweep, and wait until it is over: at most 30 s.

    Args:
        reference: The run; it has to go on on this machine.

    Returns:
        Its final record; of a run that was over already, the one that it has.

    Raises:
        RunNotFoundError: There is no such run.
        RunElsewhereError: Its processes cannot be reached from here.
        NightbookError: It does not stop.
    """
    return cancelling.cancel(project_settings(), reference_of(reference)).run


def sync(source: str | Path | None = None) -> SyncResult:
    """Send MLflow what it is still owed; a second time there is nothing left to do.

    Args:
        source: A project, or its state folder, carried over from another machine, whose runs are sent instead.

    Returns:
        How many runs were `delivered`, how many are still `owed`, and the `reason`.

    Raises:
        LedgerError: There is no ledger in `source`.
    """
    return syncing.sync(project_settings(), None if source is None else Path(source))


def request_review(reference: str | int | Run, text: str = "") -> Review:
    """Put a run before the reviewers, with the digests of what they are to look at.

    Args:
        reference: The run.
        text: What the reviewers should know.

    Returns:
        The run under review: `run`, `state`, `entries`.

    Raises:
        RunNotFoundError: There is no such run.
        ReviewRefusedError: There is nothing to review, or it is approved as it is.
    """
    return requesting.request_review(project_settings(), reference_of(reference), text)


def verify_approvals(reference: str | int | Run | None = None) -> tuple[Verified, ...]:
    """Check what was signed about runs, without asking any network.

    Args:
        reference: The run; None checks all about which something was said.

    Returns:
        For each run `review`, `problems`, and `is_good`, which is whether nothing is to be refused.

    Raises:
        RunNotFoundError: There is no such run.
        TrustError: The trust list cannot be read.
    """
    return verifying.verify_approvals(project_settings(), "" if reference is None else reference_of(reference))
