"""One notebook at a time: in a program against nbclient and papermill's API, and from the shell against papermill."""

from __future__ import annotations

import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import nbformat
import papermill
from nbclient import NotebookClient

# papermill first: it loads this itself, by its entry point.
from nightbook.adapters.papermill_engine import fork_for
from notebooks import MANY, TRIVIAL, require_equal, write_notebook
from overhead import LIGHTER, against_papermill
from timing import Finding, at_least_times, complaints_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KERNEL_NAME = "python3"


def measure_library(folder: Path, _: Mapping[str, str], rounds: int) -> list[Finding]:
    """The same client in this process, which has loaded all it needs, with a kernel of Jupyter's and with ours.

    Both kernels are started, asked, and ended in good order. Also stated: a kernel of Jupyter's that is killed at the
    end, and the same for papermill's API with either engine.
    """
    notebook = write_notebook(folder / "trivial.ipynb", TRIVIAL, has_parameters=False)
    ways: dict[str, Callable[[Path], None]] = {
        "ours": partial(_with_nbclient, notebook, is_forked=True),
        "nbclient": partial(_with_nbclient, notebook),
        "nbclient, killing": partial(_with_nbclient, notebook, shutdown_kernel="immediate"),
        "ours, papermill": partial(_with_papermill, notebook, "nightbook"),
        "papermill": partial(_with_papermill, notebook, None),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, execute in ways.items():
            started = time.perf_counter()
            with complaints_in(folder / "complaints.log"):
                execute(folder / f"{name}.ipynb")
            if turn:
                taken[name].append(time.perf_counter() - started)
    for name in ways:
        require_equal(folder / "ours.ipynb", folder / f"{name}.ipynb", notebook.name)
    middle = {name: median(seconds) for name, seconds in taken.items()}
    return [
        at_least_times("trivial, by nbclient", middle["ours"], "nbclient", middle["nbclient"], 8),
        at_least_times("trivial, by nbclient", middle["ours"], "nbclient, killing", middle["nbclient, killing"]),
        at_least_times("trivial, by papermill", middle["ours, papermill"], "papermill API", middle["papermill"]),
    ]


def measure_cells(folder: Path, environment: Mapping[str, str], rounds: int) -> list[Finding]:
    """A hundred trivial cells, from the shell."""
    notebook = write_notebook(folder / "cells.ipynb", MANY, has_parameters=False)
    taken = against_papermill(folder, notebook, environment, rounds)
    return [
        at_least_times("100 trivial cells", taken["nightbook"], LIGHTER, taken[LIGHTER], 6),
        at_least_times("100 trivial cells", taken["nightbook"], "papermill", taken["papermill"]),
    ]


def _with_nbclient(notebook: Path, executed: Path, *, is_forked: bool = False, **options: Any) -> None:  # noqa: ANN401 - nbclient's own
    content = nbformat.read(notebook, as_version=4)
    kernel: Any = None  # nbclient asks for less than the class that it names
    if is_forked:
        kernel, reason = fork_for(KERNEL_NAME, [cell.source for cell in content.cells])
        if kernel is None:
            raise RuntimeError(reason)
    client = NotebookClient(content, km=kernel, kernel_name=KERNEL_NAME, timeout=60, **options)
    client.owns_km = True
    client.execute(cwd=str(notebook.parent))
    nbformat.write(content, executed)


def _with_papermill(notebook: Path, engine: str | None, executed: Path) -> None:
    papermill.execute_notebook(
        str(notebook), str(executed), engine_name=engine, cwd=str(notebook.parent), progress_bar=False
    )
