"""A table of HTML as rows and columns with names, spans written out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_CHARACTERS = 2_000_000
"""Above it parsing takes longer than one waits."""
_MOST_SPANNED = 1000
"""HTML's own limit for columns; an author's typing error must not fill the memory."""
Name = tuple[str, int]
"""A name, and how many of the same came before: names of rows and columns may repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One table.

    Attributes:
        columns: Names of the columns of values; levels of a heading are joined.
        index: Names of the rows; empty without an index.
        is_counted: Nobody named the rows: there is no index, or one that only counts.
        rows: The values as they are shown.
        text: What stands around them: the index's name, `120 rows × 3 columns`.
    """

    columns: tuple[Name, ...]
    index: tuple[Name, ...]
    is_counted: bool
    rows: tuple[tuple[str, ...], ...]
    text: str


def read_grid(html: str) -> Grid | None:
    """The table of an output; None where there is none, several, or one too large."""
    if html.count("<table") != 1 or len(html) > _MOST_CHARACTERS:
        return None
    soup = BeautifulSoup(html, "html.parser")
    table = soup.find("table")
    if not isinstance(table, Tag):
        return None
    rows = table.find_all("tr")
    are_heads = [_is_heading(row) for row in rows]
    heads = [row for row, is_head in zip(rows, are_heads, strict=True) if is_head]
    body = [row for row, is_head in zip(rows, are_heads, strict=True) if not is_head]
    cells = _written_out(body)
    width = max((len(row) for row in cells), default=0)
    headings = _written_out(heads)
    depth = _index_depth(body, cells, headings)
    table.extract()
    for style in soup.find_all(["style", "script"]):
        style.extract()
    names = [" / ".join(row[:depth]) for row in cells]
    corner = [_column_name(headings, place) for place in range(depth)]
    return Grid(
        columns=_numbered(_column_name(headings, place) for place in range(depth, width)),
        index=_numbered(names) if depth else (),
        is_counted=not depth or _only_counts(names),
        rows=tuple((*row[depth:], *[""] * (width - len(row))) for row in cells),
        text=" ".join(filter(None, [*corner, soup.get_text(" ", strip=True)])),
    )


def _is_heading(row: Tag) -> bool:
    return row.find_parent("thead") is not None or (row.find("td") is None and row.find_parent("tbody") is None)


def _index_depth(body: Sequence[Tag], cells: Sequence[Sequence[str]], headings: Sequence[Sequence[str]]) -> int:
    """How many columns at the left name the rows: those that a row has as headings."""
    depths = [
        sum(_span(cell, "colspan") for cell in takewhile(lambda one: one.name == "th", _cells(row))) for row in body
    ]
    # In the rows below a name that spans several, it is not repeated.
    depth = max(depths, default=0)
    width = max((len(row) for row in cells), default=0)
    return depth if depth < width or not headings else 0


def _written_out(rows: Sequence[Tag]) -> list[list[str]]:
    """Each row with all its cells: what spans several places stands in each of them."""
    written: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    for row in rows:
        line: list[str] = []
        waiting = iter(_cells(row))
        while True:
            place = len(line)
            if place in hanging:
                left, text = hanging.pop(place)
                line.append(text)
                if left > 1:
                    hanging[place] = left - 1, text
                continue
            cell = next(waiting, None)
            if cell is None:
                break
            text = cell.get_text(" ", strip=True)
            for offset in range(_span(cell, "colspan")):
                line.append(text)
                if (down := _span(cell, "rowspan")) > 1:
                    hanging[place + offset] = down - 1, text
        written.append(line)
    return written


def _cells(row: Tag) -> list[Tag]:
    return list(row.find_all(["th", "td"], recursive=False))


def _span(cell: Tag, direction: str) -> int:
    given = str(cell.get(direction, "1"))
    return min(max(int(given), 1), _MOST_SPANNED) if given.isdecimal() else 1


def _column_name(headings: Sequence[Sequence[str]], place: int) -> str:
    return " / ".join(row[place] for row in headings if place < len(row) and row[place])


def _only_counts(names: Sequence[str]) -> bool:
    """The index that pandas gives when nobody chose one says where a row stands, not which it is."""
    numbers = [int(name) for name in names if name.isdecimal()]
    return len(numbers) + names.count("...") == len(names) and numbers == sorted(set(numbers)) and "0" in names[:1]


def _numbered(names: Iterable[str]) -> tuple[Name, ...]:
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append((name, seen[name]))
        seen[name] += 1
    return tuple(found)
