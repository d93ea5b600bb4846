from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("in_copy")


def test_a_run_waits_for_review(nightbook: Callable[..., Any]) -> None:
    said = nightbook("request-review", "fit@latest", "-m", "please")
    assert (said.code, said.out) == (0, "fit #6 waits for review\n")
    assert "nightbook approve 6 --job NAME" in said.err
    assert nightbook("request-review", "6", "--json").document["state"] == "waiting"


def test_a_pipeline_is_refused_with_the_code_of_a_refusal(nightbook: Callable[..., Any]) -> None:
    said = nightbook("request-review", "1")
    assert said.code == 3
    assert "stage by stage: make #2, fit #3, check #4" in said.err
