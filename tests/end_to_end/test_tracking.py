"""What MLflow is told of a run: everything, once, whatever MLflow went through meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mlflow
import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path

MADE = 'from nightbook import Output\nseed: int = 3\nmade: Output = "../data/made.txt"'
READ = 'from nightbook import Input\nmade: Input = "../data/made.txt"'
LOG = """\
import nightbook
for step, value in enumerate([3.0, 2.0, 1.5]):
    nightbook.log_metric("loss", value, step=step, better="lower")
nightbook.log_metric("length", len(open(made).read()))
"""


@dataclass
class Project:
    """Two connected stages whose runs are told to one MLflow."""

    root: Path
    tracking_uri: str
    experiment: str = field(default_factory=lambda: f"flights {uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        settings = f'tracking_uri = "{self.tracking_uri}"\nexperiment = "{self.experiment}"\n'
        (self.root / "notebooks").mkdir(parents=True)
        (self.root / "nightbook.toml").write_text(settings)
        self.notebook("make", MADE, "open(made, 'w').write('x' * seed)")
        self.notebook("read", READ, LOG)

    def notebook(self, name: str, parameters: str, *cells: str) -> None:
        declaration = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[declaration, *map(nbformat.v4.new_code_cell, cells)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / "notebooks" / f"{name}.ipynb")

    def nightbook(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "nightbook", *arguments, "--json"],
            cwd=self.root,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def tracked(self, uri: str) -> dict[str, Any]:
        """MLflow's runs of the experiment by their stage; a run told twice fails."""
        client = mlflow.MlflowClient(uri)
        experiment = client.get_experiment_by_name(self.experiment)
        assert experiment is not None
        found = client.search_runs([experiment.experiment_id])
        by_stage = {run.data.tags.get("nightbook.stage", "pipeline"): run for run in found}
        assert len(by_stage) == len(found)
        return by_stage

    def assert_told(self, uri: str, document: Any) -> None:
        """Everything arrived, and stands below the pipeline's run."""
        tracked = self.tracked(uri)
        assert set(tracked) == {"make", "read", "pipeline"}
        client = mlflow.MlflowClient(uri)
        for record in document["runs"]:
            run = tracked[record["stage"]]
            assert run.info.status == "FINISHED"
            assert run.data.tags["nightbook.run_id"] == record["run_id"]
            assert run.data.tags["mlflow.parentRunId"] == tracked["pipeline"].info.run_id
            assert run.data.params == {name: str(value) for name, value in record["parameters"].items()}
            assert run.data.metrics == record["metrics"]
            names = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
            assert {"executed.ipynb", "report.html", "environment.txt"} <= names
        loss = client.get_metric_history(tracked["read"].info.run_id, "loss")
        assert sorted((point.step, point.value) for point in loss) == [(0, 3.0), (1, 2.0), (2, 1.5)]
        assert [one.dataset.name for one in tracked["read"].inputs.dataset_inputs] == ["made"]
        assert tracked["pipeline"].info.status == "FINISHED"


