"""What the process does when all is well is seen end to end, in `tests/end_to_end/test_sharing.py`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from nightbook.runs.process import command_for
from nightbook.runs.request import REQUEST, SOURCE, TRUNK, ExecutionRequest, Sharing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.warmth import WarmFolder


def test_without_a_warm_process_it_says_so_and_ends(
    warm: WarmFolder, tmp_path: Path, new_notebook: Callable[..., Path]
) -> None:
    assert warm.path.is_dir()
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    own = {"run_id": "r", "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    sharing = Sharing(folder=str(tmp_path), cells=(0,), varied=())
    request = ExecutionRequest(**known, **own, sharing=sharing)  # type: ignore[arg-type]  # of the fields' own types
    request.write(tmp_path / REQUEST)
    new_notebook(tmp_path / SOURCE, "n: int = 1", "n")
    command = command_for("nightbook.runs.trunk_process", str(tmp_path / REQUEST))
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=tmp_path) as process:
        process.wait()
    assert json.loads((tmp_path / TRUNK).read_text())["reason"] == "no warm process could be had"
