from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.settings.tracking import check_tracking_uri

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow.example:5000",
        "https://mlflow.example/base/path",
        "http://me:secret@127.0.0.1:5000",
        "http://[::1]:5000",
        "sqlite:///mlflow.sqlite",
        "sqlite:////absolute/mlflow.sqlite",
        "sqlite+pysqlite:///mlflow.sqlite",
        "postgresql://me:secret@db/mlflow",
        "postgresql+psycopg://me:secret@db:5432/mlflow",
        "postgresql:///mlflow?host=/run/pg",
        "mysql+pymysql://db/mlflow",
        "mssql+pyodbc://db/mlflow?driver=ODBC",
        "databricks",
        "databricks://profile",
    ],
)
def test_what_mlflow_understands_is_taken(uri: str) -> None:
    check_tracking_uri(uri, "X")


@pytest.mark.parametrize(
    ("uri", "words", "remedy"),
    [
        ("htp://nowhere", "X is no address of an MLflow: 'htp://nowhere' has the unknown scheme 'htp'", "'http'?"),
        ("HTPS://nowhere", "unknown scheme 'htps'", "did you mean 'https'?"),
        ("postgres://db/mlflow", "unknown scheme 'postgres'", "did you mean 'postgresql'?"),
        ("databricks-uc", "names a folder", "sqlite:///"),
        ("databricks-uc://x", "unknown scheme 'databricks-uc'", "did you mean 'databricks'?"),
        ("oracle://me:pa55@host/db", "'oracle://me:***@host/db'", "known: databricks, http"),
        (
            "./mlruns",
            "X names a folder, './mlruns', and MLflow no longer keeps runs in folders",
            "sqlite:///mlflow.sqlite",
        ),
        ("/data/mlruns", "names a folder", "mlflow migrate-filestore"),
        ("file:///x", "names a folder, 'file:///x'", 'tracking_uri = "sqlite:///mlflow.sqlite"'),
        ("localhost:5000", "X lacks its scheme: 'localhost:5000'", 'tracking_uri = "http://localhost:5000"'),
        ("127.0.0.1:5000/base", "lacks its scheme", "http://127.0.0.1:5000/base"),
        ("http:/localhost", "names no host", "http://HOST:PORT"),
        ("http://host:99999", "X is no address", "http://HOST:PORT"),
        ("http://[::1", "X is no address", "http://HOST:PORT"),
        ("postgresql://db", "names no database", "postgresql://USER@HOST/DATABASE"),
        ("sqlite://mlflow.sqlite", "names no file", "sqlite:///mlflow.sqlite"),
        ("sqlite://", "names no file", "sqlite:///mlflow.sqlite"),
        ("sqlite:mlflow.sqlite", "names no file", "sqlite:///mlflow.sqlite"),
    ],
)
def test_what_can_be_no_mlflow_is_refused_with_what_could_be_one(uri: str, words: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_tracking_uri(uri, "X")
    assert words in caught.value.message
    assert remedy in caught.value.remedy
    assert "pa55" not in f"{caught.value.message}{caught.value.remedy}"


def test_a_scheme_that_a_plugin_brings_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        check_tracking_uri("clouds://workspace", "X")
    plugin = tmp_path / "mlflow_clouds-1.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Name: mlflow-clouds\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[mlflow.tracking_store]\nclouds = mlflow_clouds:Store\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    check_tracking_uri("clouds://workspace", "X")
