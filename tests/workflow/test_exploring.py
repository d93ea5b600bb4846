from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nightbook.settings import load_settings
from nightbook.workflow.exploring import lab_command

if TYPE_CHECKING:
    from pathlib import Path


def test_jupyterlab_opens_the_notebooks_on_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    command = lab_command(load_settings(tmp_path, environment={}), ["--port=9999", "--no-browser"])
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks" in command
    assert command[-2:] == ["--port=9999", "--no-browser"]


def test_without_notebooks_it_opens_at_the_root(tmp_path: Path) -> None:
    assert "--LabApp.default_url=/lab" in lab_command(load_settings(tmp_path, environment={}), [])


def test_the_environment_of_the_project_is_taken(tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "jupyter-lab").touch()
    assert lab_command(load_settings(tmp_path, environment={}), [])[0] == str(programs / "python")
