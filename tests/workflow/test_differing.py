from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError
from nightbook.records import RunStatus
from nightbook.reviews.rules import USUAL, DiffRules
from nightbook.reviews.texts import TextDiff
from nightbook.runs.ledger import Ledger
from nightbook.runs.request import EXECUTED, SOURCE
from nightbook.settings import Settings, load_settings
from nightbook.workflow.differing import _outputs_diff, diff

if TYPE_CHECKING:
    from pathlib import Path


def source_of(settings: Settings, reference: str) -> Path:
    with Ledger.open(settings.ledger) as ledger:
        return settings.runs_folder / ledger.find(reference).run_id / SOURCE


@pytest.fixture
def settings(project_copy: Path) -> Settings:
    return load_settings(project_copy, environment={})


def test_the_same_source_is_said_to_be_the_same(settings: Settings) -> None:
    (source,) = diff(settings, "3", "6").sources
    assert (source.stage, source.operations) == ("fit", [])


def test_a_changed_line_is_shown(settings: Settings) -> None:
    path = source_of(settings, "6")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][3]["source"] = content["cells"][3]["source"].replace("fitted with", "fitted, alpha")
    content["cells"][1]["id"] = "new"
    content["cells"][1]["metadata"] = {"collapsed": True}
    path.write_text(json.dumps(content), encoding="utf-8")
    found = diff(settings, "3", "6")
    (source,) = found.sources
    text = source.text(is_coloured=False)
    assert '-  print("fitted with", alpha)' in text
    assert '+  print("fitted, alpha", alpha)' in text
    # Ids and metadata change by themselves.
    assert "cells/1" not in text
    assert "\x1b" not in text
    assert "\x1b[3" in source.text(is_coloured=True)
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert [one["stage"] for one in document["source"]] == ["fit"]
    assert document["parameters"] == {"alpha": [0.25, 0.5]}


def test_lines_are_compared_however_an_editor_saves_them(settings: Settings) -> None:
    path = source_of(settings, "6")
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    content["cells"][3]["source"][-1] = "pass"
    path.write_text(json.dumps(content), encoding="utf-8")
    (source,) = diff(settings, "3", "6").sources
    assert "+  pass" in source.text(is_coloured=False)


def test_pipelines_are_compared_by_the_stages_that_both_ran(settings: Settings) -> None:
    found = diff(settings, "1", "5")
    assert [one.stage for one in found.sources] == ["fit"]
    assert (found.removed, found.added) == (("make", "check"), ())


def test_runs_of_different_notebooks_can_be_compared(settings: Settings) -> None:
    (source,) = diff(settings, "4", "7").sources
    assert source.operations


def test_outputs_are_compared_cell_by_cell(settings: Settings) -> None:
    (outputs,) = diff(settings, "3", "6").outputs
    assert outputs.notebook
    (changed,) = [cell for cell in outputs.notebook.changed if cell.cell.index == 3]
    (stdout,) = changed.changed_outputs
    assert isinstance(stdout.detail, TextDiff)
    (line,) = stdout.detail.changes
    assert line.before
    assert line.before.text == "fitted with 0.25"
    assert line.numbers[0].relative == 1
    (close,) = diff(settings, "3", "6", DiffRules(tolerance=0.5)).outputs
    assert close.notebook
    assert close.notebook.close == 2
    assert not [cell for cell in close.notebook.changed if cell.changed_outputs]


def test_a_run_that_has_no_notebook_yet_says_so(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        run = ledger.find("6")
    running = replace(run, executed_notebook=None, status=RunStatus.RUNNING)
    outputs = _outputs_diff(settings, (run, running), USUAL)
    assert outputs.missing == "fit #6 has no executed notebook yet"
    assert outputs.to_json() == {"stage": "fit", "missing": outputs.missing, "cells": None}
    assert _outputs_diff(settings, (replace(run, executed_notebook=None), run), USUAL).missing.endswith("notebook")


def test_an_executed_notebook_that_is_elsewhere_is_named(settings: Settings) -> None:
    source_of(settings, "6").with_name(EXECUTED).unlink()
    with pytest.raises(RunNotFoundError, match="executed notebook of fit #6 is not here"):
        diff(settings, "3", "6")


def test_files_that_are_elsewhere_are_named(settings: Settings) -> None:
    source_of(settings, "6").unlink()
    with pytest.raises(RunNotFoundError, match="source of fit #6 is not here"):
        diff(settings, "3", "6")
