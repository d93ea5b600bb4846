from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.warmth import WarmFolder, until

from nightbook.runs.containment import choose_containment
from nightbook.runs.warm.asking import ensure_parent
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, fork_kernel, parents_environment
from nightbook.runs.warm.places import IDLE, KERNEL, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from tests.forks import Talk

UNFIT = {
    "nb_prints": "print('hello from nb_prints')",
    "nb_warns": "import warnings\nwarnings.warn('nb_warns is old')",
    "nb_starts": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    "nb_moves": "import os\nos.chdir('/')",
    "nb_listens": "import socket\nkept = socket.socket()",
}


def test_a_parent_says_who_it_is_and_leaves_nothing_behind(warm: WarmFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(KERNEL, os.environ)
    monkeypatch.setenv(IDLE, "0.1")
    ensure_parent(place, parents_environment(os.environ))
    assert place.socket.exists()
    until(lambda: not place.socket.exists())
    until(lambda: not warm.parents(KERNEL))
    assert not place.log.exists()


def test_a_module_that_leaves_traces_costs_the_parent_a_new_beginning_and_nobody_their_fork(
    warm: WarmFolder, site: Path, fork: Callable[..., Talk]
) -> None:
    for name, source in {**UNFIT, "nb_fine": "loaded_in = __import__('os').getpid()"}.items():
        (site / f"{name}.py").write_text(source, encoding="utf-8")
    first = fork()
    (parent,) = warm.parents(KERNEL)
    second = fork(*UNFIT, "nb_fine")
    until(lambda: warm.parents(KERNEL) == [parent])
    said = place_of(KERNEL, os.environ).log.read_text()
    for name in UNFIT:
        assert f"begins again without {name}, which " in said
    assert second.run(f"import sys; print([name for name in {list(UNFIT)} if name in sys.modules])") == "[]\n"
    assert second.run(
        "print('nb_fine' in sys.modules); import nb_fine, os; print(nb_fine.loaded_in == os.getpid())"
    ) == ("True\nFalse\n")
    assert second.run("import nb_prints") == "hello from nb_prints\n"
    assert "nb_warns is old" in second.run("import nb_warns")
    # Who was there before does not notice.
    assert first.run("print(1 + 1)") == "2\n"


def test_modules_that_will_be_wanted_are_loaded_between_requests_without_those_that_leave_traces(
    warm: WarmFolder, site: Path, fork: Callable[..., Talk]
) -> None:
    (site / "nb_prints.py").write_text(UNFIT["nb_prints"], encoding="utf-8")
    (site / "nb_fine.py").write_text("", encoding="utf-8")
    fork(later=("nb_prints", "nb_fine"))
    # They are loaded by and by, so it is not said when a fork has them.
    until(lambda: fork(later=("nb_prints", "nb_fine")).run("import sys; print('nb_fine' in sys.modules)") == "True\n")
    assert fork().run("import sys; print('nb_prints' in sys.modules)") == "False\n"


def test_where_something_starts_a_thread_in_every_process_there_is_no_parent(warm: WarmFolder, site: Path) -> None:
    (site / "sitecustomize.py").write_text(UNFIT["nb_starts"], encoding="utf-8")
    place = place_of(KERNEL, os.environ)
    ends = fork_kernel(place, present_surroundings(), choose_containment(), imports=Imports(), log=2)
    assert ends is None
    until(lambda: not warm.parents(KERNEL))
    assert "cannot fork beside threads" in place.log.read_text()
