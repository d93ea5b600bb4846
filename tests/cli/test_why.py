from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.usefixtures("in_project")
def test_reasons_are_said_in_words(nightbook: Callable[..., Any]) -> None:
    said = nightbook("why", "make")
    assert (said.code, said.lines) == (0, ["make would not run:", "up to date since #2"])
    assert nightbook("why", "fit", "-p", "alpha=2").lines == [
        "fit would run:",
        "parameter alpha changed from 0.5 to 2.0",
    ]


@pytest.mark.usefixtures("in_project")
def test_what_must_run_before_is_said_too(nightbook: Callable[..., Any]) -> None:
    lines = nightbook("why", "check").lines
    assert lines[:2] == ["check would run:", "never ran successfully"]
    assert "fit would run:" in lines
    assert "make would not run:" not in lines


def test_outputs_that_are_gone_are_restored(nightbook: Callable[..., Any], in_copy: Path) -> None:
    (in_copy / "data" / "numbers.txt").unlink()
    lines = nightbook("why", "make").lines
    assert lines[0] == "make would not run; its outputs would be restored:"
    assert "data/numbers.txt is gone" in lines[1]


@pytest.mark.usefixtures("in_project")
def test_the_document_holds_the_decision_and_what_it_needs(nightbook: Callable[..., Any]) -> None:
    document = nightbook("why", "fit", "-p", "alpha=0.5", "--json").document
    assert document["stage"] == "fit"
    assert document["verdict"] == "up to date"
    assert document["last_success"] == 6
    assert [one["stage"] for one in document["needs"]] == ["make"]
