"""Bounds on values: whether a value keeps them, and whether a bound makes sense for the type that it bounds."""

from __future__ import annotations

import operator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nightbook.errors import ParameterError
from nightbook.notebooks.literals import shown
from nightbook.notebooks.types import (
    LENGTH_KINDS,
    Choice,
    Constraint,
    ConstraintKind,
    OptionalOf,
    ParameterType,
    Scalar,
    ScalarType,
    describe,
    describe_one,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ORDER: Mapping[ConstraintKind, Callable[[Any, Any], bool]] = {
    ConstraintKind.GT: operator.gt,
    ConstraintKind.GE: operator.ge,
    ConstraintKind.LT: operator.lt,
    ConstraintKind.LE: operator.le,
}
_NUMBERS = frozenset({Scalar.INT, Scalar.FLOAT, Scalar.DECIMAL})
_TEXTS = frozenset({Scalar.STR, Scalar.INPUT, Scalar.OUTPUT, Scalar.SECRET})
_LIMIT_TYPES: Mapping[Scalar, tuple[type, ...]] = {
    **dict.fromkeys(_NUMBERS, (int, float, Decimal)),
    **dict.fromkeys(_TEXTS, (str,)),
    Scalar.DATE: (date,),
    Scalar.DATETIME: (datetime,),
}


def check_constraints(kind: ParameterType, value: object) -> object:
    """The value itself, when it keeps every bound of its type; NaN keeps none.

    Raises:
        ParameterError: It does not.
    """
    if isinstance(kind, Choice | OptionalOf):
        return value
    for one in kind.constraints:
        if not _keeps(one, value):
            raise ParameterError(f"{shown(value)} is not {describe_one(kind)}")
    return value


def check_sense(kind: ParameterType, constraint: Constraint) -> str:
    """Why a bound makes no sense for a type, in words; empty when it does."""
    limit, scalar = constraint.limit, kind.scalar if isinstance(kind, ScalarType) else None
    if constraint.kind in LENGTH_KINDS:
        if scalar is not None and scalar not in _TEXTS:
            return f"{describe(kind)} has no length"
        return "" if type(limit) is int and limit >= 0 else f"{limit!r} is no length"
    if scalar is None or scalar not in _LIMIT_TYPES:
        return f"{describe(kind)} cannot be bounded"
    if isinstance(limit, bool) or not isinstance(limit, _LIMIT_TYPES[scalar]):
        return f"{limit!r} is no {scalar.value}"
    if constraint.kind is ConstraintKind.MULTIPLE_OF and (scalar not in _NUMBERS or not limit):
        return f"{describe(kind)} cannot be a multiple of {limit!r}"
    return ""


def _keeps(constraint: Constraint, value: object) -> bool:
    limit = constraint.limit
    match constraint.kind:
        case ConstraintKind.MIN_LENGTH:
            return len(value) >= limit  # type: ignore[arg-type, operator]  # check_sense has seen both
        case ConstraintKind.MAX_LENGTH:
            return len(value) <= limit  # type: ignore[arg-type, operator]  # as above
        case ConstraintKind.MULTIPLE_OF:
            return _is_multiple(value, limit)
    try:
        return _ORDER[constraint.kind](value, limit)
    except TypeError:  # a moment with a time zone and a bound without one
        return False


def _is_multiple(value: object, limit: object) -> bool:
    # By decimal digits, as people read them: 0.3 is a multiple of 0.1, which binary fractions deny.
    try:
        return Decimal(str(value)) % Decimal(str(limit)) == 0
    except ArithmeticError:  # NaN, infinity, or more digits than a remainder can have
        return isinstance(value, int) and isinstance(limit, int) and value % limit == 0
