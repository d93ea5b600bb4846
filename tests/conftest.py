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
KEPT = {"IPYTHONDIR", "JUPYTER_PLATFORM_DIRS", "MLFLOW_DISABLE_TELEMETRY"}

# Two busy cores make single examples slow, so there is no deadline; CI draws the same examples every time.
hypothesis.settings.register_profile("nightbook", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("nightbook")


def is_foreign(name: str) -> bool:
    return name.startswith(OWN_PREFIXES) and name not in KEPT


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before test modules are imported: mlflow and Jupyter read it at import."""
    home = tempfile.TemporaryDirectory(prefix="nightbook-tests-")
    config.add_cleanup(home.cleanup)
    for name in filter(is_foreign, list(os.environ)):
        del os.environ[name]
    os.environ |= {
        "GIT_AUTHOR_EMAIL": "tester@example.invalid",
        "GIT_AUTHOR_NAME": "Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.invalid",
        "GIT_COMMITTER_NAME": "Tester",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": home.name,
        "IPYTHONDIR": str(Path(home.name) / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # The font cache takes seconds to build and does not change.
        "MPLCONFIGDIR": str(config.rootpath / ".pytest_cache" / "matplotlib"),
    }


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
