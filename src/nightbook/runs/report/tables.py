"""Tables of a notebook's outputs: they scroll inside their own region and end at 200 rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup

from nightbook.numbers import format_count

MOST_ROWS = 200
_TALL_ROWS = 25
_DIGITS = r"[-+\u2212]?[\d,.\s_]*\d[\d,.]*(?:e[-+]?\d+)?\s?%?"
_NUMBER = re.compile(rf"{_DIGITS}|-?inf|nan|nat|none|<na>|", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRules:
    """How much of a table is shown, and where the rest is.

    Attributes:
        most_rows: Rows kept.
        link: The executed notebook beside the page; empty when there is none.
    """

    most_rows: int = MOST_ROWS
    link: str = ""


def dress_tables(html: Markup, rules: TableRules) -> Markup:
    """Put every outermost table of clean HTML into a scroll region; cut long ones and say so."""
    if "<table" not in html:
        return html
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.find_all("table"):
        if table.find_parent("table") is None:
            _dress(soup, table, rules)
    return Markup(soup.decode(formatter="minimal"))  # noqa: S704 - clean before, and nothing foreign was added


def _dress(soup: BeautifulSoup, table: Tag, rules: TableRules) -> None:
    rows = [row for row in table.find_all("tr") if row.find_parent("thead") is None]
    dropped = rows[rules.most_rows :]
    for row in dropped:
        row.decompose()
    tall = " tall" if len(rows) > _TALL_ROWS else ""
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
    if dropped:
        region.insert_after(_cut_note(soup, len(dropped), rules.link))


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


def _cut_note(soup: BeautifulSoup, dropped: int, link: str) -> Tag:
    note = soup.new_tag("p", attrs={"class": "notice"})
    note.append(f"{format_count(dropped, 'more row')} not shown here")
    if link:
        anchor = soup.new_tag("a", attrs={"href": link})
        anchor.append("the executed notebook")
        note.append("; all are in ")
        note.append(anchor)
    note.append(".")
    return note
