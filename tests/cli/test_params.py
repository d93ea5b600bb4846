from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from nightbook.cli.params import command
from nightbook.errors import NotebookError, PipelineError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
from typing import Annotated
from nightbook import Input, Range
flights: Input = "../a.csv"  # departures [2013]
month: Annotated[int, Range(1, 12)] = 6  # calendar month
year: int
months = [
  1,
]
"""


def write(path: Path, source: str, kernel: str = "python3") -> None:
    path.parent.mkdir(exist_ok=True)
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source, "outputs": []}
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nightbook.toml").write_text("")
    write(tmp_path / "notebooks" / "02-train.ipynb", SOURCE)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("target", ["notebooks/02-train.ipynb", "train"])
def test_a_file_or_a_stage_shows_its_parameters(project: Path, target: str) -> None:
    shown = run(target)
    for text in ("flights", "input path", "departures [2013]", "integer from 1", "calendar month", "required", "[1]"):
        assert text in shown


def test_json_is_one_document(project: Path) -> None:
    document = json.loads(run("train", "--json"))
    assert document["notebook"] == "notebooks/02-train.ipynb"
    assert document["kernel"] == "python3"
    assert [one["name"] for one in document["parameters"]] == ["flights", "month", "year", "months"]
    assert document["parameters"][1]["type"] == "integer from 1 to 12"
    assert [one["required"] for one in document["parameters"]] == [False, False, True, False]


def test_a_stage_that_is_a_text_file_shows_its_parameters(project: Path) -> None:
    (project / "notebooks" / "03-score.py").write_text(
        '# %% tags=["parameters"]\nmonth: int = 6  # to score\n', "utf-8"
    )
    document = json.loads(run("score", "--json"))
    assert document["notebook"] == "notebooks/03-score.py"
    assert [one["name"] for one in document["parameters"]] == ["month"]


def test_a_notebook_in_another_language_has_its_parameters_in_the_settings(project: Path) -> None:
    write(project / "notebooks" / "clean.ipynb", "month <- 6", kernel="ir")
    (project / "nightbook.toml").write_text("[stages.clean.parameters]\nmonth = 6\n")
    document = json.loads(run("clean", "--json"))
    assert document["language"] == "R"
    assert document["parameters"][0]["default"] == 6


def test_a_notebook_without_parameters_says_so(project: Path) -> None:
    write(project / "other.ipynb", "x", kernel="ir")
    assert run("other.ipynb") == "other.ipynb declares no parameters: no cell has the tag 'parameters'\n"


def test_an_unknown_notebook_is_named(project: Path) -> None:
    with pytest.raises(PipelineError, match="there is no stage 'trian'") as caught:
        run("trian")
    assert caught.value.remedy == "did you mean 'train'?"
    with pytest.raises(NotebookError, match="there is no notebook"):
        run("trian.ipynb")
