"""What changed in a notebook's outputs, for a terminal: cell by cell, noise counted."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rich.text import Text

from nightbook.cli.answers import plain_table
from nightbook.notebooks.inside import MIME_TYPE
from nightbook.numbers import format_bytes, format_column, format_count, format_number
from nightbook.reviews.difference import CellChange
from nightbook.reviews.documents import Absence, DocumentDiff
from nightbook.reviews.images import ImageDiff
from nightbook.reviews.noise import noise_in_words
from nightbook.reviews.outputs import OutputState
from nightbook.reviews.shown import ERROR
from nightbook.reviews.tables import TableDiff
from nightbook.reviews.texts import TextDiff, printed
from nightbook.runs.report.wording import short_digest, value_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from nightbook.reviews.difference import CellDiff, NotebookDiff
    from nightbook.reviews.outputs import OutputDiff
    from nightbook.reviews.texts import Line
    from nightbook.workflow.differing import OutputsDiff

MOST_SHOWN = 20
_LONGEST = 300
_NAMES = {MIME_TYPE: "logged"}
_OUTPUTS_CHANGED = frozenset({CellChange.OUTPUTS, CellChange.ADDED, CellChange.REMOVED, CellChange.MOVED})


def show_outputs(console: Console, found: OutputsDiff) -> None:
    """The cells whose outputs differ; how much noise was hidden, and how to see it."""
    heading = f"outputs of {found.stage}:"
    if found.notebook is None:
        console.print(Text(f"{heading} not compared, as {found.missing}"))
        return
    cells = [cell for cell in found.notebook.changed if _is_shown(cell)]
    if cells:
        # The cell that holds the parameters is nobody's.
        total = format_count(sum(not cell.cell.is_injected for cell in found.notebook.cells), "cell")
        console.print(Text(f"{heading} {len(cells):,} of {total} {'differs' if len(cells) == 1 else 'differ'}"))
    else:
        console.print(Text(f"{heading} the same"))
    for cell in cells:
        _show_cell(console, cell)
    for line in _hidden(found.notebook):
        console.print(Text(f"  {line}", "dim"), soft_wrap=True)


def _is_shown(cell: CellDiff) -> bool:
    """What changed in source only stands above, in nbdime's words; so do the parameters."""
    changes = set(cell.changes)
    return bool(changes - {CellChange.SOURCE}) and not (cell.cell.is_injected and not cell.changed_outputs)


def _hidden(notebook: NotebookDiff) -> Iterator[str]:
    count = sum(notebook.noise.values())
    if count:
        verb = "change hidden" if count == 1 else "changes hidden"
        yield f"{count:,} {verb} as noise: {noise_in_words(notebook.noise)}; --noise shows {_them(count)}"
    if notebook.close:
        limit = format_number(notebook.rules.tolerance)
        yield f"{format_count(notebook.close, 'output')} within the tolerance of {limit}"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _show_cell(console: Console, cell: CellDiff) -> None:
    console.print(Text.assemble("  ", (_name(cell), "bold"), *_fate(cell)), soft_wrap=True)
    is_whole = {CellChange.ADDED, CellChange.REMOVED} & set(cell.changes)
    for output in () if is_whole else cell.changed_outputs:
        if output.kind == ERROR and len(output.places) == 1:
            # That it fails now, or no longer does, has been said.
            continue
        console.print(Text(f"    {_heading(output)}"), soft_wrap=True)
        for line in _details(output):
            console.print(line, soft_wrap=isinstance(line, Text))


def _name(cell: CellDiff) -> str:
    if cell.cell.is_injected:
        return "the parameters"
    return f"cell {cell.cell.index}{' of the first run' if cell.after is None else ''}"


def _fate(cell: CellDiff) -> Iterator[str]:
    """What became of the cell as a whole."""
    if cell.before is None or cell.after is None:
        yield f": {'added' if cell.before is None else 'removed'}"
        if cell.outputs:
            yield f", with {format_count(len(cell.outputs), 'output')}"
    elif CellChange.MOVED in cell.changes:
        yield f": was cell {cell.before.index}"
    if CellChange.EXECUTION_COUNT in cell.changes and cell.before and cell.after:
        yield f": execution count {cell.before.execution_count} → {cell.after.execution_count}"
    before, after = cell.errors
    if after and not before:
        yield f": now fails with {_brief(after)}"
    elif before and not after:
        yield f": no longer fails with {_brief(before)}"


