"""The embedded MLflow store: made ready once, by one process, before any other uses it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from nightbook.errors import StorageError, TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE_SECONDS = 300


def prepare_store(database: Path, *, create: Callable[[str], None], upgrade: Callable[[str], None]) -> None:
    """Leave a database with the schema of the installed MLflow; eight processes may ask for it at once.

    A marker beside the database names the MLflow version that it is ready for: from the second time on this costs
    one small read.

    Args:
        database: The SQLite file.
        create: Makes a new store at a database URL.
        upgrade: Brings the store at a database URL to the installed version.

    Raises:
        TrackerError: Another process has been at it for minutes.
        StorageError: The folder cannot be written.
    """
    marker = database.with_name(f"{database.name}.ready")
    installed = installed_version()
    if _is_ready(database, marker, installed):
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock", timeout=_PATIENCE_SECONDS):
            if _is_ready(database, marker, installed):
                return
            if database.exists():
                _keep_copy(database, f"before-{installed}")
                upgrade(f"sqlite:///{database}")
            else:
                _create_aside(database, create)
            marker.write_text(installed, encoding="utf-8")
    except Timeout as error:
        raise TrackerError(
            f"another process has been preparing {database} for {_PATIENCE_SECONDS} s", remedy=f"rm {database}.lock"
        ) from error
    except OSError as error:
        raise StorageError(f"MLflow's store cannot be made: {error}", remedy=f"check {database.parent}") from error


@cache
def installed_version() -> str:
    """MLflow's."""
    return version("mlflow")


def _is_ready(database: Path, marker: Path, installed: str) -> bool:
    try:
        return database.exists() and marker.read_text(encoding="utf-8") == installed
    except FileNotFoundError:
        return False


def _create_aside(database: Path, create: Callable[[str], None]) -> None:
    """Make the store beside its place: killed half-way, MLflow's migrations could not be taken up again."""
    draft = database.with_name(f"{database.name}.draft")
    for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm"), Path(f"{draft}-journal")):
        leftover.unlink(missing_ok=True)
    create(f"sqlite:///{draft}")
    with closing(sqlite3.connect(draft)) as connection:
        # Readers and a writer side by side: a notebook logs while others are being delivered.
        connection.execute("PRAGMA journal_mode=WAL")
    draft.replace(database)


def _keep_copy(database: Path, suffix: str) -> None:
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(f"{database}.{suffix}")) as copy,
    ):
        source.backup(copy)
