"""Reading the `parameters` cell, and its counterpart in `nightbook.toml`, as declarations; nothing is executed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.notebooks.annotations import names_a_type, parse_annotation, type_of_default
from nightbook.notebooks.binding import (
    MISSING,
    OPAQUE,
    Absent,
    Binding,
    Parameter,
    ParameterRole,
    RawString,
    Text,
    bind,
    role_of,
)
from nightbook.notebooks.constants import NotConstantError, WrongConstantError, evaluate, result_of
from nightbook.notebooks.declared import check_name, declared_parameters
from nightbook.notebooks.literals import python_literal
from nightbook.notebooks.syntax import Names, parse_cell
from nightbook.notebooks.types import ANY, Choice, OptionalOf, ParameterType, ScalarType, describe
from nightbook.notebooks.values import coerce

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightbook.notebooks.document import Notebook

__all__ = [
    "MISSING",
    "OPAQUE",
    "Absent",
    "Binding",
    "Parameter",
    "ParameterRole",
    "RawString",
    "Text",
    "bind",
    "check_name",
    "declared_parameters",
    "read_parameters",
]

_THROWAWAY = "_"
_TYPE_COMMENT = re.compile(r"type:\s*(\S+)\s*(.*)")
_IMPORT = re.compile(r'__import__\("\w+"\)\.')
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match, ast.AugAssign)


def read_parameters(notebook: Notebook) -> tuple[Parameter, ...]:
    """The parameters that a Python notebook's `parameters` cell declares, in its order.

    A notebook without that cell declares none; one in another language declares in `nightbook.toml`.

    Raises:
        ParameterError: The cell is not Python, or declares something that could not be injected truly.
    """
    cell = notebook.parameters_cell
    if cell is None or notebook.language != "python":
        return ()
    before = tuple(one.source for one in notebook.code_cells if one.index < cell.index)
    return _read(f"cell {cell.index} of {notebook.path.name}", cell.source, before)


@lru_cache(maxsize=256)  # a sweep looks at each notebook again for each of its sets
def _read(place: str, source: str, before: tuple[str, ...]) -> tuple[Parameter, ...]:
    return _CellReader(place, source, before).read()


class _CellReader:
    """One reading of one cell; keeps what its messages need.

    Args:
        place: Which cell, for people.
        source: The cell's.
        before: The source of each code cell before it: what they import it may use.
    """

    def __init__(self, place: str, source: str, before: Sequence[str]) -> None:
        self._place = place
        self._lines = source.split("\n")
        try:
            self._tree = parse_cell(source)
        except SyntaxError as error:
            message = f"the parameters in {self._place} are not Python: {error.msg} (line {error.lineno})"
            raise ParameterError(message, remedy="run the cell in JupyterLab to see the error") from None
        self._names = Names(self._tree, before)
        self._found: dict[str, tuple[ast.Assign | ast.AnnAssign, ast.expr | None, ast.expr | None]] = {}

    def read(self) -> tuple[Parameter, ...]:
        for statement in self._tree.body:
            self._collect(statement)
        for statement in self._tree.body:
            if isinstance(statement, _BLOCKS):
                self._refuse_derived(statement, statement)
        return tuple(self._parameter(name, *found) for name, found in self._found.items())

    def _collect(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if names_a_type(value, self._names):
                self._names.aliases[name] = value
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._add(statement, target, None, value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self._add(statement, target, annotation, value)

    def _add(
        self, statement: ast.Assign | ast.AnnAssign, target: ast.expr, kind: ast.expr | None, value: ast.expr | None
    ) -> None:
        if isinstance(target, ast.Tuple | ast.List | ast.Starred):
            shown = self._source(target)
            message = f"'{shown} = …' in {self._place} (line {statement.lineno}) declares several parameters"
            raise ParameterError(message, remedy="write one parameter a line: name: type = default  # help")
        if not isinstance(target, ast.Name) or target.id == _THROWAWAY:
            return
        name = target.id
        with self._naming(name, statement):
            check_name(name)
        earlier = self._found.get(name)
        if earlier is not None:
            if earlier[2] is not None or kind is not None:
                message = f"parameter '{name}' is declared twice in {self._place} (line {statement.lineno})"
                raise ParameterError(message, remedy="keep one of the two")
            kind = earlier[1]  # `month: int`, its value on another line
        self._found[name] = (statement, kind, value)

    def _parameter(
        self, name: str, statement: ast.Assign | ast.AnnAssign, annotation: ast.expr | None, value: ast.expr | None
    ) -> Parameter:
        if value is not None and not isinstance(value, ast.Constant):
            self._refuse_derived(value, statement)
        with self._naming(name, statement):
            type_comment, help_text = _split_comment(self._comment(statement))
            kind = self._annotated(annotation if annotation is not None else type_comment)
            default = self._default(value)
            if isinstance(default, Absent):
                kind = kind or self._result(value)
                _refuse_unreadable(kind, default)
            else:
                kind, default = _settle(kind, default)
            return Parameter(
                name=name,
                type=kind,
                role=role_of(kind),
                default=default,
                default_source=self._source(value) if value is not None else "",
                help=help_text,
            )

    def _annotated(self, annotation: ast.expr | None) -> ParameterType | None:
        return parse_annotation(annotation, self._names) if annotation is not None else None

    def _default(self, value: ast.expr | None) -> object:
        if value is None:
            return MISSING
        try:
            return evaluate(value, self._names)
        except NotConstantError:
            return OPAQUE
        except WrongConstantError as error:
            message = f"its default '{ast.unparse(value)}' fails: {error}"
            raise ParameterError(message, remedy="mend the default") from None

    def _result(self, value: ast.expr | None) -> ParameterType:
        scalar = result_of(value, self._names) if value is not None else None
        return ScalarType(scalar=scalar) if scalar is not None else ANY

    def _refuse_derived(self, node: ast.AST, statement: ast.stmt) -> None:
        """A value computed from another parameter would keep its old value when that one is given."""
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and one.id in self._found:
                first = self._source(statement).split("\n")[0]
                message = f"'{first}' in {self._place} (line {statement.lineno}) is computed from parameter '{one.id}'"
                remedy = "move it to the next cell: it would go stale when the parameter is given"
                raise ParameterError(message, remedy=remedy)

    @contextmanager
    def _naming(self, name: str, statement: ast.stmt) -> Iterator[None]:
        try:
            yield
        except ParameterError as error:
            message = f"parameter '{name}' in {self._place} (line {statement.lineno}): {error.message}"
            raise ParameterError(message, remedy=error.remedy.replace("NAME=", f"{name} = ")) from None

    def _source(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node; columns of syntax trees count bytes."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        end = self._lines[last].encode()[: node.end_col_offset].decode()
        if first == last:
            return end.encode()[node.col_offset :].decode()
        start = self._lines[first].encode()[node.col_offset :].decode()
        return "\n".join([start, *self._lines[first + 1 : last], end])

    def _comment(self, statement: ast.stmt) -> str:
        """The comment behind a statement: behind its end or, when it has several lines, behind its first."""
        last = (statement.end_lineno or statement.lineno) - 1
        behind = self._lines[last].encode()[statement.end_col_offset :].decode().lstrip(" \t;")
        if not behind.startswith("#") and last > statement.lineno - 1:
            behind = _first_comment(self._lines[statement.lineno - 1])
        return behind.lstrip("#").strip() if behind.startswith("#") else ""


def _split_comment(comment: str) -> tuple[ast.expr | None, str]:
    """The type and the help of `type: list[str] names to keep`, as papermill's users write it."""
    match = _TYPE_COMMENT.match(comment)
    if match is None:
        return None, comment
    return None if match[1].startswith("ignore") else ast.Constant(value=match[1]), match[2].lstrip(" #")


