from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Param
from mlflow.entities import Run as MlflowRun

from nightbook.errors import TrackerAwayError, TrackerError
from nightbook.records import Cause, MetricPoint, Pin, Run, RunKind, RunStatus
from nightbook.runs.facts import RunFacts
from nightbook.runs.shaping import Delivery
from nightbook.runs.tracking import MlflowTracker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nightbook.settings import Settings

STARTED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ENDED = datetime(2026, 3, 1, 12, 5, 0, 500_000, tzinfo=UTC)
RUN = Run(
    run_id="0123456789abcdef",
    number=418,
    kind=RunKind.STAGE,
    status=RunStatus.SUCCEEDED,
    stage="train",
    notebook="notebooks/train.ipynb",
    started_at=STARTED,
    ended_at=ENDED,
    parameters={f"parameter_{number}": number / 10 for number in range(20)},
    fingerprint="f00d",
    git_commit="c0ffee",
    git_dirty=True,
    inputs=(Pin(name="flights", uri="data/flights.parquet", digest="sha256:" + "ab" * 32, size_bytes=12),),
)
FACTS = RunFacts(
    created_at=STARTED,
    host="night",
    user="ada",
    tags={},
    fingerprint_parts={},
    reusable=True,
    logged_parameters={},
    artifacts=("artifacts/plots/error.png",),
)
EXECUTED = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "cells": [],
    "metadata": {"language_info": {"name": "python", "version": "3.11.9"}},
}
POINTS = tuple(MetricPoint(name=f"metric {number}", value=number / 3, at=ENDED) for number in range(20))


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """A run with 20 parameters, 20 metrics, more than 10 tags and 3 artifacts beside its plot."""
    folder = tmp_path / "runs" / RUN.run_id
    (folder / "artifacts" / "plots").mkdir(parents=True)
    (folder / "executed.ipynb").write_text(json.dumps(EXECUTED))
    (folder / "report.html").write_text("<html>")
    (folder / "environment.txt").write_text("# python3 on Linux-6.1.0-x86_64-with-glibc2.36\npandas==2.2.3\n")
    (folder / "artifacts" / "plots" / "error.png").write_bytes(b"\x89PNG")
    return Delivery(run=RUN, facts=FACTS, points=POINTS, folder=folder)


def deliver(tracker: MlflowTracker, delivery: Delivery, parent: str | None = None) -> str:
    tracker.ensure_ready()
    begun = tracker.begin(delivery, experiment_id=tracker.find_experiment(), parent=parent)
    if delivery.run.status.is_final:
        tracker.end(delivery, begun.tracked, renew=lambda _: None)
    return begun.tracked.mlflow_run_id


def read_back(uri: str, mlflow_run_id: str) -> MlflowRun:
    return MlflowClient(uri).get_run(mlflow_run_id)


@pytest.fixture(params=["sqlite", "http", "postgresql"])
def settings(request: pytest.FixtureRequest, settings_for: Callable[[str], Settings]) -> Settings:
    """A project for each kind of MLflow."""
    if request.param == "http":
        return settings_for(request.getfixturevalue("mlflow_server"))
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
        return settings_for(url.replace("postgresql://", "postgresql+psycopg://"))
    return settings_for("")


@pytest.mark.slow
def test_a_run_reads_back_with_the_mlflow_client(settings: Settings, delivery: Delivery, tmp_path: Path) -> None:
    mlflow_run_id = deliver(MlflowTracker(settings), delivery, parent="cafe")
    run = read_back(settings.tracking_uri, mlflow_run_id)
    assert run.data.params == {f"parameter_{number}": str(number / 10) for number in range(20)}
    assert run.data.metrics == {f"metric {number}": number / 3 for number in range(20)}
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1772366400250, 1772366700500)
    assert run.info.run_name == "train #418"
    assert run.data.tags == {
        "mlflow.parentRunId": "cafe",
        "mlflow.runName": "train #418",
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.source.name": "notebooks/train.ipynb",
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.user": "ada",
        "nightbook.fingerprint": "f00d",
        "nightbook.git_dirty": "true",
        "nightbook.host": "night",
        "nightbook.kind": "stage",
        "nightbook.notebook": "notebooks/train.ipynb",
        "nightbook.number": "418",
        "nightbook.python": "3.11.9",
        "nightbook.run_id": "0123456789abcdef",
        "nightbook.stage": "train",
        "nightbook.status": "succeeded",
    }
    assert run.inputs is not None
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("flights", "ab" * 18)
    assert '"sha256:' + "ab" * 32 in str(dataset.dataset.profile)
    client = MlflowClient(settings.tracking_uri)
    top = {file.path for file in client.list_artifacts(mlflow_run_id)}
    assert top == {"executed.ipynb", "report.html", "environment.txt", "artifacts"}
    plot = client.download_artifacts(mlflow_run_id, "artifacts/plots/error.png", str(tmp_path))
    with open(plot, "rb") as file:  # noqa: PTH123 - MLflow's answer is a string
        assert file.read() == b"\x89PNG"


