from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from nightbook.runs.git import GitState, read_git_state

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_folder_without_repository_has_no_state(tmp_path: Path) -> None:
    assert read_git_state(tmp_path) == GitState()


def test_a_repository_without_commit_has_no_state(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert read_git_state(tmp_path) == GitState()


def test_the_commit_and_whether_tracked_files_differ_from_it(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "tracked").write_text("1")
    git(tmp_path, "add", "tracked")
    git(tmp_path, "commit", "-m", "One")
    (tmp_path / "untracked").write_text("x")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert read_git_state(tmp_path) == GitState(commit=commit, is_dirty=False)
    (tmp_path / "tracked").write_text("2")
    assert read_git_state(tmp_path) == GitState(commit=commit, is_dirty=True)


def test_a_notebook_that_git_does_not_know_is_in_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "tracked").write_text("1")
    git(tmp_path, "add", "tracked")
    git(tmp_path, "commit", "-m", "One")
    (tmp_path / "notebooks").mkdir()
    assert read_git_state(tmp_path, ["notebooks", "src"]).is_dirty is False
    (tmp_path / "notebooks" / "new.ipynb").touch()
    assert read_git_state(tmp_path, ["notebooks", "src"]).is_dirty is True
    assert read_git_state(tmp_path).is_dirty is False
