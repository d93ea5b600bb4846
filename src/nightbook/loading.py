"""Importing much in little time: most of a short run is imports."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def loading() -> Iterator[None]:
    """Import without the garbage collector, which would look through all that modules make again and again.

    That is a quarter of the time that MLflow takes; modules stay, so nothing of it is garbage.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def skip_iri_grammar() -> None:
    """Let jsonschema go without the validator of a format that no notebook's schema has.

    `rfc3987_syntax`, which JupyterLab brings along, compiles a grammar for a second whenever nbformat is imported. Only
    for processes that are ours alone: jsonschema takes it for not installed.
    """
    sys.modules.setdefault("rfc3987_syntax", cast("ModuleType", None))
