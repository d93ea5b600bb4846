"""What a run costs beyond papermill: ledger, supervision, MLflow, report; and what the command line costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from notebooks import TRIVIAL, require_equal, write_notebook
from timing import Command, Comparison, at_least_times, at_most_more, at_most_ratio, medians

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[1]
# Where JupyterLab is installed, nbformat loads a validator that compiles a grammar for a second and that no notebook
# needs. We do without it; so that this is not what is compared, papermill is measured without it too.
LIGHTER = "papermill, lighter"
LIGHTER_PAPERMILL = "import sys; sys.modules['rfc3987_syntax'] = None; from papermill.cli import papermill; papermill()"


def measure_help(folder: Path, environment: Mapping[str, str], rounds: int) -> list[Comparison]:
    """How long one waits for a word of help."""
    commands = [
        Command(name=name, arguments=(str(Path(sys.executable).with_name(name)), "--help"), folder=folder)
        for name in ("nightbook", "papermill")
    ]
    taken = medians(commands, rounds=rounds, environment=environment)
    return [at_most_ratio("--help", taken["nightbook"], "papermill", taken["papermill"], 0.1)]


def measure_trivial(folder: Path, environment: Mapping[str, str], rounds: int) -> list[Comparison]:
    """A notebook that does next to nothing."""
    place = folder / "trivial"
    notebook = write_notebook(place / "trivial.ipynb", TRIVIAL, has_parameters=False)
    taken = against_papermill(place, notebook, environment, rounds)
    ours = taken.pop("nightbook")
    faster = at_least_times("trivial notebook", ours, LIGHTER, taken[LIGHTER], 4)
    return [faster, *(at_most_more("trivial notebook", ours, peer, theirs, 1.0) for peer, theirs in taken.items())]


def measure_train(folder: Path, environment: Mapping[str, str], rounds: int) -> list[Comparison]:
    """The example's `train`, on its own data."""
    place = folder / "example"
    shutil.copytree(REPOSITORY / "notebooks", place / "notebooks")
    (place / "nightbook.toml").write_text("")
    nightbook = str(Path(sys.executable).with_name("nightbook"))
    subprocess.run((nightbook, "run", "train"), cwd=place, env=dict(environment), check=True, capture_output=True)
    taken = against_papermill(place, place / "notebooks" / "train.ipynb", environment, rounds)
    ours = taken.pop("nightbook")
    return [at_most_ratio("the example's train", ours, peer, theirs, 1.3) for peer, theirs in taken.items()]


def against_papermill(place: Path, notebook: Path, environment: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Median seconds of our command and of papermill's with and without its validator; what the cells show is equal.

    Raises:
        RuntimeError: It is not.
    """
    ours = str(Path(sys.executable).with_name("nightbook"))
    output = place / "papermill.ipynb"
    work = (str(notebook), str(output), "--cwd", str(notebook.parent))
    papermills = {
        "papermill": (str(Path(sys.executable).with_name("papermill")), *work),
        LIGHTER: (sys.executable, "-c", LIGHTER_PAPERMILL, *work),
    }
    taken = medians(
        [
            Command(name="nightbook", arguments=(ours, "run", "--force", str(notebook)), folder=place),
            *(Command(name=name, arguments=command, folder=place) for name, command in papermills.items()),
        ],
        rounds=rounds,
        environment=environment,
    )
    record = subprocess.run(
        (ours, "runs", "show", f"{notebook.stem}@latest", "--json"),
        cwd=place,
        env=dict(environment),
        check=True,
        capture_output=True,
        text=True,
    )
    require_equal(place / json.loads(record.stdout)["executed_notebook"], output, notebook.name)
    return taken
