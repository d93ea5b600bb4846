"""Empty ledgers, prepared MLflow stores and settings for the tests of runs."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.ledger import Ledger
from nightbook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty ledger, once for each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'ledger.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded MLflow store as Nightbook leaves it, to be copied: its migrations take seconds."""
    from nightbook.runs.tracking import MlflowTracker  # noqa: PLC0415 - only some tests need MLflow

    folder = tmp_path_factory.mktemp("store")
    MlflowTracker(project_settings(folder, "")).ensure_ready()
    return folder / ".nightbook"


@pytest.fixture
def settings_for(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Settings]:
    """Settings of a project in the test's folder with the given tracking URI; empty for an embedded store."""

    def settings(tracking_uri: str = "", *, is_prepared: bool = True) -> Settings:
        made = project_settings(tmp_path, tracking_uri)
        if made.is_embedded_tracking and is_prepared:
            made.state.mkdir(exist_ok=True)
            for file in request.getfixturevalue("prepared_store").glob("mlflow.sqlite*"):
                shutil.copy(file, made.state)
        return made

    return settings


def project_settings(root: Path, tracking_uri: str) -> Settings:
    state = root / ".nightbook"
    return Settings(
        root=root,
        name="flights",
        state=state,
        ledger=f"sqlite:///{state / 'ledger.sqlite'}",
        tracking_uri=tracking_uri or f"sqlite:///{state / 'mlflow.sqlite'}",
        # The server is shared: each test has its own experiment.
        experiment=f"flights {uuid.uuid4().hex[:8]}",
        store=str(state / "store"),
        jobs=1,
    )