@pytest.mark.slow
def test_twenty_of_each_and_three_artifacts_cost_four_requests_and_one_an_artifact(
    settings_for: Callable[[str], Settings], proxy: Any, delivery: Delivery
) -> None:
    tracker = MlflowTracker(settings_for(proxy.address))
    experiment_id = tracker.find_experiment()
    bare = replace(
        delivery,
        run=replace(RUN, inputs=()),
        facts=replace(FACTS, artifacts=(), tags={f"tag {n}": "x" for n in range(10)}),
    )
    proxy.mend()
    begun = tracker.begin(bare, experiment_id=experiment_id, parent=None)
    tracker.end(bare, begun.tracked, renew=lambda _: None)
    uploads = [request for request in proxy.requests if request.startswith("PUT")]
    assert len(uploads) == 3
    assert [request.rpartition("/")[2] for request in proxy.requests if request not in uploads] == [
        "search",
        "create",
        "log-batch",
        "update",
    ]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (RunStatus.SUCCEEDED, "FINISHED"),
        (RunStatus.FAILED, "FAILED"),
        (RunStatus.LOST, "FAILED"),
        (RunStatus.CANCELLED, "KILLED"),
    ],
)
def test_mlflows_status_mirrors_the_ledgers(
    settings_for: Callable[..., Settings], delivery: Delivery, status: RunStatus, word: str
) -> None:
    settings = settings_for()
    cause = None if status is RunStatus.SUCCEEDED else Cause.TIMEOUT
    ended = replace(delivery, run=replace(RUN, status=status, cause=cause))
    run = read_back(settings.tracking_uri, deliver(MlflowTracker(settings), ended))
    assert run.info.status == word
    assert run.data.tags.get("nightbook.cause") == (cause.value if cause else None)


def test_a_run_that_goes_on_is_shown_as_running(settings_for: Callable[..., Settings], delivery: Delivery) -> None:
    settings = settings_for()
    running = replace(delivery, run=replace(RUN, status=RunStatus.RUNNING, ended_at=None))
    run = read_back(settings.tracking_uri, deliver(MlflowTracker(settings), running))
    assert run.info.status == "RUNNING"
    assert run.data.tags["nightbook.run_id"] == RUN.run_id


def test_metrics_keep_their_steps_and_times(settings_for: Callable[..., Settings], delivery: Delivery) -> None:
    settings = settings_for()
    points = tuple(
        MetricPoint(name="loss", value=1 / step, step=step, at=datetime.fromtimestamp(1_770_000_000 + step, UTC))
        for step in range(1, 2101)
    )
    mlflow_run_id = deliver(MlflowTracker(settings), replace(delivery, points=points))
    history = MlflowClient(settings.tracking_uri).get_metric_history(mlflow_run_id, "loss")
    assert {(point.step, point.value, point.timestamp) for point in history} == {
        (point.step, point.value, int(point.at.timestamp() * 1000)) for point in points
    }


def test_whatever_a_notebook_logs_arrives_in_some_form(
    settings_for: Callable[..., Settings], delivery: Delivery
) -> None:
    settings = settings_for()
    parameters: dict[str, object] = {f"p{number}": number for number in range(250)}
    parameters |= {"text": "x" * 9000, "empty": "", "none": None, "flag": True, "many": [1, "é"]}
    points = (
        MetricPoint(name="not a number", value=math.nan),
        MetricPoint(name="infinite", value=math.inf),
        MetricPoint(name="größe (µm²) / ../x", value=1.0),
        MetricPoint(name="m" * 400, value=2.0),
    )
    odd = replace(
        delivery,
        run=replace(RUN, parameters=parameters, message="m" * 9000),
        facts=replace(FACTS, tags={f"tag{number}": "t" for number in range(120)}),
        points=points,
    )
    run = read_back(settings.tracking_uri, deliver(MlflowTracker(settings), odd))
    assert len(run.data.params) == 255
    assert run.data.params["text"].endswith("… [cut: 9000 characters]")
    assert [run.data.params[name] for name in ("empty", "none", "flag", "many")] == ["", "None", "True", '[1, "é"]']
    assert run.data.tags["nightbook.message"].endswith("… [cut: 9000 characters]")
    assert sum(tag.startswith("tag") for tag in run.data.tags) == 120
    assert math.isnan(run.data.metrics["not a number"])
    assert run.data.metrics["infinite"] > 1e308
    assert len(run.data.metrics) == 4


def test_a_parameter_that_the_notebook_logged_itself_stands_and_ours_becomes_a_tag(
    settings_for: Callable[..., Settings], delivery: Delivery
) -> None:
    settings = settings_for()
    tracker = MlflowTracker(settings)
    tracker.ensure_ready()
    begun = tracker.begin(delivery, experiment_id=tracker.find_experiment(), parent=None)
    client = MlflowClient(settings.tracking_uri)
    client.log_batch(begun.tracked.mlflow_run_id, params=[Param("parameter_1", "mine"), Param("parameter_2", "0.2")])
    tracker.end(delivery, begun.tracked, renew=lambda _: None)
    run = client.get_run(begun.tracked.mlflow_run_id)
    assert (run.data.params["parameter_1"], run.data.params["parameter_3"]) == ("mine", "0.3")
    assert run.data.tags["nightbook.parameter.parameter_1"] == "0.1"
    assert "nightbook.parameter.parameter_2" not in run.data.tags
    assert run.info.status == "FINISHED"


