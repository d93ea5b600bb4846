"""Which installed distributions provide imported names, in the environment of a kernel."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import Distribution

    from nightbook.pipelines.memory import Memory

_SITES = frozenset({"site-packages", "dist-packages"})
Provided = dict[str, list[list[str]]]
"""Name and version of each distribution that provides a top-level name."""


def site_folders(interpreter: str) -> tuple[str, ...]:
    """The folders in which an interpreter finds distributions; a bare `python` is this one, as for Jupyter."""
    program = Path(interpreter)
    if not program.is_absolute() or program.parent == Path(sys.executable).parent:
        return tuple(folder for folder in sys.path if Path(folder).name in _SITES)
    return tuple(sorted(map(str, program.parent.parent.glob("lib/python3*/*-packages"))))


def distributions_of(names: Iterable[str], folders: tuple[str, ...], memory: Memory[Provided]) -> Mapping[str, str]:
    """The version of each distribution that provides one of the top-level names, by its name.

    Args:
        names: Imported top-level names; those of the standard library and unknown ones provide nothing.
        folders: Where distributions are installed.
        memory: What each state of the folders provides: reading all metadata takes a third of a second.
    """
    wanted = [name for name in names if name not in sys.stdlib_module_names]
    if not wanted:
        return {}
    provided = memory.recall(_state_of(folders), lambda: _provided(folders))
    return {name: version for one in wanted for name, version in provided.get(one, [])}


def installed_in(folders: tuple[str, ...], memory: Memory[list[str]]) -> list[str]:
    """Every distribution in the folders as `NAME==VERSION`, sorted as `pip freeze` does.

    Args:
        folders: Where distributions are installed.
        memory: What each state of the folders holds.
    """
    return memory.recall(_state_of(folders), lambda: _installed(folders))


def _installed(folders: tuple[str, ...]) -> list[str]:
    found = import_module("importlib.metadata").distributions(path=list(folders))
    return sorted({f"{one.name}=={one.version}" for one in found if one.name}, key=str.lower)


def _state_of(folders: tuple[str, ...]) -> str:
    # Installing, upgrading or removing renames a `.dist-info` folder, which changes the time of the folder around it.
    return " ".join(f"{folder}@{_changed_at(folder)}" for folder in folders)


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - called for every stage of a plan
    except OSError:
        return 0


def _provided(folders: tuple[str, ...]) -> Provided:
    # Imported only here: it brings `email` and `csv`, and a plan with a memory never comes here.
    metadata = import_module("importlib.metadata")
    found: Provided = {}
    seen = set[str]()
    for distribution in metadata.distributions(path=list(folders)):
        name, version = distribution.metadata["Name"], distribution.version
        # The first one on the path is the one that is imported.
        if not name or name in seen:
            continue
        seen.add(name)
        for top in _top_level_names(distribution):
            found.setdefault(top, []).append([name, version])
    return {top: sorted(entries) for top, entries in found.items()}


def _top_level_names(distribution: Distribution) -> set[str]:
    declared = (distribution.read_text("top_level.txt") or "").split()
    if declared:
        return set(declared)
    files = (file.parts for file in distribution.files or () if file.suffix in {".py", ".so", ".pyd"})
    return {name for parts in files if (name := parts[0].partition(".")[0]).isidentifier() and ".dist-" not in parts[0]}
