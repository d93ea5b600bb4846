from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from nightbook.errors import LedgerError
from nightbook.records import MetricPoint, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome, SupervisorProcess
from nightbook.settings import load_settings
from nightbook.workflow.sync import sync

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.settings import Settings

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def node(tmp_path: Path) -> Settings:
    """A project on a machine without network, in which a pipeline of two runs ended."""
    root = tmp_path / "node"
    root.mkdir()
    settings = replace(load_settings(root, environment={}), tracking_uri=AWAY)
    with Ledger.open(settings.ledger) as ledger:
        pipeline = ledger.create_run(NewRun(kind=RunKind.PIPELINE)).run_id
        ledger.start(pipeline, SupervisorProcess.this())
        for stage in ("train", "score"):
            run_id = ledger.create_run(NewRun(kind=RunKind.STAGE, stage=stage, parent_run_id=pipeline)).run_id
            ledger.start(run_id, SupervisorProcess.this())
            folder = settings.runs_folder / run_id
            folder.mkdir(parents=True)
            (folder / "report.html").write_text("<html>")
            points = (MetricPoint(name="loss", value=0.5),)
            ledger.finish(run_id, Outcome(status=RunStatus.SUCCEEDED, metrics=points))
        ledger.finish(pipeline, Outcome(status=RunStatus.SUCCEEDED))
    return settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A project on another machine, with its own MLflow."""
    root = tmp_path / "home"
    root.mkdir()
    return load_settings(root, environment={})


def arrived(settings: Settings) -> list[tuple[str, float | None, list[str]]]:
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.experiment)
    assert experiment is not None
    return sorted(
        (
            run.data.tags.get("nightbook.stage", ""),
            run.data.metrics.get("loss"),
            [file.path for file in client.list_artifacts(run.info.run_id)],
        )
        for run in client.search_runs([experiment.experiment_id])
    )


ALL = [("", None, []), ("score", 0.5, ["report.html"]), ("train", 0.5, ["report.html"])]


def test_without_its_mlflow_a_project_goes_on_owing(node: Settings) -> None:
    result = sync(node)
    assert (result.delivered, result.owed) == (0, 3)
    assert result.reason == "MLflow at http://127.0.0.1:9 does not answer"


@pytest.mark.slow
def test_an_outbox_carried_over_arrives_once(node: Settings, home: Settings, tmp_path: Path) -> None:
    first_copy, second_copy = tmp_path / "first", tmp_path / "second"
    shutil.copytree(node.root, first_copy)
    shutil.copytree(node.state, second_copy)
    assert sync(home, first_copy).delivered == 3
    assert arrived(home) == ALL
    again = sync(home, first_copy)
    assert (again.delivered, again.owed) == (0, 0)
    # Carried over once more, from where nobody knows that it arrived.
    assert sync(home, second_copy).owed == 0
    assert arrived(home) == ALL


def test_a_project_that_owes_nothing_has_nothing_to_sync(home: Settings) -> None:
    result = sync(home)
    assert (result.delivered, result.owed, result.reason) == (0, 0, "")


def test_a_folder_without_a_ledger_is_named(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"there is no ledger\.sqlite in") as caught:
        sync(home, tmp_path)
    assert caught.value.remedy
