"""Runs on Dask workers that share no folder with the project: what they need goes there, what they make comes back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.records import Cause, RunStatus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clusters import Cluster
    from tests.end_to_end.conftest import Scene

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MAKE = 'from nightbook import Input, Output\nnumbers: Output = "../data/numbers.txt"\ncount: int = 3'
FIT = 'from nightbook import Input, Output\nnumbers: Input = "../data/numbers.txt"\nmodel: Output = "../data/model.txt"\nalpha: float = 1.0'
WAIT = """\
import os, pathlib, time
print("waiting in", os.getcwd(), flush=True)
while not pathlib.Path(gate).exists():
    time.sleep(0.05)
print("went on")
"""


@pytest.fixture
def project(scene: Scene, tmp_path: Path) -> Scene:
    """Two stages and a module, with a content store that is reached as a URL."""
    scene.root = tmp_path / "project"
    scene.root.mkdir()
    scene.configure(f'store = "local://{tmp_path}/shared-store"\n')
    scene.stage("make", 'open(numbers, "w").write("1\\n" * count)', declares=MAKE)
    (scene.root / "notebooks" / "scaling.py").write_text("FACTOR = 2\n")
    fit = "import nightbook, scaling\ntotal = scaling.FACTOR * sum(map(int, open(numbers)))"
    scene.stage(
        "fit", fit, 'nightbook.log_metric("error", alpha * total)\nopen(model, "w").write(str(alpha))', declares=FIT
    )
    return scene


def waiting_stage(scene: Scene, tmp_path: Path, name: str = "slow") -> Path:
    """A stage that goes on once a file is there."""
    gate = tmp_path / f"gate of {name}"
    declares = f'from nightbook import Output\ngate: str = {str(gate)!r}\nmade: Output = "../data/{name}.txt"'
    scene.stage(name, WAIT, 'open(made, "w").write("made")', declares=declares)
    return gate


def transitions(scene: Scene) -> dict[str, list[str]]:
    """The states of each stage's runs, in order, as the ledger recorded them."""
    with sqlite3.connect(scene.root / ".nightbook" / "ledger.sqlite") as connection:
        rows = connection.execute(
            "SELECT runs.stage, transitions.status FROM transitions JOIN runs USING (run_id) "
            "WHERE runs.kind = 'stage' ORDER BY transitions.id"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for stage, status in rows:
        found.setdefault(stage, []).append(status)
    return found


def where(scene: Scene, stage: str) -> dict[str, Any]:
    """Who is at a stage's run; empty before anybody is."""
    run = scene.recorded().get(stage)
    file = scene.folder(run) / "worker.json" if run is not None else scene.root
    return dict(json.loads(file.read_text())) if file.is_file() else {}


def is_waiting(scene: Scene, stage: str) -> bool:
    run = scene.recorded().get(stage)
    events = scene.folder(run) / "events.jsonl" if run is not None else scene.root
    return events.is_file() and "waiting in" in events.read_text()


def test_a_pipeline_and_a_sweep_run_on_a_cluster_of_this_machine(project: Scene) -> None:
    made, fitted = project.run("--executor", "dask", "-j", "2")
    assert (made["status"], fitted["status"]) == ("succeeded", "succeeded")
    assert fitted["metrics"] == {"error": 6}
    assert (project.root / "data" / "model.txt").read_text() == "1.0"
    notebook = project.executed(fitted)
    assert notebook.metadata.nightbook["run_id"] == fitted["run_id"]
    assert fitted["executed_notebook"] == f".nightbook/runs/{fitted['run_id']}/executed.ipynb"
    assert (project.root / fitted["report"]).exists()

    # Here as there: what ran on a worker is up to date.
    assert project.run() == []

    output, _ = project.command("sweep", "fit", "--grid", "alpha=1,2,3", "--executor", "dask", "--json")
    runs = json.loads(output)["runs"]
    assert [run["metrics"]["error"] for run in runs] == [6, 12, 18]
    # Workers have warm processes, too.
    assert {project.executed(run).metadata.nightbook["engine"] for run in runs} == {"fork"}
    places = [project.root / run["outputs"][0]["uri"] for run in runs]
    assert [place.read_text() for place in places] == ["1", "2", "3"] or [float(p.read_text()) for p in places] == [
        1,
        2,
        3,
    ]
    assert project.survivors() == []


def test_a_worker_that_is_killed_costs_only_what_it_was_at(
    project: Scene, two_workers: Cluster, tmp_path: Path
) -> None:
    gate = waiting_stage(project, tmp_path)
    command = project.start("run", "--executor", f"dask://{two_workers.address}", "--json")
    project.wait_until(lambda: is_waiting(project, "slow"), "the slow stage to wait")
    project.wait_until(lambda: transitions(project).get("fit", [])[-1:] == ["succeeded"], "the others to succeed")
    first = where(project, "slow")["worker"]

    two_workers.workers[first].kill()

    project.wait_until(lambda: where(project, "slow")["worker"] != first, "another worker to take over")
    assert where(project, "slow")["died_before"] == [first]
    gate.touch()
    output, errors = command.communicate(timeout=project.patience_seconds)
    assert command.returncode == 0, output + errors
    assert transitions(project) == {stage: ["pending", "running", "succeeded"] for stage in ("make", "fit", "slow")}
    records = {run["stage"]: run for run in json.loads(output)["runs"]}
    assert records["slow"]["message"] == f"begun again elsewhere after the death of {first}"
    assert (project.root / "data" / "slow.txt").read_text() == "made"
    assert f"waiting in {two_workers.folder}" in json.dumps(project.executed(records["slow"]))
    assert project.survivors() == []


def test_a_run_is_cancelled_on_its_worker(project: Scene, two_workers: Cluster, tmp_path: Path) -> None:
    waiting_stage(project, tmp_path)
    command = project.start("run", "slow", "--executor", f"dask://{two_workers.address}")
    project.wait_until(lambda: is_waiting(project, "slow"), "the stage to wait")
    run = project.recorded()["slow"]
    seen, _ = project.command("runs", "logs", str(run.number))
    assert f"waiting in {two_workers.folder}" in seen
    project.command("runs", "cancel", str(run.number))
    command.communicate(timeout=project.patience_seconds)
    ended = project.contact()["slow"]
    assert (ended.status, ended.cause) == (RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert ended.message == "interrupted in cell 1"
    project.wait_until(lambda: not project.processes("kernel", run), "the kernel to end")
    project.wait_until(lambda: not two_workers.attempts(), "the worker to clear away")


@pytest.fixture(params=["a cluster of its own", "a cluster of others"])
def executor(request: pytest.FixtureRequest) -> str:
    own = request.param == "a cluster of its own"
    return "dask" if own else f"dask://{request.getfixturevalue('two_workers').address}"


def test_ctrl_c_interrupts_what_runs_on_workers(project: Scene, executor: str, tmp_path: Path) -> None:
    waiting_stage(project, tmp_path)
    command = project.start("run", "--executor", executor, "-j", "1", "slow", "make")
    project.wait_until(lambda: is_waiting(project, "slow"), "the stage to wait")
    os.killpg(command.pid, signal.SIGINT)
    command.communicate(timeout=project.patience_seconds)
    assert command.returncode == 130
    assert project.contact()["slow"].status is RunStatus.CANCELLED


def test_a_client_that_dies_makes_workers_end_its_runs(project: Scene, executor: str, tmp_path: Path) -> None:
    waiting_stage(project, tmp_path)
    command = project.start("run", "slow", "--executor", executor)
    project.wait_until(lambda: is_waiting(project, "slow"), "the stage to wait")
    command.kill()
    project.wait_until(lambda: not project.survivors(), "all of it to end")
    lost = project.contact()["slow"]
    # Cancelled where another process does the command's work, and has noticed.
    assert lost.status in {RunStatus.LOST, RunStatus.CANCELLED}
    # What arrived until then is there.
    assert "waiting in" in json.dumps(project.executed(lost))


def test_a_worker_with_other_packages_refuses(project: Scene, cluster: Cluster, tmp_path: Path) -> None:
    ghost = tmp_path / "site-packages" / "ghost-1.0.dist-info"
    ghost.mkdir(parents=True)
    (ghost / "METADATA").write_text("Metadata-Version: 2.1\nName: ghost\nVersion: 1.0\n")
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(ghost.parent)]))
    cluster.add_worker("one", PYTHONPATH=path)
    (made,) = project.run("make", "--executor", f"dask://{cluster.address}", expect=1)
    assert "has another environment: ghost 1.0 instead of none" in made["message"]
    assert "install the same lock file" in made["message"]


