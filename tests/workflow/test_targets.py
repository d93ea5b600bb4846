from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import NotebookError, ParameterError, PipelineError
from nightbook.settings import Settings, load_settings
from nightbook.workflow.targets import select

if TYPE_CHECKING:
    from pathlib import Path

FIRST = 'from nightbook import Output\nmonth: int = 6\nmade: Output = "../data/a.txt"'
SECOND = (
    'from nightbook import Input, Output\nmonth: int = 1\nmade: Input = "../data/a.txt"\nend: Output = "../data/b.txt"'
)
THIRD = "rate: float = 0.1"


def write(path: Path, parameters: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = {"cell_type": "code", "id": "p", "source": parameters, "metadata": {"tags": ["parameters"]}}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell | {"outputs": []}]}
    path.write_text(json.dumps(content))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, parameters in (("01-first", FIRST), ("second", SECOND), ("third", THIRD)):
        write(tmp_path / "notebooks" / f"{name}.ipynb", parameters)
    write(tmp_path / "elsewhere.ipynb", THIRD)
    monkeypatch.chdir(tmp_path)
    return load_settings(tmp_path, environment={})


def test_no_target_is_the_whole_pipeline(settings: Settings) -> None:
    assert select(settings, (), {}).names == ("first", "second", "third")


@pytest.mark.parametrize("target", ["second", "notebooks/second.ipynb", "second.ipynb"])
def test_a_stage_is_named_or_given_as_its_file(settings: Settings, target: str) -> None:
    selection = select(settings, (target,), {})
    assert selection.names == ("second",)
    assert not selection.is_lone
    assert not selection.forced


def test_a_stage_is_found_however_the_path_to_its_file_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.root / "data").mkdir()
    (settings.root / "data" / "link").symlink_to(settings.root / "notebooks")
    monkeypatch.chdir(settings.root / "data")
    for target in ("../notebooks/second.ipynb", "link/second.ipynb", str(settings.root / "data" / "link/second.ipynb")):
        assert select(settings, (target,), {}).names == ("second",)


def test_a_parameter_is_given_to_a_stage_with_a_dot_in_its_name(settings: Settings) -> None:
    write(settings.root / "notebooks" / "v1.2.ipynb", "rate: float = 0.1")
    pipeline = select(settings, ("second", "v1.2"), {"v1.2.rate": 0.5}).pipeline
    assert pipeline.stages["v1.2"].binding.values["rate"] == 0.5


def test_a_file_that_is_no_notebook_is_told_as_such(settings: Settings) -> None:
    (settings.root / "notes.txt").write_text("1")
    with pytest.raises(NotebookError, match=r"notes.txt is not a notebook"):
        select(settings, ("notes.txt",), {})


def test_a_file_outside_the_pipeline_runs_alone_and_always(settings: Settings) -> None:
    selection = select(settings, ("elsewhere.ipynb",), {})
    assert selection.is_lone
    assert selection.names == ("elsewhere",) == tuple(selection.forced)


def test_a_stage_given_as_a_file_without_outputs_always_executes(settings: Settings) -> None:
    assert select(settings, ("notebooks/third.ipynb",), {}).forced == {"third"}
    assert not select(settings, ("third",), {}).forced


def test_an_unknown_target_names_the_nearest(settings: Settings) -> None:
    with pytest.raises(PipelineError, match="there is no stage 'secnd'") as raised:
        select(settings, ("secnd",), {})
    assert "second" in raised.value.remedy


def test_a_parameter_is_for_the_one_stage_that_was_asked_for(settings: Settings) -> None:
    stages = select(settings, ("second",), {"month": 3}).pipeline.stages
    assert (stages["first"].binding.values["month"], stages["second"].binding.values["month"]) == (6, 3)


def test_a_qualified_parameter_is_for_its_stage(settings: Settings) -> None:
    stages = select(settings, ("second",), {"first.month": 3}).pipeline.stages
    assert (stages["first"].binding.values["month"], stages["second"].binding.values["month"]) == (3, 1)


def test_a_bare_parameter_of_a_whole_pipeline_is_for_every_stage_that_declares_it(settings: Settings) -> None:
    stages = select(settings, (), {"month": 3}).pipeline.stages
    assert (stages["first"].binding.values["month"], stages["second"].binding.values["month"]) == (3, 3)


@pytest.mark.parametrize(
    ("targets", "name"), [((), "mnth"), (("second",), "mnth"), (("first",), "second.month"), ((), "nowhere.month")]
)
def test_a_parameter_that_is_for_nobody_is_refused(settings: Settings, targets: tuple[str, ...], name: str) -> None:
    with pytest.raises(ParameterError):
        select(settings, targets, {name: 3})
