"""Which cell of one notebook became which cell of another."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.reviews.alignment import align
from nightbook.reviews.texts import similarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.reviews.cells import ExecutedCell

_ALIKE = 0.6
_COUNTED_ID = re.compile(r"cell-\d+|\d*")
"""Ids that were given by counting, as a text notebook's are, say where a cell stands, not which it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPair:
    """A cell and its counterpart; one is None where a cell was added or removed.

    Attributes:
        before: In the first notebook.
        after: In the second.
        is_moved: It stands elsewhere among the cells that both notebooks have.
    """

    before: ExecutedCell | None = None
    after: ExecutedCell | None = None
    is_moved: bool = False


def match_cells(before: Sequence[ExecutedCell], after: Sequence[ExecutedCell]) -> tuple[CellPair, ...]:
    """Pair cells by id, then by source, then by how alike their sources are.

    Returns:
        In the second notebook's order; a removed cell behind the one that it followed.
    """
    matches: dict[int, int] = {}
    _match_ids(before, after, matches)
    _match_sources(before, after, matches)
    _match_alike(before, after, matches)
    still = _in_order([matches[place] for place in sorted(matches)])
    source = {new: old for old, new in matches.items()}
    pairs = [
        CellPair(before=before[source[new]], after=cell, is_moved=new not in still)
        if new in source
        else CellPair(after=cell)
        for new, cell in enumerate(after)
    ]
    return _with_removed(before, pairs, matches)


def _match_ids(before: Sequence[ExecutedCell], after: Sequence[ExecutedCell], matches: dict[int, int]) -> None:
    old, new = _places(before), _places(after)
    for key, place in old.items():
        other = new.get(key)
        if other is not None and before[place].kind == after[other].kind:
            matches[place] = other


def _places(cells: Sequence[ExecutedCell]) -> dict[str, int]:
    """By id, those that tell something; an id that stands twice tells nothing."""
    places: dict[str, int] = {}
    repeated = set()
    for place, cell in enumerate(cells):
        if cell.id in places:
            repeated.add(cell.id)
        elif not _COUNTED_ID.fullmatch(cell.id):
            places[cell.id] = place
    return {key: place for key, place in places.items() if key not in repeated}


def _match_sources(before: Sequence[ExecutedCell], after: Sequence[ExecutedCell], matches: dict[int, int]) -> None:
    """In place first; then what has the same source elsewhere has moved."""
    old, new = _unmatched(before, after, matches)
    for block in align([before[place].key for place in old], [after[place].key for place in new]):
        if block.is_equal:
            matches.update((old[one], new[other]) for one, other in zip(block.before, block.after, strict=True))
    old, new = _unmatched(before, after, matches)
    for place in old:
        found = next((other for other in new if after[other].key == before[place].key), None)
        if found is not None and before[place].source.strip():
            matches[place] = found
            new.remove(found)


def _match_alike(before: Sequence[ExecutedCell], after: Sequence[ExecutedCell], matches: dict[int, int]) -> None:
    """The most alike first; of equals the nearest."""
    old, new = _unmatched(before, after, matches)
    found = [
        (-alike, abs(one - other), one, other)
        for one in old
        for other in new
        if before[one].kind == after[other].kind
        and (alike := similarity(before[one].source, after[other].source)) >= _ALIKE
    ]
    taken = set(matches.values())
    for _, _, one, other in sorted(found):
        if one not in matches and other not in taken:
            matches[one] = other
            taken.add(other)


def _unmatched(
    before: Sequence[ExecutedCell], after: Sequence[ExecutedCell], matches: dict[int, int]
) -> tuple[list[int], list[int]]:
    taken = set(matches.values())
    return (
        [place for place in range(len(before)) if place not in matches],
        [place for place in range(len(after)) if place not in taken],
    )


def _in_order(places: Sequence[int]) -> frozenset[int]:
    """A longest rising part: the fewest cells possible are said to have moved."""
    ends: list[int] = []
    chains: list[tuple[int, int | None]] = []
    lasts: list[int] = []
    for number, place in enumerate(places):
        where = bisect_left(ends, place)
        chains.append((place, lasts[where - 1] if where else None))
        ends[where : where + 1] = [place]
        lasts[where : where + 1] = [number]
    kept = set()
    number_or_none = lasts[-1] if lasts else None
    while number_or_none is not None:
        place, number_or_none = chains[number_or_none]
        kept.add(place)
    return frozenset(kept)


def _with_removed(
    before: Sequence[ExecutedCell], pairs: Sequence[CellPair], matches: dict[int, int]
) -> tuple[CellPair, ...]:
    behind: dict[int, list[CellPair]] = {}
    last = -1
    for place, cell in enumerate(before):
        if place in matches:
            last = matches[place]
        else:
            behind.setdefault(last, []).append(CellPair(before=cell))
    ordered = list(behind.get(-1, []))
    for place, pair in enumerate(pairs):
        ordered += [pair, *behind.get(place, [])]
    return tuple(ordered)
