from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from nightbook.runs.process import command_for

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_of_ours_runs_with_its_arguments_whatever_lies_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the standard library')")
    done = subprocess.run(
        command_for("nightbook.runs.publish", str(tmp_path), "now"),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == '{"owed": ""}'
