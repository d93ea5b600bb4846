"""One output of a cell as HTML: the richest form that is harmless and works without a network."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from nightbook.numbers import format_bytes, format_count
from nightbook.runs.report.code import highlight_code
from nightbook.runs.report.context import CodeVisibility
from nightbook.runs.report.interactive import Charts, is_loader
from nightbook.runs.report.limits import Detail, fitted_image
from nightbook.runs.report.markup import INLINE_SCRIPT, clean_html, removal_notice
from nightbook.runs.report.mathematics import latex_output_to_html
from nightbook.runs.report.streams import render_bare_traceback, render_stream, render_traceback, without_source
from nightbook.runs.report.tables import TableRules, cut_tables, dress_tables
from nightbook.runs.report.widgets import VIEW, Widgets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.report.markdown import Prose

_MOST_LOGGED = 6
OWN = "application/vnd.nightbook.v1+json"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SCRIPTED = {
    "application/vnd.plotly.v1+json": "plotly",
    "application/vnd.bokehjs_exec.v0+json": "bokeh",
    VIEW: "an interactive widget",
    "application/javascript": "a script",
}


@dataclass(slots=True, kw_only=True)
class Outputs:
    """Renders the outputs of one page in order.

    Attributes:
        prose: Renders Markdown outputs.
        charts: Collects the libraries that the charts need.
        detail: How much is kept of large outputs.
        code: Without code, tracebacks and warnings lose the source that they quote.
        link: The executed notebook beside the page; empty when there is none.
        widgets: The notebook's saved widget state.
        scripts: Outputs that are shown without a script of their own.
    """

    prose: Prose
    charts: Charts = field(default_factory=Charts)
    detail: Detail = Detail.FULL
    code: CodeVisibility = CodeVisibility.FOLDED
    link: str = ""
    widgets: Widgets = field(default_factory=lambda: Widgets(models={}))
    scripts: int = 0
    _count: int = 0

    def render(self, output: Mapping[str, object]) -> Markup:
        """An nbformat output; empty for one that only loads a library."""
        kind = output.get("output_type")
        if kind == "stream":
            text = _joined(output.get("text"))
            shown = text if self.code is CodeVisibility.FOLDED else without_source(text)
            return render_stream(shown, str(output.get("name")))
        if kind == "error":
            lines = output.get("traceback")
            traceback = [str(line) for line in lines] if isinstance(lines, list | tuple) else []
            render = render_traceback if self.code is CodeVisibility.FOLDED else render_bare_traceback
            return render(traceback, str(output.get("ename", "")), _joined(output.get("evalue")))
        bundle = output.get("data")
        if not isinstance(bundle, dict):
            return Markup()
        return self._bundle(_settled(bundle), output.get("metadata"))

    def _bundle(self, bundle: Mapping[str, object], metadata: object) -> Markup:
        if OWN in bundle:
            return render_logged([str(bundle.get("text/plain", ""))])
        if is_loader(bundle):
            return Markup()
        size = sum(len(value) for value in bundle.values() if isinstance(value, str))
        if size > self.detail.most_output_bytes:
            return self._too_large(size)
        self._count += 1
        scope = f"nb-o{self._count}"
        rich = self.charts.render(bundle)
        if rich is None and VIEW in bundle:
            rich = self.widgets.render(bundle[VIEW], scope)
        if rich is None:
            rich = self._static(bundle, metadata, scope)
        return rich

    def _static(self, bundle: Mapping[str, object], metadata: object, scope: str) -> Markup:
        html, markdown = bundle.get("text/html"), bundle.get("text/markdown")
        if isinstance(html, str):
            return self._html(html, scope)
        if isinstance(markdown, str):
            return Markup('<div class="prose {}">{}</div>').format(scope, self.prose.render(markdown, scope))
        picture = self._picture(bundle, metadata)
        if picture is not None:
            return picture
        if "text/latex" in bundle:
            return latex_output_to_html(str(bundle["text/latex"]))
        if "application/json" in bundle:
            text = json.dumps(bundle["application/json"], indent=2, ensure_ascii=False)
            return Markup('<pre class="code" tabindex="0"><code>{}</code></pre>').format(highlight_code(text, "json"))
        return self._plain(bundle)

    def _picture(self, bundle: Mapping[str, object], metadata: object) -> Markup | None:
        """An image in an `img` element, where even an SVG can neither run nor load anything."""
        if "image/svg+xml" in bundle:
            encoded = base64.b64encode(str(bundle["image/svg+xml"]).encode()).decode("ascii")
            return _image("image/svg+xml", encoded, _alternative(bundle), Markup())
        kind = next((one for one in _PICTURES if one in bundle), None)
        if kind is None:
            return None
        shown, content = fitted_image(kind, "".join(str(bundle[kind]).split()), self.detail)
        return _image(shown, content, _alternative(bundle), _dimensions(metadata, kind))

    def _html(self, html: str, scope: str) -> Markup:
        shorter, cut = cut_tables(html, TableRules(most_rows=self.detail.most_rows, link=self.link))
        cleaned = clean_html(shorter, scope)
        body = dress_tables(cleaned.html) + cut
        plate = " plate" if cleaned.has_colours else ""
        shown = Markup('<div class="foreign {}{}">{}</div>').format(scope, plate, body) if body.strip() else Markup()
        if shown and cleaned.removed == (INLINE_SCRIPT,):
            # a data frame or an estimator reads the same without its script: counted, not lamented each time
            self.scripts += 1
            return shown
        return shown + removal_notice(cleaned.removed)

    def _plain(self, bundle: Mapping[str, object]) -> Markup:
        missing = next((word for kind, word in _SCRIPTED.items() if kind in bundle), "")
        text = bundle.get("text/plain")
        shown = render_stream(str(text), "stdout") if text else Markup()
        if not missing:
            return shown or Markup('<p class="notice">An output of type {} cannot be shown here.</p>').format(
                ", ".join(bundle)
            )
        return shown + Markup('<p class="notice">Not drawn here: {}, which this report cannot show.</p>').format(
            missing
        )

    def _too_large(self, size: int) -> Markup:
        link = Markup(' It is in <a href="{}">the executed notebook</a>.').format(self.link) if self.link else ""
        return Markup('<p class="notice">An output of {} is left out to keep this page small.{}</p>').format(
            format_bytes(size), link
        )


def own_text(output: Mapping[str, object]) -> str:
    """The text form of one of Nightbook's own outputs."""
    bundle = output.get("data")
    return _joined(bundle.get("text/plain")) if isinstance(bundle, dict) else ""


