"""The constants of `docs/how-to/a-million-runs-a-day.md`: what one more run costs each part of a cluster.

python benchmarks/scale.py [--runs 40] [--postgresql URL]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import psutil
from distributed import Client, LocalCluster

from nightbook.records import RunKind, RunStatus
from nightbook.runs.facts import NewRun, Outcome
from nightbook.runs.ledger import Ledger
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.warm.places import FOLDER
from warm import end_parents, holding, parents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CELLS = (
    'from nightbook import Output\nx: int = 1\nmade: Output = "../data/made.txt"',
    "import nightbook",
    'nightbook.log_metric("loss", 1 / x)\nopen(made, "w").write(str(x))\nprint("done")',
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many a second, and CPU time of this process for each: the one depends on what else the machine does."""

    per_second: float
    cpu_milliseconds: float

    @classmethod
    def of(cls, count: int, work: Callable[[], object]) -> Pace:
        """Do it, and divide."""
        began, used = time.monotonic(), time.process_time()
        work()
        return cls(count / (time.monotonic() - began), (time.process_time() - used) / count * 1e3)

    def __str__(self) -> str:
        return f"{self.per_second:.0f} /s, {self.cpu_milliseconds:.1f} ms of CPU each"


def main() -> None:
    """Measure one after the other, print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--postgresql", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = {**measure_sweep(Path(folder), asked.runs), **measure_scheduler(), **measure_ledgers(folder, asked)}
    for name, figure in figures.items():
        print(f"| {name} | {figure} |")


def measure_sweep(folder: Path, runs: int) -> dict[str, str]:
    """Sweeps of a trivial notebook on two workers of this machine: everything but MLflow.

    Of two sizes, so that what every command costs once is no part of what a run costs.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "notebooks").mkdir()
    nbformat.write(notebook, folder / "notebooks" / "small.ipynb")
    with warm_folder() as workers, warm_folder() as commands:
        os.environ[FOLDER] = str(workers)  # the workers take it over
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
            address = cluster.scheduler_address
            sweep(folder, address, range(1, 4), commands)
            before = cpu_of_descendants() + cpu_of_parents(workers)
            few, _, _ = sweep(folder, address, range(100, 100 + runs // 4), commands)
            between = cpu_of_descendants() + cpu_of_parents(workers)
            many, took, records = sweep(folder, address, range(1_000, 1_000 + runs), commands)
            after = cpu_of_descendants() + cpu_of_parents(workers)
    more = runs - runs // 4
    at_work = (after - between) - (between - before)
    state = folder / ".nightbook"
    made = len(list(state.glob("runs/*/executed.ipynb")))
    reports = sum(file.stat().st_size for file in state.glob("runs/*/report.html"))
    return {
        "runs that succeeded": f"{sum(one['status'] == 'succeeded' for one in records)} of {runs}",
        "runs a minute, two workers": f"{60 * runs / took:.0f}",
        "CPU time a run: command, with its publisher": f"{(many - few) / more * 1e3:.0f} ms",
        "CPU time a run: worker, supervisor, runner, kernel": f"{at_work / more * 1e3:.0f} ms",
        "files of a run": f"{size_of(state / 'runs') / made / 1e3:.0f} kB",
        "of which the report": f"{reports / made / 1e3:.0f} kB",
        "SQLite ledger, a run": f"{size_of(state / 'ledger.sqlite') / made / 1e3:.1f} kB",
    }


def sweep(folder: Path, address: str, values: range, warm: Path) -> tuple[float, float, list[dict[str, object]]]:
    """CPU and wall-clock seconds of a sweep, and its records.

    Args:
        folder: The project.
        address: The scheduler's.
        values: Of the parameter.
        warm: The folder of the command's own warm parents.
    """
    # Nobody listens there: what MLflow costs is measured with MLflow.
    environment = {**os.environ, FOLDER: str(warm), "NIGHTBOOK_TRACKING_URI": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "nightbook", "sweep", "small", "--grid", f"x={','.join(map(str, values))}"]
    used, began = cpu_of_children() + cpu_of_parents(warm), time.monotonic()
    done = subprocess.run(
        [*command, "--executor", f"dask://{address}", "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    took = time.monotonic() - began
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return cpu_of_children() + cpu_of_parents(warm) - used, took, json.loads(done.stdout)["runs"]


def measure_scheduler() -> dict[str, str]:
    """What a task and a question to a worker cost the scheduler and the client, with documents of real size."""
    document = "x" * 6_000
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster) as client:
        tasks = Pace.of(
            2_000,
            lambda: client.gather(
                [client.submit(len, document, key=f"small-{number}", pure=False) for number in range(2_000)]
            ),
        )
        workers = list(client.scheduler_info()["workers"])
        with ThreadPoolExecutor(16) as pool:
            questions = Pace.of(
                400,
                lambda: list(pool.map(lambda number: client.run(os.getpid, workers=[workers[number % 2]]), range(400))),
            )
    return {
        "a Dask task with a document of 6 kB: client and scheduler": str(tasks),
        "a question to a worker (progress, log, cancellation): client and scheduler": str(questions),
    }


def measure_ledgers(folder: str, asked: argparse.Namespace) -> dict[str, str]:
    """Runs that a ledger takes, from pending to final, from one process with one and with eight threads."""
    urls = {"SQLite": f"sqlite:///{folder}/speed.sqlite"}
    if asked.postgresql:
        urls["PostgreSQL"] = asked.postgresql
    figures = {}
    for name, url in urls.items():
        with Ledger.open(url) as ledger:
            for threads in (1, 8):
                with ThreadPoolExecutor(threads) as pool:
                    pace = Pace.of(400, lambda: list(pool.map(one_run, [ledger] * 400)))
                figures[f"{name} ledger, a whole run, {threads} at a time"] = str(pace)
    return figures


def one_run(ledger: Ledger) -> None:
    """Three transactions, and one heartbeat."""
    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="small"))
    ledger.start(run.run_id, SupervisorProcess.this())
    ledger.beat(run.run_id)
    ledger.finish(run.run_id, Outcome(status=RunStatus.SUCCEEDED))


def size_of(place: Path) -> int:
    """Bytes of a file or of all files below a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files if file.is_file())


@contextmanager
def warm_folder() -> Iterator[Path]:
    """A folder for warm parents, which end with it."""
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        try:
            yield Path(folder)
        finally:
            end_parents({FOLDER: folder})


def cpu_of_children() -> float:
    """CPU seconds of every child that has ended, with its own."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_of_descendants() -> float:
    """CPU seconds of those that live."""
    times = [one.cpu_times() for one in psutil.Process().children(recursive=True)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def cpu_of_parents(folder: Path) -> float:
    """CPU seconds of the warm parents of a folder, and of all that they forked, once these have ended."""
    holding({FOLDER: str(folder)})
    times = [one.cpu_times() for one in parents_of(folder).values()]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


if __name__ == "__main__":
    main()
