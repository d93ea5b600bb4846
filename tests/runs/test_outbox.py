from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from mlflow import MlflowClient

from nightbook.records import MetricPoint, Pin, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome, SupervisorProcess
from nightbook.runs.outbox import Outbox
from nightbook.runs.review_log import NewEntry, ReviewState, Verdict
from nightbook.runs.tracking import MlflowTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mlflow.entities import Run as MlflowRun

    from nightbook.settings import Settings

REQUESTS_OF_ONE_RUN = ["search", "create", "log-batch", "log-inputs", "executed.ipynb", "update"]
SUCCEEDED = Outcome(
    status=RunStatus.SUCCEEDED,
    ended_at=datetime(2026, 3, 1, tzinfo=UTC),
    metrics=(MetricPoint(name="loss", value=0.5), MetricPoint(name="loss", value=0.25, step=1)),
)


class Project:
    """A ledger and the outbox of one project."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger.open(settings.ledger)
        self.outbox = self.outbox_to(settings)

    def outbox_to(self, settings: Settings) -> Outbox:
        return Outbox(self.ledger, MlflowTracker(settings), self.settings.runs_folder)

    def start(self, kind: RunKind = RunKind.STAGE, parent: str | None = None) -> str:
        pins = (Pin(name="flights", uri="data/flights.parquet", digest="sha256:ab"),)
        new = NewRun(kind=kind, stage="train", parent_run_id=parent, parameters={"month": 6}, inputs=pins)
        run_id = self.ledger.create_run(new).run_id
        folder = self.settings.runs_folder / run_id
        folder.mkdir(parents=True)
        (folder / "executed.ipynb").write_text("{}")
        self.ledger.start(run_id, SupervisorProcess.this())
        return run_id

    def ended(self, outcome: Outcome = SUCCEEDED, parent: str | None = None) -> str:
        run_id = self.start(parent=parent)
        self.ledger.finish(run_id, outcome)
        return run_id

    def tracked(self, settings: Settings | None = None) -> list[MlflowRun]:
        """All that MLflow shows, asked directly."""
        uri = (settings or self.settings).tracking_uri
        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name((settings or self.settings).experiment)
        return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def assert_arrived_once(runs: list[MlflowRun], run_id: str, tracking_uri: str) -> None:
    (run,) = [run for run in runs if run.data.tags["nightbook.run_id"] == run_id]
    client = MlflowClient(tracking_uri)
    assert run.info.status == "FINISHED"
    assert run.info.end_time == 1_772_323_200_000
    assert run.data.params == {"month": "6"}
    assert [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "loss")] == [
        (0, 0.5),
        (1, 0.25),
    ]
    assert run.inputs is not None
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["flights"]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["executed.ipynb"]


@pytest.fixture
def project(settings_for: Callable[..., Settings]) -> Iterator[Project]:
    made = Project(settings_for())
    yield made
    made.ledger.close()


@pytest.fixture
def served(settings_for: Callable[..., Settings], proxy: Any) -> Iterator[Project]:
    """A project whose MLflow is a server behind a proxy that can break."""
    made = Project(settings_for(proxy.address))
    yield made
    made.ledger.close()


def test_a_run_arrives_and_the_ledger_knows_it(project: Project) -> None:
    run_id = project.ended()
    assert not project.ledger.get(run_id).mlflow_synced
    drained = project.outbox.drain()
    assert (drained.delivered, drained.owed, drained.reason) == (1, 0, "")
    run = project.ledger.get(run_id)
    assert run.mlflow_synced
    (tracked,) = project.tracked()
    assert tracked.info.run_id == run.mlflow_run_id
    assert_arrived_once(project.tracked(), run_id, project.settings.tracking_uri)


def test_a_second_pass_has_nothing_to_do(project: Project) -> None:
    project.ended()
    project.outbox.drain()
    again = project.outbox.drain()
    assert (again.delivered, again.owed) == (0, 0)
    assert len(project.tracked()) == 1


def test_a_pass_that_is_cut_short_leaves_the_rest_for_another_time(project: Project) -> None:
    for _ in range(3):
        project.ended()
    looks = iter([False, True])
    short = project.outbox.drain(is_enough=lambda: next(looks))
    assert (short.delivered, short.owed) == (1, 2)
    rest = project.outbox.drain()
    assert (rest.delivered, rest.owed) == (2, 0)
    assert len(project.tracked()) == 3


def test_a_run_that_goes_on_arrives_twice_in_one_run(project: Project) -> None:
    run_id = project.start()
    project.outbox.drain()
    assert [run.info.status for run in project.tracked()] == ["RUNNING"]
    project.ledger.finish(run_id, SUCCEEDED)
    project.outbox.drain()
    assert_arrived_once(project.tracked(), run_id, project.settings.tracking_uri)


def test_a_run_that_never_started_arrives_as_failed(project: Project) -> None:
    run = project.ledger.create_run(NewRun(kind=RunKind.STAGE, stage="score"))
    project.ledger.finish(run.run_id, Outcome(status=RunStatus.FAILED, message="train failed"))
    project.outbox.drain()
    (tracked,) = project.tracked()
    assert (tracked.info.status, tracked.data.tags["nightbook.message"]) == ("FAILED", "train failed")


def test_stages_are_nested_in_their_pipeline(project: Project) -> None:
    pipeline = project.start(RunKind.PIPELINE)
    stage = project.ended(parent=pipeline)
    # The stage is asked for first: its pipeline has to be there before it.
    announced = project.outbox.announce(stage)
    parent_id = project.ledger.get(pipeline).mlflow_run_id
    assert parent_id is not None
    tracked = {run.info.run_id: run for run in project.tracked()}
    assert tracked[announced or ""].data.tags["mlflow.parentRunId"] == parent_id
    project.ledger.finish(pipeline, SUCCEEDED)
    assert project.outbox.drain().owed == 0
    assert {run.info.status for run in project.tracked()} == {"FINISHED"}


def test_a_notebook_can_log_to_its_run_before_it_is_delivered(project: Project) -> None:
    run_id = project.start()
    announced = project.outbox.announce(run_id)
    assert announced is not None
    assert project.outbox.announce(run_id) == announced
    MlflowClient(project.settings.tracking_uri).log_metric(announced, "own", 1.0)
    project.ledger.finish(run_id, SUCCEEDED)
    project.outbox.drain()
    (tracked,) = project.tracked()
    assert tracked.data.metrics == {"own": 1.0, "loss": 0.25}


def test_a_run_that_has_not_started_is_not_announced(project: Project) -> None:
    run = project.ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
    assert project.outbox.announce(run.run_id) is None
    assert project.tracked() == []


def test_many_drainers_at_once_double_nothing(project: Project) -> None:
    pipeline = project.start(RunKind.PIPELINE)
    runs = [project.ended(parent=pipeline) for _ in range(6)]
    project.ledger.finish(pipeline, SUCCEEDED)
    outboxes = [project.outbox_to(project.settings) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        drained = list(pool.map(Outbox.drain, outboxes))
    # Who waits too long for another's pipeline leaves the run as a debt; the next pass pays it.
    later = project.outbox.drain()
    assert (sum(one.delivered for one in [*drained, later]), later.owed) == (7, 0)
    tracked = project.tracked()
    assert sorted(run.data.tags["nightbook.run_id"] for run in tracked) == sorted([pipeline, *runs])
    assert {run.info.status for run in tracked} == {"FINISHED"}


def test_the_files_of_one_run_being_gone_hold_up_nothing(project: Project) -> None:
    first, second = project.ended(), project.ended()
    shutil.rmtree(project.settings.runs_folder / first)
    assert project.outbox.drain().owed == 0
    assert_arrived_once(project.tracked(), second, project.settings.tracking_uri)


def test_a_run_that_mlflow_refuses_holds_up_no_other(project: Project) -> None:
    (project.settings.state / "mlartifacts").write_text("a file where MLflow needs a folder")
    refused, plain = project.ended(), project.ended()
    (project.settings.runs_folder / plain / "executed.ipynb").unlink()
    drained = project.outbox.drain()
    assert (drained.delivered, drained.owed) == (1, 1)
    assert "artifacts cannot be stored" in drained.reason
    assert project.ledger.get(plain).mlflow_synced
    (project.settings.state / "mlartifacts").unlink()
    assert project.outbox.drain().owed == 0
    assert_arrived_once(project.tracked(), refused, project.settings.tracking_uri)
    assert len(project.tracked()) == 2


def test_runs_move_on_to_another_tracker_with_their_pipeline(
    project: Project, settings_for: Callable[..., Settings]
) -> None:
    pipeline = project.start(RunKind.PIPELINE)
    project.outbox.drain()
    stage = project.ended(parent=pipeline)
    other = replace(
        project.settings, tracking_uri=f"sqlite:///{project.settings.root}/other.sqlite", experiment="moved"
    )
    for file in project.settings.state.glob("mlflow.sqlite*"):
        shutil.copy(file, project.settings.root / file.name.replace("mlflow", "other"))
    assert project.outbox_to(other).drain().owed == 0
    assert {run.data.tags["nightbook.run_id"] for run in project.tracked(other)} == {pipeline, stage}


def test_an_mlflow_made_anew_gets_a_run_that_it_lost(project: Project) -> None:
    run_id = project.start()
    project.outbox.drain()
    for file in project.settings.state.glob("mlflow.sqlite*"):
        file.unlink()
    project.ledger.finish(run_id, SUCCEEDED)
    # Another process: this one's connections still see the file that was deleted.
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from nightbook.settings import load_settings; from nightbook.runs.ledger import Ledger\n"
        "from nightbook.runs.outbox import Outbox; from nightbook.runs.tracking import MlflowTracker\n"
        "settings = replace(load_settings(Path(sys.argv[1]), environment={}), experiment=sys.argv[2])\n"
        "drained = Outbox(Ledger.open(settings.ledger), MlflowTracker(settings), settings.runs_folder).drain()\n"
        "assert drained.owed == 0, drained\n"
    )
    settings = project.settings
    subprocess.run([sys.executable, "-c", code, str(settings.root), settings.experiment], check=True)
    fresh = replace(settings, tracking_uri=settings.tracking_uri.replace("sqlite:///", "sqlite:////"))
    assert_arrived_once(project.tracked(fresh), run_id, fresh.tracking_uri)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 1 + len(REQUESTS_OF_ONE_RUN)))
def test_an_outage_at_any_request_loses_nothing_and_doubles_nothing(
    served: Project, proxy: Any, number: int, how: str
) -> None:
    served.ended()
    served.outbox.drain()
    proxy.mend()
    run_id = served.ended()
    proxy.break_at(number, how)
    drained = served.outbox.drain()
    assert drained.owed == 1
    assert drained.reason
    assert proxy.requests[number - 1].endswith(REQUESTS_OF_ONE_RUN[number - 1])
    proxy.mend()
    assert served.outbox.drain().owed == 0
    assert len(served.tracked()) == 2
    assert_arrived_once(served.tracked(), run_id, proxy.address)


def test_a_server_that_is_down_costs_less_than_a_second_and_gets_everything_later(
    settings_for: Callable[..., Settings], proxy: Any
) -> None:
    down = settings_for("http://127.0.0.1:9")
    project = Project(down)
    run_id = project.start()
    began = time.monotonic()
    assert project.outbox.announce(run_id) is None
    project.ledger.finish(run_id, SUCCEEDED)
    drained = project.outbox.drain()
    assert time.monotonic() - began < 1.5
    assert (drained.delivered, drained.owed) == (0, 1)
    assert drained.reason == "MLflow at http://127.0.0.1:9 does not answer"
    up = replace(down, tracking_uri=proxy.address)
    assert project.outbox_to(up).drain().owed == 0
    assert_arrived_once(project.tracked(up), run_id, proxy.address)
    project.ledger.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 3, 6])
def test_a_drainer_killed_in_the_middle_leaves_its_work_to_the_next_at_once(
    served: Project, proxy: Any, number: int
) -> None:
    served.ended()
    served.outbox.drain()
    run_id = served.ended()
    proxy.break_at(number, "silence")
    code = (
        "import sys; from pathlib import Path; from dataclasses import replace\n"
        "from nightbook.settings import load_settings; from nightbook.runs.ledger import Ledger\n"
        "from nightbook.runs.outbox import Outbox; from nightbook.runs.tracking import MlflowTracker\n"
        "settings = load_settings(Path(sys.argv[1]), environment={})\n"
        "settings = replace(settings, tracking_uri=sys.argv[2], experiment=sys.argv[3])\n"
        "Outbox(Ledger.open(settings.ledger), MlflowTracker(settings), settings.runs_folder).drain()\n"
    )
    settings = served.settings
    command = [sys.executable, "-c", code, str(settings.root), settings.tracking_uri, settings.experiment]
    drainer = subprocess.Popen(command)
    assert proxy.silent.wait(60)
    assert served.outbox.drain().delivered == 0
    drainer.kill()
    drainer.wait()
    proxy.mend()
    assert served.outbox.drain().owed == 0
    assert len(served.tracked()) == 2
    assert_arrived_once(served.tracked(), run_id, proxy.address)


def test_where_a_review_stands_arrives_as_tags_also_long_after_the_run(project: Project) -> None:
    run_id = project.ended()
    project.outbox.drain()
    said = NewEntry(run_id=run_id, review_id="a", verdict=Verdict.APPROVED, by="דנה", job="nightly")
    project.ledger.reviews.append(said, ReviewState.APPROVED, after=0)
    assert project.outbox.drain().owed == 0
    (run,) = project.tracked()
    assert (run.data.tags["nightbook.review"], run.data.tags["nightbook.approved_by"]) == ("approved", "דנה")
    assert run.info.status == "FINISHED"
    no = replace(said, review_id="b", verdict=Verdict.REJECTED)
    project.ledger.reviews.append(no, ReviewState.REJECTED, after=1)
    assert project.outbox.drain().owed == 0
    (run,) = project.tracked()
    assert (run.data.tags["nightbook.review"], run.data.tags["nightbook.approved_by"]) == ("rejected", "")


def test_a_review_of_a_run_that_is_deleted_in_mlflow_is_told_to_nobody(project: Project) -> None:
    run_id = project.ended()
    project.outbox.drain()
    (run,) = project.tracked()
    MlflowClient(project.settings.tracking_uri).delete_run(run.info.run_id)
    said = NewEntry(run_id=run_id, review_id="a", verdict=Verdict.APPROVED, by="Mara", job="nightly")
    project.ledger.reviews.append(said, ReviewState.APPROVED, after=0)
    assert project.outbox.drain().owed == 0
    assert project.tracked() == []
