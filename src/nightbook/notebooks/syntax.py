"""Python cells as syntax trees without running them: magics stepped over, names traced to their imports."""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAGIC = re.compile(r"\s*(?:[%!?]|[\w.]+\s*(?:,\s*[\w.]+\s*)*=\s*[%!]|.*\?\s*$)")
_CELL_MAGIC_OF_PYTHON = re.compile(r"%%(?:time|timeit|capture|prun|python3?|memit|mprun|snakeviz)\b")
_MODULES_OF_KNOWN_WORDS = frozenset(
    {
        "annotated_types",
        "builtins",
        "datetime",
        "decimal",
        "math",
        "nightbook",
        "nightbook.notebooks.declarations",
        "numpy",
        "os",
        "pathlib",
        "typing",
        "typing_extensions",
    }
)


def parse_cell(source: str) -> ast.Module:
    """Parse a code cell as IPython would run it; lines with magics count as empty.

    A cell in another language (`%%bash`) is an empty module.

    Raises:
        SyntaxError: What remains is not Python either; `lineno` counts the cell's lines from 1.
    """
    return parse_around_magics(source)[0]


def parse_around_magics(source: str) -> tuple[ast.Module, tuple[str, ...]]:
    """Parse a code cell as `parse_cell` does, and give the magics, shell commands and help that were stepped over.

    Each is its first line without blanks around it; of a cell in another language it is the `%%` line.

    Raises:
        SyntaxError: As `parse_cell`.
    """
    lines = source.split("\n")
    magics = list[str]()
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        magics.append(lines[first].strip())
        if not _CELL_MAGIC_OF_PYTHON.match(lines[first]):
            return ast.Module(body=[], type_ignores=[]), tuple(magics)
        lines[first] = ""
    while True:
        try:
            return _parse("\n".join(lines)), tuple(magics)
        except (ValueError, RecursionError) as error:  # a null byte; an expression deeper than the parser goes
            raise SyntaxError(str(error)) from None
        except SyntaxError as error:
            # Only the line where Python stumbles is looked at: a `%` inside a text or an expression is no magic.
            number = (error.lineno or 0) - 1
            if not 0 <= number < len(lines) or not _MAGIC.match(lines[number]):
                raise
            magics.append(lines[number].strip())
            _blank_magic(lines, number)


def _parse(source: str) -> ast.Module:
    tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)  # noqa: S101 - mode "exec" gives nothing else
    return tree


def _blank_magic(lines: list[str], number: int) -> None:
    """Empty a magic with its continuation lines; `files = !ls` keeps its name, with a value nobody can read."""
    line = lines[number]
    target, equals, _ = line.partition("=")
    assigns = equals and not line.lstrip().startswith(("%", "!", "?"))
    indent = line[: len(line) - len(line.lstrip())]
    # `pass` keeps a block whose only line was a magic.
    lines[number] = f"{target}= ..." if assigns else f"{indent}pass" if indent else ""
    while line.endswith("\\") and number + 1 < len(lines):
        number += 1
        line, lines[number] = lines[number], ""


class Names:
    """What the names in a cell stand for, from its imports and, for names it does not import, earlier cells'.

    Args:
        tree: The cell.
        earlier: Sources of the code cells before it, read only when a name needs them.
    """

    def __init__(self, tree: ast.Module | None = None, earlier: Iterable[str] = ()) -> None:
        self._imports = dict(_imports(tree)) if tree is not None else {}
        self._earlier = tuple(earlier)
        self._looked_back = False
        self.aliases: dict[str, ast.expr] = {}

    def word(self, node: ast.expr) -> str:
        """The short name of what a name or attribute chain means: `dt.date` is `date`; empty for other syntax.

        Names of modules that no declaration is made of keep their path, as `mylib.date`.
        """
        if isinstance(node, ast.Attribute):
            chain, root = [node.attr], node.value
            while isinstance(root, ast.Attribute):
                chain.insert(0, root.attr)
                root = root.value
        else:
            chain, root = [], node
        if not isinstance(root, ast.Name):
            return ""
        imported = self._imported(root.id)
        if imported is None:
            return ".".join([root.id, *chain])
        return _without_module(".".join([imported, *chain]))

    def _imported(self, name: str) -> str | None:
        if name not in self._imports and not self._looked_back and not hasattr(builtins, name):
            self._looked_back = True
            for source in reversed(self._earlier):
                try:
                    tree = parse_cell(source)
                except SyntaxError:
                    continue
                self._imports = {**dict(_imports(tree)), **self._imports}
        return self._imports.get(name)


def _without_module(path: str) -> str:
    head = path
    while "." in head:
        head = head.rpartition(".")[0]
        if head in _MODULES_OF_KNOWN_WORDS:
            return path[len(head) + 1 :]
    return path


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    waiting: list[ast.AST] = [*tree.body]
    for node in waiting:
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (one.asname, one.name) if one.asname else (one.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"
        elif isinstance(node, _BLOCKS):
            waiting += ast.iter_child_nodes(node)


_BLOCKS = (ast.If, ast.Try, ast.ExceptHandler, ast.With)
