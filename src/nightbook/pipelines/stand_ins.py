"""The project's own modules that stand in for installed ones of the same name, found by names alone.

Where the installed one has been loaded already nobody would see the other.
"""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from importlib.machinery import PathFinder, all_suffixes
from typing import TYPE_CHECKING

from nightbook.pipelines.distributions import site_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    Listing = Callable[[str], Collection[str]]

_SUFFIXES = tuple(all_suffixes())
# The folder where a process works is one of those that are searched first.
_SEARCH_CHANGE = re.compile(r"\bsys\s*\.\s*path\b|\bfrom\s+sys\s+import\b|\baddsitedir\b|\bchdir\b|%cd\b")


def find_stand_ins(
    tops: Collection[str], searched: Sequence[str], sources: Iterable[str], listing: Listing
) -> tuple[str, ...]:
    """Which top-level names are own modules that Python finds before installed ones, sorted.

    Args:
        tops: The names that are imported.
        searched: Folders where own modules may lie; the first is the working directory.
        sources: The code that imports them, read only when a name is in question: where it changes where Python looks,
            any of the folders may come first.
        listing: What lies in a folder.
    """
    first = (searched[0], *_named_by_user())
    known = [top for top in sorted(tops) if lies_in((*first, *searched), top, listing) and has_installed(top)]
    if not known or any(map(_SEARCH_CHANGE.search, sources)):
        return tuple(known)
    return tuple(filter(partial(lies_in, first, listing=listing), known))


def _named_by_user() -> list[str]:
    """The folders in `PYTHONPATH`, but for those where things are installed."""
    installed = site_folders(sys.executable)
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [folder for folder in named if folder and folder not in installed]


def reason_of(stand_ins: Sequence[str]) -> str:
    """Why their notebook is not for a process that may have loaded what they stand in for; empty without any."""
    match list(stand_ins):
        case []:
            return ""
        case [name]:
            return f"its own module {name} stands in for an installed one"
        case names:
            return f"its own modules {', '.join(names)} stand in for installed ones"


def has_installed(top: str) -> bool:
    """Whether something installed has a name, or something of Python's that a file may stand in for."""
    if top in sys.stdlib_module_names:
        return top not in sys.builtin_module_names
    return PathFinder.find_spec(top, site_folders(sys.executable)) is not None


def lies_in(folders: Iterable[str], top: str, listing: Listing) -> bool:
    """Whether one of the folders holds a module of a name."""
    for folder in folders:
        names = listing(folder)
        if any(f"{top}{suffix}" in names for suffix in _SUFFIXES):
            return True
        # A folder without it gives way to whatever else has the name.
        if top in names and any(f"__init__{suffix}" in listing(f"{folder}{os.sep}{top}") for suffix in _SUFFIXES):
            return True
    return False
