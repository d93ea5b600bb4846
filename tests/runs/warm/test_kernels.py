from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, open_descriptors, until

from nightbook.runs.containment import Containment
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, fork_kernel, parents_environment, warm_up
from nightbook.runs.warm.orders import RefusalError
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.forks import Talk

LOADED = "import sys; print([name for name in ('colorsys', 'wave') if name in sys.modules])"


def test_without_a_parent_there_is_no_kernel_and_nothing_stays_open(warm: WarmFolder) -> None:
    before = open_descriptors()
    place = place_of(KERNEL, os.environ)
    imports = Imports(now=("colorsys",))
    for _ in range(3):
        ends = fork_kernel(
            place, present_surroundings(), Containment.PROCESS_TREE, imports=imports, log=2, is_parent_started=False
        )
        assert ends is None
    assert open_descriptors() == before


def test_the_modules_of_a_notebook_are_there_and_those_of_others_later(
    shared_warm: WarmFolder, fork: Callable[..., Talk]
) -> None:
    assert fork("colorsys", later=("wave",)).run(LOADED) == "['colorsys']\n"
    until(lambda: fork().run(LOADED) == "['colorsys', 'wave']\n")


def test_a_kernel_that_would_not_see_a_module_beside_it_is_refused_and_nothing_stays_open(
    shared_warm: WarmFolder, fork: Callable[..., Talk], tmp_path: Path
) -> None:
    fork("colorsys").close()
    (tmp_path / "colorsys.py").touch()
    before, place = open_descriptors(), place_of(KERNEL, os.environ)
    for _ in range(3):
        with pytest.raises(RefusalError, match="its own module colorsys stands in for an installed one"):
            fork_kernel(place, present_surroundings(str(tmp_path)), Containment.PROCESS_TREE, log=2)
    assert open_descriptors() == before


def test_what_is_written_below_python_is_heard_too(shared_warm: WarmFolder, fork: Callable[..., Talk]) -> None:
    kernel = fork()
    # It may come in pieces.
    kernel.begin("import os\n_ = os.system('echo out; echo err >&2')\nprint('done')")
    said = kernel.hear()
    assert sorted(said.split()) == ["done", "err", "out"]


def test_closing_the_ends_leaves_nothing_open(shared_warm: WarmFolder, fork: Callable[..., Talk]) -> None:
    fork().close()
    before = open_descriptors()
    for _ in range(3):
        fork().close()
    assert open_descriptors() == before


def test_a_parent_keeps_its_libraries_to_one_thread_whatever_the_user_has_set() -> None:
    environment = parents_environment({"OMP_NUM_THREADS": "4", "MPLBACKEND": "agg", "A": "b"})
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"
    assert (environment["MPLBACKEND"], environment["A"]) == ("agg", "b")
    assert parents_environment({})["MPLBACKEND"].endswith("backend_inline")


def test_warming_up_starts_the_projects_parent_once_whatever_its_secrets(
    warm: WarmFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("one", "two"):
        monkeypatch.setenv("TOKEN", token)
        warm_up(str(tmp_path), ["env:TOKEN"], 20)
    until(lambda: warm.parents(KERNEL))
    assert len(warm.parents(KERNEL)) == 1
    monkeypatch.delenv("TOKEN")
    assert place_of(KERNEL, os.environ, root=str(tmp_path)).socket.exists()


def test_where_no_parent_can_be_had_warming_up_does_nothing(warm: WarmFolder, tmp_path: Path) -> None:
    warm.path.chmod(0o755)
    warm_up(str(tmp_path), [], 20)
    assert list(warm.path.iterdir()) == []
