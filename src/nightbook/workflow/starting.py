"""Begin a project: the files of `templates/project`, none of which replaces anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.files import write_atomically
from nightbook.settings import load_settings
from nightbook.template_files import templates_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A `.gitignore` among the templates would be obeyed in our own repository.
RENAMED = {"dot-gitignore": ".gitignore"}
PLACEHOLDER = "PROJECT_NAME"
SETTINGS_FILE = "nightbook.toml"
STATE_FOLDER = ".nightbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What was done.

    Attributes:
        root: The project's folder.
        written: Files that are new, relative to it.
        kept: Files that were there before and are as they were.
        advice: What the kept files lack, in words.
    """

    root: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    advice: tuple[str, ...] = ()


def start_project(folder: Path) -> NewProject:
    """Lay out a project; a folder with files of its own gets only what it lacks.

    Raises:
        SettingsError: The folder's settings cannot be read.
        StorageError: The folder cannot be written.
    """
    root = folder.resolve()
    if root.exists() and not root.is_dir():
        raise StorageError(f"{root} is a file", remedy="name a folder")
    template = templates_folder("project")
    written, kept = [], []
    notebooks = _notebooks_folder(root)
    has_notebooks = notebooks.is_dir() and any(notebooks.glob("*.ipynb"))
    for source in _files(template):
        name = source.relative_to(template).as_posix()
        name = RENAMED.get(name, name)
        is_example = source.suffix == ".ipynb"
        target = notebooks / source.name if is_example else root / name
        shown = target.relative_to(root).as_posix()
        if target.exists():
            kept.append(shown)
        elif not (is_example and has_notebooks) and not (name == SETTINGS_FILE and _is_configured(root)):
            write_atomically(target, _filled(source, root.name))
            written.append(shown)
    return NewProject(root=root, written=tuple(written), kept=tuple(kept), advice=tuple(_advice(root, kept)))


def _files(template: Path) -> Iterator[Path]:
    for path in sorted(template.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts:
            yield path


def _is_configured(root: Path) -> bool:
    """`[tool.nightbook]` in `pyproject.toml` holds the settings: a `nightbook.toml` beside it would hide them."""
    pyproject = root / "pyproject.toml"
    return pyproject.is_file() and b"[tool.nightbook" in pyproject.read_bytes()


def _notebooks_folder(root: Path) -> Path:
    is_own = (root / SETTINGS_FILE).exists() or _is_configured(root)
    return root / (load_settings(root, environment={}).notebooks if is_own else "notebooks")


def _filled(source: Path, name: str) -> bytes:
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".toml":
        # JSON's strings are TOML's.
        return text.replace(f'"{PLACEHOLDER}"', json.dumps(name, ensure_ascii=False)).encode()
    return text.replace(PLACEHOLDER, name).encode()


def _advice(root: Path, kept: list[str]) -> Iterator[str]:
    ignored = root / ".gitignore"
    if ".gitignore" in kept and STATE_FOLDER not in ignored.read_text(encoding="utf-8", errors="replace"):
        yield f"add /{STATE_FOLDER}/ to .gitignore: it holds runs and databases"
