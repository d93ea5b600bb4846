"""A sweep as its user sees it: every set once, failures apart, nothing done twice."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import mlflow
import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = """\
from typing import Annotated
from nightbook import Output, Range
rate: float = 0.1
depth: Annotated[int, Range(1, 9)] = 2
model: Output = "../data/model.txt"
"""
WORK = """\
import nightbook
nightbook.log_metric("loss", (rate - 0.3) ** 2 + depth / 100, better="lower")
if depth == 9:
    raise ValueError("too deep")
open(model, "w").write(f"{rate} {depth}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    declaration = nbformat.v4.new_code_cell(DECLARED, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[declaration, nbformat.v4.new_code_cell(WORK)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "train.ipynb")
    return tmp_path


def sweep(project: Path, *arguments: str, target: str = "train", expect: int = 0) -> Any:
    """Run `nightbook sweep train … --json`; returns its document."""
    return nightbook(project, "sweep", target, *arguments, expect=expect)


def nightbook(project: Path, *arguments: str, expect: int = 0) -> Any:
    """Run a command with `--json`; returns its document, or what it said where it gave none."""
    done = subprocess.run(
        [sys.executable, "-m", "nightbook", *arguments, "--json"],
        cwd=project,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return json.loads(done.stdout) if done.stdout else done.stderr


def test_a_failing_set_stops_no_other_and_the_same_sweep_again_runs_only_what_is_missing(project: Path) -> None:
    grid = ("--grid", "rate=0.1,0.3", "--grid", "depth=1,9", "--objective", "loss")
    first = sweep(project, *grid, expect=1)

    outcomes = {(run["parameters"]["rate"], run["parameters"]["depth"]): run["status"] for run in first["runs"]}
    assert outcomes == {(0.1, 1): "succeeded", (0.1, 9): "failed", (0.3, 1): "succeeded", (0.3, 9): "failed"}
    assert {run["parent_run_id"] for run in first["runs"]} == {first["run_id"]}
    # Each set left a model of its own, and none where the pipeline's belongs.
    models = {(project / run["outputs"][0]["uri"]).read_text() for run in first["runs"] if run["status"] == "succeeded"}
    assert models == {"0.1 1", "0.3 1"}
    assert not (project / "data" / "model.txt").exists()

    again = sweep(project, *grid, expect=1)
    before = {run["run_id"] for run in first["runs"]}
    assert [run["status"] for run in again["runs"] if run["run_id"] not in before] == ["failed", "failed"]

    resumed = nightbook(project, "resume", first["run_id"], expect=1)
    before |= {run["run_id"] for run in again["runs"]}
    assert [run["status"] for run in resumed["runs"]] == [run["status"] for run in first["runs"]]
    assert [run["parameters"]["depth"] for run in resumed["runs"] if run["run_id"] not in before] == [9, 9]

    page = (project / ".nightbook" / "runs" / first["run_id"] / "comparison.html").read_text()
    assert "too deep" in page or "failed" in page
    client = mlflow.MlflowClient(f"sqlite:///{project / '.nightbook' / 'mlflow.sqlite'}")
    experiment = client.get_experiment_by_name(project.name)
    assert experiment is not None
    tracked = {run.data.tags["nightbook.run_id"]: run for run in client.search_runs([experiment.experiment_id])}
    parent = tracked[first["run_id"]]
    assert [one.path for one in client.list_artifacts(parent.info.run_id)] == ["comparison.html"]
    for run in first["runs"]:
        assert tracked[run["run_id"]].data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_notebook_without_outputs_is_swept_once_too_and_its_best_is_what_it_declares(project: Path) -> None:
    cells = [nbformat.v4.new_code_cell("rate: float = 0.1", metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell('import nightbook\nnightbook.log_metric("gain", rate, better="higher")'))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), project / "lone.ipynb")
    options = ("--grid", "rate=0.1,0.3", "--objective", "gain")
    first = sweep(project, *options, target="lone.ipynb")
    again = sweep(project, *options, target="lone.ipynb")
    assert [run["run_id"] for run in again["runs"]] == [run["run_id"] for run in first["runs"]]
    order = json.loads((project / ".nightbook" / "runs" / first["run_id"] / "comparison.json").read_text())
    assert (order["objective"], order["better"]) == ("gain", "higher")


def test_sets_come_from_a_file_typed_by_what_the_notebook_declares(project: Path) -> None:
    (project / "sets.csv").write_text("rate,depth\n1e-1,3\n0.2,\n")
    document = sweep(project, "--list", "sets.csv", "-p", "depth=4")
    assert [(run["parameters"]["rate"], run["parameters"]["depth"]) for run in document["runs"]] == [(0.1, 3), (0.2, 4)]


def test_a_sweep_that_waits_for_a_failed_stage_is_recorded_and_goes_on_when_resumed(project: Path) -> None:
    made = 'from nightbook import Output\nmade: Output = "../data/made.txt"'
    make = [nbformat.v4.new_code_cell(made, metadata={"tags": ["parameters"]})]
    make.append(nbformat.v4.new_code_cell("open('../allowed'); open(made, 'w').write('x')"))
    nbformat.write(nbformat.v4.new_notebook(cells=make), project / "notebooks" / "make.ipynb")
    train = nbformat.read(project / "notebooks" / "train.ipynb", as_version=4)
    train.cells[0].source = f'from nightbook import Input\nmade: Input = "../data/made.txt"\n{DECLARED}'
    nbformat.write(train, project / "notebooks" / "train.ipynb")

    failed = sweep(project, "--grid", "rate=0.1,0.2", expect=1)
    record = nightbook(project, "runs", "show", failed["run_id"])
    assert (record["kind"], record["status"], record["cause"]) == ("sweep", "failed", "upstream_failed")
    assert "make" in record["message"]

    (project / "allowed").touch()
    resumed = nightbook(project, "resume", failed["run_id"])
    assert [run["parameters"]["rate"] for run in resumed["runs"]] == [0.1, 0.2]
    assert resumed["status"] == "succeeded"


@pytest.mark.parametrize(
    ("declared", "kernel", "message"),
    [
        (f'from nightbook import Input\nraw: Input = "../data/nowhere.csv"\n{DECLARED}', "python3", "nowhere.csv"),
        (DECLARED, "cobol", "cobol"),
        (f'from nightbook import Secret\ntoken: Secret = "env:NOBODY_SET_THIS"\n{DECLARED}', "python3", "NOBODY_SET"),
    ],
)
def test_what_no_set_could_run_with_is_refused_before_anything_is_recorded(
    project: Path, declared: str, kernel: str, message: str
) -> None:
    train = nbformat.read(project / "notebooks" / "train.ipynb", as_version=4)
    train.cells[0].source = declared
    train.metadata.kernelspec.name = kernel
    nbformat.write(train, project / "notebooks" / "train.ipynb")
    assert message in sweep(project, "--grid", "rate=0.1,0.2", expect=2)
    assert not (project / ".nightbook" / "ledger.sqlite").exists()


def test_a_list_that_varies_nothing_is_refused(project: Path) -> None:
    (project / "sets.yaml").write_text("- {}\n")
    assert "name no parameter" in sweep(project, "--list", "sets.yaml", expect=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--grid", "rat=0.1"), "did you mean 'rate'"),
        (("--grid", "depth=1,10"), "depth"),
        (("--grid", "rate=fast"), "rate"),
        ((), "either --grid or --list"),
    ],
)
def test_a_set_that_cannot_run_is_refused_before_any_runs(
    project: Path, arguments: tuple[str, ...], message: str
) -> None:
    errors = sweep(project, *arguments, expect=2)
    assert message in errors
    assert not (project / ".nightbook" / "runs").exists()
