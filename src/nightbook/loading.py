"""Importing much in little time: most of a short run is imports."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

# jsonschema, which nbformat and jupytext import, takes these for formats that no notebook's schema has. JupyterLab
# brings them along; the first one compiles a grammar, for a second and sometimes for eight.
UNUSED_VALIDATORS = ("rfc3987_syntax", "isoduration")


def collect_rarely() -> None:
    """Let the garbage collector look less often, in a process of ours: a quarter of the time that MLflow takes to load.

    Modules stay, so nearly nothing of what importing makes is garbage, and looking through it again finds nothing.
    """
    gc.set_threshold(200_000, 20, 100)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile take these modules for not installed, unless they are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden, cast("ModuleType", None)))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
