"""Values for parameters: checked against the declared type, read from text, written as JSON; never guessed."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from nightbook.errors import ParameterError
from nightbook.notebooks.constraints import check_constraints
from nightbook.notebooks.literals import (
    check_depth,
    check_integer,
    check_text,
    check_time,
    exact_value,
    inexact,
    plain_value,
    python_literal,
    shown,
)
from nightbook.notebooks.references import is_reference
from nightbook.notebooks.types import (
    ANY,
    Choice,
    DictOf,
    ListOf,
    OptionalOf,
    ParameterType,
    Scalar,
    ScalarType,
    TupleOf,
    describe_one,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_INTEGER = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)
_NAMED_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_EXAMPLES = {
    Scalar.BOOL: "true or false",
    Scalar.DATE: "2013-01-31",
    Scalar.DATETIME: "2013-01-31T12:00:00",
    Scalar.SECRET: "env:NAME or file:PATH",
}


def coerce(kind: ParameterType, value: object, *, depth: int = 0) -> object:
    """The value as the declared type has it: an ISO date as a date, a NumPy scalar as Python's, 1 as 1.0.

    Nothing that would lose or invent something is done: 1.5 is no integer, "7" neither, nor is True.

    Raises:
        ParameterError: The value is not of that type, or outside its bounds.
    """
    value = plain_value(value)
    if isinstance(kind, OptionalOf):
        return None if value is None else coerce(kind.item, value, depth=depth)
    return check_constraints(kind, _coerce(kind, value, depth))


def _coerce(kind: ScalarType | Choice | ListOf | TupleOf | DictOf, value: object, depth: int) -> object:
    match kind:
        case ScalarType():
            return _SCALARS[kind.scalar](kind, value)
        case Choice():
            return _choice(kind, value)
        case ListOf():
            items = value if isinstance(value, list | tuple) else _refuse(kind, value)
            deeper = check_depth(depth)
            return [coerce(kind.item, item, depth=deeper) for item in items]
        case TupleOf():
            return _tuple(kind, value, check_depth(depth))
        case DictOf():
            return _dict(kind, value, check_depth(depth))


def parse_text(kind: ParameterType, text: str) -> object:  # noqa: PLR0911 - a return a case
    """A value typed on a command line, read as the declared type says: `007` is a text or an integer as declared.

    Lists and dicts are JSON. `None` and `null` mean None for an optional type, except for texts: there they are texts.

    Raises:
        ParameterError: The text is not one of that type.
    """
    match kind:
        case OptionalOf():
            is_text = isinstance(kind.item, ScalarType) and kind.item.scalar in _TEXTS
            return None if text in {"None", "null"} and not is_text else parse_text(kind.item, text)
        case Choice():
            same = [one for one in kind.values if text in _spellings(one)]
            return same[0] if len(same) == 1 else _refuse(kind, text)
        case ScalarType(scalar=Scalar.BOOL):
            return (
                {"true": True, "false": False}[text.lower()]
                if text.lower() in {"true", "false"}
                else _refuse(kind, text)
            )
        case ScalarType(scalar=Scalar.INT):
            return coerce(kind, _integer(kind, text))
        case ScalarType(scalar=Scalar.FLOAT):
            return coerce(kind, _number(kind, text))
        case ScalarType(scalar=scalar) if scalar is not Scalar.JSON:
            return coerce(kind, text)
    return coerce(kind, _json(kind, text))


def _integer(kind: ParameterType, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        _refuse(kind, text)
    try:
        return int(text)
    except ValueError:
        _refuse(kind, text[:20] + "…", "it has more digits than Python reads")


def _number(kind: ParameterType, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        _refuse(kind, text)
    number = float(text)
    if math.isinf(number) and "n" not in text.lower():
        _refuse(kind, text, "it is larger than a float can be")
    return number


def _json(kind: ParameterType, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        example = {ListOf: "[1, 2]", TupleOf: "[1, 2]", DictOf: '{"key": 1}'}.get(type(kind), '"text"')
        message = f"{shown(text)} is not {describe_one(kind)}: it must be written as JSON"
        raise ParameterError(message, remedy=f"NAME='{example}'") from None


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) < len(pairs):
        message = "a key occurs twice"
        raise ValueError(message)
    return names


def _spellings(value: object) -> set[str]:
    match value:
        case bool():
            return {str(value), str(value).lower()}
        case None:
            return {"None", "null"}
    return {str(value)}


def _choice(kind: Choice, value: object) -> object:
    for one in kind.values:
        if type(one) is type(value) and one == value:
            return one
    return _refuse(kind, value)


def _tuple(kind: TupleOf, value: object, depth: int) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        _refuse(kind, value)
    kinds = kind.items * len(value) if kind.repeats else kind.items
    if len(kinds) != len(value):
        _refuse(kind, value)
    return tuple(coerce(one, item, depth=depth) for one, item in zip(kinds, value, strict=True))


def _dict(kind: DictOf, value: object, depth: int) -> dict[object, object]:
    if not isinstance(value, dict):
        _refuse(kind, value)
    items = {_dict_key(kind.key, key): coerce(kind.value, item, depth=depth) for key, item in value.items()}
    return items if len(items) == len(value) else _refuse(kind, value, "two of its keys are the same")


def _dict_key(kind: ParameterType, key: object) -> object:
    # JSON, YAML and TOML know text keys only: they are read as the declared type, as on a command line.
    if isinstance(key, str) and kind != ANY:
        return parse_text(kind, key)
    return coerce(kind, key)


def _any(_kind: ScalarType, value: object) -> object:
    exact = exact_value(value)
    python_literal(exact)  # all that can be written exactly
    return exact


def _bool(kind: ScalarType, value: object) -> bool:
    return value if isinstance(value, bool) else _refuse(kind, value)


def _int(kind: ScalarType, value: object) -> int:
    return check_integer(value) if type(value) is int else _refuse(kind, value)


def _float(kind: ScalarType, value: object) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            number = float(value)
        except OverflowError:
            _refuse(kind, value)
        return number if number == value else _refuse(kind, value, "it has more digits than a float holds")
    if isinstance(value, str) and value in _NAMED_FLOATS:  # how strict JSON says them
        return _NAMED_FLOATS[value]
    return _refuse(kind, value)


def _str(kind: ScalarType, value: object) -> str:
    return check_text(value) if isinstance(value, str) and type(value) is str else _refuse(kind, value)


def _place(kind: ScalarType, value: object) -> str:
    text = _str(kind, str(value) if isinstance(value, Path) else value)
    return text if text and "\0" not in text else _refuse(kind, value)


def _secret(_kind: ScalarType, value: object) -> str:
    if isinstance(value, str) and type(value) is str and is_reference(value):
        return check_text(value)
    # The value is not repeated: it may be the secret itself.
    message = "the value is not a secret reference"
    raise ParameterError(message, remedy="NAME=env:VARIABLE or NAME=file:PATH")


def _date(kind: ScalarType, value: object) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse(kind, value)
    except ValueError:
        _refuse(kind, value)


def _datetime(kind: ScalarType, value: object) -> datetime:
    if type(value) is datetime:
        return check_time(value)
    try:
        return check_time(datetime.fromisoformat(value)) if isinstance(value, str) else _refuse(kind, value)
    except ValueError:
        _refuse(kind, value)


def _path(kind: ScalarType, value: object) -> Path:
    if isinstance(value, str) and value and "\0" not in value:
        return Path(check_text(value))
    if isinstance(value, Path) and type(value) is type(Path()):
        check_text(str(value))
        return value
    return _refuse(kind, value)


def _decimal(kind: ScalarType, value: object) -> Decimal:
    if isinstance(value, float):
        _refuse(kind, value, "a float is not exact; write it as text")
    if not isinstance(value, bool) and isinstance(value, Decimal | int | str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            _refuse(kind, value)
        if not number.is_snan():
            return number
    return _refuse(kind, value)


_TEXTS = frozenset({Scalar.STR, Scalar.INPUT, Scalar.OUTPUT, Scalar.SECRET, Scalar.PATH})
_SCALARS: Mapping[Scalar, Callable[[ScalarType, object], object]] = {
    Scalar.BOOL: _bool,
    Scalar.INT: _int,
    Scalar.FLOAT: _float,
    Scalar.STR: _str,
    Scalar.DATE: _date,
    Scalar.DATETIME: _datetime,
    Scalar.PATH: _path,
    Scalar.DECIMAL: _decimal,
    Scalar.INPUT: _place,
    Scalar.OUTPUT: _place,
    Scalar.SECRET: _secret,
    Scalar.JSON: _any,
}


def _refuse(kind: ParameterType, value: object, why: str = "") -> NoReturn:
    if type(value).__module__ not in {"builtins", "datetime", "decimal", "pathlib"}:
        raise inexact(value)
    words = f"{shown(value)} is not {describe_one(kind)}"
    example = _EXAMPLES.get(kind.scalar, "") if isinstance(kind, ScalarType) else ""
    raise ParameterError(f"{words}: {why}" if why else words, remedy=f"write {example}" if example else "")