def render_logged(lines: Sequence[str]) -> Markup:
    """What a cell logged, muted: the page shows the metrics above; many lines are folded and counted."""
    text = Markup('<pre class="text own">{}</pre>').format("\n".join(lines))
    if len(lines) <= _MOST_LOGGED:
        return text
    summary = format_count(len(lines), "logged value")
    return Markup('<details class="more own"><summary>{}</summary>{}</details>').format(summary, text)


def _settled(bundle: Mapping[str, object]) -> dict[str, object]:
    """Join lines: nbformat stores text as one string or as a list of lines."""
    return {kind: _joined(value) if _is_lines(kind, value) else value for kind, value in bundle.items()}


def _is_lines(kind: str, value: object) -> bool:
    return isinstance(value, list | tuple) and not kind.endswith("json")


def _joined(value: object) -> str:
    if isinstance(value, list | tuple):
        return "".join(str(part) for part in value)
    return "" if value is None else str(value)


def _alternative(bundle: Mapping[str, object]) -> str:
    """What a screen reader says for a picture: its text form, unless that is only an address in memory."""
    text = str(bundle.get("text/plain", "")).strip()
    return "Figure" if not text or text.startswith("<") else text[:200]


def _dimensions(metadata: object, kind: str) -> Markup:
    given = metadata.get(kind) if isinstance(metadata, dict) else None
    width = given.get("width") if isinstance(given, dict) else None
    return Markup(' width="{}"').format(int(width)) if isinstance(width, int | float) else Markup()


def _image(kind: str, content: str, alternative: str, dimensions: Markup) -> Markup:
    tag = Markup('<img class="plate" alt="{}" src="data:{};base64,{}"{}>')
    return tag.format(alternative, kind, content, dimensions)