def test_the_ledger_may_be_postgresql(
    project: Scene, two_workers: Cluster, postgresql_url: str, tmp_path: Path
) -> None:
    project.environment["NIGHTBOOK_LEDGER"] = postgresql_url
    made, fitted = project.run("--executor", f"dask://{two_workers.address}")
    assert (made["status"], fitted["status"], fitted["metrics"]) == ("succeeded", "succeeded", {"error": 6})
    assert project.run("--executor", f"dask://{two_workers.address}") == []


def test_a_scheduler_that_does_not_answer_is_said_before_anything_starts(project: Scene) -> None:
    _, errors = project.command("run", "--executor", "dask://127.0.0.1:9", expect=5)
    assert "no Dask scheduler answers at 127.0.0.1:9" in errors
    assert project.recorded() == {}


def test_a_scheduler_that_dies_ends_the_runs_and_the_command(
    project: Scene, two_workers: Cluster, tmp_path: Path
) -> None:
    waiting_stage(project, tmp_path)
    command = project.start("run", "slow", "--executor", f"dask://{two_workers.address}")
    project.wait_until(lambda: is_waiting(project, "slow"), "the stage to wait")
    two_workers.scheduler.kill()
    command.communicate(timeout=project.patience_seconds)
    assert command.returncode == 1
    ended = project.contact()["slow"]
    assert (ended.status, ended.cause) == (RunStatus.FAILED, Cause.LOST)
    assert ended.message == "the cluster could not carry it out: the Dask scheduler is gone"
    project.wait_until(lambda: not project.survivors(), "the worker to end what it was at")


def test_a_lone_notebook_that_uses_data_outside_the_project(
    project: Scene, two_workers: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "in.txt").write_text("4")
    declares = (
        f"from nightbook import Input, Output\nseen: Input = {str(tmp_path / 'elsewhere' / 'in.txt')!r}\n"
        f"made: Output = {str(tmp_path / 'elsewhere' / 'out.txt')!r}"
    )
    lone = project.notebook("lone", declares, 'open(made, "w").write(open(seen).read() * 2)', tags={0: "parameters"})
    (run,) = project.run(str(lone), "--executor", f"dask://{two_workers.address}")
    assert run["status"] == "succeeded"
    assert (tmp_path / "elsewhere" / "out.txt").read_text() == "44"
    assert [pin["uri"] for pin in run["outputs"]] == [str(tmp_path / "elsewhere" / "out.txt")]
