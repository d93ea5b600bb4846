from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from nightbook.cli.completion import complete_runs, complete_stages

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
