from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.records import Limits
from nightbook.settings import Settings, StageSettings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, text: str = "", environment: dict[str, str] | None = None, **flags: object) -> Settings:
    if text:
        (folder / "nightbook.toml").write_text(text, encoding="utf-8")
    return load_settings(folder, environment=environment or {}, flags=flags)


def problem(folder: Path, text: str = "", environment: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, environment, **flags)
    return f"{caught.value.message} | {caught.value.remedy}"


def test_without_a_file_the_folder_itself_is_the_project(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.root == tmp_path
    assert settings.name == settings.experiment == tmp_path.name
    assert settings.state == tmp_path / ".nightbook"
    assert settings.ledger == f"sqlite:///{tmp_path}/.nightbook/ledger.sqlite"
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/.nightbook/mlflow.sqlite"
    assert settings.is_embedded_tracking
    assert settings.runs_folder == tmp_path / ".nightbook/runs"
    assert settings.store == str(tmp_path / ".nightbook/store")
    assert settings.cache_folder == tmp_path / ".nightbook/cache"
    assert settings.jobs >= 1
    assert set(settings.sources.values()) == {"default"}


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "nightbook.toml").write_text('name = "flights"', encoding="utf-8")

    settings = load_settings(below, environment={})

    assert settings.root == tmp_path
    assert settings.name == "flights"
    assert settings.sources["name"] == "nightbook.toml"


def test_pyproject_counts_only_with_a_table_of_ours(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.nightbook]\njobs = 3\n", encoding="utf-8")

    settings = load_settings(inner, environment={})

    assert (settings.root, settings.jobs) == (tmp_path, 3)
    assert settings.sources["jobs"] == "pyproject.toml"


def test_a_broken_pyproject_of_somebody_else_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project", encoding="utf-8")

    assert load(tmp_path).root == tmp_path


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    text = "jobs = 2\ntimeout_seconds = 10\ncell_timeout_seconds = 5\n"
    settings = load(
        tmp_path, text, {"NIGHTBOOK_JOBS": "3", "NIGHTBOOK_TIMEOUT_SECONDS": "20"}, timeout_seconds=30.0, engine=None
    )

    assert settings.jobs == 3
    assert settings.limits == Limits(timeout_seconds=30.0, cell_timeout_seconds=5)
    assert settings.sources["jobs"] == "environment NIGHTBOOK_JOBS"
    assert settings.sources["timeout_seconds"] == "flag --timeout"
    assert settings.sources["cell_timeout_seconds"] == "nightbook.toml"
    assert settings.sources["engine"] == "default"


def test_a_stage_table_is_read_whole(tmp_path: Path) -> None:
    text = """
        [stages.plot]
        notebook = "r/plot.ipynb"
        inputs = { flights = "data/flights.parquet" }
        outputs = { figure = "data/figure.png" }
        parameters = { month = 6 }
        kernel = "ir"
        after = ["collect"]
        timeout_seconds = 1.5
        memory_bytes = 1000
        retries = 2
    """
    assert load(tmp_path, text).stages == {
        "plot": StageSettings(
            notebook="r/plot.ipynb",
            inputs={"flights": "data/flights.parquet"},
            outputs={"figure": "data/figure.png"},
            parameters={"month": 6},
            kernel="ir",
            after=("collect",),
            timeout_seconds=1.5,
            memory_bytes=1000,
            retries=2,
        )
    }


def test_a_relative_sqlite_file_is_anchored_at_the_root(tmp_path: Path) -> None:
    text = 'ledger = "sqlite:///team/ledger.sqlite"\ntracking_uri = "https://mlflow.example"\n'
    settings = load(tmp_path, text)

    assert settings.ledger == f"sqlite:///{tmp_path}/team/ledger.sqlite"
    assert settings.tracking_uri == "https://mlflow.example"
    assert not settings.is_embedded_tracking


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trackin_uri = 'x'", "unknown setting 'trackin_uri' in nightbook.toml | did you mean 'tracking_uri'?"),
        (
            "[stages.a]\nretrys = 1",
            "unknown setting 'retrys' in [stages.a] of nightbook.toml | did you mean 'retries'?",
        ),
        ("jobs = 'four'", "'jobs' in nightbook.toml must be a whole number above 0, not 'four'"),
        ("jobs = true", "not True"),
        ("jobs = 0", "not 0"),
        ("engine = 'warp'", "must be 'fork' or 'jupyter', not 'warp'"),
        ("module_paths = 'src'", "must be a list of texts"),
        ("[stages.a]\ninputs = ['x']", "'inputs' in [stages.a] of nightbook.toml must be a table of texts"),
        ("[stages]\na = 1", "'stages' in nightbook.toml must hold tables"),
        ("jobs = ?", "is not valid TOML: Invalid value (at line 1, column 8)"),
        ("executor = 'Dask!'", "'executor' in nightbook.toml must be 'local', 'dask', or an address"),
        ("requires = '99.1'\nfuture = 1", "requires Nightbook 99.1 or newer"),
        ("tracking_uri = 'htp://x'", "'tracking_uri' in nightbook.toml is no address of an MLflow: 'htp://x'"),
        ("tracking_uri = 5", "'tracking_uri' in nightbook.toml must be the address of an MLflow, not 5"),
        ("requires = 'soon'", "is no version: 'soon'"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    assert words in problem(tmp_path, text)


def test_a_project_for_an_older_program_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, "requires = '>=0.0.1'").requires == ">=0.0.1"


def test_mistakes_in_the_environment_are_named(tmp_path: Path) -> None:
    assert "NIGHTBOOK_JOBS must be a whole number above 0, not 'x'" in problem(tmp_path, "", {"NIGHTBOOK_JOBS": "x"})
    words = problem(tmp_path, "", {"NIGHTBOOK_TRACKING_URI": "./mlruns"})
    assert words.startswith("NIGHTBOOK_TRACKING_URI names a folder, './mlruns'")
    words = problem(tmp_path, "", {"NIGHTBOOK_TRACKIN_URI": "x"})
    assert words == "unknown setting NIGHTBOOK_TRACKIN_URI in the environment | did you mean 'NIGHTBOOK_TRACKING_URI'?"


def test_variables_of_others_and_empty_ones_are_left_alone(tmp_path: Path) -> None:
    settings = load(tmp_path, "", {"NIGHTBOOK_RUN_ID": "x", "NIGHTBOOK_ENGINE": "", "HOME": "/"})
    assert settings.sources["engine"] == "default"


def test_mistakes_in_flags_are_named(tmp_path: Path) -> None:
    assert problem(tmp_path, timeout_seconds=-1.0).startswith("--timeout must be a number above 0, not -1.0")


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("/shared/store", "/shared/store"),
        ("file:///shared/the%20store", "/shared/the store"),
        ("s3://bucket/nightbook", "s3://bucket/nightbook"),
        ("memory://store", "memory://store"),
    ],
)
def test_a_store_is_a_folder_or_any_url(tmp_path: Path, written: str, understood: str) -> None:
    assert load_settings(tmp_path, environment={"NIGHTBOOK_STORE": written}).store == understood
