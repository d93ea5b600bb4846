"""The example as its reader meets it: the repository's own notebooks over the whole year."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds."""
    root = tmp_path_factory.mktemp("flights")
    shutil.copytree(REPOSITORY / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(REPOSITORY / "nightbook.toml", root)
    return root


def nightbook(root: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "nightbook", *arguments, "--json"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_six_notebooks_run_as_one_pipeline_and_the_model_is_useful(example: Path) -> None:
    runs = {run["stage"]: run for run in nightbook(example, "run")["runs"]}

    assert set(runs) == {"collect", "prepare", "train", "evaluate", "score", "monitor"}
    assert {run["status"] for run in runs.values()} == {"succeeded"}
    assert all(run["mlflow_synced"] and (example / run["report"]).exists() for run in runs.values())
    assert runs["collect"]["metrics"]["flights"] == 336_776
    held_out = runs["evaluate"]["metrics"]
    assert held_out["mae"] < held_out["mae_linear"] < held_out["mae_mean"]
    assert held_out["rmse"] < held_out["rmse_linear"] < held_out["rmse_mean"]
    assert 0 < runs["monitor"]["metrics"]["drift"] < 1
    assert runs["score"]["metrics"]["scored"] > 0

    assert nightbook(example, "run")["runs"] == []
