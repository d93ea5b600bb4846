"""A project on disk whose runs are driven through the command line, watched from outside and killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
import pytest

from nightbook.runs.census import words_of
from nightbook.runs.ledger import Ledger
from nightbook.runs.warm.preload import HARMLESS_THREADS
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightbook.records import Run

NIGHTBOOK = (sys.executable, "-m", "nightbook")
# Nobody listens there: MLflow is told later, by whoever asks for it.
NO_TRACKING = "http://127.0.0.1:9"
MODULES = {
    "supervisor": "nightbook.runs.supervise",
    "runner": "nightbook.runs.engine",
    "publisher": "nightbook.runs.publish",
    "page writer": "nightbook.runs.publish",
    "command": "nightbook.cli.attended",
}


@dataclass
class Scene:
    """A project and what happens in it.

    Attributes:
        root: Its folder.
        environment: Variables for its commands.
        patience_seconds: Longest wait for anything; a busy machine is slow.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"NIGHTBOOK_TRACKING_URI": NO_TRACKING})
    patience_seconds: float = 140
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float | None = None) -> Any:
        """The condition's first true value."""
        bound = seconds or self.patience_seconds
        deadline = time.monotonic() + bound
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.02)
        return pytest.fail(f"waited {bound} s for {what}")

    def notebook(self, name: str, *cells: str, tags: dict[int, str] | None = None, kernel: str = "python3") -> Path:
        """Write a notebook below the root."""
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        for index, tag in (tags or {}).items():
            made[index].metadata["tags"] = [tag]
        notebook = nbformat.v4.new_notebook(cells=made)
        language = kernel.removesuffix("3")
        notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": language}
        path = self.root / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def stage(self, name: str, *cells: str, tags: dict[int, str] | None = None, declares: str = "n: int = 1") -> Path:
        """Write a stage: a notebook in `notebooks/` whose cell 0 declares its parameters."""
        shifted = {index + 1: tag for index, tag in (tags or {}).items()}
        return self.notebook(f"notebooks/{name}", declares, *cells, tags={0: "parameters", **shifted})

    def configure(self, text: str) -> None:
        """Write `nightbook.toml`."""
        (self.root / "nightbook.toml").write_text(text, encoding="utf-8")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        process = subprocess.Popen(
            [*NIGHTBOOK, *arguments],
            cwd=self.root,
            env={**os.environ, **self.environment},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        self.started.append(process)
        return process

    def command(self, *arguments: str, expect: int = 0) -> tuple[str, str]:
        """Run a command to its end; returns what it wrote to stdout and stderr."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=2 * self.patience_seconds)
        assert process.returncode == expect, output + errors
        return output, errors

    def run(self, *arguments: str, expect: int = 0) -> list[dict[str, Any]]:
        """`nightbook run --json`: the records of the stage runs."""
        output, _ = self.command("run", "--json", *arguments, expect=expect)
        records: list[dict[str, Any]] = json.loads(output)["runs"]
        return records

    def contact(self) -> dict[str, Run]:
        """Open the ledger as any command does; every stage's newest run."""
        settings = load_settings(self.root, environment=self.environment)
        with open_ledger(settings) as ledger:
            return {run.stage or "": run for run in reversed(ledger.runs(limit=500)) if run.stage}

    def recorded(self) -> dict[str, Run]:
        """What the ledger holds, without recovering anything."""
        settings = load_settings(self.root, environment=self.environment)
        with Ledger.open(settings.ledger) as ledger:
            return {run.stage or "": run for run in reversed(ledger.runs(limit=500)) if run.stage}

    def folder(self, run: Run | dict[str, Any]) -> Path:
        """Where a run's files are."""
        run_id = run["run_id"] if isinstance(run, dict) else run.run_id
        return self.root / ".nightbook" / "runs" / run_id

    def executed(self, run: Run | dict[str, Any]) -> Any:
        """The executed notebook, which is valid."""
        notebook = nbformat.read(self.folder(run) / "executed.ipynb", as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
        assert notebook.nbformat == 4
        return notebook

    def processes(self, part: str, run: Run | None = None) -> list[psutil.Process]:
        """Live processes of ours in this project: `kernel`, `keeper`, `namespace` or one of `MODULES`.

        A `command` is one that a warm process carries out for the one that was typed.
        """
        place = str(self.folder(run)) if run is not None else str(self.root)
        runs = {run.run_id} if run is not None else self.run_ids()
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and self._is_part(process, part, place, runs):
                    found.append(process)
        return found

    def run_ids(self) -> set[str]:
        """Of all that have been begun: others on this machine have kernels and keepers, too."""
        return {folder.name for folder in (self.root / ".nightbook" / "runs").glob("*")}

    @staticmethod
    def _is_part(process: psutil.Process, part: str, place: str, runs: set[str]) -> bool:
        command = words_of(process)
        if part in {"kernel", "keeper"} and command[:2] == ["nightbook", part]:
            return not runs.isdisjoint(command)
        if part == "kernel":
            return "ipykernel_launcher" in " ".join(command) and process.environ().get("NIGHTBOOK_RUN_ID") in runs
        place_of_part = process.cwd() if part == "command" else " ".join(command)
        # Who is just ending has no command line any more.
        if not command or part == "keeper" or place not in place_of_part:
            return False
        is_namespace = command[:2] == ["nightbook", "namespace"] or Path(command[0]).name == "unshare"
        if part == "namespace":
            return is_namespace
        if part in {"publisher", "page writer"}:
            parent = process.parent()
            is_fork = parent is not None and words_of(parent) == command
            return MODULES[part] in command and is_fork == (part == "page writer")
        return not is_namespace and MODULES[part] in command

    def survivors(self) -> list[str]:
        """Every live process that belongs to one of this project's runs, or bears its folder's name."""
        runs, found = self.run_ids(), []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                command = words_of(process)
                is_marked = process.environ().get("NIGHTBOOK_RUN_ID") in runs or not runs.isdisjoint(command)
                if is_marked or any(str(self.root) in word for word in command):
                    found.append(f"{process.pid} {' '.join(command)}")
        return found

    def has_ended(self, *pids: int) -> bool:
        """None of the processes lives, zombies not counted."""
        for pid in pids:
            with suppress(psutil.Error):
                if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    return False
        return True


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    for line in made.survivors():
        with suppress(psutil.Error):
            psutil.Process(int(line.split()[0])).kill()
    for process in made.started:
        process.kill()
        process.communicate()


@dataclass
class WarmScene(Scene):
    """A scene whose warm parents are its own, so that they may be killed.

    Attributes:
        warm_folder: Where they listen.
    """

    warm_folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="nb-")))

    def __post_init__(self) -> None:
        self.environment |= {"NIGHTBOOK_WARM_FOLDER": str(self.warm_folder), "NIGHTBOOK_WARM_IDLE_SECONDS": "120"}

    def parents(self, kind: str = "") -> list[psutil.Process]:
        """The warm parents that are ready, of one kind or all."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = words_of(process)
                is_parent = words[:1] == ["nightbook"] and words[2:3] == ["parent"] and words[1].startswith(kind)
                if is_parent and Path(process.cwd()) == self.warm_folder and self._is_first(process, words):
                    found.append(process)
        return found

    @staticmethod
    def _is_first(process: psutil.Process, words: list[str]) -> bool:
        # A fork bears its parent's title until it has its own.
        above = process.parent()
        return process.status() != psutil.STATUS_ZOMBIE and (above is None or words_of(above) != words)

    def parent(self, kind: str) -> psutil.Process:
        """The one warm parent of a kind, once it is there."""
        (found,) = self.wait_until(lambda: self.parents(kind), f"a {kind} parent")
        assert isinstance(found, psutil.Process)
        return found

    @staticmethod
    def threads(parent: psutil.Process) -> int:
        """How many threads it has beside those that do no harm."""
        names = [(one / "comm").read_text().strip() for one in Path(f"/proc/{parent.pid}/task").iterdir()]
        return sum(name not in HARMLESS_THREADS for name in names)

    def end_parents(self) -> None:
        """Kill the warm parents, also those that still load, and whatever they have forked."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if Path(process.cwd()) == self.warm_folder:
                    process.kill()
        shutil.rmtree(self.warm_folder, ignore_errors=True)

    def engines(self, run: Run | dict[str, Any]) -> list[tuple[str, str]]:
        """Which engines a run's kernels were of, and why."""
        lines = (self.folder(run) / "events.jsonl").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        started = [event for event in events if event["event"] == "kernel_started"]
        return [(event["engine"], event.get("reason", "")) for event in started]


@pytest.fixture
def warm_scene(tmp_path: Path) -> Iterator[WarmScene]:
    made = WarmScene(tmp_path)
    yield made
    for line in made.survivors():
        with suppress(psutil.Error):
            psutil.Process(int(line.split()[0])).kill()
    for process in made.started:
        process.kill()
        process.communicate()
    made.end_parents()
