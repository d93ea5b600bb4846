from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_what_succeeded_owes_nothing(nightbook: Callable[..., Any], in_project: Path) -> None:
    said = nightbook("resume", "5")
    assert (said.code, said.out) == (0, "")
    assert "pipeline #5 succeeded: nothing is owed" in said.err
    assert nightbook("resume", "5", "--json").document == {"run_id": None, "status": "succeeded", "runs": []}


def test_without_a_run_it_is_the_latest_that_goes_on(nightbook: Callable[..., Any], in_copy: Path) -> None:
    (in_copy / "allowed").touch()
    said = nightbook("resume", "--json")
    assert said.code == 0
    (record,) = said.document["runs"]
    assert (record["stage"], record["status"], record["parameters"]) == ("lone", "succeeded", {"times": 4})


def test_a_stage_that_fails_again_ends_with_1(nightbook: Callable[..., Any], in_copy: Path) -> None:
    said = nightbook("resume", "7")
    assert said.code == 1
    assert "nobody allowed it" in said.err
