from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SweepRequest
from nightbook.workflow.sweep import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nightbook.workflow.sharing import StageSplit


@pytest.fixture
def split_of(tmp_path: Path, new_notebook: Callable[..., Path]) -> Callable[..., StageSplit]:
    """How a notebook is split over some sets."""
    path = new_notebook(tmp_path / "n.ipynb", "alpha: float = 1.0\nbeta: int = 2", "prepared = beta + 1", "alpha")

    def split(*sets: Mapping[str, object], **flags: object) -> StageSplit:
        settings = load_settings(tmp_path, environment={}, flags=flags)
        (found,) = explain(SweepRequest(base=RunRequest(settings=settings, targets=(str(path),)), sets=sets))
        return found

    return split


def test_the_cells_before_what_varies_are_shared(split_of: Callable[..., StageSplit]) -> None:
    found = split_of({"alpha": 0.1}, {"alpha": 0.2})
    assert (found.varied, found.split.shared) == (("alpha",), (0, 1))


@pytest.mark.parametrize(
    ("sets", "flags", "reason"),
    [
        ([{"alpha": 0.1}], {}, "one set only"),
        ([{"alpha": 0.1}, {"beta": 3}], {}, "do not give values to the same parameters"),
        ([{"alpha": 0.1}, {"alpha": 0.2}], {"engine": "jupyter"}, "the jupyter engine shares nothing"),
        ([{"alpha": 0.1}, {"alpha": 0.2}], {"executor": "dask"}, "an executor's workers"),
    ],
)
def test_why_nothing_is_shared_is_said(
    split_of: Callable[..., StageSplit], sets: list[dict[str, object]], flags: dict[str, object], reason: str
) -> None:
    found = split_of(*sets, **flags)
    assert found.split.shared == ()
    assert reason in found.split.reason
