"""Executes a notebook with both engines, and says where the two executed notebooks differ."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher
from nightbook.workflow.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nightbook.records import Run

# As long as each other: what is wrapped or padded to a width is so alike.
FORK, JUPYTER = "forked", "zeromq"
ENGINES = {FORK: "fork", JUPYTER: "jupyter"}
CONFIGURATION = 'tracking_uri = "http://127.0.0.1:9"\n' + "".join(
    f'[stages.{folder}]\nnotebook = "{folder}/notebook.ipynb"\nengine = "{engine}"\n'
    for folder, engine in ENGINES.items()
)
# What no two processes have in common. Each pattern's group, or the whole, is replaced.
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
PROCESS_FOLDER = re.compile(r"ipykernel_\d+")
IDENTIFIER = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")
DURATION = re.compile(r"(?<=\bin )\d+\.\d+(?=s\b)")
MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00")
TEMPORARY = re.compile(r"(?:/tmp/)?\btmp\w{8}\.json|\bkernel\.json")
SHOWN_LINES = 40
# Jupyter's kernels read what is written below Python on threads of their own, sooner or later than what follows.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of a notebook with one engine.

    Attributes:
        run: Its record.
        engine: What ran it indeed.
        notebook: The executed notebook.
        folder: Where it ran.
    """

    run: Run
    engine: str
    notebook: dict[str, Any]
    folder: Path

    def told(self) -> list[str]:
        """All that the two engines must have in common, as lines of text."""
        cells = [
            {key: cell.get(key) for key in ("cell_type", "source", "execution_count", "outputs")}
            for cell in self.notebook["cells"]
        ]
        ending = {"status": self.run.status.value, "cause": self.run.cause, "message": self.run.message}
        metadata = {key: self.notebook["metadata"].get(key) for key in ("language_info", "widgets")}
        metrics = {name: str(value) for name, value in self.run.metrics.items()}
        text = json.dumps([ending, metrics, cells, metadata], indent=1, ensure_ascii=False, default=str)
        text = text.encode("utf-8", "backslashreplace").decode()
        return neutral(text, self.folder).replace("\\n", "\\n\n").split("\n")


def neutral(text: str, folder: Path) -> str:
    """The text without ids, memory addresses, process ids, durations and temporary paths; ids are numbered as they come."""
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0].replace("-", ""), f"<id {len(numbers)}>")

    text = text.replace(str(folder), "<folder>").replace(folder.name, "<folder>")
    text = PROCESS_FOLDER.sub("<process>", ADDRESS.sub("<address>", text))
    text = TEMPORARY.sub("<connection>", MOMENT.sub("<moment>", text))
    return IDENTIFIER.sub(numbered, DURATION.sub("<duration>", text))


def execute(root: Path) -> dict[str, Executed]:
    """Execute the notebook with both engines, at the same time."""
    # ipykernel does not listen to what is written below Python where it finds this.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    settings = load_settings(root, environment={}, flags={"jobs": 2})
    result = run(RunRequest(settings=settings, targets=tuple(ENGINES), is_forced=True), SilentWatcher())
    return {
        record.stage or "": executed_of(record, settings.runs_folder / record.run_id, root / (record.stage or ""))
        for record in result.runs
    }


def executed_of(record: Run, folder: Path, place: Path) -> Executed:
    """What came of a run, by the files in its folder; the notebook ran in the place."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    engine = next((event.get("engine", "") for event in events if event["event"] == "kernel_started"), "")
    notebook = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))
    return Executed(record, engine, notebook, place)


def differences(executed: dict[str, Executed]) -> str:
    """Where the two differ, as a diff from Jupyter's to the fork's; empty where they do not."""
    assert {name: one.engine for name, one in executed.items()} == ENGINES
    usual, forked = (executed[name].told() for name in (JUPYTER, FORK))
    lines = list(difflib.unified_diff(usual, forked, "jupyter", "fork", n=4, lineterm=""))
    return "\n".join(line[:300] for line in lines[:SHOWN_LINES])


def write(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook; a cell whose first line is `# tags: …` has these tags."""
    made: list[Any] = []
    for source in cells:
        cell = nbformat.v4.new_code_cell(source.strip("\n"), id=f"cell-{len(made)}")
        if found := re.match(r"# tags: (.+)\n", cell.source):
            cell.metadata["tags"] = found[1].split()
        made.append(cell)
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose warm parents are its own: other tests of this machine neither use them nor end them."""
    root = tmp_path_factory.mktemp("equal")
    (root / "nightbook.toml").write_text(CONFIGURATION, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="nightbook-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTBOOK_WARM_FOLDER", folder)
        yield root


@pytest.fixture
def compare(project: Path) -> Callable[..., str]:
    """Executes a notebook of the given cells, or a copy of a notebook file, with both engines; returns the differences."""

    def compare_engines(*cells: str, path: Path | None = None, is_steady: bool = True) -> str:
        found = ""
        for _ in range(1 if is_steady else TRIES):
            for folder in ENGINES:
                shutil.rmtree(project / folder, ignore_errors=True)
                (project / folder).mkdir()
                if path is not None:
                    shutil.copy(path, project / folder / "notebook.ipynb")
                else:
                    write(project / folder / "notebook.ipynb", cells)
            found = differences(execute(project))
            if not found:
                break
        return found

    return compare_engines
