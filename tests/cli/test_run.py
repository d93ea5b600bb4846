from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.usefixtures("in_project")
def test_a_dry_run_says_what_would_run_and_why(nightbook: Callable[..., Any]) -> None:
    said = nightbook("run", "-n")
    assert said.code == 0
    assert "– make up to date up to date since #2" in said.lines
    assert any(line.startswith("▶ fit run parameter alpha changed from 0.5 to 1.0") for line in said.lines)


@pytest.mark.usefixtures("in_project")
def test_a_dry_run_can_check_that_nothing_is_stale(nightbook: Callable[..., Any]) -> None:
    assert nightbook("run", "-n", "--check", "make").code == 0
    assert nightbook("run", "-n", "--check").code == 4


@pytest.mark.usefixtures("in_project")
def test_a_plan_is_one_json_document(nightbook: Callable[..., Any]) -> None:
    stages = nightbook("run", "-n", "--json").document["stages"]
    assert [one["stage"] for one in stages] == ["make", "fit", "check"]


@pytest.mark.usefixtures("in_project")
def test_nothing_to_do_is_done(nightbook: Callable[..., Any]) -> None:
    said = nightbook("run", "make")
    assert said.code == 0
    assert "nothing to do: the stage is up to date" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mkae",), "did you mean 'make'"),
        (("make", "-p", "cuont=4"), "did you mean 'count'"),
        (("make", "-p", "count=four"), "count"),
        (("nowhere.ipynb",), "nowhere.ipynb"),
        (("--timeout", "0"), "timeout"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_starts(
    in_copy: Path, nightbook: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(path.name for path in (in_copy / ".nightbook" / "runs").iterdir())
    said = nightbook("run", *arguments)
    assert said.code == 2
    assert message in said.err
    assert sorted(path.name for path in (in_copy / ".nightbook" / "runs").iterdir()) == before
