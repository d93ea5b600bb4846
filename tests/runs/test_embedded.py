from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import StorageError
from nightbook.runs.embedded import prepare_store

if TYPE_CHECKING:
    from pathlib import Path


class Schema:
    """Stands for MLflow's migrations, which are tested in `test_tracking`: notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self._lock = Lock()

    def create(self, url: str) -> None:
        self._apply("create", url, "CREATE TABLE runs (id)")

    def upgrade(self, url: str) -> None:
        self._apply("upgrade", url, "ALTER TABLE runs ADD COLUMN more")

    def _apply(self, asked: str, url: str, statement: str) -> None:
        with self._lock:
            self.asked.append(asked)
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
        if self.fails:
            raise RuntimeError("killed half-way")


@pytest.fixture
def schema() -> Schema:
    return Schema()


def test_many_at_once_make_one_store(tmp_path: Path, schema: Schema) -> None:
    database = tmp_path / "state" / "mlflow.sqlite"
    with ThreadPoolExecutor(8) as pool:
        for _ in range(16):
            pool.submit(prepare_store, database, create=schema.create, upgrade=schema.upgrade)
    assert schema.asked == ["create"]
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_of_another_mlflow_is_upgraded_once_and_copied_first(tmp_path: Path, schema: Schema) -> None:
    database = tmp_path / "mlflow.sqlite"
    prepare_store(database, create=schema.create, upgrade=schema.upgrade)
    (tmp_path / "mlflow.sqlite.ready").write_text("3.11.0")
    for _ in range(2):
        prepare_store(database, create=schema.create, upgrade=schema.upgrade)
    assert schema.asked == ["create", "upgrade"]
    with closing(sqlite3.connect(tmp_path / f"mlflow.sqlite.before-{version('mlflow')}")) as copy:
        assert [column[1] for column in copy.execute("PRAGMA table_info(runs)")] == ["id"]


def test_a_creation_that_was_killed_half_way_begins_anew(tmp_path: Path, schema: Schema) -> None:
    database = tmp_path / "mlflow.sqlite"
    schema.fails = True
    with pytest.raises(RuntimeError):
        prepare_store(database, create=schema.create, upgrade=schema.upgrade)
    assert not database.exists()
    schema.fails = False
    prepare_store(database, create=schema.create, upgrade=schema.upgrade)
    assert database.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, schema: Schema) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="MLflow's store cannot be made") as caught:
        prepare_store(tmp_path / "file" / "mlflow.sqlite", create=schema.create, upgrade=schema.upgrade)
    assert str(tmp_path / "file") in caught.value.remedy