def _first_comment(line: str) -> str:
    try:
        for token in tokenize.generate_tokens(io.StringIO(line).readline):
            if token.type == tokenize.COMMENT:
                return token.string
    except tokenize.TokenError:  # the line opens a bracket or a text that later lines close
        pass
    return ""


def _refuse_unreadable(kind: ParameterType, default: Absent) -> None:
    """Paths connect stages and references are redacted: both must be known before the notebook runs."""
    if default is OPAQUE and role_of(kind) is not ParameterRole.VALUE:
        message = f"its default, {describe(kind)}, cannot be read without running the notebook"
        example = "env:VARIABLE" if role_of(kind) is ParameterRole.SECRET else "../data/flights.parquet"
        raise ParameterError(message, remedy=f'write it as a plain text: NAME="{example}"')


def _settle(kind: ParameterType | None, default: object) -> tuple[ParameterType, object]:
    """The type and the default, made to fit each other."""
    if kind is None:
        inferred = type_of_default(default)
        return (inferred, coerce(inferred, default)) if inferred is not None else (ANY, OPAQUE)
    if default is None and not isinstance(kind, OptionalOf) and kind != ANY and not isinstance(kind, Choice):
        kind = OptionalOf(item=kind)  # `learner: str = None`, as many write it
    try:
        value = coerce(kind, default)
    except ParameterError as error:
        message = f"its default does not fit its type: {error.message}"
        raise ParameterError(message, remedy=error.remedy or "mend the default or the type") from None
    if not _same_types(value, default):
        message = (
            f"its default is of type {type(default).__name__}; given values would be of type {type(value).__name__}"
        )
        raise ParameterError(message, remedy=f"write {_IMPORT.sub('', python_literal(value))}")
    return kind, value


def _same_types(value: object, default: object) -> bool:
    """The cell leaves in the notebook what injection would; an int may stand for a float, as in Python's types."""
    if isinstance(value, list | tuple) and type(value) is type(default):
        return all(map(_same_types, value, default))
    if isinstance(value, dict) and isinstance(default, dict):
        return all(map(_same_types, [*value, *value.values()], [*default, *default.values()]))
    return type(value) is type(default) or (type(value) is float and type(default) is int)
