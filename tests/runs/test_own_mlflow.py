from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import mlflow
import pytest

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = """
import sys
sys.path.insert(0, {folder!r})
from nightbook.runs.own_mlflow import keep_in
keep_in({run_id!r}, {uri!r})
import importlib.util
assert importlib.util.find_spec("mlflow") is not None  # to look for a module is not yet to import it
import mlflow
mlflow.set_tracking_uri({uri!r})
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.sqlite'}"


def calls(uri: str, folder: Path, code: str) -> tuple[mlflow.MlflowClient, str]:
    """Execute the code as a notebook of a new run would; returns where to look, and the run's id."""
    client = mlflow.MlflowClient(uri)
    run_id = str(client.create_run("0").info.run_id)
    begin = BEGIN.format(folder=str(folder), run_id=run_id, uri=uri)
    done = subprocess.run([sys.executable, "-c", begin + code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return client, run_id


def test_plain_calls_land_in_the_run_before_and_after_it_was_ended(uri: str, tmp_path: Path) -> None:
    code = "mlflow.log_metric('a', 1); mlflow.end_run(); mlflow.log_metric('b', 2)"
    client, run_id = calls(uri, tmp_path, code)
    assert client.get_run(run_id).data.metrics == {"a": 1.0, "b": 2.0}


def test_the_first_run_that_is_begun_is_this_one_and_later_ones_are_its_children(uri: str, tmp_path: Path) -> None:
    code = (
        "mlflow.set_experiment('another')\n"
        "for rate in (1, 2, 3):\n"
        "    with mlflow.start_run(run_name=f'r{rate}'): mlflow.log_param('rate', rate)\n"
    )
    client, run_id = calls(uri, tmp_path, code)
    assert client.get_run(run_id).data.params == {"rate": "1"}
    children = client.search_runs(["0"], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert sorted(one.data.params["rate"] for one in children) == ["2", "3"]


def test_nested_runs_and_those_named_by_id_are_as_ever(uri: str, tmp_path: Path) -> None:
    code = (
        "with mlflow.start_run() as outer:\n"
        "    with mlflow.start_run(nested=True) as inner: mlflow.log_metric('deep', 1)\n"
        "with mlflow.start_run(run_id=inner.info.run_id): mlflow.log_metric('again', 2)\n"
    )
    client, run_id = calls(uri, tmp_path, code)
    (inner,) = client.search_runs(["0"], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert inner.data.metrics == {"deep": 1.0, "again": 2.0}
    assert client.get_run(run_id).data.metrics == {}


def test_who_turns_to_another_mlflow_is_left_alone(uri: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    code = f"mlflow.set_tracking_uri({other!r})\nmlflow.log_metric('elsewhere', 1)\n"
    client, run_id = calls(uri, tmp_path, code)
    assert client.get_run(run_id).data.metrics == {}
    (theirs,) = mlflow.MlflowClient(other).search_runs(["0"])
    assert theirs.data.metrics == {"elsewhere": 1.0}
