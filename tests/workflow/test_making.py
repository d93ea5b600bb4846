from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nightbook.runs.request import REQUEST, SOURCE, ExecutionRequest
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_leaves_what_it_was_asked_for_and_from_which_source(finished_project: Path) -> None:
    settings = load_settings(finished_project, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("fit@latest")
    folder = settings.runs_folder / run.run_id
    request = ExecutionRequest.read(folder / REQUEST)
    assert request.parameters == {"alpha": "0.5"}
    assert request.working_directory == str(finished_project / "notebooks")
    assert [(one.name, one.uri) for one in request.outputs] == [("model", "data/model.txt")]
    assert [pin.uri for pin in request.inputs] == ["data/numbers.txt"]
    assert {one["name"]: one["changed"] for one in request.declared} == {
        "numbers": False,
        "model": False,
        "alpha": True,
    }
    source = json.loads((folder / SOURCE).read_text())
    assert source["cells"][0]["metadata"]["tags"] == ["parameters"]


def test_a_run_knows_its_parent_its_parameters_and_where_its_files_are(finished_project: Path) -> None:
    settings = load_settings(finished_project, environment={})
    with open_ledger(settings) as ledger:
        parent, fit = ledger.find("1"), ledger.find("3")
    assert fit.parent_run_id == parent.run_id
    assert fit.parameters["alpha"] == 0.25
    assert fit.notebook == "notebooks/fit.ipynb"
    assert fit.executed_notebook == f".nightbook/runs/{fit.run_id}/executed.ipynb"
    assert (finished_project / str(fit.report)).exists()
    assert parent.duration_seconds is not None
