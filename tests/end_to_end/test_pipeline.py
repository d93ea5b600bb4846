"""A pipeline as its user sees it: what runs, what does not, and why."""

from __future__ import annotations

import getpass
import json
import platform
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlflow
import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path

NIGHTBOOK = [sys.executable, "-m", "nightbook"]

NUMBERS = """\
from nightbook import Output
count: int = 3  # how many numbers
numbers: Output = "../data/numbers.txt"
"""
DOUBLED = """\
from nightbook import Input, Output
numbers: Input = "../data/numbers.txt"
doubled: Output = "../data/doubled.txt"
"""
TOTAL = """\
from nightbook import Input, Output
doubled: Input = "../data/doubled.txt"
total: Output = "../data/total.txt"
"""


@dataclass(frozen=True)
class Project:
    """A small project on disk, driven through the command line."""

    root: Path

    def notebook(self, name: str, parameters: str, *cells: str) -> Path:
        """Write a stage's notebook."""
        declaration = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[declaration, *map(nbformat.v4.new_code_cell, cells)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [*NIGHTBOOK, *arguments], cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *arguments: str, expect: int = 0) -> Any:
        """Run a command with `--json`; returns its document."""
        process = self.start(*arguments, "--json")
        output, errors = process.communicate()
        assert process.returncode == expect, errors + output
        return json.loads(output)

    def stages_that_ran(self, *arguments: str) -> list[str]:
        """Names of the stages for which `nightbook run` made a run."""
        return [run["stage"] for run in self.run("run", *arguments)["runs"]]

    def why(self, stage: str) -> str:
        """The reasons, joined."""
        process = self.start("run", "-n", stage)
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        return next(line for line in output.splitlines() if f" {stage} " in line)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.notebook("numbers", NUMBERS, "open(numbers, 'w').write(' '.join(map(str, range(count))))")
    made.notebook(
        "doubled",
        DOUBLED,
        "import arithmetic",
        "values = [arithmetic.double(int(one)) for one in open(numbers).read().split()]",
        "open(doubled, 'w').write(' '.join(map(str, values)))",
    )
    made.notebook(
        "total",
        TOTAL,
        "import nightbook",
        "result = sum(map(int, open(doubled).read().split()))",
        "nightbook.log_metric('result', result)\nopen(total, 'w').write(str(result))",
    )
    (tmp_path / "notebooks" / "arithmetic.py").write_text("def double(number):\n    return 2 * number\n")
    return made


def test_only_what_changed_and_what_depends_on_it_runs_again(project: Project) -> None:
    first = project.run("run")
    assert [run["stage"] for run in first["runs"]] == ["numbers", "doubled", "total"]
    assert first["runs"][-1]["metrics"] == {"result": 6}
    assert project.stages_that_ran() == []

    # A changed line changes the numbers, so all behind it runs.
    project.notebook("numbers", NUMBERS, "open(numbers, 'w').write(' '.join(map(str, range(count + 1))))")
    assert "code cell 2 changed" in project.why("numbers")
    assert project.stages_that_ran() == ["numbers", "doubled", "total"]
    assert (project.root / "data" / "total.txt").read_text() == "12"

    # A change that leaves the data as it was stops there.
    project.notebook("numbers", NUMBERS, "open(numbers, 'w').write(' '.join(map(str, range(count + 1))))  # the same")
    assert "runs if numbers's outputs change" in project.why("doubled")
    assert project.stages_that_ran() == ["numbers"]

    # The project's own module is part of what a stage is made of.
    (project.root / "notebooks" / "arithmetic.py").write_text("def double(number):\n    return number + number\n")
    assert "module notebooks/arithmetic.py changed" in project.why("doubled")
    assert project.stages_that_ran() == ["doubled"]


def test_deleted_outputs_come_back_from_the_store_and_edited_ones_are_made_again(project: Project) -> None:
    project.run("run")
    total = project.root / "data" / "total.txt"

    total.unlink()
    assert "content store" in project.why("total")
    assert project.stages_that_ran() == []
    assert total.read_text() == "6"

    total.write_text("7")
    assert "modified by hand" in project.why("total")
    assert project.stages_that_ran() == ["total"]
    assert total.read_text() == "6"