def test_telling_twice_changes_nothing(settings_for: Callable[..., Settings], delivery: Delivery) -> None:
    settings = settings_for()
    tracker = MlflowTracker(settings)
    mlflow_run_id = deliver(tracker, delivery)
    client = MlflowClient(settings.tracking_uri)
    first = client.get_run(mlflow_run_id).to_dictionary()
    begun = tracker.begin(delivery, experiment_id=tracker.find_experiment(), parent=None)
    assert begun.tracked.mlflow_run_id == mlflow_run_id
    assert begun.is_complete
    tracker.end(delivery, begun.tracked, renew=lambda _: None)
    assert client.get_run(mlflow_run_id).to_dictionary() == first
    assert len(client.get_metric_history(mlflow_run_id, "metric 3")) == 1


def test_a_run_that_someone_deleted_in_mlflow_does_not_come_back(
    settings_for: Callable[..., Settings], delivery: Delivery
) -> None:
    settings = settings_for()
    tracker = MlflowTracker(settings)
    tracker.ensure_ready()
    begun = tracker.begin(delivery, experiment_id=tracker.find_experiment(), parent=None)
    client = MlflowClient(settings.tracking_uri)
    client.delete_run(begun.tracked.mlflow_run_id)
    tracker.end(delivery, begun.tracked, renew=lambda _: None)
    assert client.get_run(begun.tracked.mlflow_run_id).info.lifecycle_stage == "deleted"


def test_a_deleted_experiment_is_named_with_its_remedy(settings_for: Callable[..., Settings]) -> None:
    settings = settings_for()
    tracker = MlflowTracker(settings)
    tracker.ensure_ready()
    experiment_id = tracker.find_experiment()
    MlflowClient(settings.tracking_uri).delete_experiment(experiment_id)
    with pytest.raises(TrackerError, match="is deleted in MLflow") as caught:
        tracker.find_experiment()
    assert experiment_id in caught.value.remedy


def test_artifacts_of_an_embedded_store_lie_in_the_projects_state(
    settings_for: Callable[..., Settings], delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    settings = settings_for()
    deliver(MlflowTracker(settings), delivery)
    assert len(list((settings.state / "mlartifacts").rglob("report.html"))) == 1
    assert list(elsewhere.iterdir()) == []


def test_a_dead_server_costs_no_patience(settings_for: Callable[[str], Settings], delivery: Delivery) -> None:
    tracker = MlflowTracker(settings_for("http://127.0.0.1:9"))
    began = time.monotonic()
    assert not tracker.reachable()
    with pytest.raises(TrackerAwayError, match=r"MLflow at http://127\.0\.0\.1:9 cannot be reached"):
        tracker.find_experiment()
    assert time.monotonic() - began < 3


def test_our_impatience_stays_out_of_the_users_environment(settings_for: Callable[..., Settings]) -> None:
    before = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_HTTP")}
    tracker = MlflowTracker(settings_for())
    tracker.ensure_ready()
    tracker.find_experiment()
    assert {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_HTTP")} == before


@pytest.mark.slow
@pytest.mark.timeout(900)  # eight imports of MLflow on two cores that may be busy
def test_eight_processes_may_start_on_an_empty_store_at_once(
    settings_for: Callable[..., Settings], delivery: Delivery
) -> None:
    settings = settings_for(is_prepared=False)
    code = (
        "import sys; from nightbook.settings import load_settings; from pathlib import Path\n"
        "from nightbook.runs.ledger import *; from nightbook.records import *\n"
        "from nightbook.runs.outbox import Outbox; from nightbook.runs.tracking import MlflowTracker\n"
        "sys.stdin.read(1)\n"
        "settings = load_settings(Path(sys.argv[1]), environment={})\n"
        "with Ledger.open(settings.ledger) as ledger:\n"
        "    outbox = Outbox(ledger, MlflowTracker(settings), settings.runs_folder)\n"
        "    for _ in range(3):\n"
        "        run_id = ledger.create_run(NewRun(kind=RunKind.STAGE, stage='s')).run_id\n"
        "        ledger.start(run_id, SupervisorProcess.this())\n"
        "        assert outbox.announce(run_id)\n"
        "        ledger.finish(run_id, Outcome(status=RunStatus.SUCCEEDED))\n"
        "        outbox.drain()\n"
        "    outbox.drain()\n"
    )
    command = [sys.executable, "-c", code, str(settings.root)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"x")
        racer.stdin.flush()
    said = [racer.communicate(timeout=800) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 8, said
    assert said == [(b"", b"")] * 8
    client = MlflowClient(settings.tracking_uri)
    experiments = [one.experiment_id for one in client.search_experiments() if one.name != "Default"]
    runs = client.search_runs(experiments)
    assert len(runs) == len({run.data.tags["nightbook.run_id"] for run in runs}) == 24
    assert {run.info.status for run in runs} == {"FINISHED"}
