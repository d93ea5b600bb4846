"""Own modules that a kernel would not see: a library has imported what has the same names, before the fork."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nightbook.pipelines.stand_ins import lies_in

if TYPE_CHECKING:
    from collections.abc import Collection


def hidden_modules(folder: str, unread: Collection[str]) -> tuple[str, ...]:
    """The names of modules in a folder that have been loaded from elsewhere, sorted; folders within are not searched.

    Args:
        folder: Where a notebook is to run.
        unread: Names that do not count: a fresh kernel has loaded them too before it looks there.
    """
    there = {name.partition(".")[0] for name in _listing(folder)}
    loaded = sorted(there & sys.modules.keys() - set(unread))
    return tuple(name for name in loaded if lies_in((folder,), name, _listing))


def _listing(folder: str) -> Collection[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names only
    except OSError:
        return ()
