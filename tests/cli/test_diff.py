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
    assert said.lines[said.lines.index("source of fit: the same") :] == [
        "source of fit: the same",
        "outputs of fit: 2 of 4 cells differ",
        "cell 2",
        "logged:",
        "metrics[0].value: 0.75 → 1.50 (+0.75, +100%)",
        "cell 3",
        "stdout:",
        "- fitted with 0.25",
        "+ fitted with 0.5 (+0.25, +100%)",
        "2 changes hidden as noise: 2 timestamps; --noise shows them",
    ]


def test_what_counts_as_a_change_can_be_chosen(nightbook: Callable[..., Any]) -> None:
    said = nightbook("diff", "3", "6", "--tolerance", "0.5")
    assert said.lines[-3:] == [
        "outputs of fit: the same",
        "2 changes hidden as noise: 2 timestamps; --noise shows them",
        "2 outputs within the tolerance of 0.5",
    ]
    assert any("metrics[0].at: " in line for line in nightbook("diff", "3", "6", "--noise", "--thorough").lines)
    refused = nightbook("diff", "3", "6", "--tolerance", "50")
    assert (refused.code, "from 0 to below 1" in refused.err) == (2, True)


def test_different_notebooks_show_their_lines(nightbook: Callable[..., Any]) -> None:
    said = nightbook("diff", "4", "7")
    assert "source of lone:" in said.lines
    assert any(line.startswith('+ print("tried", times)') for line in said.lines)
    assert "\x1b" not in said.out


def test_the_document_holds_all_three(nightbook: Callable[..., Any]) -> None:
    document = nightbook("diff", "1", "5", "--json").document
    assert document["parameters"] == {"fit.alpha": [0.25, 0.5]}
    assert [one["name"] for one in document["metrics"]] == ["fit.error", "fit.size"]
    (outputs,) = document["outputs"]
    assert (outputs["stage"], [cell["index_after"] for cell in outputs["cells"]]) == ("fit", [None, 2, 3])
    assert outputs["cells"][2]["outputs"][0]["detail"]["lines"][0]["after"] == "fitted with 0.5"
    assert (document["source"], document["only_in_first"], document["only_in_second"]) == ([], ["make", "check"], [])
