from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit",), "either --grid or --list"),
        (("fit", "--grid", "alpha"), "is no NAME=A,B,C"),
        (("fit", "--grid", "alhpa=1,2"), "did you mean 'alpha'"),
        (("fit", "--list", "sets.csv"), "cannot read"),
        (("nowhere", "--grid", "alpha=1"), "there is no stage 'nowhere'"),
    ],
)
def test_a_sweep_that_cannot_run_is_refused(
    in_copy: Path, nightbook: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    said = nightbook("sweep", *arguments)
    assert said.code == 2
    assert message in said.err
    assert not (in_copy / ".nightbook" / "sweeps").exists()
