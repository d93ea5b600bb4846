"""The value of an expression that depends on nothing: `60 * 60`, `date(2013, 1, 1)`, `Path("a") / "b"`.

A small interpreter over a closed set of syntax, so that reading a notebook never runs it.
"""

from __future__ import annotations

import ast
import math
import operator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.notebooks.types import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nightbook.notebooks.syntax import Names

_LONGEST = 100_000
_LARGEST_EXPONENT = 1_000

_VALUES: Mapping[str, object] = {
    "inf": math.inf,
    "math.inf": math.inf,
    "nan": math.nan,
    "math.nan": math.nan,
    "pi": math.pi,
    "e": math.e,
    "tau": math.tau,
    "UTC": UTC,
    "timezone.utc": UTC,
}

_CALLS: Mapping[str, Callable[..., object]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "date": date,
    "date.fromisoformat": date.fromisoformat,
    "datetime": datetime,
    "datetime.fromisoformat": datetime.fromisoformat,
    "timedelta": timedelta,
    "timezone": timezone,
    "Decimal": Decimal,
    "Path": Path,
}

_RESULTS: Mapping[str, Scalar] = {
    "bool": Scalar.BOOL,
    "int": Scalar.INT,
    "float": Scalar.FLOAT,
    "str": Scalar.STR,
    "date": Scalar.DATE,
    "date.today": Scalar.DATE,
    "date.fromisoformat": Scalar.DATE,
    "datetime": Scalar.DATETIME,
    "datetime.now": Scalar.DATETIME,
    "datetime.fromisoformat": Scalar.DATETIME,
    "Decimal": Scalar.DECIMAL,
    "Path": Scalar.PATH,
    "Path.cwd": Scalar.PATH,
    "Path.home": Scalar.PATH,
    "environ": Scalar.STR,
}

_UNARY: Mapping[type[ast.unaryop], Callable[[Any], object]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


class NotConstantError(Exception):
    """An expression whose value cannot be told without running it."""


class WrongConstantError(Exception):
    """An expression that would raise when run; the message is what it would say."""


def evaluate(node: ast.expr, names: Names) -> object:
    """The value of a constant expression, exactly as Python computes it.

    Raises:
        NotConstantError: It needs names, calls or amounts of work outside the closed set.
        WrongConstantError: It is constant and would raise.
    """
    try:
        return _evaluate(node, names)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise WrongConstantError(str(error) or type(error).__name__) from None
    except RecursionError:
        raise NotConstantError from None


def result_of(node: ast.expr, names: Names) -> Scalar | None:
    """What an expression that is not constant gives, where its call says so: `date.today()` is a date."""
    if isinstance(node, ast.Call):
        return _RESULTS.get(names.word(node.func))
    if isinstance(node, ast.Subscript):
        return _RESULTS.get(names.word(node.value))
    return Scalar.STR if isinstance(node, ast.JoinedStr) else None


def _evaluate(node: ast.expr, names: Names) -> object:  # noqa: PLR0911 - a return a case
    match node:
        case ast.Constant(value=value) if value is not ...:
            return value
        case ast.List(elts=items):
            return [_evaluate(item, names) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_evaluate(item, names) for item in items)
        case ast.Dict(keys=keys, values=values):
            pairs = [(_key(key), value) for key, value in zip(keys, values, strict=True)]
            return {_evaluate(key, names): _evaluate(value, names) for key, value in pairs}
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_evaluate(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _combine(op, _evaluate(left, names), _evaluate(right, names))
        case ast.Call(func=func, args=args, keywords=keywords):
            return _call(names.word(func), args, keywords, names)
        case ast.Name() | ast.Attribute():
            word = names.word(node)
            if word in _VALUES:
                return _VALUES[word]
    raise NotConstantError


def _key(node: ast.expr | None) -> ast.expr:
    if node is None:  # {**other}
        raise NotConstantError
    return node


def _call(word: str, args: list[ast.expr], keywords: list[ast.keyword], names: Names) -> object:
    function = _CALLS.get(word)
    if function is None:
        raise NotConstantError
    values = [_evaluate(one, names) for one in args]
    named = {one.arg: _evaluate(one.value, names) for one in keywords if one.arg is not None}
    if len(named) < len(keywords):  # f(**other)
        raise NotConstantError
    return function(*values, **named)


def _combine(op: ast.operator, left: object, right: object) -> object:
    if isinstance(left, int) and isinstance(right, int) and isinstance(op, ast.Pow):
        if right > _LARGEST_EXPONENT or left.bit_length() * max(right, 1) > _LONGEST:
            raise NotConstantError
    elif isinstance(op, ast.Mult):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, str | list | tuple | bytes) and isinstance(other, int) and len(one) * other > _LONGEST:
                raise NotConstantError
    elif isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        raise NotConstantError  # "%999999999d" % 1 is a gigabyte
    return _BINARY[type(op)](left, right)