def _heading(output: OutputDiff) -> str:
    if output.state in {OutputState.ADDED, OutputState.REMOVED}:
        (_, shown), *_ = output.places
        return f"{output.kind}: {output.state.value} ({format_bytes(shown.size_bytes)})"
    if isinstance(output.detail, ImageDiff):
        return f"{output.kind}: {_image_in_words(output.detail)}"
    if output.detail is None:
        sides = " → ".join(f"{format_bytes(one.size_bytes)} {short_digest(one.digest)}" for _, one in output.places)
        ask = "; --thorough compares them" if output.state is OutputState.NOT_COMPARED else ""
        return f"{output.kind}: {sides}{ask}"
    name = "table" if isinstance(output.detail, TableDiff) else _NAMES.get(output.kind, output.kind)
    # A stream is text anyway; a bundle may differ in one of its poorer formats only.
    has_own_format = "/" not in output.kind or output.mime == output.kind
    return f"{name}:" if has_own_format else f"{name}, as {output.mime}:"


def _image_in_words(image: ImageDiff) -> str:
    width, height = image.size_after
    share = format_number(image.share * 100, "%")
    size = f"{width} × {height}"
    if image.size_before != image.size_after:
        size = f"{image.size_before[0]} × {image.size_before[1]} → {size}"
    return f"{share} of the pixels differ ({size})"


def _details(output: OutputDiff) -> Iterator[RenderableType]:
    match output.detail:
        case TextDiff() as text:
            return _lines(text)
        case TableDiff() as table:
            return _rows(table)
        case DocumentDiff() as document:
            return _paths(document)
    # Whatever has no lines of its own stands in the heading.
    return iter(())


def _lines(detail: TextDiff) -> Iterator[RenderableType]:
    for change in detail.changes[:MOST_SHOWN]:
        if change.before:
            yield _marked("-", change.before, "red")
        if change.after:
            line = _marked("+", change.after, "green")
            words = "; ".join(filter(None, (number.in_words() for number in change.numbers[:3])))
            yield line.append(f"   ({words})", "dim") if words else line
    yield from _more(len(detail.changes), "line")


def _rows(detail: TableDiff) -> Iterator[RenderableType]:
    for sign, style, rows in (("-", "red", detail.removed_rows), ("+", "green", detail.added_rows)):
        for row in rows[:MOST_SHOWN]:
            yield Text(f"      {sign} row {_brief(row.name)}: {_brief('  '.join(row.texts))}", style)
        yield from _more(len(rows), "row")
    for sign, style, columns in (("-", "red", detail.removed_columns), ("+", "green", detail.added_columns)):
        for name in islice(columns, MOST_SHOWN):
            yield Text(f"      {sign} column {_brief(name)}", style)
    if detail.changes:
        table = plain_table("    ", "row", "column", "before", "after", "change", right=("before", "after"))
        for one in detail.changes[:MOST_SHOWN]:
            words = one.number.in_words() if one.number else ""
            table.add_row("", *(Text(_brief(text)) for text in (one.row, one.column, one.before, one.after, words)))
        yield table
        yield from _more(len(detail.changes), "value")
    if detail.is_reordered:
        yield Text("      rows or columns stand in another order")
    if detail.text:
        yield Text(f"      - {_brief(detail.text[0])}", "red")
        yield Text(f"      + {_brief(detail.text[1])}", "green")


def _paths(detail: DocumentDiff) -> Iterator[RenderableType]:
    for change in detail.changes[:MOST_SHOWN]:
        number = change.number
        words = number.in_words() if number else ""
        before, after = (
            format_column([number.before, number.after])
            if number
            else [
                "(none)" if one is Absence.ABSENT else _brief(value_in_words(one))
                for one in (change.before, change.after)
            ]
        )
        line = Text(f"      {_brief(change.path) or '(all)'}: {before} → {after}")
        yield line.append(f"   ({words})", "dim") if words else line
    yield from _more(detail.count, "value")


def _more(count: int, noun: str) -> Iterator[Text]:
    if count > MOST_SHOWN:
        yield Text(f"      … and {format_count(count - MOST_SHOWN, noun)} more; --json has them", "dim")


def _marked(sign: str, line: Line, style: str) -> Text:
    text = Text(f"      {sign} {line.text[:_LONGEST]}", style)
    if len(line.text) > _LONGEST:
        text.append(f"… ({len(line.text):,} characters)", "dim")
    for start, end in line.spans:
        # Past the indentation and the sign.
        text.stylize("bold", min(start, _LONGEST) + 8, min(end, _LONGEST) + 8)
    return text


def _brief(text: str) -> str:
    """One line of what may be many, without what a terminal would act upon."""
    plain = " ".join(printed(text).split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
