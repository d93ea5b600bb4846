from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import StorageError
from nightbook.pipelines.graph import build_pipeline
from nightbook.settings import load_settings
from nightbook.workflow.starting import start_project

if TYPE_CHECKING:
    from pathlib import Path

ALL = {"nightbook.toml", ".gitignore", "README.md", "notebooks/01-collect.ipynb", "notebooks/02-summarise.ipynb"}


def test_a_new_project_is_a_pipeline_of_two_stages(tmp_path: Path) -> None:
    project = start_project(tmp_path / "bikes")
    assert set(project.written) == ALL
    settings = load_settings(tmp_path / "bikes", environment={})
    assert settings.name == "bikes"
    pipeline = build_pipeline(settings)
    assert list(pipeline.stages) == ["collect", "summarise"]
    assert pipeline.upstream["summarise"] == ("collect",)


def test_any_folder_name_makes_a_valid_file(tmp_path: Path) -> None:
    start_project(tmp_path / 'my "own" \\ café')
    text = (tmp_path / 'my "own" \\ café' / "nightbook.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"name": 'my "own" \\ café'}


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    start_project(tmp_path)
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    again = start_project(tmp_path)
    assert again.written == ()
    assert set(again.kept) == ALL
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"


def test_a_folder_with_notebooks_gets_no_examples(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "mine.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("*.csv\n", encoding="utf-8")
    project = start_project(tmp_path)
    assert set(project.written) == {"nightbook.toml", "README.md"}
    assert project.kept == (".gitignore",)
    (advice,) = project.advice
    assert ".nightbook" in advice


def test_settings_in_pyproject_are_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.nightbook]\nnotebooks = "stages"\n', encoding="utf-8")
    project = start_project(tmp_path)
    assert "nightbook.toml" not in project.written
    assert "stages/01-collect.ipynb" in project.written


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    with pytest.raises(StorageError, match="is a file"):
        start_project(tmp_path / "here")
