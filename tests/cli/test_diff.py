from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("in_project")


def test_parameters_metrics_and_source_are_compared(nightbook: Callable[..., Any]) -> None:
    said = nightbook("diff", "3", "6")
    assert said.code == 0
    assert "alpha 0.25 0.5" in said.lines
    assert "error 0.75 1.50 +0.75 ✗ worse" in said.lines
    assert said.lines[-1] == "source of fit: the same"


def test_different_notebooks_show_their_lines(nightbook: Callable[..., Any]) -> None:
    said = nightbook("diff", "4", "7")
    assert "source of lone:" in said.lines
    assert any(line.startswith('+ print("tried", times)') for line in said.lines)
    assert "\x1b" not in said.out


def test_the_document_holds_all_three(nightbook: Callable[..., Any]) -> None:
    document = nightbook("diff", "1", "5", "--json").document
    assert document["parameters"] == {"fit.alpha": [0.25, 0.5]}
    assert [one["name"] for one in document["metrics"]] == ["fit.error", "fit.size"]
    assert (document["source"], document["only_in_first"], document["only_in_second"]) == ([], ["make", "check"], [])
