from __future__ import annotations

import os
from pathlib import Path

import pytest

from nightbook.errors import NotebookError, ParameterError
from nightbook.lab.declaration import Declaration, read_declaration
from nightbook.notebooks.parameters import MISSING, OPAQUE
from nightbook.settings import load_settings


def read(notebook: str) -> Declaration:
    return read_declaration(load_settings(Path.cwd(), environment=os.environ), notebook)


def test_a_notebook_is_found_beside_the_one_that_asks(lab_project: Path) -> None:
    declaration = read("study.ipynb")
    assert declaration.path == lab_project / "notebooks" / "study.ipynb"
    assert declaration.name == "study"
    bases = {one.parameter.name: one.base for one in declaration.parameters}
    assert bases["month"] == 6
    assert bases["home"] is OPAQUE


def test_a_notebook_is_found_in_the_projects_folder_from_elsewhere(
    lab_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab_project)
    assert read("study.ipynb").path == lab_project / "notebooks" / "study.ipynb"


def test_what_the_settings_say_is_where_a_form_begins(lab_project: Path) -> None:
    (lab_project / "nightbook.toml").write_text('[stages.study.parameters]\nmonth = 7\nday = "2026-02-01"\n')
    declared = {one.parameter.name: one for one in read("study.ipynb").parameters}
    assert declared["month"].base == 7
    assert declared["month"].is_preset
    assert declared["day"].base.isoformat() == "2026-02-01"  # type: ignore[attr-defined] # a date
    assert not declared["rate"].is_preset


def test_a_wrong_value_in_the_settings_is_refused(lab_project: Path) -> None:
    (lab_project / "nightbook.toml").write_text("[stages.study.parameters]\nmonth = 13\n")
    with pytest.raises(ParameterError, match=r"13 is not an integer from 1 to 12 in \[stages.study\]"):
        read("study.ipynb")


def test_a_required_parameter_is_no_mistake_before_the_form_is_filled_in(lab_project: Path) -> None:
    study = lab_project / "notebooks" / "study.ipynb"
    study.write_text(study.read_text().replace("count: int = 3", "count: int"))
    declared = {one.parameter.name: one for one in read("study.ipynb").parameters}
    assert declared["count"].base is MISSING


def test_a_notebook_in_another_language_declares_in_the_settings(lab_project: Path) -> None:
    study = lab_project / "notebooks" / "study.ipynb"
    study.write_text(study.read_text().replace('"parameters"', '"other"'))
    (lab_project / "nightbook.toml").write_text("[stages.study.parameters]\nwho = 'Mara'\n")
    (declared,) = read("study.ipynb").parameters
    assert (declared.parameter.name, declared.base) == ("who", "Mara")


def test_a_notebook_that_is_not_there_is_named(lab_project: Path) -> None:
    with pytest.raises(NotebookError, match=r"studio\.ipynb"):
        read("studio.ipynb")
