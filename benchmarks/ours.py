"""Our own commands: a sweep with all of its records."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NIGHTBOOK = str(Path(sys.executable).with_name("nightbook"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One sweep.

    Attributes:
        seconds: The whole command, as its user waits: reports are written and MLflow has all.
        runs: The records of the sets.
        folder: The project.
    """

    seconds: float
    runs: tuple[dict[str, Any], ...]
    folder: Path

    @property
    def failed(self) -> int:
        """How many runs did not succeed, or not in a fork."""
        return sum(one["status"] != "succeeded" or self.engine_of(one) != "fork" for one in self.runs)

    def executed(self, run: Mapping[str, Any]) -> Path:
        """A run's executed notebook."""
        return self.folder / str(run["executed_notebook"])

    def engine_of(self, run: Mapping[str, Any]) -> str:
        """What ran a run's cells."""
        notebook = json.loads(self.executed(run).read_text(encoding="utf-8"))
        return str(notebook["metadata"]["nightbook"].get("engine", ""))


def write_sets(path: Path, sets: Sequence[Mapping[str, object]]) -> Path:
    """Parameter sets as JSON lines, which both sides read."""
    path.write_text("".join(json.dumps(one) + "\n" for one in sets), encoding="utf-8")
    return path


def sweep_command(notebook: Path, sets: Path, jobs: int, *options: str) -> tuple[str, ...]:
    """A sweep that runs all sets again, and prints its records."""
    return (NIGHTBOOK, "sweep", str(notebook), "--list", str(sets), "-j", str(jobs), "--force", "--json", *options)


def sweep(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Swept:
    """Run it.

    Raises:
        RuntimeError: It failed altogether; that runs of it failed is for the caller to judge.
    """
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in {0, 1} or not done.stdout:
        message = f"the sweep failed with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return Swept(seconds=seconds, runs=tuple(json.loads(done.stdout)["runs"]), folder=folder)


def require_all_succeeded(swept: Swept) -> None:
    """Each run succeeded in a fork.

    Raises:
        RuntimeError: One did not.
    """
    if swept.failed:
        message = f"{swept.failed} runs failed or were not forked"
        raise RuntimeError(message)


def require_all_on(swept: Swept) -> None:
    """A sweep counts only when each run succeeded in a fork, has its report, and MLflow has it.

    Raises:
        RuntimeError: Something is missing.
    """
    without = [
        one["number"]
        for one in swept.runs
        if not one["mlflow_synced"] or not (swept.folder / (one["report"] or "missing")).is_file()
    ]
    if swept.failed or without:
        message = f"{swept.failed} runs failed or were not forked; without report or MLflow: {without}"
        raise RuntimeError(message)
