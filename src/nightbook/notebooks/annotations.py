"""Types of parameters from annotations as syntax, and from the values of defaults."""

from __future__ import annotations

import ast
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.notebooks.constants import NotConstantError, WrongConstantError, evaluate
from nightbook.notebooks.constraints import check_sense
from nightbook.notebooks.types import (
    ANY,
    Choice,
    Constraint,
    ConstraintKind,
    DictOf,
    ListOf,
    OptionalOf,
    ParameterType,
    Scalar,
    ScalarType,
    TupleOf,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.notebooks.syntax import Names

_SCALARS: Mapping[str, Scalar] = {
    "bool": Scalar.BOOL,
    "int": Scalar.INT,
    "float": Scalar.FLOAT,
    "str": Scalar.STR,
    "date": Scalar.DATE,
    "datetime": Scalar.DATETIME,
    "datetime.date": Scalar.DATE,
    "datetime.datetime": Scalar.DATETIME,
    "Path": Scalar.PATH,
    "Decimal": Scalar.DECIMAL,
    "Input": Scalar.INPUT,
    "Output": Scalar.OUTPUT,
    "Secret": Scalar.SECRET,
    "Any": Scalar.JSON,
    "object": Scalar.JSON,
}
_GENERICS = frozenset(
    {"list", "List", "dict", "Dict", "tuple", "Tuple", "Annotated", "Literal", "Optional", "Union", "Final"}
)
_TYPE_OF_VALUE: Mapping[type, Scalar] = {
    bool: Scalar.BOOL,
    int: Scalar.INT,
    float: Scalar.FLOAT,
    str: Scalar.STR,
    date: Scalar.DATE,
    datetime: Scalar.DATETIME,
    type(Path()): Scalar.PATH,
    Decimal: Scalar.DECIMAL,
    type(None): Scalar.JSON,
}
_CONSTRAINTS: Mapping[str, tuple[tuple[str, ConstraintKind], ...]] = {
    "Range": (("low", ConstraintKind.GE), ("high", ConstraintKind.LE)),
    "Interval": (
        ("gt", ConstraintKind.GT),
        ("ge", ConstraintKind.GE),
        ("lt", ConstraintKind.LT),
        ("le", ConstraintKind.LE),
    ),
    "Gt": (("gt", ConstraintKind.GT),),
    "Ge": (("ge", ConstraintKind.GE),),
    "Lt": (("lt", ConstraintKind.LT),),
    "Le": (("le", ConstraintKind.LE),),
    "MultipleOf": (("multiple_of", ConstraintKind.MULTIPLE_OF),),
    "MinLen": (("min_length", ConstraintKind.MIN_LENGTH),),
    "MaxLen": (("max_length", ConstraintKind.MAX_LENGTH),),
    "Len": (("min_length", ConstraintKind.MIN_LENGTH), ("max_length", ConstraintKind.MAX_LENGTH)),
}
_UNCHECKED = frozenset({"Timezone", "Predicate", "IsFinite", "IsNan", "LowerCase", "UpperCase", "IsDigits"})
_REMEDY = (
    "use bool, int, float, str, date, datetime, Path, Decimal, Literal, Optional, list, dict, "
    "Annotated, Input, Output or Secret"
)


def parse_annotation(node: ast.expr, names: Names) -> ParameterType:  # noqa: PLR0911 - a return a case
    """The type that an annotation declares; a quoted annotation is read like an unquoted one.

    Raises:
        ParameterError: It is no type that a parameter can have.
    """
    match node:
        case ast.Constant(value=str(text)):
            return _parse_quoted(text, names)
        case ast.BinOp(op=ast.BitOr()):
            return _union(_alternatives(node), node, names)
        case ast.Subscript(value=base, slice=index):
            arguments = index.elts if isinstance(index, ast.Tuple) else [index]
            return _parse_generic(names.word(base), arguments, node, names)
        case ast.Name(id=name) if name in names.aliases:
            alias = names.aliases[name]
            return parse_annotation(alias, names)
    word = names.word(node)
    if word in _SCALARS:
        return ScalarType(scalar=_SCALARS[word])
    match word:
        case "list" | "List":
            return ListOf(item=ANY)
        case "tuple" | "Tuple":
            return TupleOf(items=(ANY,), repeats=True)
        case "dict" | "Dict":
            return DictOf(key=ANY, value=ANY)
    raise _unknown(node)


def type_of_default(value: object) -> ParameterType | None:
    """The type of a default that has no annotation; None for a value that no parameter can hold."""
    scalar = _TYPE_OF_VALUE.get(type(value))
    if scalar is not None:
        return ScalarType(scalar=scalar)
    if isinstance(value, list):
        return ListOf(item=ANY)
    if isinstance(value, tuple):
        return TupleOf(items=(ANY,), repeats=True)
    return DictOf(key=ANY, value=ANY) if isinstance(value, dict) else None


def names_a_type(node: ast.expr, names: Names) -> bool:
    """True for the right side of `Month = Annotated[int, Range(1, 12)]`, which declares no parameter."""
    return isinstance(node, ast.Subscript) and names.word(node.value) in _GENERICS


def _parse_quoted(text: str, names: Names) -> ParameterType:
    try:
        return parse_annotation(ast.parse(text.strip(), mode="eval").body, names)
    except SyntaxError:
        message = f"'{text}' is no type"
        raise ParameterError(message, remedy=_REMEDY) from None


def _parse_generic(word: str, arguments: list[ast.expr], node: ast.expr, names: Names) -> ParameterType:  # noqa: PLR0911 - a return a case
    one, *others = arguments
    match word, len(arguments):
        case "list" | "List", 1:
            return ListOf(item=parse_annotation(one, names))
        case "dict" | "Dict", 2:
            return _dict(one, others[0], names)
        case "tuple" | "Tuple", _:
            return _tuple(arguments, names)
        case "Optional", 1:
            return OptionalOf(item=parse_annotation(one, names))
        case "Union", _:
            return _union(arguments, node, names)
        case "Final", 1:
            return parse_annotation(one, names)
        case "Literal", _:
            return Choice(values=tuple(_choice(argument, names) for argument in arguments))
        case "Annotated", _ if others:
            return _annotated(parse_annotation(one, names), others, names)
    raise _unknown(node)


def _dict(key: ast.expr, value: ast.expr, names: Names) -> DictOf:
    kind = parse_annotation(key, names)
    if not isinstance(kind, ScalarType | Choice):
        raise ParameterError(f"'{ast.unparse(key)}' is no type for the keys of a dict", remedy="use dict[str, …]")
    return DictOf(key=kind, value=parse_annotation(value, names))


def _tuple(arguments: list[ast.expr], names: Names) -> TupleOf:
    last = arguments[-1]
    if len(arguments) > 1 and isinstance(last, ast.Constant) and last.value is ...:
        return TupleOf(items=(parse_annotation(arguments[0], names),), repeats=True)
    return TupleOf(items=tuple(parse_annotation(argument, names) for argument in arguments))


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _union(members: list[ast.expr], node: ast.expr, names: Names) -> ParameterType:
    kinds = [member for member in members if not (isinstance(member, ast.Constant) and member.value is None)]
    if len(kinds) != 1:
        message = f"'{ast.unparse(node)}' is more than one type; a text would have to be guessed"
        raise ParameterError(message, remedy="declare one type, or that type and None")
    kind = parse_annotation(kinds[0], names)
    return OptionalOf(item=kind) if len(members) > 1 else kind


def _choice(node: ast.expr, names: Names) -> bool | int | str | None:
    try:
        value = evaluate(node, names)
    except (NotConstantError, WrongConstantError):
        value = ...
    if value is None or isinstance(value, bool | int | str):
        return value
    message = f"'{ast.unparse(node)}' is no value for Literal"
    raise ParameterError(message, remedy="list texts, integers, True, False or None")


def _annotated(kind: ParameterType, notes: list[ast.expr], names: Names) -> ParameterType:
    constraints = [constraint for note in notes for constraint in _constraints(note, names)]
    bounded = kind.item if isinstance(kind, OptionalOf) else kind
    for constraint in constraints:
        problem = (
            "a Literal has its bounds already" if isinstance(bounded, Choice) else check_sense(bounded, constraint)
        )
        if problem:
            raise ParameterError(problem, remedy="mend the bound in the annotation")
    if not constraints or isinstance(bounded, Choice | OptionalOf):
        return kind
    everything = (*bounded.constraints, *constraints)
    limited = _with_constraints(bounded, everything)
    return OptionalOf(item=limited) if isinstance(kind, OptionalOf) else limited


def _with_constraints(
    kind: ScalarType | ListOf | TupleOf | DictOf, constraints: tuple[Constraint, ...]
) -> ScalarType | ListOf | TupleOf | DictOf:
    match kind:
        case ScalarType():
            return ScalarType(scalar=kind.scalar, constraints=constraints)
        case ListOf():
            return ListOf(item=kind.item, constraints=constraints)
        case TupleOf():
            return TupleOf(items=kind.items, repeats=kind.repeats, constraints=constraints)
        case DictOf():
            return DictOf(key=kind.key, value=kind.value, constraints=constraints)


def _constraints(note: ast.expr, names: Names) -> list[Constraint]:
    """A note's bounds; notes for other tools (a text, `Doc(…)`) have none, as PEP 593 wants it."""
    word = names.word(note.func if isinstance(note, ast.Call) else note)
    if word.rpartition(".")[2] in _UNCHECKED:
        message = f"'{ast.unparse(note)}' cannot be checked before the notebook runs"
        raise ParameterError(message, remedy="check it in the first cell, or use Range, Gt, Ge, Lt, Le or Len")
    fields = _CONSTRAINTS.get(word)
    if fields is None or not isinstance(note, ast.Call):
        return []
    given = dict(zip([name for name, _ in fields], note.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in note.keywords if keyword.arg}
    kinds = dict(fields)
    if len(given) != len(note.args) + len(note.keywords) or not given.keys() <= kinds.keys():
        message = f"'{ast.unparse(note)}' has other arguments than {', '.join(kinds)}"
        raise ParameterError(message)
    limits = {kind: _limit(given[name], note, names) for name, kind in fields if name in given}
    return [Constraint(kind=kind, limit=limit) for kind, limit in limits.items() if limit is not None]


def _limit(node: ast.expr, note: ast.expr, names: Names) -> object:
    try:
        return evaluate(node, names)
    except (NotConstantError, WrongConstantError):
        message = f"'{ast.unparse(note)}' has a bound that cannot be read without running the notebook"
        raise ParameterError(message, remedy="write the bound as a number, a date or a text") from None


def _unknown(node: ast.expr) -> ParameterError:
    message = f"'{ast.unparse(node)}' is no type that a parameter can have"
    return ParameterError(message, remedy=_REMEDY)
