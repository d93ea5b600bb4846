"""The peer of the sweeps: papermill's API in a process pool. No tracking, no report.

In its best form: papermill is imported once, before the pool is forked, and without the validator that it does not
need. Prints the seconds that the notebooks took, counted from the moment at which the pool is ready.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Arguments: the notebook, the sets as JSON lines, the folder for what is executed, how many at once."""
    notebook, sets, folder = map(Path, sys.argv[1:4])
    # Where JupyterLab is installed it costs a second, which is not what is compared.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # Python's way to hide a module
    import_module("papermill")
    jobs = [*enumerate(map(json.loads, sets.read_text(encoding="utf-8").splitlines()))]
    folder.mkdir(parents=True, exist_ok=True)
    workers = int(sys.argv[4])
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(time.sleep, [0.1] * workers))
        started = time.perf_counter()
        list(pool.map(partial(execute, notebook, folder), jobs))
        print(json.dumps({"seconds": time.perf_counter() - started}))


def execute(notebook: Path, folder: Path, job: tuple[int, dict[str, object]]) -> None:
    """One set."""
    number, parameters = job
    import_module("papermill").execute_notebook(
        str(notebook),
        str(folder / f"{number}.ipynb"),
        parameters=parameters,
        cwd=str(notebook.parent),
        progress_bar=False,
    )


if __name__ == "__main__":
    main()
