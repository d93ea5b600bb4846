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


@pytest.fixture
def in_splittable(tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project whose `fit` reads the clock before it uses what varies, and draws without a seed behind it."""
    new_notebook(
        tmp_path / "notebooks" / "fit.ipynb",
        "alpha: float = 0.1",
        "import time\nbegun = time.time()",
        "prepared = [1, 2]",
        "scaled = [alpha * one for one in prepared]",
        "import random\nrandom.random()",
    )
    new_notebook(tmp_path / "notebooks" / "draw.ipynb", "beta: int = 1", "import random\nrandom.random()")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_explained_sweep_says_of_each_cell_whether_it_runs_once_and_why(
    in_splittable: Path, nightbook: Callable[..., Any]
) -> None:
    said = nightbook("sweep", "fit", "--grid", "alpha=1,2", "--explain")
    assert (said.code, said.err) == (0, "")
    assert said.lines == [
        "fit: cells 0 to 2 run once for all sets; from cell 3 on each set runs its own: it uses alpha, which varies",
        "cell 0 once",
        "cell 1 once reads the clock: all sets see the time at which it ran once",
        "cell 2 once",
        "cell 3 each uses alpha, which varies",
        "cell 4 each after cell 3",
    ]
    said = nightbook("sweep", "draw", "--grid", "beta=1,2", "--explain")
    summary, *cells = said.lines
    assert summary.startswith(
        "draw: nothing is shared: the first cell that does something, cell 1, draws random numbers"
    )
    assert [line[:12] for line in cells] == ["cell 0 each", "cell 1 each "]
    assert "call random.seed(…) before" in cells[1]
    # Nothing is recorded, and nothing runs.
    assert not list(in_splittable.glob(".nightbook/runs/*"))


def test_an_explained_sweep_is_one_document_for_programs(in_splittable: Path, nightbook: Callable[..., Any]) -> None:
    said = nightbook("sweep", "fit", "--grid", "alpha=1,2", "--explain", "--json")
    assert said.code == 0
    (stage,) = said.document["stages"]
    assert (stage["stage"], stage["varied"]) == ("fit", ["alpha"])
    cells = stage["split"]["cells"]
    assert [(cell["index"], cell["is_shared"]) for cell in cells] == [
        (0, True),
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert cells[1]["notes"] == ["reads the clock: all sets see the time at which it ran once"]
    assert cells[3]["reason"] == "uses alpha, which varies"
    assert not list(in_splittable.glob(".nightbook/runs/*"))
