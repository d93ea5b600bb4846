"""What every test starts from: an environment in which nothing of the developer's own machine shows."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    }


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


def require_program(name: str) -> str:
    """Path of a program; without it tests are skipped on a developer's machine and fail in CI."""
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"{name} is not installed"
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's browser, for playwright's `executable_path`."""
    return require_program("chromium")
