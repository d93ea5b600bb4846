"""Tables against tables, value by value: rows by their index, columns by their names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightbook.reviews.alignment import align
from nightbook.reviews.grids import Grid, read_grid
from nightbook.reviews.noise import Noise, noise_between, quieted_value
from nightbook.reviews.numeric import NumberChange, is_close, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightbook.reviews.grids import Name
    from nightbook.reviews.rules import DiffRules

_EXACT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """One place of a table.

    Attributes:
        row: The row's name in the index of the second table; without an index, its number from 1.
        column: The column's name.
        before: As it is shown.
        after: As above.
        number: The change, where both are numbers.
    """

    row: str
    column: str
    before: str
    after: str
    number: NumberChange | None = None

    def to_json(self) -> dict[str, object]:
        """Values as text, numbers beside them."""
        return {
            "row": self.row,
            "column": self.column,
            "before": self.before,
            "after": self.after,
            "number": self.number.to_json() if self.number else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row that only one of the tables has."""

    name: str
    texts: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Values as text."""
        return {"row": self.name, "values": list(self.texts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDiff:
    """Two tables.

    Attributes:
        changes: Places that both have, with other values.
        added_rows: Rows of the second only.
        removed_rows: Rows of the first only.
        added_columns: Columns of the second only.
        removed_columns: Columns of the first only.
        text: What stands around the tables, where it differs; such as the count of rows.
        is_reordered: Rows or columns that both have stand in another order.
        close: Numbers that differ by no more than the tolerance.
        noise: What was hidden.
    """

    changes: tuple[ValueChange, ...] = ()
    added_rows: tuple[TableRow, ...] = ()
    removed_rows: tuple[TableRow, ...] = ()
    added_columns: tuple[str, ...] = ()
    removed_columns: tuple[str, ...] = ()
    text: tuple[str, str] | None = None
    is_reordered: bool = False
    close: int = 0
    noise: Mapping[Noise, int] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """More than noise, and more than the tolerance allows."""
        rows, columns = self.added_rows or self.removed_rows, self.added_columns or self.removed_columns
        return bool(self.changes or rows or columns or self.text or self.is_reordered)

    def to_json(self) -> dict[str, object]:
        """Everything but the two tables."""
        return {
            "type": "table",
            "changes": [one.to_json() for one in self.changes],
            "added_rows": [one.to_json() for one in self.added_rows],
            "removed_rows": [one.to_json() for one in self.removed_rows],
            "added_columns": list(self.added_columns),
            "removed_columns": list(self.removed_columns),
            "text": list(self.text) if self.text else None,
            "is_reordered": self.is_reordered,
        }


def diff_tables(before: str, after: str, rules: DiffRules) -> TableDiff | None:
    """Compare the tables of two pieces of HTML; None where either has none, several, or one too large."""
    old, new = read_grid(before), read_grid(after)
    return None if old is None or new is None else _compared(old, new, rules)


def _compared(old: Grid, new: Grid, rules: DiffRules) -> TableDiff:
    columns = [name for name in old.columns if name in set(new.columns)]
    pairs = _row_pairs(old, new)
    changes: list[ValueChange] = []
    noise: Counter[Noise] = Counter()
    close = 0
    for change in _differing(old, new, columns, pairs):
        number = change.number
        hidden = Counter[Noise]() if rules.shows_noise else _noise(change)
        if hidden:
            noise += hidden
        elif number and rules.tolerance and is_close(number.before, number.after, rules.tolerance):
            close += 1
        else:
            changes.append(change)
    left, right = [place for place, _ in pairs], {place for _, place in pairs}
    places = [new.columns.index(name) for name in columns]
    return TableDiff(
        changes=tuple(changes),
        added_rows=tuple(_row(new, place) for place in range(len(new.rows)) if place not in right),
        removed_rows=tuple(_row(old, place) for place in range(len(old.rows)) if place not in set(left)),
        added_columns=tuple(_shown(name) for name in new.columns if name not in set(old.columns)),
        removed_columns=tuple(_shown(name) for name in old.columns if name not in set(new.columns)),
        text=(old.text, new.text) if old.text != new.text else None,
        is_reordered=places != sorted(places) or left != sorted(left),
        close=close,
        noise=noise,
    )


def _row_pairs(old: Grid, new: Grid) -> list[tuple[int, int]]:
    """Rows that stand for each other, in the second table's order."""
    if not (old.is_counted and new.is_counted):
        place = {name: where for where, name in enumerate(old.index)}
        return [(place[name], where) for where, name in enumerate(new.index) if name in place]
    if len(old.rows) == len(new.rows):
        return [(place, place) for place in range(len(old.rows))]
    return [pair for block in align(old.rows, new.rows) for pair in zip(block.before, block.after, strict=False)]


def _differing(
    old: Grid, new: Grid, columns: Sequence[Name], pairs: Sequence[tuple[int, int]]
) -> Iterator[ValueChange]:
    places = [(name, old.columns.index(name), new.columns.index(name)) for name in columns]
    for above, below in pairs:
        for name, left, right in places:
            before, after = old.rows[above][left], new.rows[below][right]
            number = _number(before, after)
            # pandas prints a column with as many decimals as its longest value needs.
            if before != after and not (number and _is_same(number)):
                yield ValueChange(
                    row=_row_name(new, below), column=_shown(name), before=before, after=after, number=number,
                )  # fmt: skip


def _number(before: str, after: str) -> NumberChange | None:
    old, new = number_of(before), number_of(after)
    has_same_unit = before.endswith("%") == after.endswith("%")
    return None if old is None or new is None or not has_same_unit else NumberChange(before=old, after=new)


def _is_same(number: NumberChange) -> bool:
    """The same number in other words; beyond 2⁵³ other whole numbers may look the same."""
    return number.before == number.after and abs(number.before) < _EXACT


def _noise(change: ValueChange) -> Counter[Noise]:
    if quieted_value(change.before) != quieted_value(change.after):
        return Counter()
    return noise_between(change.before, change.after)


def _row(grid: Grid, place: int) -> TableRow:
    return TableRow(name=_row_name(grid, place), texts=grid.rows[place])


def _row_name(grid: Grid, place: int) -> str:
    return _shown(grid.index[place]) if grid.index else str(place + 1)


def _shown(name: Name) -> str:
    text, earlier = name
    return f"{text} ({earlier + 1})" if earlier else text
