"""Which commit the project stands at."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """Commit and whether tracked files differ from it; both None outside a repository."""

    commit: str | None = None
    is_dirty: bool | None = None


def read_git_state(root: Path) -> GitState:
    """Ask git; a folder without repository, commit or git is no error."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return GitState()
    return GitState(commit=commit, is_dirty=bool(_git(root, "status", "--porcelain", "--untracked-files=no")))


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
