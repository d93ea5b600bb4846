"""A sweep shows the same whether its sets share cells or not, over the notebooks that the engines are compared with."""

from __future__ import annotations

import difflib
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.equality import (
    test_concurrency,
    test_displays,
    test_errors,
    test_magics,
    test_plots,
    test_process,
    test_streams,
    test_tables,
    test_widgets,
)
from tests.equality.conftest import SHOWN_LINES, Executed, executed_of, write

from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher, SweepRequest
from nightbook.workflow.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CORPUS: Mapping[str, Mapping[str, list[str]]] = {
    "concurrency": test_concurrency.NOTEBOOKS,
    "displays": test_displays.NOTEBOOKS,
    "errors": test_errors.NOTEBOOKS,
    "magics": test_magics.NOTEBOOKS,
    "plots": test_plots.NOTEBOOKS,
    "process": test_process.NOTEBOOKS,
    "streams": test_streams.NOTEBOOKS,
    "tables": test_tables.NOTEBOOKS,
    "widgets": test_widgets.NOTEBOOKS,
}
LEFT_OUT = {
    "own-modules": "each set writes the module that it imports, while another may run that imports it",
    "scikit-learn": "takes long, and joblib's threads and processes keep it from being shared",
    "interleaved": "counts on less than a fifth of a second passing between two prints",
}
# All others share at least the cell that prepares: what stands behind it runs in a fork of a kernel that was at work.
SHARES_NOTHING = {
    "carriage-returns": "tqdm's thread lives",
    "segfault": "the shared kernel dies, and each set's own",
}
DECLARES = "# tags: parameters\nvaried: int = 0"
PREPARES = "prepared = sum(range(4))\nprepared"
USES = "print('varied', varied, prepared)"
SETS = ({"varied": 1}, {"varied": 2})


def forgiving(cell: str) -> str:
    """The cell may fail, and the next runs all the same."""
    return cell if cell.startswith("# tags:") else f"# tags: raises-exception\n{cell.lstrip()}"


def write_project(root: Path, notebooks: Mapping[str, list[str]]) -> None:
    """Make a fresh project of a stage for each notebook, which runs in a folder of its own."""
    shutil.rmtree(root, ignore_errors=True)
    stages = ""
    for name, cells in notebooks.items():
        (root / "notebooks" / name).mkdir(parents=True)
        write(root / "notebooks" / name / "notebook.ipynb", [DECLARES, PREPARES, *map(forgiving, cells), USES])
        stages += f'[stages.{name}]\nnotebook = "notebooks/{name}/notebook.ipynb"\n'
    (root / "nightbook.toml").write_text(f'publish = "later"\n{stages}', encoding="utf-8")


def execute(root: Path, names: Iterable[str], *, is_shared: bool) -> dict[tuple[str, int], Executed]:
    """Sweep all stages over two sets; what came of each stage with each set."""
    settings = load_settings(root, environment={}, flags={"jobs": 2, "tracking_uri": "http://127.0.0.1:9"})
    base = RunRequest(settings=settings, targets=tuple(names), is_forced=True)
    found: dict[tuple[str, int], Executed] = {}
    for run in sweep(SweepRequest(base=base, sets=SETS, is_shared=is_shared), SilentWatcher()).runs:
        stage = run.stage or ""
        made = executed_of(run, settings.runs_folder / run.run_id, root / "notebooks" / stage)
        found[stage, int(str(run.parameters["varied"]))] = made
    return found


@pytest.mark.parametrize("module", CORPUS)
def test_a_sweep_shows_the_same_shared_or_not(module: str, project: Path) -> None:
    notebooks = {name: cells for name, cells in CORPUS[module].items() if name not in LEFT_OUT}
    found = []
    for is_shared in (True, False):
        # Each begins in a fresh folder, since many notebooks write files.
        write_project(project / "swept", notebooks)
        found.append(execute(project / "swept", notebooks, is_shared=is_shared))
    shared, unshared = found
    assert shared.keys() == unshared.keys() == {(name, one["varied"]) for name in notebooks for one in SETS}
    for key, one in shared.items():
        lines = difflib.unified_diff(unshared[key].told(), one.told(), "unshared", "shared", n=4, lineterm="")
        differences = "\n".join(line[:300] for line in list(lines)[:SHOWN_LINES])
        assert not differences, f"{key}\n{differences}"
        assert any(cell.shared for cell in one.run.cells) == (key[0] not in SHARES_NOTHING), key
        assert not any(cell.shared for cell in unshared[key].run.cells)
