"""The report of a run: nbconvert with our template, one file that needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from nbformat import from_dict

from nightbook.numbers import format_bytes, format_count, format_duration, format_time
from nightbook.records import Cause, CellStatus, RunStatus
from nightbook.runs.report import header, wording
from nightbook.runs.report.cells import CellView, CellViews
from nightbook.runs.report.context import CodeVisibility, ReportContext, ReportParameter
from nightbook.runs.report.libraries import embed_libraries
from nightbook.runs.report.limits import CAP_BYTES, WARNING_BYTES, Detail
from nightbook.runs.report.markdown import Heading, Prose
from nightbook.runs.report.mathematics import math_font_css
from nightbook.runs.report.outputs import Outputs
from nightbook.runs.report.streams import without_command
from nightbook.runs.report.tables import TableRules
from nightbook.runs.report.widgets import saved_widgets
from nightbook.template_files import templates_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

_FEWEST_HEADINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything the template shows, already in words."""

    context: ReportContext
    cells: tuple[CellView, ...]
    headings: tuple[Heading, ...]
    title: str
    metrics: tuple[header.MetricRow, ...]
    curves: tuple[Markup, ...]
    durations: header.Durations | None
    libraries: Markup
    font_css: str
    has_code: bool
    detail: Detail
    scripts: int
    remark: str

    @property
    def status(self) -> wording.StatusWord:
        """The status pill."""
        return wording.STATUS_WORDS[self.context.run.status]

    @property
    def is_failure(self) -> bool:
        """The first thing to read is then the error."""
        return self.context.run.status in {RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST}

    @property
    def failing(self) -> CellView | None:
        """The cell that failed, where one did."""
        return next((cell for cell in self.cells if cell.is_error), None)

    @property
    def verdict(self) -> str:
        """What went wrong and where, in one sentence: the first thing to read."""
        cell = self.failing
        place = "" if cell is None or cell.index is None else f"cell {cell.index}"
        line = f" at line {cell.line}" if cell and cell.line else ""
        if self.context.run.cause is Cause.CELL_ERROR and place:
            return f"{place.capitalize()} failed{line}."
        words = wording.cause_in_words(self.context.run) or self.status.word
        return f"{words} in {place}{line}." if place else f"{words}."

    @property
    def foreign_scripts(self) -> str:
        """`3 outputs have scripts`: counted once, since each output reads well without."""
        if not self.scripts:
            return ""
        return f"{format_count(self.scripts, 'output')} {'has a script' if self.scripts == 1 else 'have scripts'}"

    @property
    def changed(self) -> tuple[ReportParameter, ...]:
        """Parameters that differ from their defaults."""
        return tuple(one for one in self.context.parameters if one.changed)

    @property
    def unchanged(self) -> tuple[ReportParameter, ...]:
        """Parameters at their defaults."""
        return tuple(one for one in self.context.parameters if not one.changed)

    @property
    def has_steps(self) -> bool:
        """Whether any metric has a history to draw."""
        return any(row.spark for row in self.metrics)

    @property
    def not_run_from(self) -> int:
        """Position of the first shown cell after the last that ran; -1 when every cell ran."""
        code = [place for place, cell in enumerate(self.cells) if cell.kind == "code"]
        ran = [place for place in code if self.cells[place].status is not CellStatus.NOT_RUN]
        start = (ran[-1] + 1) if ran else 0
        return start if any(cell.status is CellStatus.NOT_RUN for cell in self.cells[start:]) else -1

    @property
    def not_run(self) -> str:
        """`12 cells not run`."""
        count = sum(cell.status is CellStatus.NOT_RUN for cell in self.cells)
        return f"{format_count(count, 'cell')} not run" if count else ""


def render_report(
    notebook: Mapping[str, object], context: ReportContext, *, code: CodeVisibility = CodeVisibility.FOLDED
) -> str:
    """One HTML file that shows the executed notebook and the facts of its run.

    Args:
        notebook: The executed notebook, nbformat-4 JSON, already redacted.
        context: The run and what is known around it.
        code: Whether the source is in the page.

    Returns:
        HTML of at most 25 MB: a larger page is rendered again with smaller pictures and shorter tables, and says so.
    """
    html = ""
    for detail in Detail:
        html = _render(_page(notebook, context, code, detail))
        if len(html) <= CAP_BYTES:
            break
    return html


