"""What code makes use of: names and attribute chains traced to the imports that they come from."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILTIN = "builtins"
_MOST_PATHS = 16
_GIVEN_BY_IPYTHON = frozenset({"display", "exit", "quit", "get_ipython"})
_ALIASING_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One mention of a name or an attribute chain.

    Attributes:
        path: Where it comes from, as `numpy.random.rand` or `builtins.open`; empty when no import tells.
        method: The last attribute of a chain, empty for a plain name.
        call: The call of it; None when it is only mentioned.
        position: Line, counted from 1, and column.
    """

    path: str
    method: str
    call: ast.Call | None
    position: tuple[int, int]


class Origins:
    """What names stand for, learned from one cell after the other; a name may have several origins, all of which count.

    Attributes:
        bound: All names that the code binds anywhere.
    """

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self._paths: dict[str, frozenset[str]] = {}

    def learn(self, tree: ast.AST) -> None:
        """Take in the imports of some code, wherever they stand, and its other names for them (`rnd = np.random`)."""
        aliases = list[tuple[str, ast.expr]]()
        for node in ast.walk(tree):
            self.bound.update(_bound_by(node))
            for name, path in _imported_by(node):
                self._add(name, frozenset({path}))
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                aliases.extend((one.id, node.value) for one in targets if isinstance(one, ast.Name))
        for _ in range(_ALIASING_ROUNDS):
            for name, value in aliases:
                self._add(name, self.paths(value))

    def paths(self, node: ast.expr) -> frozenset[str]:
        """The possible origins of a name or chain; none when no import tells."""
        root, attributes = _unwound(node)
        if not isinstance(root, ast.Name):
            return frozenset()
        origins = self._paths.get(root.id, frozenset())
        is_given = not attributes and (hasattr(builtins, root.id) or root.id in _GIVEN_BY_IPYTHON)
        if not origins and is_given:
            origins = frozenset({f"{BUILTIN}.{root.id}"})
        return frozenset(".".join([origin, *attributes]) for origin in origins)

    def _add(self, name: str, paths: frozenset[str]) -> None:
        # `x = x.real` would grow for ever.
        known = self._paths.get(name, frozenset())
        if paths and len(known) < _MOST_PATHS:
            self._paths[name] = known | paths


def uses_in(tree: ast.AST, origins: Origins) -> Iterator[Use]:
    """Every mention of a name or chain outside annotations, in no particular order; one for each of its origins."""
    waiting: list[tuple[ast.AST, ast.Call | None]] = [(tree, None)]
    while waiting:
        node, call = waiting.pop()
        root, attributes = _unwound(node)
        waiting.extend((default, None) for default in _getattr_defaults(node))
        if isinstance(root, ast.Name) or attributes:
            method = attributes[-1] if attributes else ""
            position = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
            assert isinstance(node, ast.expr)  # noqa: S101 - only expressions unwind to a name or to attributes
            for path in sorted(origins.paths(node)) or [""]:
                yield Use(path=path, method=method, call=call, position=position)
        if isinstance(root, ast.Call):
            waiting.append((root.func, root))
            waiting.extend((child, None) for child in (*root.args, *(keyword.value for keyword in root.keywords)))
        else:
            waiting.extend((child, None) for child in _children(root))


def _unwound(node: ast.AST) -> tuple[ast.AST, list[str]]:
    """What a chain starts with, and its attributes; `getattr(a, "b")` is `a.b`."""
    attributes = list[str]()
    while True:
        if isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and (name := _literal_getattr(node)):
            attributes.insert(0, name)
            node = node.args[0]
        else:
            return node, attributes


def _literal_getattr(call: ast.Call) -> str:
    match call:
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
            return name
        case _:
            return ""


def _getattr_defaults(node: ast.AST) -> Iterator[ast.expr]:
    """What `getattr(a, "b", default)` within a chain falls back to, which is code as well."""
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            node = node.value
        elif _literal_getattr(node):
            yield from node.args[2:]
            node = node.args[0]
        else:
            return


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _imported_by(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for one in node.names:
            yield (one.asname, one.name) if one.asname else (one.name.partition(".")[0],) * 2
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for one in node.names:
            yield one.asname or one.name, f"{module}.{one.name}"


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    else:
        yield from (name for name, _ in _imported_by(node))


def has_keyword(call: ast.Call, *names: str) -> bool:
    """Whether a call gives one of these keyword arguments a value other than a plain None."""
    return any(
        keyword.arg in names and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
        for keyword in call.keywords
    )


def heads(path: str) -> Iterator[str]:
    """A dotted path and all that it lies in, the longest first: `a.b.c`, `a.b`, `a`."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def words(text: str) -> frozenset[str]:
    """A table of names, written as a text."""
    return frozenset(text.split())
