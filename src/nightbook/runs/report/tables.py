"""Tables of a notebook's outputs: they scroll inside their own region and end at 200 rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup

from nightbook.numbers import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ROWS = 200
_TALL_ROWS = 25
_DIGITS = r"[-+\u2212]?[\d,.\s_]*\d[\d,.]*(?:e[-+]?\d+)?\s?%?"
_NUMBER = re.compile(rf"{_DIGITS}|-?inf|nan|nat|none|<na>|", re.IGNORECASE)

_TABLE_MARKS = re.compile(r"<(/?)(table|thead|tr)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRules:
    """How much of a table is shown, and where the rest is.

    Attributes:
        most_rows: Rows kept.
        link: The executed notebook beside the page; empty when there is none.
    """

    most_rows: int = MOST_ROWS
    link: str = ""


def cut_tables(html: str, rules: TableRules) -> tuple[str, Markup]:
    """Drop the rows after the last that is kept, and say how many and where they are.

    Works on text, before the HTML is sanitised: a data frame of ten thousand rows takes milliseconds, not a quarter
    of a minute, and whatever a row was cut into is cleaned afterwards.
    """
    if html.count("<tr") <= rules.most_rows:
        return html, Markup()
    kept: list[str] = []
    start = dropped = 0
    for begin, end in _excess_rows(html, rules.most_rows):
        kept.append(html[start:begin])
        start, dropped = end, dropped + 1
    return "".join([*kept, html[start:]]), _cut_note(dropped, rules.link)


def dress_tables(html: Markup) -> Markup:
    """Put every outermost table of clean HTML into a scroll region that the keyboard reaches."""
    if "<table" not in html:
        return html
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.find_all("table"):
        if table.find_parent("table") is None:
            _dress(soup, table)
    return Markup(soup.decode(formatter="minimal"))  # noqa: S704 - clean before, and nothing foreign was added


def _excess_rows(html: str, most_rows: int) -> Iterator[tuple[int, int]]:
    """Where the body rows after the last kept one begin and end, in each outermost table."""
    depth = rows = 0
    is_head = False
    begin: int | None = None
    for mark in _TABLE_MARKS.finditer(html):
        closes, tag = bool(mark[1]), mark[2].lower()
        if tag == "table":
            depth += -1 if closes else 1
            rows, begin = (rows, begin) if depth > 1 or closes else (0, None)
        elif depth != 1:
            continue
        elif tag == "thead":
            is_head = not closes
        elif not closes and not is_head:
            rows += 1
            begin = mark.start() if rows > most_rows else None
        elif closes and begin is not None:
            yield begin, mark.end()
            begin = None


def _dress(soup: BeautifulSoup, table: Tag) -> None:
    tall = " tall" if len(table.find_all("tr")) > _TALL_ROWS else ""
    caption = table.find("caption")
    name = caption.get_text(" ", strip=True) if isinstance(caption, Tag) else "Table"
    attributes = {"class": f"scroll{tall}", "role": "group", "tabindex": "0", "aria-label": name}
    region = soup.new_tag("div", attrs=attributes)
    table.wrap(region)
    if "border" in table.attrs:
        del table.attrs["border"]
    if "dataframe" in (table.get("class") or ()):
        _align_numbers(table)
    for header in table.find_all("th"):
        if not header.get_text(strip=True):
            # an empty corner of a data frame is no header of anything
            header.name = "td"


def _align_numbers(table: Tag) -> None:
    """Columns of numbers to the right, words to the left; pandas writes all of them to the right."""
    rows = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
    width = max((len(cells) for cells in rows), default=0)
    for place in range(width):
        column = [cells[place] for cells in rows if len(cells) == width]
        values = [cell.get_text(strip=True) for cell in column if cell.name == "td"]
        if any(values) and all(_NUMBER.fullmatch(value) for value in values):
            for cell in column:
                cell["class"] = " ".join([*cell.get_attribute_list("class"), "n"]) if cell.get("class") else "n"


def _cut_note(dropped: int, link: str) -> Markup:
    if not dropped:
        return Markup()
    where = Markup('; all are in <a href="{}">the executed notebook</a>').format(link) if link else ""
    return Markup('<p class="notice">{} not shown here{}.</p>').format(format_count(dropped, "more row"), where)