def content_policy(script: str) -> str:
    """The page's Content-Security-Policy: nothing loads, and the hash lets only the page's own script run.

    A browser that knows hashes ignores 'unsafe-inline' beside one; it stays for those that do not.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'unsafe-inline' blob: 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def environment() -> Environment:
    """The Jinja environment of the report's templates, which the comparison page shares."""
    shared: Environment = _exporter().environment
    return shared


def _render(page: Page) -> str:
    cells = [_skeleton(place, cell) for place, cell in enumerate(page.cells)]
    walked = from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    body, _ = _exporter().from_notebook_node(walked, resources={"page": page})
    html = str(body)
    if len(html) <= WARNING_BYTES:
        return html
    note = f"This page has {format_bytes(len(html))}: large outputs make it slow to open."
    return html.replace("<!-- size -->", f'<p class="notice">{note}</p>', 1)


def _skeleton(place: int, cell: CellView) -> dict[str, object]:
    """A bare cell for nbconvert to walk: the content is already rendered and stands in the page."""
    base: dict[str, object] = {"id": f"cell-{place}", "cell_type": cell.kind, "metadata": {}, "source": ""}
    return base | {"outputs": [], "execution_count": None} if cell.kind == "code" else base


def _page(notebook: Mapping[str, object], context: ReportContext, code: CodeVisibility, detail: Detail) -> Page:
    metadata = _mapping(notebook.get("metadata"))
    if code is CodeVisibility.ABSENT:
        context = replace(context, run=replace(context.run, message=without_command(context.run.message)))
    folder = (context.root / context.run.notebook).parent if context.root and context.run.notebook else None
    rules = TableRules(most_rows=detail.most_rows, link=context.notebook_link)
    prose = Prose(folder=folder, root=context.root, rules=rules)
    outputs = Outputs(prose=prose, detail=detail, code=code, link=context.notebook_link)
    outputs.widgets = saved_widgets(metadata, outputs.render)
    views = CellViews(run=context.run, prose=prose, outputs=outputs, code=code, language=_language(metadata))
    listed = notebook.get("cells")
    given = listed if isinstance(listed, list | tuple) else ()
    cells = views.render([cell for cell in given if isinstance(cell, dict)])
    text = "".join(str(part) for cell in cells for part in (cell.body, *cell.outputs))
    headings = tuple(prose.headings)
    return Page(
        context=context, cells=cells, headings=headings if len(headings) >= _FEWEST_HEADINGS else (),
        title=next((one.text for one in headings if one.level == 1), ""),
        metrics=header.metric_rows(context), curves=header.metric_curves(context.points),
        durations=header.cell_durations(cells), libraries=embed_libraries(outputs.charts.libraries),
        font_css=math_font_css(text), has_code=code is CodeVisibility.FOLDED, detail=detail,
        scripts=outputs.scripts, remark=header.duration_remark(context),
    )  # fmt: skip


def _language(metadata: Mapping[str, object]) -> str:
    told = _mapping(metadata.get("language_info"))
    spec = _mapping(metadata.get("kernelspec"))
    return str(told.get("pygments_lexer") or told.get("name") or spec.get("language") or "python")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


class _ReportExporter(TemplateExporter):
    """nbconvert's cell loop with our template, escaping on."""

    def __init__(self) -> None:
        folder = templates_folder("report")
        super().__init__(  # type: ignore[no-untyped-call]  # nbconvert has no types
            template_name=folder.name,
            template_file="report.html.j2",
            extra_template_basedirs=[str(folder.parent)],
            file_extension=".html",
        )

    def _create_environment(self) -> Any:  # noqa: ANN401 - nbconvert has no types
        shared = super()._create_environment()  # type: ignore[no-untyped-call]  # nbconvert has no types
        shared.autoescape = True
        shared.trim_blocks = shared.lstrip_blocks = True
        shared.filters |= {
            "duration": format_duration, "time": format_time, "size": format_bytes, "digest": wording.short_digest,
            "value": wording.value_in_words, "full_value": wording.full_value,
        }  # fmt: skip
        script = _text("script.js")
        shared.globals |= {
            "style": Markup(_text("style.css")),  # noqa: S704 - our own files
            "script": Markup(script),  # noqa: S704 - our own files
            "content_policy": content_policy(script),
            "cause_in_words": wording.cause_in_words,
            "commit_in_words": wording.commit_in_words,
        }
        return shared


def _text(name: str) -> str:
    return Path(templates_folder("report"), name).read_text(encoding="utf-8").strip()


@cache
def _exporter() -> _ReportExporter:
    return _ReportExporter()
