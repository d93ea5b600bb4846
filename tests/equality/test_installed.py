"""Notebooks that installed packages bring along, read where they are installed."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "papermill": [
        "binder",
        "broken",
        "broken1",
        "broken2",
        "line_magic_error",
        "nb_version_4.4",
        "report_mode_test",
        "simple_execute",
        "sysexit1",
        "test_logging",
        "test_notebooknode_io",
        "gcs-simple_notebook",
    ],
    "nbdime": [
        "apap",
        "cellids--base",
        "error--1",
        "mixed-conflicts--1",
        "multi_cell_nb",
        "output-conflict--3",
        "src-and-output--1",
        "unicode--1",
    ],
}
CASES = [(package, name) for package, names in NOTEBOOKS.items() for name in names]


@pytest.mark.parametrize(("package", "name"), CASES)
def test_both_engines_show_the_same(package: str, name: str, tmp_path: Path, compare: Callable[..., str]) -> None:
    (original,) = Path(str(resources.files(package))).rglob(f"{name}.ipynb")
    notebook = json.loads(original.read_text(encoding="utf-8"))
    # Some ask for Python 2, or for a kernel that is not installed.
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / f"{name}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = compare(path=path)
    assert not found, found
