"""Which commit the project stands at."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """Commit and whether the sources differ from it; both None outside a repository."""

    commit: str | None = None
    is_dirty: bool | None = None


def read_git_state(root: Path, sources: Iterable[str] = ()) -> GitState:
    """Ask git; a folder without repository, commit or git is no error.

    Args:
        root: The project's.
        sources: Folders of notebooks and modules, relative to the root: a file there that git does not know is in no
            commit either. Elsewhere such files are data, as a rule.
    """
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return GitState()
    folders = [folder for folder in sources if (root / folder).is_dir()]
    is_dirty = bool(_git(root, "status", "--porcelain", "--untracked-files=no")) or bool(
        folders and _git(root, "ls-files", "--others", "--exclude-standard", "--", *folders)
    )
    return GitState(commit=commit, is_dirty=is_dirty)


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
