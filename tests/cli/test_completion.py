from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import ShellComplete

from nightbook.cli import params, run, sweep, why
from nightbook.cli.completion import complete_runs, complete_stages, complete_targets

if TYPE_CHECKING:
    from pathlib import Path

PARAMETER = click.Argument(["run"])
CONTEXT = click.Context(click.Command("x"))


@pytest.fixture(autouse=True)
def in_project(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_project)


def test_stages_are_completed_by_name() -> None:
    assert [one.value for one in complete_stages(CONTEXT, PARAMETER, "")] == ["check", "fit", "make"]
    assert [one.value for one in complete_stages(CONTEXT, PARAMETER, "f")] == ["fit"]


def test_a_stage_that_is_a_text_file_is_completed_too(project_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_copy)
    (project_copy / "notebooks" / "09-score.py").write_text('# %% tags=["parameters"]\nmonth: int = 6\n', "utf-8")
    (project_copy / "notebooks" / "module.py").write_text("def score(): ...\n", "utf-8")
    assert [one.value for one in complete_stages(CONTEXT, PARAMETER, "")] == ["check", "fit", "make", "score"]


def test_a_target_is_a_stage_or_else_a_file() -> None:
    assert [one.value for one in complete_targets(CONTEXT, PARAMETER, "f")] == ["fit"]
    assert [(one.value, one.type) for one in complete_targets(CONTEXT, PARAMETER, "scratch/")] == [("scratch/", "file")]


@pytest.mark.parametrize("command", [params.command, run.command, sweep.command, why.command], ids=lambda one: one.name)
def test_commands_complete_the_stages_that_they_take(command: click.Command) -> None:
    shell = ShellComplete(command, {}, "nightbook", "_NIGHTBOOK_COMPLETE")
    assert [one.value for one in shell.get_completions([], "")] == ["check", "fit", "make"]


def test_runs_are_completed_newest_first_with_what_they_were() -> None:
    found = complete_runs(CONTEXT, PARAMETER, "")
    assert [one.value for one in found] == ["latest", "7", "6", "5", "4", "3", "2", "1"]
    assert found[1].help == "lone, failed"
    assert found[-1].help == "pipeline, failed"


def test_a_broken_project_completes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nightbook.toml").write_text("jobs = 'many'", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert complete_stages(CONTEXT, PARAMETER, "") == []
    assert complete_runs(CONTEXT, PARAMETER, "") == []
