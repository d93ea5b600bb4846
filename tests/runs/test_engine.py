from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nbformat

from nightbook.runs.engine import LiteralTranslator, PythonSource, injected, numbered, tracking_environment
from nightbook.runs.request import TRACKING, ExecutionRequest

if TYPE_CHECKING:
    from pathlib import Path


def request(folder: Path, **fields: object) -> ExecutionRequest:
    known: dict[str, object] = dict.fromkeys(("ledger", "root", "state", "store", "notebook", "working_directory"), "")
    known |= {"run_id": "r", "folder": str(folder), "kernel_name": "python3", "language": "python"}
    return ExecutionRequest(**{**known, **fields})  # type: ignore[arg-type]  # of the fields' own types


def test_python_gets_the_source_that_was_checked_and_other_languages_their_values(tmp_path: Path) -> None:
    source = '__import__("datetime").date(2013, 1, 1)'
    given = injected(request(tmp_path, parameters={"day": source}))
    assert isinstance(given["day"], PythonSource)
    assert LiteralTranslator.translate(given["day"]) == source
    assert LiteralTranslator.codify(given) == f"# Parameters\nday = {source}\n"
    assert injected(request(tmp_path, language="bash", parameters={"n": 3})) == {"n": 3}


def test_a_runner_that_need_not_wait_takes_what_is_there(tmp_path: Path) -> None:
    assert tracking_environment(request(tmp_path)) == {}
    (tmp_path / TRACKING).write_text(json.dumps({"MLFLOW_RUN_ID": "abc"}))
    assert tracking_environment(request(tmp_path, awaits_tracking=True)) == {"MLFLOW_RUN_ID": "abc"}


def test_each_cell_keeps_its_place_in_the_source() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("2")])
    assert [cell.metadata["nightbook"]["index"] for cell in numbered(notebook).cells] == [0, 1]
