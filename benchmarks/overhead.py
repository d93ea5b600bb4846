"""What a run costs beyond papermill: ledger, supervision, MLflow, report; and what the command line costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from timing import Command, Comparison, at_most_more, at_most_ratio, medians

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[1]
NIGHTBOOK_TYPE = "application/vnd.nightbook.v1+json"
# Where JupyterLab is installed, nbformat loads a validator that compiles a grammar for a second and that no notebook
# needs. We do without it; so that this is not what is compared, papermill is measured without it too.
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
    place.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("total = sum(range(10))\nprint(total)")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, place / "trivial.ipynb")
    taken = _against_papermill(place, place / "trivial.ipynb", environment, rounds)
    ours = taken.pop("nightbook")
    return [at_most_more("trivial notebook", ours, peer, theirs, 1.0) for peer, theirs in taken.items()]


def measure_train(folder: Path, environment: Mapping[str, str], rounds: int) -> list[Comparison]:
    """The example's `train`, on its own data."""
    place = folder / "example"
    shutil.copytree(REPOSITORY / "notebooks", place / "notebooks")
    (place / "nightbook.toml").write_text("")
    nightbook = str(Path(sys.executable).with_name("nightbook"))
    subprocess.run((nightbook, "run", "train"), cwd=place, env=dict(environment), check=True, capture_output=True)
    taken = _against_papermill(place, place / "notebooks" / "train.ipynb", environment, rounds)
    ours = taken.pop("nightbook")
    return [at_most_ratio("the example's train", ours, peer, theirs, 1.3) for peer, theirs in taken.items()]


def _against_papermill(place: Path, notebook: Path, environment: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Median seconds of ours and of papermill's, after comparing what the cells show."""
    ours = str(Path(sys.executable).with_name("nightbook"))
    output = place / "papermill.ipynb"
    work = (str(notebook), str(output), "--cwd", str(notebook.parent))
    papermills = {
        "papermill": (str(Path(sys.executable).with_name("papermill")), *work),
        "papermill, lighter": (sys.executable, "-c", LIGHTER_PAPERMILL, *work),
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
    executed = place / json.loads(record.stdout)["executed_notebook"]
    if _outputs(executed) != _outputs(output):
        message = f"{notebook.name} gave other outputs under papermill"
        raise RuntimeError(message)
    return taken


def _outputs(path: Path) -> list[tuple[str, str, str]]:
    """What each cell shows, without what the clock decides."""
    shown = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            data = {kind: value for kind, value in output.get("data", {}).items() if kind != NIGHTBOOK_TYPE}
            shown.append((output.output_type, output.get("text", ""), json.dumps(data, sort_keys=True)))
    return _merged(shown)


def _merged(shown: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Streams that follow each other are one: where they are cut is chance."""
    merged: list[tuple[str, str, str]] = []
    for kind, text, data in shown:
        if merged and kind == "stream" and merged[-1][0] == "stream":
            merged[-1] = (kind, merged[-1][1] + text, data)
        else:
            merged.append((kind, text, data))
    return merged