def test_a_failure_stops_what_depends_on_it_and_nothing_else(project: Project) -> None:
    project.notebook("doubled", DOUBLED, "raise ValueError('no arithmetic today')")
    project.notebook("aside", NUMBERS.replace("numbers.txt", "aside.txt"), "open(numbers, 'w').write('x')")

    document = project.run("run", "-j", "2", expect=1)

    runs = {run["stage"]: (run["status"], run["cause"]) for run in document["runs"]}
    assert runs == {
        "aside": ("succeeded", None),
        "numbers": ("succeeded", None),
        "doubled": ("failed", "cell_error"),
        "total": ("failed", "upstream_failed"),
    }
    assert document["status"] == "failed"
    failed = next(run for run in document["runs"] if run["stage"] == "doubled")
    assert failed["message"] == "ValueError: no arithmetic today (in cell 1)"
    assert [cell["status"] for cell in failed["cells"]] == ["succeeded", "failed"]
    assert (project.root / failed["report"]).exists()


def test_parameters_reach_the_stage_they_are_for(project: Project) -> None:
    assert project.stages_that_ran("numbers", "-p", "count=5") == ["numbers"]
    assert (project.root / "data" / "numbers.txt").read_text() == "0 1 2 3 4"

    document = project.run("run", "total", "-p", "numbers.count=2")
    assert document["runs"][0]["parameters"]["count"] == 2
    assert document["runs"][-1]["metrics"] == {"result": 2}


def test_of_two_runs_at_once_the_second_waits_and_finds_nothing_to_do(project: Project) -> None:
    first = project.start("run", "--json")
    second = project.start("run", "--json")

    documents = [json.loads(process.communicate()[0]) for process in (first, second)]

    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(len(document["runs"]) for document in documents) == [0, 3]


def commit_everything(root: Path) -> str:
    """Put the project under git; returns the commit. Data and state stay out, so a run leaves the tree clean."""
    (root / ".gitignore").write_text(".nightbook/\ndata/\n__pycache__/\n")
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, text=True, capture_output=True
    ).stdout.strip()


def expected_tags(run: dict[str, Any], commit: str) -> dict[str, str]:
    """What MLflow says of a stage's run made on this machine by this user with this Python."""
    return {
        "nightbook.run_id": run["run_id"],
        "nightbook.kind": "stage",
        "nightbook.stage": run["stage"],
        "nightbook.notebook": run["notebook"],
        "nightbook.status": "succeeded",
        "nightbook.fingerprint": run["fingerprint"],
        "nightbook.git_dirty": "false",
        "nightbook.host": socket.gethostname(),
        "nightbook.python": platform.python_version(),
        "mlflow.user": getpass.getuser(),
        "mlflow.source.git.commit": commit,
    }


def test_every_run_stands_in_mlflow_below_its_pipeline(project: Project) -> None:
    commit = commit_everything(project.root)
    document = project.run("run")

    client = mlflow.MlflowClient(f"sqlite:///{project.root / '.nightbook' / 'mlflow.sqlite'}")
    experiment = client.get_experiment_by_name(project.root.name)
    assert experiment is not None
    tracked = {run.data.tags["nightbook.run_id"]: run for run in client.search_runs([experiment.experiment_id])}
    parent = tracked[document["run_id"]]
    assert parent.info.status == "FINISHED"
    for run in document["runs"]:
        mirrored = tracked[run["run_id"]]
        assert mirrored.info.run_id == run["mlflow_run_id"]
        assert mirrored.info.status == "FINISHED"
        assert mirrored.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert mirrored.data.tags.items() >= expected_tags(run, commit).items()
        assert mirrored.data.metrics == run["metrics"]
        assert mirrored.data.params == {name: str(value) for name, value in run["parameters"].items()}
        assert mirrored.inputs is not None
        assert {one.dataset.digest for one in mirrored.inputs.dataset_inputs} <= {
            pin["digest"].removeprefix("sha256:")[:36] for pin in run["inputs"]
        } | {pin["digest"] for pin in run["inputs"]}
        names = {artifact.path for artifact in client.list_artifacts(run["mlflow_run_id"])}
        assert {"executed.ipynb", "report.html", "environment.txt"} <= names
    assert len(tracked) == len(document["runs"]) + 1


def test_eight_first_starts_at_once_on_an_empty_store_all_succeed(project: Project) -> None:
    lone = [project.notebook(f"lone{number}", "", f"print({number})") for number in range(8)]
    for path in lone:
        path.rename(project.root / path.name)

    processes = [project.start("run", path.name, "--json") for path in lone]
    documents = [json.loads(process.communicate()[0]) for process in processes]

    assert [process.returncode for process in processes] == [0] * 8
    assert [document["status"] for document in documents] == ["succeeded"] * 8
    assert all(document["runs"][0]["mlflow_synced"] for document in documents)
    client = mlflow.MlflowClient(f"sqlite:///{project.root / '.nightbook' / 'mlflow.sqlite'}")
    experiment = client.get_experiment_by_name(project.root.name)
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 8
