"""What every test starts from: an environment in which nothing of the developer's own machine shows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["clusters", "services", "tests.chromium", "tests.forks", "tests.warmth"]

OWN_PREFIXES = ("IPYTHON", "JUPYTER", "MLFLOW_", "NIGHTBOOK_", "PAPERMILL_")
HOME = tempfile.TemporaryDirectory(prefix="nightbook-tests-")
KEPT = {"IPYTHONDIR", "JUPYTER_PLATFORM_DIRS", "MLFLOW_DISABLE_TELEMETRY"}

# Two busy cores make single examples slow, so there is no deadline; CI draws the same examples every time.
hypothesis.settings.register_profile("nightbook", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("nightbook")


def is_foreign(name: str) -> bool:
    return name.startswith(OWN_PREFIXES) and name not in KEPT


def isolate() -> None:
    """Hide the developer's own settings; mlflow and Jupyter read theirs when they are imported."""
    for name in filter(is_foreign, list(os.environ)):
        del os.environ[name]
    os.environ |= {
        "GIT_AUTHOR_EMAIL": "tester@example.invalid",
        "GIT_AUTHOR_NAME": "Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.invalid",
        "GIT_COMMITTER_NAME": "Tester",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": HOME.name,
        "IPYTHONDIR": str(Path(HOME.name) / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # The font cache takes seconds to build and does not change.
        "MPLCONFIGDIR": str(Path(__file__).parents[1] / ".pytest_cache" / "matplotlib"),
        # Warm parents end themselves soon after the last test.
        "NIGHTBOOK_WARM_IDLE_SECONDS": "20",
    }


# What a shell starts in the background ignores SIGINT, under `nohup` also SIGHUP, and so would everything that a test
# interrupts.
for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, default)

# Not in a hook: the conftest files below this one import Jupyter before the first hook is called.
isolate()


def pytest_unconfigure() -> None:
    HOME.cleanup()


@pytest.fixture(autouse=True)
def isolated_environment() -> Iterator[None]:
    """Undo what a test or a library (mlflow sets its own variables) left in the environment."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ |= before


def say_missing(part: str) -> NoReturn:
    if "CI" in os.environ:
        pytest.fail(f"CI has to have {part}")
    pytest.skip(f"this machine has no {part}")


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """Call it where the machine lacks a part: the test is skipped on a developer's machine, and fails in CI."""
    return say_missing


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's browser, for playwright's `executable_path`."""
    return shutil.which("chromium") or say_missing("chromium")


def write_notebook(path: Path, parameters: str, *cells: str) -> Path:
    """Write a notebook whose first cell declares its parameters."""
    sources = [(f"from nightbook import Input, Output\n{parameters}", ["parameters"]), *((cell, []) for cell in cells)]
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"cell_type": "code", "id": f"cell-{number}", "source": source, "metadata": {"tags": tags}}
            | {"outputs": [], "execution_count": None}
            for number, (source, tags) in enumerate(sources)
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with real runs, for reading only.

    #1 is a pipeline whose `make` (#2) and `fit` (#3, alpha 0.25) succeeded and whose `check` (#4, day 2026-03-29) failed,
    as it does until there is a file `allowed`; #5 a pipeline of `fit` alone (#6, alpha 0.5); #7 a lone notebook that failed.
    """
    from datetime import date  # noqa: PLC0415 - most tests need none of this

    from nightbook.settings import load_settings  # noqa: PLC0415 - as above
    from nightbook.workflow.requests import RunRequest, SilentWatcher  # noqa: PLC0415 - as above
    from nightbook.workflow.run import run  # noqa: PLC0415 - as above

    root = tmp_path_factory.mktemp("finished") / "shop"
    allowed = 'from pathlib import Path\nassert Path("../allowed").exists(), "nobody allowed it"\nprint("allowed")'
    write_notebook(
        root / "notebooks" / "make.ipynb",
        'numbers: Output = "../data/numbers.txt"  # what is summed up\ncount: int = 3  # how many',
        'with open(numbers, "w") as file:\n    file.write("1\\n" * count)\nprint("made", count)',
    )
    write_notebook(
        root / "notebooks" / "fit.ipynb",
        'numbers: Input = "../data/numbers.txt"\nmodel: Output = "../data/model.txt"\nalpha: float = 1.0',
        "import nightbook\ntotal = sum(map(int, open(numbers)))",
        'nightbook.log_metric("error", alpha * total, better="lower", tolerance=0.01)\nnightbook.log_metric("size", total)',
        'open(model, "w").write(str(alpha))\nprint("fitted with", alpha)',
    )
    write_notebook(
        root / "notebooks" / "check.ipynb",
        'from datetime import date\nmodel: Input = "../data/model.txt"\nday: date = date(2026, 1, 1)\nnote: str = ""',
        'print("checking", day.isoformat(), type(day).__name__, repr(note))',
        allowed,
    )
    write_notebook(root / "scratch" / "lone.ipynb", "times: int = 1", 'print("tried", times)', allowed)
    settings = load_settings(root, environment={}, flags={"jobs": 2})
    for targets, parameters in (
        ((), {"fit.alpha": 0.25, "day": date(2026, 3, 29), "note": "007"}),
        (("fit",), {"alpha": 0.5}),
        ((str(root / "scratch" / "lone.ipynb"),), {"times": 4}),
    ):
        run(RunRequest(settings=settings, targets=targets, parameters=parameters), SilentWatcher())
    return root


@pytest.fixture
def project_copy(finished_project: Path, tmp_path: Path) -> Path:
    """The same project to work on."""
    return shutil.copytree(finished_project, tmp_path / "shop")


@pytest.fixture
def new_notebook() -> Callable[..., Path]:
    """`write_notebook`, for tests that need notebooks of their own."""
    return write_notebook
