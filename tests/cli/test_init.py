from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_project_is_made_and_the_next_step_is_named(nightbook: Callable[..., Any], tmp_path: Path) -> None:
    said = nightbook("init", "my shop")
    assert said.code == 0
    assert "+ notebooks/01-collect.ipynb" in said.lines
    assert said.lines[-1] == "try: cd 'my shop' && nightbook run"
    assert (tmp_path / "my shop" / ".gitignore").is_file()


def test_here_is_the_default_and_nothing_is_replaced(nightbook: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    said = nightbook("init")
    assert "= README.md was there" in said.lines
    assert said.lines[-1] == "try: nightbook run"
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"
    assert nightbook("init").lines[-1] == "nothing to do: all of it is there"


def test_the_new_project_runs_and_then_has_nothing_to_do(nightbook: Callable[..., Any]) -> None:
    nightbook("init")
    document = nightbook("run", "-p", "days=3", "--json").document
    assert document["status"] == "succeeded"
    collect, summarise = document["runs"]
    assert collect["metrics"] == {"rows": 72.0}
    assert set(summarise["metrics"]) == {"busiest_mean", "correlation"}
    assert "nothing to do" in nightbook("run", "-p", "days=3").err
