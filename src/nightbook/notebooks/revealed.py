"""References to secrets that a notebook's code mentions without declaring them."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import TYPE_CHECKING

from nightbook.notebooks.references import is_reference, reveal
from nightbook.notebooks.syntax import parse_cell

if TYPE_CHECKING:
    from collections.abc import Iterable


def references_in(cells: Iterable[str]) -> tuple[str, ...]:
    """Texts that are references, as `env:OTHER_TOKEN`, in code that calls `reveal` anywhere; each once.

    A reference that the code puts together while it runs is not found.

    Args:
        cells: Sources of Python cells.
    """
    sources = tuple(cells)
    if not any(reveal.__name__ in source for source in sources):
        return ()
    found: dict[str, None] = {}
    for source in sources:
        with suppress(SyntaxError):  # it will fail when it runs, which is the better place to say so
            texts = (node.value for node in ast.walk(parse_cell(source)) if isinstance(node, ast.Constant))
            found.update(dict.fromkeys(text for text in texts if isinstance(text, str) and is_reference(text)))
    return tuple(found)
