"""JSON against JSON, such as the specifications of plots: which paths have other values."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from nightbook.numbers import format_count, is_number
from nightbook.records import json_value
from nightbook.reviews.noise import Noise, noise_between, quieted
from nightbook.reviews.numeric import NumberChange, is_close

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightbook.reviews.rules import DiffRules

MOST_NAMED = 200
_MOST_CHARACTERS = 1000
_RANDOM_KEYS = frozenset({"model_id", "uid", "uuid"})
"""Widgets and plots are given new ones by each run."""


class Absence(Enum):
    """A path that one of the documents does not have, which is not the same as null."""

    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChange:
    """A value and its counterpart.

    Attributes:
        path: As in `data[0].marker.color`.
        before: JSON, or `Absence.ABSENT`.
        after: As above.
    """

    path: str
    before: object
    after: object

    @property
    def number(self) -> NumberChange | None:
        """The change of a number."""
        before, after = _as_float(self.before), _as_float(self.after)
        return None if before is None or after is None else NumberChange(before=before, after=after)

    def to_json(self) -> dict[str, object]:
        """A side that has no such path has no key of its name."""
        number = self.number
        sides = {"before": self.before, "after": self.after}
        return {
            "path": self.path,
            **{side: json_value(_bounded(value)) for side, value in sides.items() if value is not Absence.ABSENT},
            **({"number": number.to_json()} if number else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDiff:
    """Two JSON documents.

    Attributes:
        changes: The first 200.
        count: How many there are.
        close: Numbers that differ by no more than the tolerance.
        noise: What was hidden.
    """

    changes: tuple[PathChange, ...] = ()
    count: int = 0
    close: int = 0
    noise: Mapping[Noise, int] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """More than noise, and more than the tolerance allows."""
        return self.count > 0

    def to_json(self) -> dict[str, object]:
        """Paths and values."""
        return {"type": "json", "count": self.count, "changes": [one.to_json() for one in self.changes]}


def diff_documents(before: object, after: object, rules: DiffRules) -> DocumentDiff:
    """Compare two JSON documents value by value; the order of keys does not count, that of lists does."""
    changes: list[PathChange] = []
    noise: Counter[Noise] = Counter()
    count = close = 0
    for change in _differing(before, after):
        hidden = Counter[Noise]() if rules.shows_noise else _noise(change)
        if hidden:
            noise += hidden
        elif _is_close(change, rules):
            close += 1
        else:
            count += 1
            changes += [change] if len(changes) < MOST_NAMED else []
    return DocumentDiff(changes=tuple(changes), count=count, close=close, noise=noise)


def _differing(before: object, after: object) -> Iterator[PathChange]:
    # A stack of our own: a notebook may nest deeper than Python calls.
    waiting = [("", before, after)]
    while waiting:
        path, old, new = waiting.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            keys = dict.fromkeys([*old, *new])
            inner = [(_joined(path, key), old.get(key, Absence.ABSENT), new.get(key, Absence.ABSENT)) for key in keys]
            waiting += reversed(inner)
        elif isinstance(old, list) and isinstance(new, list):
            places = range(max(len(old), len(new)))
            waiting += [(f"{path}[{place}]", _at(old, place), _at(new, place)) for place in reversed(places)]
        elif type(old) is not type(new) or (old != new and not _are_nan(old, new)):
            yield PathChange(path=path, before=old, after=new)


def _joined(path: str, key: str) -> str:
    if not key.isidentifier():
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def _at(values: list[object], place: int) -> object:
    return values[place] if place < len(values) else Absence.ABSENT


def _noise(change: PathChange) -> Counter[Noise]:
    before, after = change.before, change.after
    if not isinstance(before, str) or not isinstance(after, str):
        return Counter()
    if change.path.rpartition(".")[2] in _RANDOM_KEYS:
        return Counter({Noise.IDENTIFIER: 1})
    return noise_between(before, after) if quieted(before) == quieted(after) else Counter()


def _is_close(change: PathChange, rules: DiffRules) -> bool:
    number = change.number
    return number is not None and bool(rules.tolerance) and is_close(number.before, number.after, rules.tolerance)


def _as_float(value: object) -> float | None:
    if not isinstance(value, int | float) or not is_number(value):
        return None
    try:
        return float(value)
    except OverflowError:
        # JSON's whole numbers have no end.
        return None


def _are_nan(before: object, after: object) -> bool:
    return isinstance(before, float) and isinstance(after, float) and math.isnan(before) and math.isnan(after)


def _bounded(value: object) -> object:
    """Of a large part of a document that only one side has, how large it is."""
    if isinstance(value, list | dict) and len(json.dumps(value)) > _MOST_CHARACTERS:
        noun = "value" if isinstance(value, list) else "key"
        return f"({type(value).__name__} of {format_count(len(value), noun)})"
    return value
