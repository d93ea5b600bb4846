from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.stage import load_stage
from nightbook.runs.request import FORK, JUPYTER
from nightbook.settings import load_settings
from nightbook.workflow.engines import choose_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def notebook(tmp_path: Path, new_notebook: Callable[..., Path]) -> Path:
    return new_notebook(tmp_path / "notebooks" / "make.ipynb", "n: int = 1", "print(n)")


def kernel(folder: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    """Have the notebook's kernel be another one."""
    found = folder / "jupyter" / "kernels" / "python3"
    found.mkdir(parents=True)
    spec = {"argv": ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    (found / "kernel.json").write_text(json.dumps({**spec, "display_name": "Other", "language": language}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))


@pytest.mark.parametrize(("asked", "declared", "engine"), [("fork", "", FORK), ("jupyter", "", JUPYTER)])
def test_a_stage_has_the_engine_that_is_asked_for(
    tmp_path: Path, notebook: Path, asked: str, declared: str, engine: str
) -> None:
    settings = load_settings(tmp_path, environment={}, flags={"engine": asked})
    assert choose_engine(settings, load_stage(settings, notebook)) == (engine, "")


@pytest.mark.parametrize(("language", "reason"), [("R", "is not Python"), ("python", "an environment of its own")])
def test_a_kernel_that_cannot_be_forked_is_jupyters_and_the_reason_is_told(
    tmp_path: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch, language: str, reason: str
) -> None:
    kernel(tmp_path, monkeypatch, language)
    settings = load_settings(tmp_path, environment={}, flags={"engine": "fork"})
    engine, told = choose_engine(settings, load_stage(settings, notebook))
    assert engine == JUPYTER
    assert reason in told
