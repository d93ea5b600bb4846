"""References to secrets that a notebook's code reveals without declaring them."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import TYPE_CHECKING

from nightbook.notebooks.references import is_reference, reveal
from nightbook.notebooks.syntax import parse_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def references_in(cells: Iterable[str]) -> tuple[str, ...]:
    """What `reveal` is called with, where it stands in the call itself, as in `reveal("env:OTHER_TOKEN")`; each once.

    Args:
        cells: Sources of Python cells.
    """
    found: dict[str, None] = {}
    for source in cells:
        if reveal.__name__ in source:
            with suppress(SyntaxError):  # it will fail when it runs, which is the better place to say so
                found.update(dict.fromkeys(filter(is_reference, _revealed(parse_cell(source)))))
    return tuple(found)


def _revealed(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_reveal(node.func):
            for given in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def _is_reveal(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == reveal.__name__