@pytest.mark.parametrize("kind", ["http", "postgresql"])
def test_a_pipeline_reads_back_from_a_shared_mlflow(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    uri = str(request.getfixturevalue("mlflow_server" if kind == "http" else "postgresql_url"))
    uri = uri.replace("postgresql://", "postgresql+psycopg://")
    project = Project(tmp_path, uri)
    document = project.nightbook("run")
    assert document["status"] == "succeeded"
    assert all(run["mlflow_synced"] for run in document["runs"])
    project.assert_told(uri, document)


@pytest.mark.parametrize(
    ("moment", "number", "how"), [("start", 1, "before"), ("middle", 4, "after"), ("end", 9, "before")]
)
def test_an_outage_loses_nothing_and_doubles_nothing(
    tmp_path: Path, proxy: Any, mlflow_server: str, moment: str, number: int, how: str
) -> None:
    del moment
    project = Project(tmp_path, proxy.address)
    proxy.break_at(number, how)

    document = project.nightbook("run")

    assert document["status"] == "succeeded"
    assert not all(run["mlflow_synced"] for run in document["runs"])
    proxy.mend()
    assert project.nightbook("sync")["owed"] == 0
    assert project.nightbook("sync")["delivered"] == 0
    project.assert_told(mlflow_server, document)


@pytest.mark.parametrize("moment", ["start", "middle", "end"])
def test_a_server_that_hangs_is_soon_left_alone_and_gets_everything_later_once(
    tmp_path: Path, proxy: Any, mlflow_server: str, moment: str
) -> None:
    project = Project(tmp_path, proxy.address)
    project.notebook("make", MADE, "import mlflow", "open(made, 'w').write('x' * seed)")
    if moment == "start":
        proxy.hang()
    else:
        proxy.break_at(4 if moment == "middle" else 9, "hanging")

    document = project.nightbook("run")

    assert document["status"] == "succeeded"
    assert not all(run["mlflow_synced"] for run in document["runs"])
    assert proxy.is_hung
    # A request of MLflow's would have waited for ten seconds; it was only asked, a few times, whether anybody is there.
    # The files of one run are uploaded side by side.
    assert {request for request in proxy.unheard if not request.startswith("PUT ")} <= {"GET /health"}
    assert len(proxy.unheard) <= 6
    proxy.mend()
    assert project.nightbook("sync")["owed"] == 0
    assert project.nightbook("sync")["delivered"] == 0
    project.assert_told(mlflow_server, document)


def test_what_a_node_without_network_still_owes_is_told_from_elsewhere_once(tmp_path: Path, mlflow_server: str) -> None:
    node = Project(tmp_path / "node", "http://127.0.0.1:9")
    document = node.nightbook("run")
    assert [run["mlflow_synced"] for run in document["runs"]] == [False, False]

    carried = tmp_path / "carried"
    shutil.copytree(node.root, carried)
    home = Project(tmp_path / "home", mlflow_server, experiment=node.experiment)
    assert home.nightbook("sync", "--from", str(carried))["delivered"] == 3
    assert home.nightbook("sync", "--from", str(carried))["delivered"] == 0
    # Another copy of the same folder, made before: MLflow itself knows these runs already.
    home.nightbook("sync", "--from", str(node.root))
    home.assert_told(mlflow_server, document)


def test_the_notebooks_own_mlflow_calls_land_in_its_run(tmp_path: Path, mlflow_server: str) -> None:
    project = Project(tmp_path, mlflow_server)
    own_calls = """\
import mlflow
from sklearn.linear_model import Ridge
mlflow.autolog(log_models=False, silent=True)
mlflow.log_metric("by_hand", 4.5)
mlflow.set_tag("mood", "good")
Ridge(alpha=0.25).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
"""
    project.notebook("read", READ, LOG, own_calls)

    document = project.nightbook("run")

    assert document["status"] == "succeeded"
    tracked = project.tracked(mlflow_server)
    run = tracked["read"]
    assert set(tracked) == {"make", "read", "pipeline"}
    assert run.data.metrics["by_hand"] == 4.5
    assert run.data.metrics["length"] == 3
    assert run.data.params["alpha"] == "0.25"
    assert run.data.tags["mood"] == "good"
    assert run.info.status == "FINISHED"


def test_however_often_a_notebook_fits_or_begins_its_calls_stay_with_its_run(
    tmp_path: Path, mlflow_server: str
) -> None:
    project = Project(tmp_path, mlflow_server)
    fits = """\
import mlflow
from sklearn.linear_model import Lasso, Ridge
mlflow.set_experiment("an experiment of its own")
mlflow.autolog(log_models=False, silent=True)
Ridge(alpha=0.25).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
Lasso().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
mlflow.log_metric("between", 1.0)
mlflow.end_run()
"""
    several = """\
for rate in (0.1, 0.2):
    with mlflow.start_run(run_name=f"rate {rate}"):
        mlflow.log_param("rate", rate)
mlflow.log_metric("after", 2.0)
assert not {"os", "sys", "functools", "RunsOfANotebook"} & set(globals())
"""
    project.notebook("read", READ, LOG, fits, several)

    document = project.nightbook("run")

    assert document["status"] == "succeeded", document
    client = mlflow.MlflowClient(mlflow_server)
    (record,) = (run for run in document["runs"] if run["stage"] == "read")
    run = client.get_run(record["mlflow_run_id"])
    # MLflow never changes a parameter, so the first fit's stands; of metrics it keeps every value.
    assert run.data.params["alpha"] == "0.25"
    assert len(client.get_metric_history(run.info.run_id, "training_score")) == 2
    assert run.data.metrics.items() >= {"between": 1.0, "after": 2.0, "length": 3.0}.items()
    below = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    children = {one.info.run_name: one for one in client.search_runs([run.info.experiment_id], below)}
    assert {name: child.data.params["rate"] for name, child in children.items()} == {
        "rate 0.1": "0.1",
        "rate 0.2": "0.2",
    }
    assert {child.info.status for child in children.values()} == {"FINISHED"}
