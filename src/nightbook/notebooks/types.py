"""The closed set of types that a parameter can have, and how each is said in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scalar(StrEnum):
    """A type without parts; the value is how it is called in messages."""

    BOOL = "true or false"
    INT = "integer"
    FLOAT = "number"
    STR = "text"
    DATE = "date"
    DATETIME = "date and time"
    PATH = "path"
    DECIMAL = "decimal number"
    INPUT = "input path"
    OUTPUT = "output path"
    SECRET = "secret reference"  # noqa: S105 - the name of a type
    JSON = "any JSON value"


class ConstraintKind(StrEnum):
    """What a constraint compares; the value is how it is said behind the type."""

    GT = "greater than"
    GE = "of at least"
    LT = "less than"
    LE = "of at most"
    MULTIPLE_OF = "that is a multiple of"
    MIN_LENGTH = "with a length of at least"
    MAX_LENGTH = "with a length of at most"


LENGTH_KINDS = frozenset({ConstraintKind.MIN_LENGTH, ConstraintKind.MAX_LENGTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One condition on a value; `limit` has the type of what it bounds (for lengths an int)."""

    kind: ConstraintKind
    limit: object


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarType:
    """A single value, perhaps bounded."""

    scalar: Scalar
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the listed values: `Literal["ridge", "boosting"]`."""

    values: tuple[bool | int | str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalOf:
    """A value of the type, or None."""

    item: ParameterType


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list whose items all have one type."""

    item: ParameterType
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TupleOf:
    """A tuple: of as many items as listed, or with `repeats` of any number of the only one listed."""

    items: tuple[ParameterType, ...]
    repeats: bool = False
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DictOf:
    """A dict whose keys have one scalar type and whose values have one type."""

    key: ParameterType
    value: ParameterType
    constraints: tuple[Constraint, ...] = ()


ParameterType = ScalarType | Choice | OptionalOf | ListOf | TupleOf | DictOf

ANY = ScalarType(scalar=Scalar.JSON)
"""Any JSON value: the type of a parameter whose default is None and that has no annotation."""

_PLURALS = {
    Scalar.INT: "integers",
    Scalar.FLOAT: "numbers",
    Scalar.STR: "texts",
    Scalar.DATE: "dates",
    Scalar.DATETIME: "dates and times",
    Scalar.PATH: "paths",
    Scalar.DECIMAL: "decimal numbers",
    Scalar.INPUT: "input paths",
    Scalar.OUTPUT: "output paths",
    Scalar.SECRET: "secret references",
    Scalar.JSON: "JSON values",
}


def scalars(kind: ParameterType) -> frozenset[Scalar]:
    """Every scalar that occurs in a type, at any depth."""
    match kind:
        case ScalarType():
            return frozenset({kind.scalar})
        case Choice():
            return frozenset()
        case OptionalOf() | ListOf():
            return scalars(kind.item)
        case TupleOf():
            return frozenset().union(*map(scalars, kind.items))
        case DictOf():
            return scalars(kind.key) | scalars(kind.value)


def describe(kind: ParameterType) -> str:
    """The type in words: `integer from 1 to 12`, `one of 'ridge', 'boosting'`, `list of dates, or None`."""
    match kind:
        case ScalarType():
            return f"{kind.scalar.value}{_bounds(kind.constraints)}"
        case Choice():
            return "one of " + ", ".join(repr(value) for value in kind.values)
        case OptionalOf():
            return f"{describe(kind.item)}, or None"
        case ListOf():
            return f"list of {_plural(kind.item)}{_bounds(kind.constraints)}"
        case TupleOf():
            parts = _plural(kind.items[0]) if kind.repeats else ", ".join(map(describe, kind.items))
            words = f"tuple of {parts}" if kind.repeats else f"tuple ({parts})"
            return f"{words}{_bounds(kind.constraints)}"
        case DictOf():
            return f"dict from {describe(kind.key)} to {describe(kind.value)}{_bounds(kind.constraints)}"


def describe_one(kind: ParameterType) -> str:
    """The type with its article, as behind `is not`: `an integer from 1 to 12`, `one of 'a', 'b'`."""
    words = describe(kind)
    if words.startswith(("one of", "any ", "true ", "text")):
        return words
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _plural(kind: ParameterType) -> str:
    if isinstance(kind, ScalarType) and kind.scalar in _PLURALS:
        return f"{_PLURALS[kind.scalar]}{', each' if kind.constraints else ''}{_bounds(kind.constraints)}"
    return f"({describe(kind)})"


def _bounds(constraints: tuple[Constraint, ...]) -> str:
    limits = {one.kind: one.limit for one in constraints}
    low, high = limits.get(ConstraintKind.GE), limits.get(ConstraintKind.LE)
    words = []
    if low is not None and high is not None:
        words.append(f"from {low} to {high}")
        constraints = tuple(one for one in constraints if one.kind not in {ConstraintKind.GE, ConstraintKind.LE})
    words += [f"{one.kind} {one.limit}" for one in constraints]
    return f" {' and '.join(words)}" if words else ""
