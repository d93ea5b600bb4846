from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nightbook
from nightbook.cli.main import COMMANDS
from nightbook.errors import PipelineError, RunNotFoundError
from nightbook.records import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def in_project(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished_project)
    return finished_project


def test_what_a_command_does_a_function_does() -> None:
    # JupyterLab and the app are no functions; reasons stand in a plan; runs are found and compared, and approvals
    # verified, by functions of their own; a decision is the word of a person, not of a program.
    elsewhere = {"lab", "ui", "why", "runs", "approvals", "keys", "approve", "reject", "comment"}
    assert {name.replace("-", "_") for name in set(COMMANDS) - elsewhere} <= set(nightbook.__all__)
    assert "verify_approvals" in nightbook.__all__
    assert {"plan", "get_run", "search_runs", "logs", "compare", "cancel"} <= set(nightbook.__all__)


def test_no_function_hides_a_module_of_its_name() -> None:
    assert [name for name in nightbook.__all__ if importlib.util.find_spec(f"nightbook.{name}")] == []


@pytest.mark.usefixtures("in_project")
def test_parameters_are_read_by_stage_or_file() -> None:
    declared = nightbook.params("fit")
    assert [one.name for one in declared.parameters] == ["numbers", "model", "alpha"]
    assert nightbook.params(Path("notebooks") / "fit.ipynb") == declared
    with pytest.raises(PipelineError):
        nightbook.params("fitt")


def test_a_report_is_found_or_copied(in_project: Path, tmp_path: Path) -> None:
    run = nightbook.get_run(6)
    assert nightbook.report(run) == (in_project / (run.report or ""),)
    assert len(nightbook.report(1)) == 3
    copied = nightbook.report("latest", target=tmp_path / "copy.html", with_code=False)
    assert copied[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("in_project")
def test_two_runs_differ_in_what_they_were_given() -> None:
    found = nightbook.diff(3, nightbook.get_run(6))
    assert [row.name for row in found.comparison.differing] == ["alpha"]
    assert [one.operations for one in found.sources] == [[]]


@pytest.mark.usefixtures("in_project")
def test_logs_are_read_part_by_part() -> None:
    first = next(nightbook.logs(4))
    assert (first.heading, first.text) == ("cell 1", "checking 2026-03-29 date '007'\n")
    assert [one.text for one in nightbook.logs(4, follow=True)] == [one.text for one in nightbook.logs(4)]
    with pytest.raises(RunNotFoundError):
        next(nightbook.logs(99))


@pytest.mark.usefixtures("in_project")
def test_a_run_that_is_over_stays_as_it_is() -> None:
    assert nightbook.cancel("fit@latest").status is RunStatus.SUCCEEDED


def test_mlflow_is_owed_nothing_twice(project_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_copy)
    assert nightbook.sync().owed == 0
    assert nightbook.sync(project_copy).delivered == 0


def test_a_project_is_begun_and_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = nightbook.init(tmp_path / "bikes")
    assert begun.root == tmp_path / "bikes"
    assert "nightbook.toml" in begun.written
    monkeypatch.chdir(begun.root)
    diagnosis = nightbook.doctor()
    assert {one.name for one in diagnosis.settings} >= {"jobs", "ledger"}
    assert not (begun.root / ".nightbook").exists()


def test_a_program_asks_for_a_review_and_checks_what_was_signed(
    tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "print(n)")
    monkeypatch.chdir(notebook.parent)
    run = nightbook.run(notebook)
    asked = nightbook.request_review(run, "please look")
    assert (asked.state, asked.entries[-1].text) == ("waiting", "please look")
    (verified,) = nightbook.verify_approvals(run)
    assert verified.is_good
    assert [one.review.run.number for one in nightbook.verify_approvals()] == [run.number]
