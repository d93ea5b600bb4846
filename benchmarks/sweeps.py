"""Sweeps against papermill in a process pool: warm, cold, and with cells that all sets have in common.

Ours keeps the ledger, tells MLflow and writes reports, unless a line says `unpublished`; the pool does none of it.
Both use two processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from notebooks import SMALL, prefixed, require_equal, write_notebook
from ours import Swept, require_all_on, require_all_succeeded, sweep, sweep_command, write_sets
from timing import Command, Finding, Statement, at_least_times, seconds_of, timed
from warm import end_parents, state_boot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sizes import Size

POOL = Path(__file__).with_name("pool.py")
PEER = "papermill pool"
WORKERS = 2
WITHOUT_SHARING = "--no-share"
PUBLISH_LATER = ("--publish", "later")


@dataclass(frozen=True, slots=True)
class Contest:
    """One notebook, its sets, and both who run it.

    Attributes:
        folder: The project.
        notebook: What is swept.
        sets: The file of its parameter sets.
        environment: Of all commands.
    """

    folder: Path
    notebook: Path
    sets: Path
    environment: Mapping[str, str]

    def ours(self, *options: str) -> Swept:
        """Our sweep, which has to be complete."""
        command = sweep_command(self.notebook, self.sets, WORKERS, *options)
        swept = sweep(command, self.folder, self.environment)
        require_all_on(swept)
        return swept

    def ours_unpublished(self) -> Swept:
        """Our sweep without reports and MLflow: the peer does neither."""
        command = sweep_command(self.notebook, self.sets, WORKERS, *PUBLISH_LATER)
        swept = sweep(command, self.folder, self.environment)
        require_all_succeeded(swept)
        # Not timed, and no part of the next one's time either.
        owed = (sys.executable, "-m", "nightbook", "sync")
        subprocess.run(owed, cwd=self.folder, env=dict(self.environment), capture_output=True, check=True)
        return swept

    def theirs(self) -> tuple[float, float]:
        """Seconds of the pool's command, and of its notebooks alone."""
        arguments = (sys.executable, str(POOL), str(self.notebook), str(self.sets), str(self._executed), str(WORKERS))
        # What ours does by itself: two processes on two processors, whose libraries do not wait for each other.
        environment = {**self.environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        whole, said = timed(Command(name=PEER, arguments=arguments, folder=self.folder), environment)
        return whole, float(json.loads(said)["seconds"])

    def compare(self, swept: Swept) -> None:
        """Cell by cell, each set with the peer's."""
        lines = [json.loads(line) for line in self.sets.read_text(encoding="utf-8").splitlines()]
        runs = {_key(run["parameters"]): run for run in swept.runs}
        for number, parameters in enumerate(lines):
            executed = swept.executed(runs[_key(parameters)])
            require_equal(executed, self._executed / f"{number}.ipynb", f"{self.notebook.name} with {parameters}")

    @property
    def _executed(self) -> Path:
        return self.folder / "papermill"


def _key(parameters: Mapping[str, object]) -> str:
    return json.dumps(parameters, sort_keys=True)


def measure_small(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """A small scikit-learn notebook, warm."""
    contest = _small(folder, environment, size.sets)
    boot = _boot(contest)
    contest.compare(_first(contest))
    ours, bare, alone, theirs = list[Swept](), list[Swept](), list[Swept](), list[float]()
    for _ in range(size.rounds):
        ours.append(contest.ours())
        bare.append(contest.ours_unpublished())
        alone.append(contest.ours(WITHOUT_SHARING))
        theirs.append(contest.theirs()[1])
    contest.compare(alone[-1])
    contest.compare(bare[-1])
    name, peer = f"sweep of {size.sets}", median(theirs)
    return [
        boot,
        at_least_times(f"{name}, all on", median(one.seconds for one in ours), PEER, peer, 6),
        at_least_times(f"{name}, unpublished", median(one.seconds for one in bare), PEER, peer, 10),
        at_least_times(f"{name}, {WITHOUT_SHARING}", median(one.seconds for one in alone), PEER, peer),
        _explained(contest),
    ]


def measure_cold(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """The same without any warm process; the pool's start counts too."""
    contest = _small(folder, environment, size.sets)
    contest.compare(_first(contest))
    ours, theirs = list[float](), list[float]()
    for _ in range(size.rounds):
        end_parents(environment)
        ours.append(contest.ours().seconds)
        theirs.append(contest.theirs()[0])
    return [at_least_times(f"sweep of {size.sets}, cold", median(ours), PEER, median(theirs), 4)]


def measure_prefix(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """Cells that all sets have in common, which ours executes once."""
    notebook = write_notebook(folder / "prefixed.ipynb", prefixed(size.prefix_seconds), has_parameters=True)
    sets = write_sets(folder / "sets.jsonl", [{"number": number} for number in range(size.sets)])
    contest = Contest(folder, notebook, sets, environment)
    contest.compare(_first(contest))
    ours, theirs = list[float](), list[float]()
    for _ in range(size.rounds):
        ours.append(contest.ours().seconds)
        theirs.append(contest.theirs()[1])
    name = f"sweep, {size.prefix_seconds:.0f} s in common"
    return [at_least_times(name, median(ours), PEER, median(theirs), 8), _explained(contest)]


def _small(folder: Path, environment: Mapping[str, str], count: int) -> Contest:
    notebook = write_notebook(folder / "small.ipynb", SMALL, has_parameters=True)
    sets = write_sets(folder / "sets.jsonl", small_sets(count))
    return Contest(folder, notebook, sets, environment)


def small_sets(count: int) -> list[dict[str, float]]:
    """So many pairs of depth and rate; no two alike."""
    rates = [round(0.05 * step, 2) for step in range(1, count // 2 + count % 2 + 1)]
    return [{"depth": depth, "rate": rate} for depth, rate in product((2, 3), rates)][:count]


def _first(contest: Contest) -> Swept:
    """A round that does not count: the store is made, and outputs are there to compare."""
    swept = contest.ours()
    contest.theirs()
    return swept


def _boot(contest: Contest) -> Statement:
    one = write_sets(
        contest.folder / "one.jsonl", [json.loads(contest.sets.read_text(encoding="utf-8").split("\n")[0])]
    )
    arguments = sweep_command(contest.notebook, one, 1)
    command = Command(name="nightbook", arguments=arguments, folder=contest.folder)
    seconds_of(command, contest.environment)  # the project's ledger and MLflow's store are made
    return state_boot(command, contest.environment)


def _explained(contest: Contest) -> Statement:
    """Which cells ours executes once, in its own words."""
    command = (*sweep_command(contest.notebook, contest.sets, WORKERS)[:5], "--explain")
    done = subprocess.run(
        command, cwd=contest.folder, env=dict(contest.environment), capture_output=True, text=True, check=True
    )
    return Statement(measure="cells in common", figure=done.stdout.split("\n", 1)[0])
