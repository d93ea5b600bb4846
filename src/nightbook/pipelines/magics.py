"""Cells as IPython reads them: the Python in a cell, and whether its magics do the same in every run."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.notebooks.syntax import parse_around_magics

if TYPE_CHECKING:
    from collections.abc import Collection

_TIMED_STATEMENT = re.compile(r"^([ \t]*)%time[ \t]+(?=\S)", re.MULTILINE)
_TIMED = re.compile(r"^[ \t]*%%?time\b", re.MULTILINE)
_HARMLESS = re.compile(
    r"%matplotlib\s+(?:inline|agg)\s*"
    r"|%config\s+InlineBackend\b[^!$()\\]*"
    r"|%precision\s+[\w.%]+\s*"
    r"|%%time\s*"
    r"|%%capture(?:\s+[\w-]+)*\s*"
    r"|%%(?:html|markdown|latex)\s*"
)
_HELP = re.compile(r"\?{1,2}\s*[\w.]+|[\w.]+\s*\?{1,2}")
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCode:
    """A cell taken apart.

    Attributes:
        source: It, with `%time` statements as plain ones.
        tree: Its Python.
        magics: Its magics, shell commands and help.
        is_timed: Whether it shows how long something took.
    """

    source: str
    tree: ast.Module
    magics: tuple[str, ...]
    is_timed: bool


def read_code(source: str) -> CellCode:
    """Take a cell apart; what `%time` measures is code like any other.

    Raises:
        SyntaxError: It is not Python.
    """
    plain = _TIMED_STATEMENT.sub(r"\1", source)
    tree, magics = parse_around_magics(plain)
    return CellCode(source=plain, tree=tree, magics=magics, is_timed=_TIMED.search(source) is not None)


def unknown_magic(code: CellCode, bound: Collection[str]) -> str:
    """The first magic that may read or change anything, as a reason; empty when there is none.

    Args:
        code: The cell.
        bound: The names that it and the cells before define.
    """
    for magic in code.magics:
        if not _HARMLESS.fullmatch(magic) and not _HELP.fullmatch(magic):
            shown = magic if len(magic) <= _SHOWN else f"{magic[:_SHOWN]}…"
            return f"has the command {shown}, which may read or change anything"
    word = _lone_word(code)
    # IPython takes `whos`, alone in a cell, for `%whos` unless there is such a variable.
    if word and word not in bound and not hasattr(builtins, word):
        return f"has {word}, which no cell before defines: IPython may take it for a command"
    return ""


def _lone_word(code: CellCode) -> str:
    """The word that a cell of a single expression starts with."""
    match code.tree.body:
        case [ast.Expr(value=node)]:
            while isinstance(node, ast.BinOp | ast.Compare):
                node = node.left
            return node.id if isinstance(node, ast.Name) else ""
        case _:
            return ""
