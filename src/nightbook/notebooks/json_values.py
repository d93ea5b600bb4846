"""Parameter values as strict JSON and back, exactly: what the ledger, MLflow, YAML files and `--json` hold.

A declared type says how to read the JSON back (`"2013-01-01"` as a date). Where the type says nothing
(`any JSON value`), what JSON lacks is marked: `{"$float": "NaN"}`, `{"$date": "2013-01-01"}`.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.notebooks.types import ANY, DictOf, ListOf, OptionalOf, ParameterType, Scalar, ScalarType, TupleOf
from nightbook.notebooks.values import coerce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MARK = "$"
_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_READERS: Mapping[str, Callable[[str], object]] = {
    "$float": float,
    "$date": date.fromisoformat,
    "$datetime": datetime.fromisoformat,
    "$path": Path,
    "$decimal": Decimal,
}


def to_json(kind: ParameterType, value: object) -> object:  # noqa: PLR0911 - a return a case
    """A checked value as strict JSON; `from_json` with the same type gives it back."""
    if value is None:
        return None
    match kind:
        case OptionalOf():
            return to_json(kind.item, value)
        case ScalarType(scalar=Scalar.JSON):
            return _marked(value)
        case ListOf() if isinstance(value, list):
            return [to_json(kind.item, item) for item in value]
        case TupleOf() if isinstance(value, tuple):
            kinds = kind.items * len(value) if kind.repeats else kind.items
            return [to_json(one, item) for one, item in zip(kinds, value, strict=True)]
        case DictOf() if isinstance(value, dict):
            if kind.key == ANY:
                return _marked(value)
            return {_key(key): to_json(kind.value, item) for key, item in value.items()}
    return _plain(value)


def from_json(kind: ParameterType, value: object) -> object:  # noqa: PLR0911 - a return a case
    """A value read back from what `to_json` wrote.

    Raises:
        ParameterError: It is not of the type, because the declaration has changed since.
    """
    match kind:
        case OptionalOf():
            return None if value is None else from_json(kind.item, value)
        case ScalarType(scalar=Scalar.JSON):
            return coerce(kind, _unmarked(value))
        case ListOf() if isinstance(value, list):
            return coerce(kind, [from_json(kind.item, item) for item in value])
        case TupleOf() if isinstance(value, list) and (kind.repeats or len(value) == len(kind.items)):
            kinds = kind.items * len(value) if kind.repeats else kind.items
            return coerce(kind, tuple(from_json(one, item) for one, item in zip(kinds, value, strict=True)))
        case DictOf() if isinstance(value, dict):
            if kind.key == ANY:
                return coerce(kind, _unmarked(value))
            return coerce(kind, {key: from_json(kind.value, item) for key, item in value.items()})
    return coerce(kind, value)


def _key(key: object) -> str:
    plain = _plain(key)
    return plain if isinstance(plain, str) else str(plain)


def _plain(value: object) -> object:
    """A single value as JSON, its type told by the declaration."""
    match value:
        case float() if not math.isfinite(value):
            return _FLOATS[repr(value)]
        case date():
            return value.isoformat()
        case Path() | Decimal():
            return str(value)
    return value


def _marked(value: object) -> object:  # noqa: PLR0911 - a return a case
    match value:
        case list():
            return [_marked(item) for item in value]
        case tuple():
            return {"$tuple": [_marked(item) for item in value]}
        case dict():
            if all(isinstance(key, str) and not key.startswith(_MARK) for key in value):
                return {key: _marked(item) for key, item in value.items()}
            return {"$dict": [[_marked(key), _marked(item)] for key, item in value.items()]}
        case float() if not math.isfinite(value):
            return {"$float": _plain(value)}
        case datetime() | date() | Path() | Decimal():
            mark = "$path" if isinstance(value, Path) else f"${type(value).__name__.lower()}"
            return {mark: _plain(value)}
    return value


def _unmarked(value: object) -> object:
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((mark, inner),) = value.items()
        if mark in _READERS and isinstance(inner, str):
            return _READERS[mark](inner)
        if mark == "$tuple" and isinstance(inner, list):
            return tuple(_unmarked(item) for item in inner)
        if mark == "$dict" and isinstance(inner, list):
            return {_unmarked(key): _unmarked(item) for key, item in inner}
    return {key: _unmarked(item) for key, item in value.items()}
