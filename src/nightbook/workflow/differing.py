"""What changed from one run to another: parameters, metrics, and the notebooks: source, by nbdime, and outputs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbdime.diffing import diff_notebooks
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_diff
from nbformat import NotebookNode, from_dict

from nightbook.errors import RunNotFoundError
from nightbook.notebooks.document import CellKind, read_notebook
from nightbook.records import Run, RunKind
from nightbook.reviews.difference import NotebookDiff
from nightbook.reviews.difference import diff_notebooks as diff_executed
from nightbook.reviews.rules import USUAL, DiffRules
from nightbook.runs.request import EXECUTED, SOURCE
from nightbook.workflow.comparing import Comparison, comparison_of
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.runs.ledger import Ledger
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDiff:
    """What changed in one stage's notebook.

    Attributes:
        stage: Its name.
        before: The first run's notebook, as it was when it ran, without outputs and metadata.
        operations: nbdime's difference to the second run's; empty when the source is the same.
    """

    stage: str
    before: NotebookNode
    operations: list[Any]

    def text(self, *, is_coloured: bool) -> str:
        """As people read it."""
        out = io.StringIO()
        # Python's own difflib: whether git or diff are installed must not change what one sees.
        config = PrettyPrintConfig(out=out, use_git=False, use_diff=False, use_color=is_coloured)
        pretty_print_diff(self.before, self.operations, "", config)
        return out.getvalue()

    def to_json(self) -> dict[str, object]:
        """The operations in the format of nbdime."""
        return {"stage": self.stage, "operations": self.operations}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsDiff:
    """What one stage showed, in one run and in the other.

    Attributes:
        stage: Its name.
        notebook: The two executed notebooks; None where one of the runs has none.
        missing: Which run has none, in words.
    """

    stage: str
    notebook: NotebookDiff | None = None
    missing: str = ""

    def to_json(self) -> dict[str, object]:
        """The cells that differ; `cells` is null where there was nothing to compare."""
        compared = self.notebook.to_json() if self.notebook else {"cells": None}
        return {"stage": self.stage, "missing": self.missing or None, **compared}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs.

    Attributes:
        comparison: Their parameters and metrics.
        sources: The stages that both ran.
        outputs: The same stages' executed notebooks.
        added: Stages that only the second ran.
        removed: Stages that only the first ran.
    """

    comparison: Comparison
    sources: tuple[SourceDiff, ...]
    outputs: tuple[OutputsDiff, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The document of `--json`."""
        return {
            **self.comparison.to_json(),
            "source": [one.to_json() for one in self.sources if one.operations],
            "outputs": [one.to_json() for one in self.outputs],
            "only_in_first": list(self.removed),
            "only_in_second": list(self.added),
        }


def diff(settings: Settings, before: str, after: str, rules: DiffRules = USUAL) -> RunDiff:
    """Find out what changed from one run to another; `rules` say what counts as a change of an output.

    Raises:
        RunNotFoundError: One does not exist, or its files are not on this machine.
    """
    with open_ledger(settings) as ledger:
        runs = (ledger.find(before), ledger.find(after))
        comparison = comparison_of(ledger, runs)
        old, new = (_stage_runs(ledger, run) for run in runs)
    if all(run.kind is RunKind.STAGE for run in runs):
        # Two runs that were named are compared even when they are of different notebooks.
        old, new = {"": runs[0]}, {"": runs[1]}
    pairs = [(old[name], new[name]) for name in old if name in new]
    return RunDiff(
        comparison=comparison,
        sources=tuple(_source_diff(settings, *pair) for pair in pairs),
        outputs=tuple(_outputs_diff(settings, pair, rules) for pair in pairs),
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
    )


def _stage_runs(ledger: Ledger, run: Run) -> dict[str, Run]:
    if run.kind is RunKind.STAGE:
        return {run.stage or "": run}
    # What could not begin has no notebook.
    return {one.stage or "": one for one in ledger.children(run.run_id) if one.executed_notebook}


def _source_diff(settings: Settings, old: Run, new: Run) -> SourceDiff:
    before, after = _source(settings, old), _source(settings, new)
    return SourceDiff(stage=new.stage or "", before=before, operations=diff_notebooks(before, after))


def _source(settings: Settings, run: Run) -> NotebookNode:
    """The notebook as it ran; ids and metadata are left out, which editors change by themselves."""
    path = _file(settings, run, SOURCE, "source")
    cells: list[dict[str, object]] = [
        {
            "cell_type": cell.kind.value,
            "source": cell.source,
            "metadata": {},
            **({"outputs": [], "execution_count": None} if cell.kind is CellKind.CODE else {}),
        }
        for cell in read_notebook(path).cells
    ]
    node: NotebookNode = from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    return node


def _outputs_diff(settings: Settings, pair: tuple[Run, Run], rules: DiffRules) -> OutputsDiff:
    stage = pair[1].stage or ""
    without = [run for run in pair if not run.executed_notebook]
    if without:
        yet = "" if without[0].status.is_final else " yet"
        return OutputsDiff(stage=stage, missing=f"{without[0].label} has no executed notebook{yet}")
    before, after = (
        json.loads(_file(settings, run, EXECUTED, "executed notebook").read_text(encoding="utf-8")) for run in pair
    )
    return OutputsDiff(stage=stage, notebook=diff_executed(before, after, rules))


def _file(settings: Settings, run: Run, name: str, noun: str) -> Path:
    path = settings.runs_folder / run.run_id / name
    if not path.exists():
        raise RunNotFoundError(
            f"the {noun} of {run.label} is not here ({path})", remedy="ask on the machine that ran it"
        )
    return path
