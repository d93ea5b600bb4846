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


@pytest.mark.parametrize(
    ("asked", "declared", "variable", "engine", "reason"),
    [
        ("fork", "", "", FORK, ""),
        ("jupyter", "", "", JUPYTER, "asked for with --engine"),
        ("jupyter", "engine = 'fork'", "", JUPYTER, "asked for with --engine"),
        ("", "engine = 'fork'", "jupyter", JUPYTER, "NIGHTBOOK_ENGINE says so"),
        ("", "engine = 'jupyter'", "", JUPYTER, "the settings say so"),
        ("", "[stages.make]\nengine = 'jupyter'", "", JUPYTER, "declared for stage 'make'"),
        ("", "[stages.other]\nengine = 'jupyter'", "", FORK, ""),
        ("jupyter", "[stages.make]\nengine = 'fork'", "", FORK, ""),
    ],
)
def test_a_stage_has_the_engine_that_is_asked_for_and_says_who_wants_no_fork(
    tmp_path: Path, notebook: Path, asked: str, declared: str, variable: str, engine: str, reason: str
) -> None:
    (tmp_path / "nightbook.toml").write_text(declared, encoding="utf-8")
    settings = load_settings(tmp_path, environment={"NIGHTBOOK_ENGINE": variable}, flags={"engine": asked or None})
    assert choose_engine(settings, load_stage(settings, notebook), ()) == (engine, reason)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("yaml",), "its own module yaml stands in for an installed one"),
        (("csv", "yaml"), "its own modules csv, yaml stand in for installed ones"),
    ],
)
def test_an_own_module_that_a_fork_may_not_see_is_a_reason(
    tmp_path: Path, notebook: Path, names: tuple[str, ...], reason: str
) -> None:
    settings = load_settings(tmp_path, environment={}, flags={"engine": "fork"})
    assert choose_engine(settings, load_stage(settings, notebook), names) == (JUPYTER, reason)


@pytest.mark.parametrize(("language", "reason"), [("R", "is not Python"), ("python", "an environment of its own")])
def test_a_kernel_that_cannot_be_forked_is_jupyters_and_the_reason_is_told(
    tmp_path: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch, language: str, reason: str
) -> None:
    kernel(tmp_path, monkeypatch, language)
    settings = load_settings(tmp_path, environment={}, flags={"engine": "fork"})
    engine, told = choose_engine(settings, load_stage(settings, notebook), ())
    assert engine == JUPYTER
    assert reason in told
