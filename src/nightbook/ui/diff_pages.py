"""What exactly changed from one run to another, in source and in results."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from starlette.responses import JSONResponse, RedirectResponse, Response

from nightbook.errors import RunNotFoundError
from nightbook.reviews.difference import CellChange
from nightbook.reviews.documents import Absence, DocumentDiff
from nightbook.reviews.images import ImageDiff
from nightbook.reviews.rules import USUAL
from nightbook.reviews.tables import TableDiff
from nightbook.reviews.texts import LineKind, TextDiff
from nightbook.ui.guard import SEE_OTHER
from nightbook.workflow.browsing import show_run
from nightbook.workflow.comparing import MISSING
from nightbook.workflow.differing import diff

if TYPE_CHECKING:
    from starlette.requests import Request

    from nightbook.reviews.difference import CellDiff, NotebookDiff
    from nightbook.reviews.outputs import Detail
    from nightbook.reviews.rules import DiffRules
    from nightbook.reviews.shown import Shown
    from nightbook.reviews.texts import Line
    from nightbook.ui.pages import Pages

BETWEEN = "..."
VIEWS = {
    "changed": frozenset(CellChange),
    "source": frozenset({CellChange.SOURCE, CellChange.ADDED, CellChange.REMOVED, CellChange.MOVED}),
    "outputs": frozenset({CellChange.OUTPUTS}),
}
_CONTEXT = 3
# Browsers draw these from bytes alone; an SVG could hold more than a picture.
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class DiffPages:
    """Answers about two runs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._settings = pages.settings

    def diff(self, request: Request) -> Response:
        """Show what changed; runs that are not named by number are looked up, so that the address stays true."""
        before, after = _named(request)
        if not (before.isdecimal() and after.isdecimal()):
            return RedirectResponse(
                f"/diff/{self._number(before, after)}{BETWEEN}{self._number(after, after)}", SEE_OTHER
            )
        rules = _rules(request)
        found = diff(self._settings, before, after, rules)
        view = request.query_params.get("view", "")
        return self._pages.show(
            request,
            "diff.html.j2",
            found=found,
            runs=found.comparison.runs,
            view=view if view in VIEWS else "changed",
            views={name: _count(found.outputs, name) for name in VIEWS},
            cells_of=_cells_of,
            kind_of=_kind_of,
            lines_of=_lines_of,
            marked=marked,
            picture_of=picture_of,
            highlight_of=_highlight_of,
            rules=rules,
            missing=MISSING,
            absent=Absence.ABSENT,
        )

    def diff_json(self, request: Request) -> Response:
        """The same as `nightbook diff --json`."""
        before, after = _named(request)
        return JSONResponse(diff(self._settings, before, after, _rules(request)).to_json())

    def _number(self, reference: str, other: str) -> int:
        if reference == "approved":
            reference = f"{show_run(self._settings, other).run.stage}@approved"
        return show_run(self._settings, reference).run.number


def _named(request: Request) -> tuple[str, str]:
    before, between, after = str(request.path_params["pair"]).partition(BETWEEN)
    if not (before and between and after):
        raise RunNotFoundError("two runs are compared, as in /diff/412...418", remedy="choose two in the list of runs")
    return before, after


def _rules(request: Request) -> DiffRules:
    asked = request.query_params
    return replace(USUAL, shows_noise="noise" in asked, is_thorough="thorough" in asked)


def _count(stages: tuple[object, ...], view: str) -> int:
    notebooks = [getattr(one, "notebook", None) for one in stages]
    return sum(len(_cells_of(notebook, view)) for notebook in notebooks if notebook is not None)


def _cells_of(notebook: NotebookDiff, view: str) -> list[CellDiff]:
    return [cell for cell in notebook.cells if VIEWS[view] & set(cell.changes)]


def _kind_of(detail: Detail | None) -> str:
    """Which part of the template shows it."""
    kinds = {TextDiff: "text", TableDiff: "table", ImageDiff: "image", DocumentDiff: "document"}
    return kinds.get(type(detail), "") if detail is not None else ""


def _lines_of(text: TextDiff) -> list[tuple[str, Line | None, str]]:
    """A mark, a line and a class for each row of a unified view; a gap is a row without a line."""
    near = _near_a_change(text)
    rows: list[tuple[str, Line | None, str]] = []
    for place, one in enumerate(text.lines):
        if place not in near:
            if rows and rows[-1][1] is not None:
                rows.append(("", None, "gap"))
            continue
        if one.kind.is_change:
            rows += [("−", one.before, "removed")] if one.before else []
            rows += [("+", one.after, "added")] if one.after else []
        else:
            rows.append(("", one.after or one.before, "" if one.kind is LineKind.SAME else "noise"))
    return rows


def _near_a_change(text: TextDiff) -> set[int]:
    changed = [place for place, one in enumerate(text.lines) if one.kind is not LineKind.SAME]
    return {near for place in changed for near in range(place - _CONTEXT, place + _CONTEXT + 1)}


def marked(line: Line) -> Markup:
    """The line with what differs in it marked."""
    pieces, end = [], 0
    for start, stop in line.spans:
        pieces += [escape(line.text[end:start]), Markup("<mark>"), escape(line.text[start:stop]), Markup("</mark>")]
        end = stop
    return Markup("").join([*pieces, escape(line.text[end:])])


def picture_of(shown: Shown | None, mime: str) -> str:
    """The picture as an address for `img`; empty for what is no picture that is safe to show."""
    content = shown.formats.get(mime) if shown is not None else None
    if mime not in _PICTURES or not isinstance(content, str):
        return ""
    try:
        decoded = base64.b64decode("".join(content.split()), validate=True)
    except ValueError:
        return ""
    return f"data:{mime};base64,{base64.b64encode(decoded).decode()}"


def _highlight_of(detail: ImageDiff) -> str:
    return f"data:image/png;base64,{base64.b64encode(detail.highlight).decode()}" if detail.highlight else ""
