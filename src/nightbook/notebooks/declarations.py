"""The words of a `parameters` cell: ordinary values at run time, a declaration to whoever reads the cell.

They do nothing when the notebook runs, so a notebook behaves the same in JupyterLab and in batch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from annotated_types import Interval


class Role:
    """Marks a `str` parameter with what it stands for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


Input = Annotated[str, Role("Input")]
"""A path, relative to the notebook's folder, or a URI that the stage reads."""

Output = Annotated[str, Role("Output")]
"""A path, relative to the notebook's folder, or a URI that the stage writes."""

Secret = Annotated[str, Role("Secret")]
"""A reference to a secret, `env:NAME` or `file:PATH`; `nightbook.reveal` gives its value."""


def Range(low: Any, high: Any) -> Interval:  # noqa: ANN401, N802 - bounds numbers, dates or texts; reads as a type in an annotation
    """Bounds that include both ends; short for `Interval(ge=low, le=high)`."""
    # Loaded here: only notebooks that bound something wait for it, and no command does.
    interval: Interval = import_module("annotated_types").Interval(ge=low, le=high)
    return interval
